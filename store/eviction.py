"""maxmemory: which key goes when room is needed (evict.c 7.0): eight policies, approximated by sampling.

Law: a key leaves by a recorded event like any other change; which one is a decision, never repeated on replay.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from store.database import Database
from store.entry import Entry
from store.keyspace import LFU_INIT

if TYPE_CHECKING:
    from store.engine import Engine

BATCH = 16
"""Keys evicted between two looks at the clock."""
LFU_COUNTER_MAX = 255

Score = Callable[[Entry], float]


class Room(Enum):
    """What `make_room` has come to (evict.c 7.0: EVICT_OK, EVICT_RUNNING, EVICT_FAIL)."""

    ENOUGH = "data are within maxmemory, or it is not for this node to see to it now"
    COMING = "time is up, and more is going to be evicted"
    NONE = "data are above maxmemory, and no key may go"


def make_room(engine: Engine) -> Room:
    """Evict while data are above maxmemory, for as long as `maxmemory-eviction-tenacity` allows.

    Only NONE is a reason to refuse a command: while room is coming, each command evicts more than most of them add. Nothing
    is evicted while data are loaded or writes pause, nor ever on a replica, where keys leave by the primary's events alone.
    """
    settings, limit = engine.settings, engine.settings.maxmemory
    if not limit or engine.used_memory() <= limit or engine.gates.writes_paused or engine.loading is not None:
        return Room.ENOUGH
    if not engine.primary and (settings.replica_ignore_maxmemory or settings.replicaof is None):
        return Room.ENOUGH
    if settings.maxmemory_policy == "noeviction":
        return Room.NONE
    return _evict(engine, limit) if engine.primary else Room.ENOUGH


def _evict(engine: Engine, limit: int) -> Room:
    """Evict until data are within limit, no key is left that may go, or time is up."""
    started = time.perf_counter()
    until = started + patience(engine.settings.maxmemory_eviction_tenacity)
    room, evicted, tx = Room.ENOUGH, 0, engine.internal
    while engine.used_memory() > limit:
        victim = choose(engine)
        if victim is None:
            room = Room.NONE
            break
        tx.db = victim[0]
        tx.evict(victim[1].key)
        evicted += 1
        if evicted % BATCH == 0 and time.perf_counter() > until:
            room = Room.COMING
            break
    milliseconds = int((time.perf_counter() - started) * 1000)
    engine.latency.note(b"eviction-cycle", engine.clock.now_ms() // 1000, milliseconds)
    return room


def patience(tenacity: int) -> float:
    """Seconds that one round of eviction may take: up to 10 by 50 µs a step, then 15 % more a step, 100 without end (evict.c)."""
    if tenacity >= 100:
        return math.inf
    return 0.00005 * tenacity if tenacity <= 10 else 0.0005 * 1.15 ** (tenacity - 10)


def choose(engine: Engine) -> tuple[Database, Entry] | None:
    """Pick the best of `maxmemory-samples` keys of every database, or None if no key qualifies."""
    settings = engine.settings
    policy, samples = settings.maxmemory_policy, settings.maxmemory_samples
    volatile = policy.startswith("volatile")
    score = scorer(engine, policy)
    best: tuple[float, Database, Entry] | None = None
    for db in engine.keyspace.databases:
        for entry in sample(db, 1 if policy.endswith("random") else samples, volatile):
            value = score(entry)
            if best is None or value > best[0]:
                best = (value, db, entry)
    return None if best is None else (best[1], best[2])


def sample(db: Database, count: int, volatile: bool) -> list[Entry]:
    """Draw up to count random entries, of those with a deadline if volatile."""
    if not db.order or (volatile and not db.expiring):
        return []
    if not volatile:
        return [random.choice(db.order) for _ in range(count)]
    found: list[Entry] = []
    for _ in range(count * 20):
        deadline, key = random.choice(db.deadlines)
        entry = db.entries.get(key)
        if entry is not None and entry.deadline == deadline:
            found.append(entry)
            if len(found) == count:
                break
    if not found:
        found = [next(entry for entry in db.order if entry.deadline)]
    return found


def scorer(engine: Engine, policy: str) -> Score:
    """The function that tells how much a policy wants to evict an entry (higher goes first)."""
    if policy.endswith("lru"):
        clock = engine.keyspace.access_clock
        return lambda entry: clock - entry.access
    if policy.endswith("lfu"):
        minute, decay = engine.clock.now_ms() // 60000, engine.settings.lfu_decay_time
        return lambda entry: LFU_COUNTER_MAX - lfu_counter(entry.access, minute, decay)
    if policy.endswith("ttl"):
        return lambda entry: -entry.deadline
    return lambda entry: 0


# ── LFU: 16 bits of minutes, 8 bits of logarithmic counter ─────────────────────────────────────────────────────────────
def lfu_counter(access: int, minute: int, decay: int) -> int:
    """The counter of an access word, less one for each `decay` minutes since its last touch (decay 0: never)."""
    if not decay:
        return access & 255
    elapsed = ((minute & 65535) - (access >> 8)) & 65535
    return max(0, (access & 255) - elapsed // decay)


def lfu_touched(access: int, minute: int, decay: int, factor: int) -> int:
    """The access word after one more access: the higher the counter, the less likely it grows."""
    counter = lfu_counter(access, minute, decay)
    if counter < LFU_COUNTER_MAX:
        chance = 1.0 / (max(0, counter - LFU_INIT) * factor + 1)
        if random.random() < chance:
            counter += 1
    return (minute & 65535) << 8 | counter


def configure(engine: Engine) -> None:
    """Make the keyspace keep access words of the kind the policy needs; called when the policy or an LFU option changes."""
    settings, keyspace = engine.settings, engine.keyspace
    was_lfu = keyspace.lfu is not None
    if not settings.maxmemory_policy.endswith("lfu"):
        keyspace.lfu = None
        tick(engine)
        if was_lfu:
            for db in keyspace.databases:
                for entry in db.order:
                    entry.access = keyspace.access_clock
        return
    decay, factor = settings.lfu_decay_time, settings.lfu_log_factor
    keyspace.lfu = lambda access: lfu_touched(access, keyspace.access_clock // 60, decay, factor)
    tick(engine)
    if not was_lfu:
        for db in keyspace.databases:
            for entry in db.order:
                entry.access = keyspace.fresh_access


def tick(engine: Engine) -> None:
    """Advance the access clock (unix seconds); the engine's timer calls it."""
    keyspace = engine.keyspace
    keyspace.access_clock = engine.clock.now_ms() // 1000
    minute = keyspace.access_clock // 60
    keyspace.fresh_access = (minute & 65535) << 8 | LFU_INIT if keyspace.lfu is not None else keyspace.access_clock
