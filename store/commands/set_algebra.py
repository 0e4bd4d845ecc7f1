"""Union, intersection and difference of sets, replied or stored.

Law: the STORE forms record themselves: the sets they read are part of the same history, so the event needs no members.
Types are checked before; nothing is recorded when neither a result nor an old destination is there.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from store.commands.arguments import INT64_MAX, parse_range
from store.commands.table import command
from store.errors import ReplyError, syntax_error
from store.long_replies import PART, SET, answer, gathered, is_long
from store.replies import SetReply
from store.values.set import Set
from store.values.set_algebra import Operation, common, difference, in_order, intersection, is_empty, parts, union

if TYPE_CHECKING:
    from store.tx import Tx

UNORDERED = "nondeterministic_output_order"
SMALLEST = "O(N*M) at worst, where N is the size of the smallest set and M the number of sets"
ALL = "O(N) where N is the number of members in all sets"


def _sets(tx: Tx, keys: tuple[bytes, ...]) -> list[Set | None]:
    """The sets at keys; they count as read, with hits and misses, for the STORE forms as well."""
    keyspace = tx.keyspace
    before, keyspace.counting = keyspace.counting, True
    try:
        return [tx.db.set(key) for key in keys]
    finally:
        keyspace.counting = before


def _reply(tx: Tx, operation: Operation, keys: tuple[bytes, ...]) -> object:
    sets = _sets(tx, keys)
    if is_long(tx, sum(len(one) for one in sets if one is not None)):
        limits = tx.keyspace.limits
        found = gathered(parts(operation, sets, PART), limits.set_max_intset_entries, lambda few: in_order(few, limits))
        return answer(tx, SET, found, [one for one in sets if one is not None])
    return SetReply(in_order(operation(sets), tx.keyspace.limits))


def _store(tx: Tx, operation: Operation, event: bytes, destination: bytes, keys: tuple[bytes, ...]) -> object:
    sets = _sets(tx, keys)
    if destination not in tx.db.entries and is_empty(operation, sets):
        return 0
    return tx.record(event, destination, *keys)


@command("SUNION", "readonly", keys="RO access @1:-1", since="1.0.0", group="set", tips=UNORDERED, complexity=ALL)
def sunion(tx: Tx, key: bytes, *more: bytes) -> object:
    """Reply the members of any of several sets."""
    return _reply(tx, union, (key, *more))


@command("SINTER", "readonly", keys="RO access @1:-1", since="1.0.0", group="set", tips=UNORDERED, complexity=SMALLEST)
def sinter(tx: Tx, key: bytes, *more: bytes) -> object:
    """Reply the members that several sets have in common."""
    return _reply(tx, intersection, (key, *more))


@command("SDIFF", "readonly", keys="RO access @1:-1", since="1.0.0", group="set", tips=UNORDERED, complexity=ALL)
def sdiff(tx: Tx, key: bytes, *more: bytes) -> object:
    """Reply the members of the first set that none of the others has."""
    return _reply(tx, difference, (key, *more))


@command("SINTERCARD", "readonly movablekeys", keys="RO access @1#1", since="7.0.0", group="set", complexity=SMALLEST)
def sintercard(tx: Tx, numkeys: bytes, key: bytes, *more: bytes) -> int:
    """Count the members that several sets have in common, up to a limit."""
    count = parse_range(numkeys, 1, INT64_MAX, "numkeys should be greater than 0")
    if count > 1 + len(more):
        raise ReplyError("Number of keys can't be greater than number of args")
    limit = 0
    options = more[count - 1 :]
    for place in range(0, len(options), 2):
        if options[place].upper() != b"LIMIT" or place + 1 == len(options):
            raise syntax_error()
        limit = parse_range(options[place + 1], 0, INT64_MAX, "LIMIT can't be negative")
    sets = _sets(tx, (key, *more)[:count])
    return sum(1 for _ in islice(common(sets), limit or None))


@command(
    "SUNIONSTORE", "write denyoom", keys="OW update @1; RO access @2:-1", since="1.0.0", group="set",
    complexity=ALL,
)  # fmt: skip
def sunionstore(tx: Tx, destination: bytes, key: bytes, *more: bytes) -> object:
    """Store the members of any of several sets at a key, replacing what is there; reply how many they are."""
    return _store(tx, union, b"SUNIONSTORE", destination, (key, *more))


@command(
    "SINTERSTORE", "write denyoom", keys="RW update @1; RO access @2:-1", since="1.0.0", group="set",
    complexity=SMALLEST,
)  # fmt: skip
def sinterstore(tx: Tx, destination: bytes, key: bytes, *more: bytes) -> object:
    """Store the members that several sets have in common at a key, replacing what is there; reply how many they are."""
    return _store(tx, intersection, b"SINTERSTORE", destination, (key, *more))


@command(
    "SDIFFSTORE", "write denyoom", keys="OW update @1; RO access @2:-1", since="1.0.0", group="set",
    complexity=ALL,
)  # fmt: skip
def sdiffstore(tx: Tx, destination: bytes, key: bytes, *more: bytes) -> object:
    """Store the members of the first set that none of the others has, replacing a key; reply how many they are."""
    return _store(tx, difference, b"SDIFFSTORE", destination, (key, *more))
