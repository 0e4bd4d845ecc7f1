"""Sorted set commands on single members: adding, scores, ranks, removing, popping, sampling, scanning.

Ranges are in `sorted_set_ranges`, unions and their like in `sorted_set_algebra`, waiting in `blocking_sorted_sets`.
Law: a change is recorded as final scores, chosen members or a count, and only if anything changes.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from store.arguments import INT64_MAX, format_float, parse_float, parse_range
from store.commands.sampling import MOST_REPEATS
from store.commands.scanning import parse_cursor, parse_scan_options
from store.commands.score_updates import OPTIONS, plan_update, read_options, read_pairs, score_text
from store.commands.table import command
from store.errors import ReplyError, syntax_error
from store.primitives import write_integer
from store.replies import NULL_ARRAY, Pairs, flat
from store.values.ranking import Pair
from store.values.sorted_set import SortedSet

if TYPE_CHECKING:
    from store.tx import Tx


# ── adding ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@command(
    "ZADD", "write denyoom fast", keys="RW update @1", since="1.2.0", group="sorted-set",
    complexity="O(M*log(N)) for M members given",
)  # fmt: skip
def zadd(tx: Tx, key: bytes, score: bytes, member: bytes, *more: bytes) -> object:
    """Give members scores, adding those that are missing; reply how many are new (CH: new or changed)."""
    if more or (not score[:1].isdigit() and score.upper() in OPTIONS):
        return _update(tx, key, (score, member, *more))
    value = parse_float(score)
    zset: SortedSet | None = tx.db.typed(key, SortedSet)
    old = None if zset is None else zset.score(member)
    return 0 if old == value else tx.enter((b"ZADD", key, score, member))


@command(
    "ZINCRBY", "write denyoom fast", keys="RW access update @1", since="1.2.0", group="sorted-set",
    complexity="O(log(N))",
)  # fmt: skip
def zincrby(tx: Tx, key: bytes, increment: bytes, member: bytes) -> object:
    """Add increment to a member's score, a missing member counts as 0; reply the new score."""
    score = parse_float(increment)
    zset = tx.db.zset(key)
    old = None if zset is None else zset.score(member)
    if old is not None:
        score += old
        if score != score:
            raise ReplyError("resulting score is not a number (NaN)")
    if score != old:
        tx.record_as(b"zincr", b"ZADD", key, score_text(score), member)
    return score


def _update(tx: Tx, key: bytes, words: tuple[bytes, ...]) -> object:
    options, count = read_options(words)
    pairs = read_pairs(words[count:])
    zset = tx.db.zset(key)
    update = plan_update(SortedSet() if zset is None else zset, options, pairs)
    if update.scores:
        if not options and len(update.scores) == len(pairs):
            event = words  # as it came: spares writing the scores anew
        else:
            event = tuple(word for changed, score in update.scores.items() for word in (score_text(score), changed))
        tx.record_as(b"zincr" if b"INCR" in options else b"zadd", b"ZADD", key, *event)
    if b"INCR" in options:
        return update.last if update.processed else None
    return update.added + update.updated if b"CH" in options else update.added


# ── members ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@command(
    "ZREM", "write fast", keys="RW delete @1", since="1.2.0", group="sorted-set",
    complexity="O(M*log(N)) for M members given",
)  # fmt: skip
def zrem(tx: Tx, key: bytes, member: bytes, *more: bytes) -> object:
    """Take members out; reply how many there were."""
    zset = tx.db.zset(key)
    if zset is None:
        return 0
    there = [name for name in dict.fromkeys((member, *more)) if name in zset]
    return tx.record(b"ZREM", key, *there) if there else 0


@command("ZCARD", "readonly fast", keys="RO @1", since="1.2.0", group="sorted-set", complexity="O(1)")
def zcard(tx: Tx, key: bytes) -> int:
    """Reply how many members a sorted set has."""
    return len(tx.db.zset(key) or ())


@command("ZSCORE", "readonly fast", keys="RO access @1", since="1.2.0", group="sorted-set", complexity="O(1)")
def zscore(tx: Tx, key: bytes, member: bytes) -> float | None:
    """Reply a member's score, or null."""
    zset = tx.db.zset(key)
    return None if zset is None else zset.score(member)


@command(
    "ZMSCORE", "readonly fast", keys="RO access @1", since="6.2.0", group="sorted-set",
    complexity="O(M) for M members given",
)  # fmt: skip
def zmscore(tx: Tx, key: bytes, member: bytes, *more: bytes) -> list[float | None]:
    """Reply the scores of members, null for each that is missing."""
    zset = tx.db.zset(key)
    return [None if zset is None else zset.score(name) for name in (member, *more)]


@command("ZRANK", "readonly fast", keys="RO access @1", since="2.0.0", group="sorted-set", complexity="O(log(N))")
def zrank(tx: Tx, key: bytes, member: bytes) -> int | None:
    """Reply a member's place from the lowest score, counted from 0, or null."""
    zset = tx.db.zset(key)
    return None if zset is None else zset.rank(member)


@command("ZREVRANK", "readonly fast", keys="RO access @1", since="2.0.0", group="sorted-set", complexity="O(log(N))")
def zrevrank(tx: Tx, key: bytes, member: bytes) -> int | None:
    """Reply a member's place from the highest score, counted from 0, or null."""
    zset = tx.db.zset(key)
    rank = None if zset is None else zset.rank(member)
    return None if zset is None or rank is None else len(zset) - 1 - rank


# ── popping ──────────────────────────────────────────────────────────────────────────────────────────────────────────
PER_POPPED = "O(log(N)*M) for M members taken"


@command("ZPOPMIN", "write fast", keys="RW access delete @1", since="5.0.0", group="sorted-set", complexity=PER_POPPED)
def zpopmin(tx: Tx, key: bytes, *count: bytes) -> object:
    """Take out and reply the member with the lowest score, or count of them."""
    return _pop(tx, b"ZPOPMIN", key, count)


@command("ZPOPMAX", "write fast", keys="RW access delete @1", since="5.0.0", group="sorted-set", complexity=PER_POPPED)
def zpopmax(tx: Tx, key: bytes, *count: bytes) -> object:
    """Take out and reply the member with the highest score, or count of them."""
    return _pop(tx, b"ZPOPMAX", key, count)


def _pop(tx: Tx, event: bytes, key: bytes, count: tuple[bytes, ...]) -> object:
    if len(count) > 1:
        raise syntax_error()
    wanted = parse_range(count[0], 0, INT64_MAX) if count else 1
    zset = tx.db.typed(key, SortedSet)
    if zset is None or wanted == 0:
        return []
    pairs = take(tx, event, key, zset, wanted)
    return with_scores(pairs) if count else [pairs[0][1], pairs[0][0]]


def with_scores(pairs: list[Pair]) -> Pairs:
    """The reply to WITHSCORES: member, score, member, score …"""
    return flat((member, score) for score, member in pairs)


def take(tx: Tx, event: bytes, key: bytes, zset: SortedSet, wanted: int) -> list[Pair]:
    """Record that up to wanted (≥ 1) pairs leave the sorted set at key, by event ZPOPMIN or ZPOPMAX; return them."""
    taken = tx.enter((event, key, write_integer(min(wanted, len(zset)))))
    assert isinstance(taken, list)
    return taken


@command(
    "ZMPOP", "write movablekeys", keys="RW access delete @1#1", since="7.0.0", group="sorted-set",
    complexity="O(K) + O(M*log(N)) for K keys and M members taken",
)  # fmt: skip
def zmpop(tx: Tx, numkeys: bytes, key: bytes, where: bytes, *rest: bytes) -> object:
    """Take members from the lowest or highest scores of the first of several sorted sets that has any."""
    keys, event, count = read_mpop((numkeys, key, where, *rest))
    return pop_first(tx, keys, event, count) or NULL_ARRAY


def read_mpop(words: tuple[bytes, ...]) -> tuple[tuple[bytes, ...], bytes, int]:
    """Read `numkeys key … MIN|MAX [COUNT count]` as (keys, event ZPOPMIN or ZPOPMAX, count)."""
    numkeys = parse_range(words[0], 1, INT64_MAX, "numkeys should be greater than 0")
    keys, rest = words[1 : 1 + numkeys], words[1 + numkeys :]
    if not rest or rest[0].upper() not in (b"MIN", b"MAX"):
        raise syntax_error()
    count = 0
    for place in range(1, len(rest), 2):
        if count or rest[place].upper() != b"COUNT" or place + 1 == len(rest):
            raise syntax_error()
        count = parse_range(rest[place + 1], 1, INT64_MAX, "count should be greater than 0")
    return keys, b"ZPOP" + rest[0].upper(), count or 1


def pop_first(tx: Tx, keys: tuple[bytes, ...], event: bytes, count: int) -> list[object] | None:
    """Take up to count members from the first key that exists: [key, [[member, score], …]], or None if none does."""
    for key in keys:
        zset = tx.db.zset(key)
        if zset is not None:
            return [key, [[member, score] for score, member in take(tx, event, key, zset, count)]]
    return None


# ── sampling and scanning ────────────────────────────────────────────────────────────────────────────────────────────
@command(
    "ZRANDMEMBER", "readonly", keys="RO access @1", since="6.2.0", group="sorted-set", tips="nondeterministic_output",
    complexity="O(N) for N members replied",
)  # fmt: skip
def zrandmember(tx: Tx, key: bytes, *options: bytes) -> object:
    """Reply one random member, or count different ones, or with a negative count that many, each chosen anew."""
    if not options:
        zset = tx.db.zset(key)
        return None if zset is None else _at(zset, [random.randrange(len(zset))])[0][1]
    count = parse_range(options[0], -INT64_MAX, INT64_MAX)
    if len(options) > 2 or (len(options) == 2 and options[1].upper() != b"WITHSCORES"):
        raise syntax_error()
    if len(options) == 2 and abs(count) > INT64_MAX // 2:
        raise ReplyError("value is out of range")
    zset = tx.db.zset(key)
    if zset is None:
        return []
    pairs = _sample(zset, count)
    return with_scores(pairs) if len(options) == 2 else [member for _, member in pairs]


def _sample(zset: SortedSet, count: int) -> list[Pair]:
    size = len(zset)
    if count < -MOST_REPEATS:
        raise ReplyError("value is out of range")
    if count < 0:
        return _at(zset, random.choices(range(size), k=-count))
    return zset.slice(0, size) if count >= size else _at(zset, random.sample(range(size), count))


def _at(zset: SortedSet, ranks: list[int]) -> list[Pair]:
    return [zset.at(rank) for rank in ranks]


@command(
    "ZSCAN", "readonly", keys="RO access @1", since="2.8.0", group="sorted-set", tips="nondeterministic_output",
    complexity="O(1) a call, O(N) for all members",
)  # fmt: skip
def zscan(tx: Tx, key: bytes, cursor: bytes, *options: bytes) -> list[object]:
    """Walk through the members in steps; reply the next cursor (0 at the end) and members with their scores."""
    position = parse_cursor(cursor)
    zset = tx.db.zset(key)
    if zset is None:
        return [b"0", []]
    wanted = parse_scan_options(options)
    if zset.compact or zset.table is None or (position == 0 and wanted.count >= len(zset)):
        following, found = 0, wanted.matching(member for _, member in zset)
    else:
        following, members = zset.indexed().scan(position, wanted.count)
        found = wanted.matching(members)
    scores = zset.scores()
    pairs = [word for member in found for word in (member, _scan_text(scores[member], zset.compact))]
    return [b"%d" % following, pairs]


def _scan_text(score: float, compact: bool) -> bytes:
    """A score as ZSCAN replies it: Redis keeps whole numbers as such in its small encoding, whatever their size."""
    return b"%d" % score if compact and score.is_integer() and abs(score) <= 1 << 62 else format_float(score)
