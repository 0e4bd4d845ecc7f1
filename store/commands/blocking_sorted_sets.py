"""Sorted set commands that wait for a member: BZPOPMIN, BZPOPMAX, BZMPOP.

Law: what is popped is recorded as ZPOPMIN or ZPOPMAX. A key of another type is an error when the command is
called and is passed over while it waits, as in Redis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.commands.sorted_sets import PER_POPPED, pop_first, read_mpop, take
from store.commands.table import command
from store.commands.timeouts import parse_timeout
from store.replies import NULL_ARRAY
from store.values.sorted_set import SortedSet

if TYPE_CHECKING:
    from store.tx import Tx

POPS = "RW access delete @1:-2"
PER_POP = "O(log(N))"


@command("BZPOPMIN", "write noscript blocking fast", keys=POPS, since="5.0.0", group="sorted-set", complexity=PER_POP)
def bzpopmin(tx: Tx, key: bytes, second: bytes, *rest: bytes) -> object:
    """Do ZPOPMIN on the first of several sorted sets that has members, waiting for one if none has."""
    return _pop_or_wait(tx, b"ZPOPMIN", (key, second, *rest))


@command("BZPOPMAX", "write noscript blocking fast", keys=POPS, since="5.0.0", group="sorted-set", complexity=PER_POP)
def bzpopmax(tx: Tx, key: bytes, second: bytes, *rest: bytes) -> object:
    """Do ZPOPMAX on the first of several sorted sets that has members, waiting for one if none has."""
    return _pop_or_wait(tx, b"ZPOPMAX", (key, second, *rest))


def _pop_or_wait(tx: Tx, event: bytes, words: tuple[bytes, ...]) -> object:
    keys, timeout_ms = words[:-1], parse_timeout(words[-1])

    def serve(tx: Tx, key: bytes) -> list[object] | None:
        zset = tx.db.peek(key)
        if not isinstance(zset, SortedSet):
            return None
        score, member = take(tx, event, key, zset, 1)[0]
        return [key, member, score]

    for key in keys:
        if tx.db.zset(key) is not None:
            return serve(tx, key)
    return tx.block(keys, timeout_ms, serve, NULL_ARRAY)


@command(
    "BZMPOP", "write blocking movablekeys", keys="RW access delete @2#1", since="7.0.0", group="sorted-set",
    complexity=PER_POPPED,
)  # fmt: skip
def bzmpop(tx: Tx, timeout: bytes, numkeys: bytes, key: bytes, where: bytes, *rest: bytes) -> object:
    """Do ZMPOP, waiting for a member if no key has any."""
    keys, event, count = read_mpop((numkeys, key, where, *rest))
    timeout_ms = parse_timeout(timeout)

    def serve(tx: Tx, key: bytes) -> list[object] | None:
        return pop_first(tx, (key,), event, count) if isinstance(tx.db.peek(key), SortedSet) else None

    return pop_first(tx, keys, event, count) or tx.block(keys, timeout_ms, serve, NULL_ARRAY)
