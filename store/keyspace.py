"""The state: sixteen databases of entries, changed only by the apply functions in `store.apply`.

Law: nothing here reads the clock, configuration or randomness to decide about data. `now` is set by the engine once a
command; during replay it stays 0, so that no deadline is ever seen as passed (expired keys leave by recorded events).
Invariants: `order[e.slot] is e` for every entry; `expiring` counts entries with a deadline; `used` is the sum of all costs.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from store.entry import Entry
from store.errors import wrong_type
from store.notifications import GENERIC, KEY_MISS, NEW
from store.values.base import Limits, Value
from store.values.hash import Hash
from store.values.list import List
from store.values.set import Set
from store.values.sorted_set import SortedSet

if TYPE_CHECKING:
    from store.key_walk import KeyWalk, Reader

Stored = bytes | bytearray | Value
Place = tuple[int, bytes]
"""A key and the number of its database."""
V = TypeVar("V", bound=Value)

ENTRY_COST = 160
"""Bytes a key costs beside its name and value: table slots, the entry and object headers (CPython 3.11, measured)."""
BIG = 4096
"""Members from which a removed value is freed in slices by the engine instead of at once."""
LFU_INIT = 5


def new_entry(key: bytes, value: Stored, slot: int, access: int) -> Entry:
    """Make what `Entry` makes, without calling its `__init__`: compiled, that costs more than all the rest."""
    entry = Entry.__new__(Entry)
    entry.key = key
    entry.value = value
    entry.deadline = 0
    entry.access = access
    entry.slot = slot
    return entry


def cost_of(value: Stored) -> int:
    """Estimate a value's memory in bytes."""
    return len(value) + 33 if type(value) is bytes or not isinstance(value, Value) else value.nbytes


def counted_cost(value: Stored) -> int:
    """The part of a stored value's memory that the keyspace has counted."""
    return len(value) + 33 if type(value) is bytes or not isinstance(value, Value) else value.accounted


class Database:
    """One numbered database. Readers: `get`, `peek` and the typed forms; everything below `put` is for apply functions only."""

    __slots__ = ("deadlines", "entries", "expiring", "index", "keyspace", "order", "walks")

    def __init__(self, keyspace: Keyspace, index: int) -> None:
        self.keyspace = keyspace
        self.index = index
        self.entries: dict[bytes, Entry] = {}
        self.order: list[Entry] = []
        self.expiring = 0
        self.deadlines: list[tuple[int, bytes]] = []
        self.walks: list[KeyWalk] = []  # replies that list the keys and are not complete yet

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
        return None if entry is None else entry.value

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
        return entry.value

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
    def put(self, key: bytes, value: Stored, keep_deadline: bool = False) -> Entry:
        """Set key to value; its deadline goes unless kept. Does not notify: the caller names the event."""
        keyspace = self.keyspace
        entry = self.entries.get(key)
        if entry is None:
            entry = self.entries[key] = new_entry(key, value, len(self.order), keyspace.fresh_access)
            self.order.append(entry)
            keyspace.used += ENTRY_COST + len(key) + cost_of(value)
            if keyspace.notify_classes & NEW:
                keyspace.notify(self, NEW, b"new", key, renamed=False)
        else:
            old, entry.value = entry.value, value
            keyspace.used += cost_of(value) - counted_cost(old)
            if isinstance(old, Value):
                keyspace.discard(old)
            if entry.deadline and not keep_deadline:
                self._clear_deadline(entry)
            if keyspace.lfu is None:
                entry.access = keyspace.access_clock
        if isinstance(value, Value):
            value.accounted = value.nbytes
            if value.compact and value.outgrown(keyspace.limits):
                value.compact = False
        self.touched(key)
        return entry

    def open(self, key: bytes, kind: type[V]) -> V:
        """The collection at key for editing, created empty if missing; end every edit with `edited`."""
        entry = self.entries.get(key)
        if entry is None:
            value = kind()
            self.put(key, value)
            self.keyspace.dirty -= 1  # making it is part of the edit
            return value
        if not isinstance(entry.value, kind):
            raise TypeError(f"event for {kind.__name__} meets {type(entry.value).__name__} at {key!r}")
        if self.keyspace.pinned:
            self.keyspace.settle(entry.value)
        if self.keyspace.lfu is None:
            entry.access = self.keyspace.access_clock
        return entry.value

    def edited(self, key: bytes, value: Value, notice_class: int, notice: bytes, changes: int = 1) -> None:
        """Account an edited collection, notify, and remove the key when nothing is left in it; changes: to how many members."""
        keyspace = self.keyspace
        keyspace.dirty += changes - 1
        if value.compact and value.outgrown(keyspace.limits):
            value.compact = False
        keyspace.used += value.nbytes - value.accounted
        value.accounted = value.nbytes
        self.touched(key)
        keyspace.notify(self, notice_class, notice, key)
        if not len(value):
            self.remove(key)
            keyspace.dirty -= 1
            keyspace.notify(self, GENERIC, b"del", key, renamed=False)

    def resized(self, key: bytes, growth: int) -> None:
        """Account a string that was edited in place: growth in bytes."""
        self.keyspace.used += growth
        self.touched(key)

    def remove(self, key: bytes) -> Entry | None:
        """Take key out; return its entry, or None if it was missing. Does not notify."""
        entry = self.entries.pop(key, None)
        if entry is None:
            return None
        last = self.order.pop()
        for walk in self.walks:
            walk.removed(entry, last)
        if last is not entry:
            self.order[entry.slot] = last
            last.slot = entry.slot
        if entry.deadline:
            self.expiring -= 1
        self.keyspace.used -= ENTRY_COST + len(key) + counted_cost(entry.value)
        if isinstance(entry.value, Value):
            self.keyspace.discard(entry.value)
        self.touched(key)
        return entry

    def detach(self, key: bytes) -> Entry | None:
        """Take key out but keep its value alive and whole, to be put elsewhere (RENAME, MOVE)."""
        entry = self.entries.get(key)
        if entry is None:
            return None
        value, entry.value = entry.value, b""
        self.keyspace.used -= counted_cost(value) - counted_cost(b"")
        deadline, access = entry.deadline, entry.access
        self.remove(key)
        moved = new_entry(key, value, -1, access)
        moved.deadline = deadline
        return moved

    def set_deadline(self, key: bytes, deadline: int) -> None:
        """Let key expire at deadline (unix ms, > 0); the key must exist."""
        entry = self.entries[key]
        if not entry.deadline:
            self.expiring += 1
        entry.deadline = deadline
        heapq.heappush(self.deadlines, (deadline, key))
        if len(self.deadlines) > 2 * self.expiring + 1024:
            self.rebuild_deadlines()
        self.touched(key)

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
        keyspace.graveyard += (self.deadlines, self.entries, self.order)
        self.entries, self.order, self.deadlines, self.expiring = {}, [], [], 0
        return count

    def _cost(self) -> int:
        return sum(ENTRY_COST + len(e.key) + counted_cost(e.value) for e in self.order)

    def end_walks(self) -> None:
        """Have the replies that list the keys completed: all of them are about to change."""
        for walk in list(self.walks):
            if walk.reader is not None:
                walk.reader.finish()

    def touched(self, key: bytes) -> None:
        """Tell watchers and blocked clients that key changed."""
        keyspace = self.keyspace
        keyspace.dirty += 1
        if keyspace.on_touch is not None:
            keyspace.on_touch(key)
        if keyspace.watched and (self.index, key) in keyspace.watched:
            for watcher in keyspace.watched[self.index, key]:
                watcher((self.index, key))
        if keyspace.waiting and (self.index, key) in keyspace.waiting:
            keyspace.ready[self.index, key] = None


class Keyspace:
    """All databases of a node and what is counted over them."""

    def __init__(self, databases: int = 16) -> None:
        self.now = 0  # unix ms of the running command; 0 while events are applied without a command
        self.access_clock = 0  # LRU: seconds, set by the engine; the same int object for all keys touched in a second
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
        self.graveyard: list[Value | dict[bytes, Entry] | list[Entry] | list[tuple[int, bytes]]] = []
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
                return not self.graveyard
            count = self._free_table(dead, count) if isinstance(dead, dict) else self._free_list(dead, count)
        return not self.graveyard

    def _free_list(self, dead: list[Any], count: int) -> int:
        """Free up to count of a database's entries or deadlines; return how many more may be."""
        gone = dead[-count:]
        del dead[-count:]
        if dead:
            self.graveyard.append(dead)
        for entry in gone:
            if isinstance(entry, Entry):
                self.freed += 1
                if isinstance(entry.value, Value):
                    self.discard(entry.value)
        return count - len(gone)

    def _free_table(self, dead: dict[bytes, Entry], count: int) -> int:
        """Free up to count of a database's names."""
        gone = min(count, len(dead))
        for _ in range(gone):
            dead.popitem()
        if dead:
            self.graveyard.append(dead)
        return count - gone

    def swap(self, first: int, second: int) -> None:
        """Exchange the contents of two databases (SWAPDB); clients selected on either see the other's keys."""
        a, b = self.databases[first], self.databases[second]
        a.end_walks()
        b.end_walks()
        a.entries, b.entries = b.entries, a.entries
        a.order, b.order = b.order, a.order
        a.deadlines, b.deadlines = b.deadlines, a.deadlines
        a.expiring, b.expiring = b.expiring, a.expiring
        for index, key in list(self.watched) + list(self.waiting):
            if index in (first, second) and (key in a.entries or key in b.entries):
                self.databases[index].touched(key)

    def adopt(self, other: Keyspace) -> None:
        """Take over another keyspace's contents in place of the own ones, which are freed in slices (a replica's full sync)."""
        self.clear()
        for own, new in zip(self.databases, other.databases, strict=True):
            own.entries, own.order, own.deadlines, own.expiring = new.entries, new.order, new.deadlines, new.expiring
            new.entries, new.order, new.deadlines, new.expiring = {}, [], [], 0
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
        total = 0
        for db in self.databases:
            assert len(db.order) == len(db.entries)
            assert db.expiring == sum(1 for e in db.order if e.deadline)
            pairs = set(db.deadlines)
            for place, entry in enumerate(db.order):
                assert entry.slot == place
                assert db.entries[entry.key] is entry
                assert not entry.deadline or (entry.deadline, entry.key) in pairs
                total += ENTRY_COST + len(entry.key) + cost_of(entry.value)
                if isinstance(entry.value, Value):
                    assert len(entry.value) > 0
                    assert entry.value.accounted == entry.value.nbytes
                    entry.value._check()
        assert total == self.used, (total, self.used)
