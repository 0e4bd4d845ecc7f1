"""List commands that wait for an element: BLPOP, BRPOP, BLMPOP, BLMOVE, BRPOPLPUSH.

Law: what is recorded is what happened (LPOP, RPOP, LMOVE, RPOPLPUSH), never the waiting; so a replay never blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.commands.lists import MOVES, is_left, move, parse_mpop, take
from store.commands.table import command
from store.commands.timeouts import parse_timeout
from store.replies import NULL_ARRAY
from store.values.list import List

if TYPE_CHECKING:
    from store.tx import Tx

PER_KEY = "O(N) where N is the number of keys given"


@command(
    "BLPOP", "write noscript blocking", keys="RW access delete @1:-2", since="2.0.0", group="list", complexity=PER_KEY
)
def blpop(tx: Tx, key: bytes, timeout: bytes, *more: bytes) -> object:
    """Take the first element of the first list that has one, waiting for it if need be; reply the list's name too."""
    return _pop_one(tx, b"LPOP", (key, timeout, *more))


@command(
    "BRPOP", "write noscript blocking", keys="RW access delete @1:-2", since="2.0.0", group="list", complexity=PER_KEY
)
def brpop(tx: Tx, key: bytes, timeout: bytes, *more: bytes) -> object:
    """Take the last element of the first list that has one, waiting for it if need be; reply the list's name too."""
    return _pop_one(tx, b"RPOP", (key, timeout, *more))


def _pop_one(tx: Tx, event: bytes, arguments: tuple[bytes, ...]) -> object:
    """Do BLPOP or BRPOP: the arguments are the keys and, last, the timeout."""
    *keys, timeout = arguments
    timeout_ms = parse_timeout(timeout)

    def serve(tx: Tx, key: bytes) -> list[object] | None:
        value = tx.db.peek(key)
        return [key, *take(tx, event, key, value)] if isinstance(value, List) else None

    for key in keys:
        if tx.db.list(key) is not None:
            return serve(tx, key)
    return tx.block(keys, timeout_ms, serve, NULL_ARRAY)


@command(
    "BLMPOP", "write blocking movablekeys", keys="RW access delete @2#", since="7.0.0", group="list",
    complexity="O(N+M) where N is the number of keys given and M of elements taken",
)  # fmt: skip
def blmpop(tx: Tx, timeout: bytes, numkeys: bytes, key: bytes, where: bytes, *more: bytes) -> object:
    """Take elements from the first of several lists that has one, waiting if need be; reply the list's name too."""
    pops = parse_mpop(numkeys, (key, where, *more))
    timeout_ms = parse_timeout(timeout)

    def serve(tx: Tx, key: bytes) -> list[object] | None:
        value = tx.db.peek(key)
        return [key, take(tx, pops.event, key, value, pops.most)] if isinstance(value, List) else None

    for name in pops.keys:
        if tx.db.list(name) is not None:
            return serve(tx, name)
    return tx.block(pops.keys, timeout_ms, serve, NULL_ARRAY)


@command("BLMOVE", "write denyoom noscript blocking", keys=MOVES, since="6.2.0", group="list", complexity="O(1)")
def blmove(tx: Tx, source: bytes, destination: bytes, wherefrom: bytes, whereto: bytes, timeout: bytes) -> object:
    """Do LMOVE, waiting for an element if the source has none."""
    is_left(wherefrom)
    is_left(whereto)
    return _move_or_wait(tx, source, destination, (wherefrom, whereto), parse_timeout(timeout))


@command("BRPOPLPUSH", "write denyoom noscript blocking", keys=MOVES, since="2.2.0", group="list", complexity="O(1)")
def brpoplpush(tx: Tx, source: bytes, destination: bytes, timeout: bytes) -> object:
    """Do RPOPLPUSH, waiting for an element if the source has none."""
    return _move_or_wait(tx, source, destination, (), parse_timeout(timeout))


def _move_or_wait(tx: Tx, source: bytes, destination: bytes, ends: tuple[bytes, ...], timeout_ms: int) -> object:
    def serve(tx: Tx, key: bytes) -> object:
        return move(tx, key, destination, *ends) if isinstance(tx.db.peek(key), List) else None

    if tx.db.list(source) is not None:
        return move(tx, source, destination, *ends)
    reply = tx.block([source], timeout_ms, serve, NULL_ARRAY)
    return None if reply is NULL_ARRAY else reply  # Redis: no waiting in MULTI is `$-1`, a wait that timed out `*-1`
