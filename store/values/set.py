"""The set: members, each once, without an order of their own.

While it is small its members lie in a block (see `packed`); with more than MOST_MEMBERS, or one that is too long for a block, they
go over to a table, and never back. `encoding` has nothing to do with it: that tells what Redis would have.

Law: only `add`, `remove` and `drop` change the members; they keep `nbytes`, `compact` and the table's index in step with them. A set
of integers alone, and few of them, is `compact`: Redis keeps it as an intset, and therefore replies in ascending order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from store.numbers import is_integer
from store.values.base import Limits
from store.values.index import MemberIndex
from store.values.packed import MOST_BYTES, MOST_ITEM, Packed

MOST_MEMBERS = 128
MEMBER_COST = 92
"""Bytes a member costs in a table beside its name: a table slot and the object header (CPython 3.11, measured)."""
TABLE_COST = 176
"""Bytes that a set with a table costs without its members."""


class MemberTable:
    """The members of a big set; `index` is made by the first scan or random choice."""

    __slots__ = ("index", "members")

    def __init__(self, members: set[bytes]) -> None:
        self.members = members
        self.index: MemberIndex | None = None


class Set(Packed):
    """Members. `table`: None while they are in the block."""

    __slots__ = ()
    kind = "set"

    def __init__(self, members: Iterable[bytes] = ()) -> None:
        super().__init__()
        self.table: MemberTable | None = None
        if members:
            self._load(set(members))

    @classmethod
    def of(cls, members: set[bytes]) -> Set:
        """A set that takes members over instead of copying them: nobody else may change them any more."""
        made = cls()
        made._load(members)
        return made

    def _load(self, members: set[bytes]) -> None:
        self.compact = all(map(is_integer, members))
        size, longest = sum(map(len, members)), max(map(len, members), default=0)
        if len(members) <= MOST_MEMBERS and longest <= MOST_ITEM and len(members) + size <= MOST_BYTES:
            self._fill(list(members))
        else:
            self._use_table(members)

    def _use_table(self, members: set[bytes]) -> MemberTable:
        self._release()
        self.table = table = MemberTable(members)
        self.nbytes = TABLE_COST + MEMBER_COST * len(members) + sum(map(len, members))
        return table

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────
    def __len__(self) -> int:
        return self.size()

    def size(self) -> int:
        """How many members there are."""
        table = self.table
        return self.count if table is None else len(table.members)

    def __iter__(self) -> Iterator[bytes]:
        """The members in the order in which they are replied; nothing may change meanwhile."""
        return iter(self.ordered() if self.compact else self.unordered())

    def __contains__(self, member: bytes) -> bool:
        return self.has(member)

    def has(self, member: bytes) -> bool:
        """Tell whether there is such a member."""
        table = self.table
        return self._find(member, 1) >= 0 if table is None else member in table.members

    def has_any(self, names: tuple[bytes, ...]) -> bool:
        """Tell whether one of the names at least is a member."""
        return any(self.has(name) for name in names)

    def has_all(self, names: tuple[bytes, ...]) -> bool:
        """Tell whether all names are members."""
        return all(self.has(name) for name in names)

    def unordered(self) -> Iterable[bytes]:
        """The members in any order; nothing may change meanwhile."""
        return self._items(0, self.count) if self.table is None else self.table.members

    def ordered(self) -> list[bytes]:
        """The members in the order in which they are replied: ascending while compact, otherwise any."""
        return sorted(self.unordered(), key=int) if self.compact else list(self.unordered())

    def members(self) -> set[bytes]:
        """The members as a set, to be read only: the set's own if it has a table."""
        return set(self._items(0, self.count)) if self.table is None else self.table.members

    def member_at(self, number: int) -> bytes:
        """A member by its number, while there is no table."""
        return self._item(self._locate(number))

    def indexed(self) -> MemberIndex:
        """The members of a table with places, for cursors and random choice; made on first use and kept up from then on."""
        table = self.table
        if table is None:
            raise TypeError("a set without a table has no index: what it has is few enough")
        if table.index is None:
            table.index = MemberIndex(table.members)
        return table.index

    # ── changing: apply functions only ─────────────────────────────────────────────────────────────────────────────
    def add(self, member: bytes) -> bool:
        """Put member in; False if it was there."""
        table = self.table
        if table is None:
            if self._find(member, 1) >= 0:
                return False
            if self.compact and not is_integer(member):
                self.compact = False
            if self.count < MOST_MEMBERS and len(member) <= MOST_ITEM and self._fits(1, len(member)):
                self._append(member)
                return True
            table = self._use_table(self.members())
        return self._add(table, member)

    def _add(self, table: MemberTable, member: bytes) -> bool:
        members = table.members
        if member in members:
            return False
        members.add(member)
        self.nbytes += len(member) + MEMBER_COST
        if self.compact and not is_integer(member):
            self.compact = False
        if table.index is not None:
            table.index.add(member)
        return True

    def remove(self, member: bytes) -> bool:
        """Take member out; False if it was not there."""
        table = self.table
        if table is None:
            place = self._find(member, 1)
            if place >= 0:
                self._delete(place, 1)
            return place >= 0
        if member not in table.members:
            return False
        table.members.remove(member)
        self.nbytes -= len(member) + MEMBER_COST
        if table.index is not None:
            table.index.discard(member)
        return True

    # ── what every value offers ────────────────────────────────────────────────────────────────────────────────────
    def outgrown(self, limits: Limits) -> bool:
        """Tell whether there are too many members for an intset; one that is no integer ends `compact` by itself."""
        return len(self) > limits.set_max_intset_entries

    def encoding(self) -> str:
        """`intset` while all members are integers and few, `hashtable` from then on."""
        return "intset" if self.compact else "hashtable"

    def drop(self, count: int) -> bool:
        """Free up to count members of a set nobody refers to (all that are in a block); True when nothing is left."""
        if self.table is None:
            self._release()
            return True
        members, index = self.table.members, self.table.index
        for _ in range(min(count, len(members))):
            members.pop()
        if index is not None:
            index.drop(count)
        return not members

    def copy(self) -> Set:
        """An independent copy in the same encoding, without an index."""
        twin = Set()
        twin._take_over(self)
        if self.table is not None:
            twin.table = MemberTable(self.table.members.copy())
        return twin

    def _check(self) -> None:
        self.check_packed()
        members = self.members()
        assert len(members) == len(self)
        assert not self.compact or all(map(is_integer, members))
        if self.table is None:
            assert self.count <= MOST_MEMBERS
            return
        assert self.count == 0
        assert self.nbytes == TABLE_COST + sum(map(len, members)) + MEMBER_COST * len(members)
        if self.table.index is not None:
            self.table.index._check(members)
