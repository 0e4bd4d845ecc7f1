"""What clients of a writable replica changed, which is no history: its deadlines, and what becomes of it in a promotion.

Nobody sends the removal of a key that got a deadline here, so this node sees to it itself. Law: only keys that were written
here and still have the deadline they were given here leave in this way; what came from the primary leaves by its events alone.

A promoted node goes on with the data it has, so what is not in its log is recorded then, key by key: what it records later
may rest on it.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from store.entry import value_of
from store.events import decode_events
from store.rdb.dump import dump_value

if TYPE_CHECKING:
    from store.engine import Engine

LocalKey = tuple[int, bytes]
"""Database and key."""


class LocalKeys:
    """What was written here without being history."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._touched: dict[LocalKey, None] = {}  # all keys that were written here
        self._everything = False  # something was that has no keys: FLUSHALL, SWAPDB, FUNCTION
        self._fresh: dict[LocalKey, None] = {}  # written since the last look
        self._deadlines: list[tuple[int, int, bytes]] = []

    def note(self, event: bytes, db: int) -> None:
        """Remember what an event changes that is about to be applied and not to be recorded."""
        for _, argv in decode_events(event):
            command = self.engine.lookup(argv)
            keys = command.keys(argv) if command is not None else []
            self._fresh.update(dict.fromkeys((db, key) for key in keys))
            self._touch(argv[0], keys, db, command is None or command.writes)

    def _touch(self, name: bytes, keys: list[bytes], db: int, writes: bool) -> None:
        """Note what an event is going to change, in all databases where it names one."""
        databases = self.engine.keyspace.databases
        if writes and not keys:
            self._everything = True
            self._touched.update(dict.fromkeys((place.index, key) for place in databases for key in place.entries))
        for place in range(len(databases)) if name in (b"MOVE", b"COPY") else (db,):
            self._touched.update(dict.fromkeys((place, key) for key in keys))

    @property
    def changed(self) -> bool:
        """Tell whether something was written here, so that the primary's events may not fit the data."""
        return self._everything or bool(self._touched)

    def become_history(self) -> None:
        """Record what was written here as it is now: this node is a primary."""
        keyspace, tx = self.engine.keyspace, self.engine.internal
        if self._everything:
            self._touched.update(dict.fromkeys((db.index, key) for db in keyspace.databases for key in db.entries))
            tx.log((b"FUNCTION", b"FLUSH"), 0)
            for code in keyspace.functions.values():
                tx.log((b"FUNCTION", b"LOAD", code), 0)
        for number, key in self._touched:
            entry = keyspace.databases[number].entries.get(key)
            if entry is None:
                tx.log((b"DEL", key), number)
            else:
                payload = dump_value(value_of(entry), keyspace.limits, False)
                tx.log((b"RESTORE", key, b"%d" % entry.deadline, payload, b"REPLACE", b"ABSTTL"), number)
            self.engine.log.seal_if_large()
        self.forget()

    def expire_due(self, now: int) -> None:
        """Remove the keys whose deadline, given here, has passed at now (unix ms)."""
        databases, tx = self.engine.keyspace.databases, self.engine.internal
        fresh, self._fresh = self._fresh, {}
        for db, key in fresh:
            entry = databases[db].entries.get(key)
            if entry is not None and entry.deadline:
                heapq.heappush(self._deadlines, (entry.deadline, db, key))
        while self._deadlines and self._deadlines[0][0] <= now:
            deadline, db, key = heapq.heappop(self._deadlines)
            entry = databases[db].entries.get(key)
            if entry is not None and entry.deadline == deadline:
                tx.db = databases[db]
                tx.expire(key)

    def forget(self) -> None:
        """Remember nothing: this node is a primary, or its data were replaced."""
        self._everything = False
        self._touched.clear()
        self._fresh.clear()
        self._deadlines.clear()
