"""Keys that clients of a writable replica gave a deadline: nobody sends their removal, so this node sees to it itself.

Law: only keys that were written here and still have the deadline they were given here leave in this way; what came from
the primary leaves by its events alone.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from store.events import decode_events

if TYPE_CHECKING:
    from store.engine import Engine

LocalKey = tuple[int, bytes]
"""Database and key."""


class LocalKeys:
    """What was written here without being history. `changed`: something was, so the primary's events may not fit the data."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.changed = False
        self._fresh: dict[LocalKey, None] = {}  # written since the last look
        self._deadlines: list[tuple[int, int, bytes]] = []

    def note(self, event: bytes, db: int) -> None:
        """Remember the keys of an event that is about to be applied and not to be recorded."""
        for _, argv in decode_events(event):
            command = self.engine.lookup(argv)
            self.changed = self.changed or command is None or command.writes
            if command is not None:
                self._fresh.update(dict.fromkeys((db, key) for key in command.keys(argv)))

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
        self.changed = False
        self._fresh.clear()
        self._deadlines.clear()
