"""Sorted set commands on ranges of ranks, scores or members: ZRANGE and its elders, counting, removing, storing.

Law: a range is read from the command's words alone (`range_query`), before the key is looked at; a removal or a stored
range is recorded as those words, if it has any effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.commands.lookups import read_for_write
from store.commands.sorted_sets import with_scores
from store.commands.table import command
from store.errors import wrong_type
from store.long_replies import ARRAY, PAIRS, answer, is_long, range_of
from store.values.range_query import RangeQuery, Span, lex_span, rank_span, read_query, score_span
from store.values.sorted_set import SortedSet

if TYPE_CHECKING:
    from store.tx import Tx

PER_RANGE = "O(log(N)+M) for M members in the range"


def _reply(tx: Tx, key: bytes, query: RangeQuery) -> object:
    zset = tx.db.zset(key)
    if zset is None:
        return []
    start, stop = query.ranks(zset)
    start, stop = max(start, 0), min(stop, len(zset))
    if is_long(tx, stop - start):
        scores = query.with_scores
        parts = range_of(zset, start, stop, query.reverse, scores)
        return answer(tx, PAIRS if scores else ARRAY, parts, (zset,), (stop - start) * (1 + scores))
    pairs = query.pairs(zset)
    return with_scores(pairs) if query.with_scores else [member for _, member in pairs]


@command("ZRANGE", "readonly", keys="RO access @1", since="1.2.0", group="sorted-set", complexity=PER_RANGE)
def zrange(tx: Tx, key: bytes, start: bytes, stop: bytes, *options: bytes) -> object:
    """Reply the members in a range of ranks, scores (BYSCORE) or bytes (BYLEX), from either end (REV)."""
    return _reply(tx, key, read_query((start, stop, *options)))


@command("ZREVRANGE", "readonly", keys="RO access @1", since="1.2.0", group="sorted-set", complexity=PER_RANGE)
def zrevrange(tx: Tx, key: bytes, start: bytes, stop: bytes, *options: bytes) -> object:
    """Reply the members in a range of ranks that are counted from the highest score."""
    return _reply(tx, key, read_query((start, stop, *options), b"RANK", True))


@command("ZRANGEBYSCORE", "readonly", keys="RO access @1", since="1.0.5", group="sorted-set", complexity=PER_RANGE)
def zrangebyscore(tx: Tx, key: bytes, low: bytes, high: bytes, *options: bytes) -> object:
    """Reply the members with scores from low to high."""
    return _reply(tx, key, read_query((low, high, *options), b"SCORE", False))


@command("ZREVRANGEBYSCORE", "readonly", keys="RO access @1", since="2.2.0", group="sorted-set", complexity=PER_RANGE)
def zrevrangebyscore(tx: Tx, key: bytes, high: bytes, low: bytes, *options: bytes) -> object:
    """Reply the members with scores from high down to low."""
    return _reply(tx, key, read_query((high, low, *options), b"SCORE", True))


@command("ZRANGEBYLEX", "readonly", keys="RO access @1", since="2.8.9", group="sorted-set", complexity=PER_RANGE)
def zrangebylex(tx: Tx, key: bytes, low: bytes, high: bytes, *options: bytes) -> object:
    """Reply the members from low to high by bytes, in a sorted set whose scores are all equal."""
    return _reply(tx, key, read_query((low, high, *options), b"LEX", False))


@command("ZREVRANGEBYLEX", "readonly", keys="RO access @1", since="2.8.9", group="sorted-set", complexity=PER_RANGE)
def zrevrangebylex(tx: Tx, key: bytes, high: bytes, low: bytes, *options: bytes) -> object:
    """Reply the members from high down to low by bytes, in a sorted set whose scores are all equal."""
    return _reply(tx, key, read_query((high, low, *options), b"LEX", True))


@command(
    "ZRANGESTORE", "write denyoom", keys="OW update @1; RO access @2", since="6.2.0", group="sorted-set",
    complexity=PER_RANGE,
)  # fmt: skip
def zrangestore(tx: Tx, destination: bytes, source: bytes, start: bytes, stop: bytes, *options: bytes) -> object:
    """Store a range of a sorted set, as ZRANGE takes it, in another key; reply how many members that has."""
    query = read_query((start, stop, *options), store=True)
    zset = read_for_write(tx, source)
    if zset is not None and not isinstance(zset, SortedSet):
        raise wrong_type()
    if zset is None or _is_empty(query.ranks(zset)):
        tx.delete(destination)
        return 0
    return tx.record(b"ZRANGESTORE", destination, source, start, stop, *options)


def _is_empty(ranks: tuple[int, int]) -> bool:
    return ranks[0] >= ranks[1]


# ── counting ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _count(tx: Tx, key: bytes, span: Span) -> int:
    zset = tx.db.zset(key)
    if zset is None:
        return 0
    start, stop = span(zset)
    return max(stop - start, 0)


@command("ZCOUNT", "readonly fast", keys="RO access @1", since="2.0.0", group="sorted-set", complexity="O(log(N))")
def zcount(tx: Tx, key: bytes, low: bytes, high: bytes) -> int:
    """Reply how many members have scores from low to high."""
    return _count(tx, key, score_span(low, high))


@command("ZLEXCOUNT", "readonly fast", keys="RO access @1", since="2.8.9", group="sorted-set", complexity="O(log(N))")
def zlexcount(tx: Tx, key: bytes, low: bytes, high: bytes) -> int:
    """Reply how many members lie from low to high by bytes, in a sorted set whose scores are all equal."""
    return _count(tx, key, lex_span(low, high))


# ── removing ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _remove(tx: Tx, event: bytes, key: bytes, words: tuple[bytes, bytes], span: Span) -> object:
    zset = tx.db.zset(key)
    return 0 if zset is None or _is_empty(span(zset)) else tx.record(event, key, *words)


@command("ZREMRANGEBYRANK", "write", keys="RW delete @1", since="2.0.0", group="sorted-set", complexity=PER_RANGE)
def zremrangebyrank(tx: Tx, key: bytes, start: bytes, stop: bytes) -> object:
    """Take out the members in a range of ranks; reply how many."""
    return _remove(tx, b"ZREMRANGEBYRANK", key, (start, stop), rank_span(start, stop))


@command("ZREMRANGEBYSCORE", "write", keys="RW delete @1", since="1.2.0", group="sorted-set", complexity=PER_RANGE)
def zremrangebyscore(tx: Tx, key: bytes, low: bytes, high: bytes) -> object:
    """Take out the members with scores from low to high; reply how many."""
    return _remove(tx, b"ZREMRANGEBYSCORE", key, (low, high), score_span(low, high))


@command("ZREMRANGEBYLEX", "write", keys="RW delete @1", since="2.8.9", group="sorted-set", complexity=PER_RANGE)
def zremrangebylex(tx: Tx, key: bytes, low: bytes, high: bytes) -> object:
    """Take out the members from low to high by bytes, in a sorted set whose scores are all equal; reply how many."""
    return _remove(tx, b"ZREMRANGEBYLEX", key, (low, high), lex_span(low, high))
