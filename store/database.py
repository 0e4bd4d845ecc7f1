"""One of the databases: entries by key, changed only by the apply functions in `store.apply`.

Law: nothing here reads the clock, configuration or randomness to decide about data. `keyspace.now` is set by the engine once
a command; during replay it stays 0, so that no deadline is ever seen as passed (expired keys leave by recorded events).
Invariants: `expiring` counts entries with a deadline, and each of those has its pair in `deadlines`.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, TypeVar

from store.entry import Entry, Stored, collection, cost_of, keep, size_of, value_of
from store.errors import wrong_type
from store.notifications import GENERIC, KEY_MISS, NEW
from store.table import Table
from store.values.base import Value
from store.values.hash import Hash
from store.values.list import List
from store.values.set import Set
from store.values.sorted_set import SortedSet

if TYPE_CHECKING:
    from store.key_walk import KeyWalk
    from store.keyspace import Keyspace

V = TypeVar("V", bound=Value)


class Database:
    """One numbered database. Readers: `get`, `peek` and the typed forms; everything below `put` is for apply functions only."""

    __slots__ = ("deadlines", "entries", "expiring", "index", "keyspace", "walks")

    def __init__(self, keyspace: Keyspace, index: int) -> None:
        self.keyspace = keyspace
        self.index = index
        self.entries = Table()
        self.expiring = 0
        self.deadlines: list[tuple[int, bytes]] = []
        self.walks: list[KeyWalk] = []  # replies that list the keys and are not complete yet

    @property
    def order(self) -> list[Entry]:
        """The entries at their places, to be read only."""
        return self.entries.order

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────
    def live(self, key: bytes) -> Entry | None:
        """The entry of key, unless it is missing or logically expired; counts nothing, touches nothing."""
        entry = self.entries.get(key)
        if entry is None or (entry.deadline and entry.deadline <= self.keyspace.now):
            return None
        return entry

    def peek(self, key: bytes) -> Stored | None:
        """The value of key, or None, without counting a hit or touching its access time."""
        entry = self.live(key)
        return None if entry is None else value_of(entry)

    def get(self, key: bytes) -> Stored | None:
        """The value of key, or None; counts a hit or miss for read commands and touches the access time."""
        entry = self.entries.get(key)
        keyspace = self.keyspace
        if entry is None or (entry.deadline and entry.deadline <= keyspace.now):
            if keyspace.counting:
                keyspace.misses += 1
                keyspace.notify(self, KEY_MISS, b"keymiss", key)
            return None
        if keyspace.counting:
            keyspace.hits += 1
        if keyspace.touching:
            entry.access = keyspace.access_clock if keyspace.lfu is None else keyspace.lfu(entry.access)
        return value_of(entry)

    def string(self, key: bytes) -> bytes | None:
        """The string at key, or None; raise WRONGTYPE for another type."""
        value = self.get(key)
        if value is None or type(value) is bytes:
            return value
        if isinstance(value, bytearray):
            return bytes(value)
        raise wrong_type()

    def typed(self, key: bytes, kind: type[V]) -> V | None:
        """The value of key if it is of the given class, or None; raise WRONGTYPE for another type."""
        value = self.get(key)
        if value is None or isinstance(value, kind):
            return value
        raise wrong_type()

    def hash(self, key: bytes) -> Hash | None:
        """The hash at key, or None; raise WRONGTYPE for another type."""
        return self.typed(key, Hash)

    def list(self, key: bytes) -> List | None:
        """The list at key, or None; raise WRONGTYPE for another type."""
        return self.typed(key, List)

    def set(self, key: bytes) -> Set | None:
        """The set at key, or None; raise WRONGTYPE for another type."""
        return self.typed(key, Set)

    def zset(self, key: bytes) -> SortedSet | None:
        """The sorted set at key, or None; raise WRONGTYPE for another type."""
        return self.typed(key, SortedSet)

    def __len__(self) -> int:
        return len(self.entries)

    # ── changing: apply functions only ─────────────────────────────────────────────────────────────────────────────
    def put(self, key: bytes, value: Stored, keep_deadline: bool = False, changes: int = 1) -> Entry:
        """Set key to value; its deadline goes unless kept. Does not notify: the caller names the event."""
        keyspace = self.keyspace
        entry = self.entries.get(key)
        if entry is None:
            entry = self._added(key, value)
            if keyspace.notify_classes & NEW:
                keyspace.notify(self, NEW, b"new", key, renamed=False)
        else:
            self.exchange(entry, value)
            if entry.deadline and not keep_deadline:
                self._clear_deadline(entry)
            if keyspace.lfu is None:
                entry.access = keyspace.access_clock
        self.touched(key, changes)
        return entry

    def _added(self, key: bytes, value: Stored) -> Entry:
        """Add a key that is missing."""
        entry = self.entries.add(key, value, self.keyspace.fresh_access)
        self.keyspace.used += size_of(entry)
        if isinstance(value, Value):
            self._account(value)
        return entry

    def exchange(self, entry: Entry, value: Stored) -> None:
        """Let an entry of this database hold another value."""
        keyspace = self.keyspace
        before = size_of(entry)
        old = keep(entry, value)
        keyspace.used += size_of(entry) - before
        if old is not None:
            keyspace.used -= old.accounted
            keyspace.discard(old)
        if isinstance(value, Value):
            self._account(value)

    def _account(self, value: Value) -> None:
        """Count a collection that the database did not hold before."""
        self.keyspace.used += value.nbytes
        value.accounted = value.nbytes
        if value.compact and value.outgrown(self.keyspace.limits):
            value.compact = False

    def open(self, key: bytes, kind: type[V]) -> V:
        """The collection at key for editing, created empty if missing; end every edit with `edited`."""
        entry = self.entries.get(key)
        if entry is None:
            made = kind()
            self.put(key, made, False, 0)  # making it is part of the edit
            return made
        value = collection(entry)
        if not isinstance(value, kind):
            raise TypeError(f"event for {kind.__name__} meets {type(entry.value).__name__} at {key!r}")
        if self.keyspace.pinned:
            self.keyspace.settle(value)
        if self.keyspace.lfu is None:
            entry.access = self.keyspace.access_clock
        return value

    def edited(self, key: bytes, value: Value, notice_class: int, notice: bytes, changes: int = 1) -> None:
        """Account an edited collection, notify, and remove the key when nothing is left in it; changes: to how many members."""
        keyspace = self.keyspace
        if value.compact and value.outgrown(keyspace.limits):
            value.compact = False
        keyspace.used += value.nbytes - value.accounted
        value.accounted = value.nbytes
        self.touched(key, changes)
        keyspace.notify(self, notice_class, notice, key)
        if not len(value):
            self.remove(key, 0)
            keyspace.notify(self, GENERIC, b"del", key, renamed=False)

    def resized(self, key: bytes, growth: int, changes: int = 1) -> None:
        """Account a string that was edited in place: growth in bytes."""
        self.keyspace.used += growth
        self.touched(key, changes)

    def remove(self, key: bytes, changes: int = 1) -> Entry | None:
        """Take key out; return its entry, or None if it was missing. Does not notify."""
        entry = self.detach(key, changes)
        if entry is not None:
            value = collection(entry)
            if value is not None:
                self.keyspace.discard(value)
        return entry

    def detach(self, key: bytes, changes: int = 1) -> Entry | None:
        """Take key out but keep its value alive and whole, to be put elsewhere (RENAME, MOVE)."""
        last = self.order[-1] if self.walks and self.entries else None
        entry = self.entries.remove(key)
        if entry is None:
            return None
        if last is not None:
            for walk in self.walks:
                walk.removed(entry, last)
        if entry.deadline:
            self.expiring -= 1
        self.keyspace.used -= size_of(entry)
        value = collection(entry)
        if value is not None:
            self.keyspace.used -= value.accounted
        self.touched(key, changes)
        return entry

    def set_deadline(self, key: bytes, deadline: int, changes: int = 1) -> None:
        """Let key expire at deadline (unix ms, > 0); the key must exist."""
        entry = self.entries[key]
        if not entry.deadline:
            self.expiring += 1
        entry.deadline = deadline
        heapq.heappush(self.deadlines, (deadline, key))
        if len(self.deadlines) > 2 * self.expiring + 1024:
            self.rebuild_deadlines()
        self.touched(key, changes)

    def clear_deadline(self, key: bytes) -> bool:
        """Let key live on; False if it was missing or had no deadline."""
        entry = self.entries.get(key)
        if entry is None or not entry.deadline:
            return False
        self._clear_deadline(entry)
        self.touched(key)
        return True

    def _clear_deadline(self, entry: Entry) -> None:
        entry.deadline = 0
        self.expiring -= 1

    def rebuild_deadlines(self) -> None:
        """Drop the heap's outdated pairs (a deadline that moved or went leaves its old pair behind)."""
        self.deadlines = [(e.deadline, e.key) for e in self.order if e.deadline]
        heapq.heapify(self.deadlines)

    def clear(self) -> int:
        """Remove every key and return how many there were; their memory is freed in slices."""
        if self.keyspace.on_flush is not None:
            self.keyspace.on_flush()
        return self._clear()

    def _clear(self) -> int:
        count = len(self.entries)
        keyspace = self.keyspace
        self.end_walks()
        for index, key in (*keyspace.watched, *keyspace.waiting):
            if index == self.index and key in self.entries:
                self.touched(key)
        others = [other for other in keyspace.databases if other is not self]
        if sum(map(len, others)) > count:
            keyspace.used -= self._cost()
        else:
            keyspace.used = sum(other._cost() for other in others)  # mostly there are none, or few
        keyspace.graveyard += (self.deadlines, self.entries)
        self.entries, self.deadlines, self.expiring = Table(), [], 0
        return count

    def _cost(self) -> int:
        return sum(cost_of(entry) for entry in self.order)

    def end_walks(self) -> None:
        """Have the replies that list the keys completed: all of them are about to change."""
        for walk in list(self.walks):
            if walk.reader is not None:
                walk.reader.finish()

    def touched(self, key: bytes, changes: int = 1) -> None:
        """Tell watchers and blocked clients that key changed; changes: how many a snapshot would have to hold, 0: none more."""
        keyspace = self.keyspace
        keyspace.dirty += changes
        if keyspace.on_touch is not None:
            keyspace.on_touch(key)
        if keyspace.watched and (self.index, key) in keyspace.watched:
            for watcher in keyspace.watched[self.index, key]:
                watcher((self.index, key))
        if keyspace.waiting and (self.index, key) in keyspace.waiting:
            keyspace.ready[self.index, key] = None

    def _check(self) -> int:
        """Assert every invariant; return what the keys cost."""
        self.entries._check()
        assert self.expiring == sum(1 for e in self.order if e.deadline)
        pairs = set(self.deadlines)
        for entry in self.order:
            assert not entry.deadline or (entry.deadline, entry.key) in pairs
            value = collection(entry)
            if value is not None:
                assert len(value) > 0
                assert value.accounted == value.nbytes
                value._check()
        return self._cost()
