"""The hash: fields with values, in the order in which the fields first came.

Law: only `put`, `remove` and `drop` change `fields`; they keep `nbytes`, `longest` and `index` in step with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from store.values.base import Limits, Value
from store.values.index import MemberIndex

PAIR_COST = 148
"""Bytes a field costs beside its name and value: a table slot and two object headers (CPython 3.11, measured)."""


class Hash(Value):
    """Fields with values. Read `fields` freely; `index` is made by the first scan or random choice in a big hash."""

    __slots__ = ("fields", "index", "longest")
    kind = "hash"

    def __init__(self, pairs: Mapping[bytes, bytes] | Iterable[tuple[bytes, bytes]] = ()) -> None:
        super().__init__()
        self.fields: dict[bytes, bytes] = dict(pairs)
        self.longest = 0  # bytes of the longest field or value there ever was
        self.index: MemberIndex | None = None
        for field, value in self.fields.items():
            self.nbytes += len(field) + len(value) + PAIR_COST
            self.longest = max(self.longest, len(field), len(value))

    def __len__(self) -> int:
        return len(self.fields)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.fields)

    def __contains__(self, field: bytes) -> bool:
        return field in self.fields

    def put(self, field: bytes, value: bytes) -> bool:
        """Set field to value; True if the field is new."""
        old = self.fields.get(field)
        self.fields[field] = value
        if len(value) > self.longest:
            self.longest = len(value)
        if old is not None:
            self.nbytes += len(value) - len(old)
            return False
        if len(field) > self.longest:
            self.longest = len(field)
        self.nbytes += len(field) + len(value) + PAIR_COST
        if self.index is not None:
            self.index.add(field)
        return True

    def remove(self, field: bytes) -> bool:
        """Take field out; False if it was not there."""
        value = self.fields.pop(field, None)
        if value is None:
            return False
        self.nbytes -= len(field) + len(value) + PAIR_COST
        if self.index is not None:
            self.index.discard(field)
        return True

    def indexed(self) -> MemberIndex:
        """The fields with places, for cursors and random choice; made on first use and kept up from then on."""
        if self.index is None:
            self.index = MemberIndex(self.fields)
        return self.index

    def outgrown(self, limits: Limits) -> bool:
        """Tell whether there are too many fields, or one too long, for a listpack."""
        return len(self.fields) > limits.hash_max_listpack_entries or self.longest > limits.hash_max_listpack_value

    def encoding(self) -> str:
        """`listpack` while small, `hashtable` once outgrown."""
        return "listpack" if self.compact else "hashtable"

    def drop(self, count: int) -> bool:
        """Free up to count fields of a hash nobody refers to; True when nothing is left."""
        for _ in range(min(count, len(self.fields))):
            self.fields.popitem()
        if self.index is not None:
            self.index.drop(count)
        return not self.fields

    def copy(self) -> Hash:
        """An independent copy in the same encoding, without an index."""
        twin = Hash()
        twin.fields = self.fields.copy()
        twin.nbytes, twin.longest, twin.compact = self.nbytes, self.longest, self.compact
        return twin

    def _check(self) -> None:
        lengths = [(len(field), len(value)) for field, value in self.fields.items()]
        assert self.nbytes == 64 + sum(map(sum, lengths)) + PAIR_COST * len(lengths)
        assert self.longest >= max(map(max, lengths), default=0)
        if self.index is not None:
            self.index._check(self.fields)
