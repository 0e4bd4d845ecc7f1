"""maxmemory: which key goes when room is needed (evict.c 7.0): eight policies, approximated by sampling.

Law: a key leaves by a recorded event like any other change; which one is a decision, never repeated on replay.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from store.database import Database
from store.entry import Entry
from store.keyspace import LFU_INIT

if TYPE_CHECKING:
    from store.engine import Engine

SLICE = 0.002
"""Seconds of eviction that one command may cost; the rest is done by the timer while writes are refused."""
LFU_COUNTER_MAX = 255

Score = Callable[[Entry], float]


def make_room(engine: Engine) -> bool:
    """Evict until used memory is within maxmemory; False if it is not (policy noeviction, nothing left, or time is up)."""
    settings = engine.settings
    limit = settings.maxmemory
    if not limit or engine.used_memory() <= limit:
        return True
    if settings.maxmemory_policy == "noeviction" or not engine.primary or engine.gates.writes_paused:
        return False
    started = time.perf_counter()
    while engine.used_memory() > limit and time.perf_counter() - started <= SLICE:
        victim = choose(engine)
        if victim is None:
            break
        tx = engine.internal
        tx.db = victim[0]
        tx.evict(victim[1].key)
    milliseconds = int((time.perf_counter() - started) * 1000)
    engine.latency.note(b"eviction-cycle", engine.clock.now_ms() // 1000, milliseconds)
    return engine.used_memory() <= limit


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
