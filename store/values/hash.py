"""The hash: fields with values, in the order in which the fields first came.

While it is small its pairs lie in a block (see `packed`), field value field value …; with more than MOST_PAIRS, or something in
it that is too long for a block, they go over to a table, and never back. `encoding` has nothing to do with it: that tells what
Redis would have. Up to MOST_PAIRS a search takes less than half of what it takes in a listpack of Redis (0.8 to 2.1 µs at 512).

Law: only `put`, `remove` and `drop` change the pairs; they keep `nbytes`, `longest` and the table's index in step with them. Either
form has the same pairs in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from store.values.base import Limits
from store.values.index import MemberIndex
from store.values.packed import MOST_BYTES, MOST_ITEM, Packed

MOST_PAIRS = 512
PAIR_COST = 148
"""Bytes a field costs in a table beside its name and value: a table slot and two object headers (CPython 3.11, measured)."""
TABLE_COST = 176
"""Bytes that a hash with a table costs without its fields."""


class FieldTable:
    """The fields of a big hash. `longest`: bytes of the longest field or value there ever was."""

    __slots__ = ("fields", "index", "longest")

    def __init__(self, fields: dict[bytes, bytes], longest: int) -> None:
        self.fields = fields
        self.index: MemberIndex | None = None
        self.longest = longest


class Hash(Packed):
    """Fields with values. `table`: None while the pairs are in the block."""

    __slots__ = ()
    kind = "hash"

    def __init__(self, pairs: Mapping[bytes, bytes] | Iterable[tuple[bytes, bytes]] = ()) -> None:
        super().__init__()
        self.table: FieldTable | None = None
        if pairs:
            self._load(dict(pairs))

    def _load(self, fields: dict[bytes, bytes]) -> None:
        flat = [part for pair in fields.items() for part in pair]
        size, longest = sum(map(len, flat)), max(map(len, flat), default=0)
        if len(fields) <= MOST_PAIRS and longest <= MOST_ITEM and len(flat) + size <= MOST_BYTES:
            self._fill(flat)
            self.longest = longest
        else:
            self._use_table(FieldTable(fields, longest))

    def _use_table(self, table: FieldTable) -> None:
        self._release()
        self.table = table
        fields = table.fields
        self.nbytes = TABLE_COST + PAIR_COST * len(fields) + sum(map(len, fields)) + sum(map(len, fields.values()))

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────
    def __len__(self) -> int:
        return self.size()

    def size(self) -> int:
        """How many fields there are."""
        table = self.table
        return self.count >> 1 if table is None else len(table.fields)

    def __iter__(self) -> Iterator[bytes]:
        """The fields; nothing may change meanwhile."""
        return iter(self.unordered())

    def __contains__(self, field: bytes) -> bool:
        return self.has(field)

    def has(self, field: bytes) -> bool:
        """Tell whether there is such a field."""
        table = self.table
        return self._find(field, 2) >= 0 if table is None else field in table.fields

    def has_any(self, names: tuple[bytes, ...]) -> bool:
        """Tell whether one of the names at least is a field."""
        return any(self.has(name) for name in names)

    def get(self, field: bytes) -> bytes | None:
        """The value of a field, or None."""
        table = self.table
        if table is not None:
            return table.fields.get(field)
        place = self._find(field, 2)
        return None if place < 0 else self._item(place, 1)

    def member_at(self, number: int) -> bytes:
        """A field by its number, while there is no table."""
        return self._item(self._locate(2 * number))

    def values(self) -> Iterable[bytes]:
        """The values of all fields; nothing may change meanwhile."""
        return self._items(1, self.count, 2) if self.table is None else self.table.fields.values()

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """The fields with their values; nothing may change meanwhile."""
        return self.to_dict().items() if self.table is None else self.table.fields.items()

    def to_dict(self) -> dict[bytes, bytes]:
        """A new dict of the fields and their values."""
        table = self.table
        if table is not None:
            return table.fields.copy()
        return self._pairs_as_dict()

    def unordered(self) -> Iterable[bytes]:
        """The fields; nothing may change meanwhile."""
        return self._items(0, self.count, 2) if self.table is None else self.table.fields

    def indexed(self) -> MemberIndex:
        """The fields of a table with places, for cursors and random choice; made on first use and kept up from then on."""
        table = self.table
        if table is None:
            raise TypeError("a hash without a table has no index: what it has is few enough")
        if table.index is None:
            table.index = MemberIndex(table.fields)
        return table.index

    # ── changing: apply functions only ─────────────────────────────────────────────────────────────────────────────
    def put(self, field: bytes, value: bytes) -> bool:
        """Set field to value; True if the field is new."""
        table = self.table
        if table is None:
            longer = max(len(field), len(value))
            place = self._find(field, 2)
            known = place >= 0
            size = len(value) if known else len(field) + len(value)
            if longer <= MOST_ITEM and (known or self.count < 2 * MOST_PAIRS) and self._fits(2, size):
                if known:
                    self._replace(place, 1, value)
                else:
                    self._append_pair(field, value)
                if longer > self.longest:
                    self.longest = longer
                return not known
            table = FieldTable(self.to_dict(), self.longest)
            self._use_table(table)
        return self._put(table, field, value)

    def _put(self, table: FieldTable, field: bytes, value: bytes) -> bool:
        old = table.fields.get(field)
        table.fields[field] = value
        if len(value) > table.longest:
            table.longest = len(value)
        if old is not None:
            self.nbytes += len(value) - len(old)
            return False
        if len(field) > table.longest:
            table.longest = len(field)
        self.nbytes += len(field) + len(value) + PAIR_COST
        if table.index is not None:
            table.index.add(field)
        return True

    def remove(self, field: bytes) -> bool:
        """Take field out; False if it was not there."""
        table = self.table
        if table is None:
            place = self._find(field, 2)
            if place >= 0:
                self._delete(place, 2)
            return place >= 0
        value = table.fields.pop(field, None)
        if value is None:
            return False
        self.nbytes -= len(field) + len(value) + PAIR_COST
        if table.index is not None:
            table.index.discard(field)
        return True

    # ── what every value offers ────────────────────────────────────────────────────────────────────────────────────
    def outgrown(self, limits: Limits) -> bool:
        """Tell whether there are too many fields, or one too long, for a listpack."""
        longest = self.longest if self.table is None else self.table.longest
        return longest > limits.hash_max_listpack_value or len(self) > limits.hash_max_listpack_entries

    def encoding(self) -> str:
        """`listpack` while small, `hashtable` once outgrown."""
        return "listpack" if self.compact else "hashtable"

    def drop(self, count: int) -> bool:
        """Free up to count fields of a hash nobody refers to (all of them that are in a block); True when nothing is left."""
        if self.table is None:
            self._release()
            return True
        fields, index = self.table.fields, self.table.index
        for _ in range(min(count, len(fields))):
            fields.popitem()
        if index is not None:
            index.drop(count)
        return not fields

    def copy(self) -> Hash:
        """An independent copy in the same encoding, without an index."""
        twin = Hash()
        twin._take_over(self)
        if self.table is not None:
            twin.table = FieldTable(self.table.fields.copy(), self.table.longest)
        return twin

    def _check(self) -> None:
        self.check_packed()
        pairs = self.to_dict()
        assert len(pairs) == len(self)
        longest = max((len(part) for pair in pairs.items() for part in pair), default=0)
        if self.table is None:
            assert self.count <= 2 * MOST_PAIRS
            assert self.longest >= longest
            return
        assert self.count == 0
        assert self.nbytes == TABLE_COST + sum(len(field) + len(value) + PAIR_COST for field, value in pairs.items())
        assert self.table.longest >= longest
        if self.table.index is not None:
            self.table.index._check(pairs)
