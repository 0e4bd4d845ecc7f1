"""Apply: events on sorted sets. Each returns what the deciding command replies, so that nothing is looked up twice.

Law: a stream from a Redis primary is accepted too: members and keys that are already gone are no error.
"""

from __future__ import annotations

from collections.abc import Iterable

from store.apply.table import applies
from store.arguments import parse_float
from store.database import Database
from store.entry import Stored
from store.notifications import GENERIC, ZSET
from store.primitives import quick_float
from store.values.range_query import Span, lex_span, rank_span, read_query, score_span
from store.values.ranking import Pair
from store.values.set_operation import read_operation
from store.values.sorted_set import SortedSet


def _score(text: bytes) -> float:
    """Read a score that a command has accepted before."""
    quick = quick_float(text)
    if quick is not None:
        return quick
    try:
        return float(text)
    except ValueError:
        return parse_float(text)  # a spelling that Python does not know (0x10)


def _existing(db: Database, key: bytes) -> SortedSet | None:
    return db.open(key, SortedSet) if key in db.entries else None


@applies("ZADD")
def apply_zadd(db: Database, key: bytes, *words: bytes) -> int:
    """ZADD key score member …: how many members are new."""
    zset: SortedSet = db.open(key, SortedSet)
    added = 0
    for place in range(0, len(words), 2):
        added += zset.add(words[place + 1], _score(words[place]))
    db.edited(key, zset, ZSET, b"zadd", len(words) // 2)
    return added


@applies("ZREM")
def apply_zrem(db: Database, key: bytes, *members: bytes) -> int:
    """ZREM key member …: how many there were."""
    zset = _existing(db, key)
    removed = sum(map(zset.remove, members)) if zset is not None else 0
    if zset is not None and removed:
        db.edited(key, zset, ZSET, b"zrem", removed)
    return removed


# ── ranges ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def _remove_span(db: Database, key: bytes, span: Span, notice: bytes) -> int:
    zset = _existing(db, key)
    if zset is None:
        return 0
    start, stop = span(zset)
    removed = len(zset.remove_span(start, stop))
    if removed:
        db.edited(key, zset, ZSET, notice, removed)
    return removed


@applies("ZREMRANGEBYRANK")
def apply_zremrangebyrank(db: Database, key: bytes, start: bytes, stop: bytes) -> int:
    """ZREMRANGEBYRANK key start stop: how many members went."""
    return _remove_span(db, key, rank_span(start, stop), b"zremrangebyrank")


@applies("ZREMRANGEBYSCORE")
def apply_zremrangebyscore(db: Database, key: bytes, low: bytes, high: bytes) -> int:
    """ZREMRANGEBYSCORE key min max: how many members went."""
    return _remove_span(db, key, score_span(low, high), b"zremrangebyscore")


@applies("ZREMRANGEBYLEX")
def apply_zremrangebylex(db: Database, key: bytes, low: bytes, high: bytes) -> int:
    """ZREMRANGEBYLEX key min max: how many members went."""
    return _remove_span(db, key, lex_span(low, high), b"zremrangebylex")


@applies("ZPOPMIN")
def apply_zpopmin(db: Database, key: bytes, count: bytes = b"1") -> list[Pair]:
    """ZPOPMIN key [count]: the (score, member) pairs taken, the lowest first."""
    zset = _existing(db, key)
    taken = [] if zset is None else zset.remove_span(0, int(count))
    if zset is not None and taken:
        db.edited(key, zset, ZSET, b"zpopmin", len(taken))
    return taken


@applies("ZPOPMAX")
def apply_zpopmax(db: Database, key: bytes, count: bytes = b"1") -> list[Pair]:
    """ZPOPMAX key [count]: the (score, member) pairs taken, the highest first."""
    zset = _existing(db, key)
    taken = [] if zset is None else zset.remove_span(max(len(zset) - int(count), 0), len(zset))
    if zset is not None and taken:
        db.edited(key, zset, ZSET, b"zpopmax", len(taken))
    return taken[::-1]


# ── results that become keys ─────────────────────────────────────────────────────────────────────────────────────────
def _store(db: Database, destination: bytes, pairs: Iterable[tuple[bytes, float]], notice: bytes) -> int:
    """Put the (member, score) pairs at destination in place of what is there; without pairs nothing is left there."""
    result = SortedSet(pairs)
    if len(result):
        db.put(destination, result)
        db.keyspace.notify(db, ZSET, notice, destination)
    elif db.remove(destination) is not None:
        db.keyspace.notify(db, GENERIC, b"del", destination)
    return len(result)


@applies("ZRANGESTORE")
def apply_zrangestore(db: Database, destination: bytes, source: bytes, *query: bytes) -> int:
    """ZRANGESTORE destination source min max …: how many members the result has."""
    zset = _existing(db, source)
    pairs = [] if zset is None else read_query(query, store=True).pairs(zset)
    return _store(db, destination, ((member, score) for score, member in pairs), b"zrangestore")


@applies("ZUNIONSTORE")
def apply_zunionstore(db: Database, destination: bytes, *words: bytes) -> int:
    """ZUNIONSTORE destination numkeys key …: how many members the result has."""
    return _combine(db, "union", destination, words, b"zunionstore")


@applies("ZINTERSTORE")
def apply_zinterstore(db: Database, destination: bytes, *words: bytes) -> int:
    """ZINTERSTORE destination numkeys key …: how many members the result has."""
    return _combine(db, "inter", destination, words, b"zinterstore")


@applies("ZDIFFSTORE")
def apply_zdiffstore(db: Database, destination: bytes, *words: bytes) -> int:
    """ZDIFFSTORE destination numkeys key …: how many members the result has."""
    return _combine(db, "diff", destination, words, b"zdiffstore")


def _combine(db: Database, kind: str, destination: bytes, words: tuple[bytes, ...], notice: bytes) -> int:
    def fetch(key: bytes) -> Stored | None:
        entry = db.entries.get(key)
        return None if entry is None else entry.value

    operation = read_operation(kind, notice.decode(), words, fetch, store=True)
    return _store(db, destination, operation.scores().items(), notice)
