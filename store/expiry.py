"""Active expiry: keys whose deadline has passed leave by recorded events, in slices short enough for the loop.

Deadlines are known in order (a heap a database), so nothing is sampled and a due key goes within a tick unless a burst is
being worked off: then `SLICE` seconds at a time, with everybody else served in between.
"""

from __future__ import annotations

import heapq
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.database import Database
    from store.engine import Engine

SLICE = 0.001
"""Seconds that one slice of expiry may take."""
BATCH = 16
"""Keys between two looks at the clock."""


def expire_due(engine: Engine) -> bool:
    """Remove due keys for up to one slice; True if more are waiting."""
    if engine.gates.writes_paused:
        return False
    now = engine.clock.now_ms()
    if not engine.primary:
        if engine.unlogged:
            engine.local_keys.expire_due(now)
        return False
    started = time.perf_counter()
    cut = False
    for db in engine.keyspace.databases:
        while not cut and db.deadlines and db.deadlines[0][0] <= now:
            expire_batch(engine, db, now)
            cut = time.perf_counter() - started > SLICE
    engine.stats.active_expire_cycles_cut += cut
    seconds = time.perf_counter() - started
    engine.stats.expire_seconds += seconds
    engine.latency.note(b"expire-cycle", now // 1000, int(seconds * 1000))
    return cut


def overdue(db: Database, now: int, most: int = 10_000) -> int:
    """Count the deadlines of a database that have passed, up to `most` of them (the heap's top holds the due ones)."""
    count, places = 0, [0]
    while places and count < most:
        place = places.pop()
        if place < len(db.deadlines) and db.deadlines[place][0] <= now:
            count += 1
            places += (2 * place + 1, 2 * place + 2)
    return count


def expire_batch(engine: Engine, db: Database, now: int) -> None:
    """Remove up to BATCH due keys of a database; outdated pairs of the heap are dropped on the way."""
    tx = engine.internal
    tx.db = db
    for _ in range(BATCH):
        if not db.deadlines or db.deadlines[0][0] > now:
            return
        deadline, key = heapq.heappop(db.deadlines)
        entry = db.entries.get(key)
        if entry is not None and entry.deadline == deadline:
            tx.expire(key)
            engine.stats.expired_keys_active += 1
