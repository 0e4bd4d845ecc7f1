"""The state: sixteen databases, and what is counted, watched and freed over all of them.

Law: databases change only by the apply functions in `store.apply` (see `store.database`). Invariant: `used` is the sum of
all costs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from store.database import Database
from store.entry import Entry, collection
from store.table import Table
from store.values.base import Limits, Value

if TYPE_CHECKING:
    from store.key_walk import Reader

Place = tuple[int, bytes]
"""A key and the number of its database."""

BIG = 4096
"""Members from which a removed value is freed in slices by the engine instead of at once."""
LFU_INIT = 5


class Keyspace:
    """All databases of a node and what is counted over them."""

    def __init__(self, databases: int = 16) -> None:
        self.now = 0  # unix ms of the running command; 0 while events are applied without a command
        self.access_clock = 0  # LRU: seconds, set by the engine
        self.fresh_access = 0  # what a new key's access starts with (LFU: minutes << 8 | LFU_INIT)
        self.lfu: Callable[[int], int] | None = (
            None  # maxmemory-policy is an LFU one: the next access word of a touched key
        )
        self.counting = False  # the running command is a read: count hits and misses
        self.touching = True  # the running command's client touches access times
        self.hits = 0
        self.misses = 0
        self.used = 0
        self.dirty = 0
        self.limits = Limits()
        self.notify_classes = 0
        self.on_notify: Callable[[Database, int, bytes, bytes], None] | None = None
        self.on_publish: Callable[[bytes, bytes, bool], int] | None = None  # channel, message, sharded -> receivers
        self.on_touch: Callable[[bytes], None] | None = None  # client-side caching: a key changed
        self.on_flush: Callable[[], None] | None = None  # client-side caching: a database was emptied
        self.notice: bytes | None = None  # overrides the event name of the running apply (INCR is recorded as SET)
        self.notice_class = 0  # overrides its class too, if not 0 (an expired key leaves by DEL)
        self.watched: dict[Place, list[Callable[[Place], None]]] = {}
        self.waiting: dict[tuple[int, bytes], object] = {}
        self.ready: dict[tuple[int, bytes], None] = {}
        self.graveyard: list[Value | Table | list[tuple[int, bytes]]] = []
        self.freed = 0  # what was freed from there
        self.pinned: dict[Value, list[Reader]] = {}  # values that replies in the making read
        self.kept: set[Value] = set()  # those of them that are nobody's any more
        self.functions: dict[bytes, bytes] = {}  # code of function libraries by name; replaced when it changes, never edited
        self.databases = [Database(self, index) for index in range(databases)]

    def notify(self, db: Database, notice_class: int, notice: bytes, key: bytes, renamed: bool = True) -> None:
        """Publish a keyspace notification if its class is on; `notice` (see there) gives the name unless renamed is False."""
        if not self.notify_classes or self.on_notify is None:
            return
        if renamed and self.notice:
            notice, notice_class = self.notice, self.notice_class or notice_class
        if self.notify_classes & notice_class:
            self.on_notify(db, notice_class, notice, key)

    def discard(self, value: Value) -> None:
        """Forget a value: big ones wait in `graveyard` to be freed in slices, after those who read them."""
        if len(value) > BIG:
            if value in self.pinned:
                self.kept.add(value)
            else:
                self.graveyard.append(value)

    def pin(self, value: Value, reader: Reader) -> None:
        """Let reader finish before value changes."""
        self.pinned.setdefault(value, []).append(reader)

    def unpin(self, value: Value, reader: Reader) -> None:
        """The reader has finished; with the last one goes a value that is nobody's any more."""
        readers = self.pinned[value]
        readers.remove(reader)
        if not readers:
            del self.pinned[value]
            if value in self.kept:
                self.kept.remove(value)
                self.discard(value)

    def settle(self, value: Value) -> None:
        """Let those who read a value finish: it is about to change."""
        for reader in list(self.pinned.get(value, ())):
            reader.finish()

    def free_slice(self, count: int) -> bool:
        """Free about count members or keys of what waits in the graveyard; True when nothing waits."""
        while self.graveyard and count > 0:
            dead = self.graveyard.pop()
            if isinstance(dead, Value):
                if dead.drop(count):
                    self.freed += 1
                else:
                    self.graveyard.append(dead)
                break
            before = len(dead)
            if isinstance(dead, Table):
                self._free_entries(dead.drop(count))
            else:
                del dead[-count:]
            count -= before - len(dead)
            if len(dead):
                self.graveyard.append(dead)
        return not self.graveyard

    def _free_entries(self, gone: list[Entry]) -> None:
        """Count entries that nobody holds any more; big values among them wait for their turn."""
        self.freed += len(gone)
        for entry in gone:
            value = collection(entry)
            if value is not None:
                self.discard(value)

    def swap(self, first: int, second: int) -> None:
        """Exchange the contents of two databases (SWAPDB); clients selected on either see the other's keys."""
        a, b = self.databases[first], self.databases[second]
        a.end_walks()
        b.end_walks()
        a.entries, b.entries = b.entries, a.entries
        a.deadlines, b.deadlines = b.deadlines, a.deadlines
        a.expiring, b.expiring = b.expiring, a.expiring
        for index, key in list(self.watched) + list(self.waiting):
            if index in (first, second) and (key in a.entries or key in b.entries):
                self.databases[index].touched(key)

    def adopt(self, other: Keyspace) -> None:
        """Take over another keyspace's contents in place of the own ones, which are freed in slices (a replica's full sync)."""
        self.clear()
        for own, new in zip(self.databases, other.databases, strict=True):
            own.entries, own.deadlines, own.expiring = new.entries, new.deadlines, new.expiring
            new.entries, new.deadlines, new.expiring = Table(), [], 0
        self.used, other.used = other.used, 0
        self.functions = other.functions
        for index, key in (*self.watched, *self.waiting):
            if key in self.databases[index].entries:
                self.databases[index].touched(key)

    def clear(self) -> int:
        """Remove every key of every database; return how many there were."""
        if self.on_flush is not None:
            self.on_flush()
        return sum(db._clear() for db in self.databases)

    def _check(self) -> None:
        total = sum(db._check() for db in self.databases)
        assert total == self.used, (total, self.used)
