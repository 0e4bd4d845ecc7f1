"""The set: members, each once, without an order of their own.

Law: only `add`, `remove` and `drop` change `members`; they keep `nbytes`, `compact` and `index` in step with it. A set
of integers alone, and few of them, is `compact`: Redis keeps it as an intset, and therefore replies in ascending order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from store.numbers import is_integer
from store.values.base import Limits, Value
from store.values.index import MemberIndex

MEMBER_COST = 92
"""Bytes a member costs beside its name: a table slot and the object header (CPython 3.11, measured)."""


class Set(Value):
    """Members. Read `members` freely; `index` is made by the first scan or random choice in a big set."""

    __slots__ = ("index", "members")
    kind = "set"

    def __init__(self, members: Iterable[bytes] = ()) -> None:
        super().__init__()
        self.members: set[bytes] = set(members)
        self.index: MemberIndex | None = None
        self._measure()

    @classmethod
    def of(cls, members: set[bytes]) -> Set:
        """A set that takes members over instead of copying them: nobody else may change them any more."""
        made = cls()
        made.members = members
        made._measure()
        return made

    def _measure(self) -> None:
        self.nbytes += sum(map(len, self.members)) + MEMBER_COST * len(self.members)
        self.compact = all(map(is_integer, self.members))

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.ordered() if self.compact else self.members)

    def __contains__(self, member: bytes) -> bool:
        return member in self.members

    def add(self, member: bytes) -> bool:
        """Put member in; False if it was there."""
        if member in self.members:
            return False
        self.members.add(member)
        self.nbytes += len(member) + MEMBER_COST
        if self.compact and not is_integer(member):
            self.compact = False
        if self.index is not None:
            self.index.add(member)
        return True

    def remove(self, member: bytes) -> bool:
        """Take member out; False if it was not there."""
        if member not in self.members:
            return False
        self.members.remove(member)
        self.nbytes -= len(member) + MEMBER_COST
        if self.index is not None:
            self.index.discard(member)
        return True

    def ordered(self) -> list[bytes]:
        """The members in the order in which they are replied: ascending while compact, otherwise any."""
        return sorted(self.members, key=int) if self.compact else list(self.members)

    def indexed(self) -> MemberIndex:
        """The members with places, for cursors and random choice; made on first use and kept up from then on."""
        if self.index is None:
            self.index = MemberIndex(self.members)
        return self.index

    def outgrown(self, limits: Limits) -> bool:
        """Tell whether there are too many members for an intset; one that is no integer ends `compact` by itself."""
        return len(self.members) > limits.set_max_intset_entries

    def encoding(self) -> str:
        """`intset` while all members are integers and few, `hashtable` from then on."""
        return "intset" if self.compact else "hashtable"

    def drop(self, count: int) -> bool:
        """Free up to count members of a set nobody refers to; True when nothing is left."""
        for _ in range(min(count, len(self.members))):
            self.members.pop()
        if self.index is not None:
            self.index.drop(count)
        return not self.members

    def copy(self) -> Set:
        """An independent copy in the same encoding, without an index."""
        twin = Set()
        twin.members = self.members.copy()
        twin.nbytes, twin.compact = self.nbytes, self.compact
        return twin

    def _check(self) -> None:
        assert self.nbytes == 64 + sum(map(len, self.members)) + MEMBER_COST * len(self.members)
        assert not self.compact or all(map(is_integer, self.members))
        if self.index is not None:
            self.index._check(self.members)
