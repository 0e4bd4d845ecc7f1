"""The keys of a database: an entry for each, found by its key, and a place in `order`. Compiled: table.pyx, in less memory.

Law: entries come by `add` and go by `remove`, and nobody else changes `order`. A place is given up only to the last entry
(see `store.values.index`), so that walks find whatever stays. No step takes longer for a large table than for a small one
by more than a part of a millisecond (compiled; a plain dict grows in one go).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from store.entry import Entry, Stored, new_entry


class Table:
    """Entries by key. Invariant: `order[entry.slot] is entry` for each of them, and nothing else is in `order`."""

    __slots__ = ("_entries", "get", "order")

    def __init__(self, spread: int = -1) -> None:
        """Make an empty table; spread: the bits of a hash that count, fewer only to test what collisions do."""
        self._entries: dict[bytes, Entry] = {}
        self.get: Callable[[bytes], Entry | None] = self._entries.get
        self.order: list[Entry] = []

    def __len__(self) -> int:
        return len(self.order)

    def __contains__(self, key: bytes) -> bool:
        return key in self._entries

    def __getitem__(self, key: bytes) -> Entry:
        return self._entries[key]

    def __iter__(self) -> Iterator[bytes]:
        return (entry.key for entry in self.order)

    def __sizeof__(self) -> int:
        """Bytes of the table and its places; entries are not part of it."""
        return object.__sizeof__(self) + sys.getsizeof(self._entries) + sys.getsizeof(self.order)

    def add(self, key: bytes, value: Stored, access: int) -> Entry:
        """Make an entry for a key that has none, at the end of `order`. Where memory fails nothing has changed."""
        entry = new_entry(key, value, len(self.order), access)
        self.order.append(entry)
        try:
            self._entries[key] = entry
        except MemoryError:
            self.order.pop()
            raise
        return entry

    def remove(self, key: bytes) -> Entry | None:
        """Take the entry of key out, or return None; it keeps the number of its place, which the last entry is given."""
        entry = self.get(key)
        if entry is None:
            return None
        last = self.order.pop()  # the one step that may fail
        del self._entries[key]
        if last is not entry:
            self.order[entry.slot] = last
            last.slot = entry.slot
        return entry

    def drop(self, count: int) -> list[Entry]:
        """Take out up to count entries of a table that is dead: from now on only `drop` and `len` make sense."""
        start = max(len(self.order) - count, 0)
        gone = self.order[start:]
        del self.order[start:]
        for _ in gone:
            self._entries.popitem()
        return gone

    def _check(self) -> None:
        assert len(self._entries) == len(self.order)
        for place, entry in enumerate(self.order):
            assert entry.slot == place
            assert self._entries[entry.key] is entry
