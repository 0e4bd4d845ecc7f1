"""Union, intersection and difference of sorted sets (and sets): replied, counted or stored.

Law: a stored result is recorded as the command's own words, since history determines it; an empty one as the removal of
the destination, if there is anything to remove.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.commands.lookups import read_for_write
from store.commands.sorted_sets import with_scores
from store.commands.table import command
from store.entry import Stored
from store.long_replies import ARRAY, PAIRS, PART, answer, flat_scores, in_rank_order, is_long, only_members
from store.values.set_operation import Operation, read_operation

if TYPE_CHECKING:
    from store.tx import Tx

READS = "RO access @1#1"
STORES = "OW update @1; RO access @2#1"
PER_UNION = "O(N)+O(M*log(M)) for N members in all inputs and M in the result"
PER_INTERSECTION = "O(N*K)+O(M*log(M)) for N members in the smallest of K inputs and M in the result"
PER_DIFFERENCE = "O(N*K)+O(M*log(M)) for N members in the first of K inputs and M in the result"


def _reply(tx: Tx, operation: Operation) -> object:
    if is_long(tx, sum(map(len, operation.inputs))):
        shown = flat_scores if operation.with_scores else only_members
        parts = in_rank_order(operation.steps(PART), shown)
        return answer(tx, PAIRS if operation.with_scores else ARRAY, parts, operation.values)
    pairs = sorted((score, member) for member, score in operation.scores().items())
    return with_scores(pairs) if operation.with_scores else [member for _, member in pairs]


def _store(tx: Tx, kind: str, event: bytes, destination: bytes, words: tuple[bytes, ...]) -> object:
    def fetch(key: bytes) -> Stored | None:
        return read_for_write(tx, key)

    if read_operation(kind, event.decode().lower(), words, fetch, store=True).is_empty():
        tx.delete(destination)
        return 0
    return tx.record(event, destination, *words)


@command("ZUNION", "readonly movablekeys", keys=READS, since="6.2.0", group="sorted-set", complexity=PER_UNION)
def zunion(tx: Tx, numkeys: bytes, key: bytes, *rest: bytes) -> object:
    """Reply the members of any input, with their scores put together."""
    return _reply(tx, read_operation("union", "zunion", (numkeys, key, *rest), tx.db.get))


@command("ZINTER", "readonly movablekeys", keys=READS, since="6.2.0", group="sorted-set", complexity=PER_INTERSECTION)
def zinter(tx: Tx, numkeys: bytes, key: bytes, *rest: bytes) -> object:
    """Reply the members that all inputs have, with their scores put together."""
    return _reply(tx, read_operation("inter", "zinter", (numkeys, key, *rest), tx.db.get))


@command("ZDIFF", "readonly movablekeys", keys=READS, since="6.2.0", group="sorted-set", complexity=PER_DIFFERENCE)
def zdiff(tx: Tx, numkeys: bytes, key: bytes, *rest: bytes) -> object:
    """Reply the members of the first input that no other input has."""
    return _reply(tx, read_operation("diff", "zdiff", (numkeys, key, *rest), tx.db.get))


@command(
    "ZINTERCARD", "readonly movablekeys", keys=READS, since="7.0.0", group="sorted-set",
    complexity="O(N*K) for N members in the smallest of K inputs",
)  # fmt: skip
def zintercard(tx: Tx, numkeys: bytes, key: bytes, *rest: bytes) -> int:
    """Reply how many members all inputs have in common, counted up to LIMIT."""
    return read_operation("card", "zintercard", (numkeys, key, *rest), tx.db.get).count()


@command(
    "ZUNIONSTORE", "write denyoom movablekeys", keys=STORES, since="2.0.0", group="sorted-set", complexity=PER_UNION
)
def zunionstore(tx: Tx, destination: bytes, numkeys: bytes, key: bytes, *rest: bytes) -> object:
    """Store the members of any input, with their scores put together; reply how many."""
    return _store(tx, "union", b"ZUNIONSTORE", destination, (numkeys, key, *rest))


@command(
    "ZINTERSTORE", "write denyoom movablekeys", keys=STORES, since="2.0.0", group="sorted-set",
    complexity=PER_INTERSECTION,
)  # fmt: skip
def zinterstore(tx: Tx, destination: bytes, numkeys: bytes, key: bytes, *rest: bytes) -> object:
    """Store the members that all inputs have, with their scores put together; reply how many."""
    return _store(tx, "inter", b"ZINTERSTORE", destination, (numkeys, key, *rest))


@command(
    "ZDIFFSTORE", "write denyoom movablekeys", keys=STORES, since="6.2.0", group="sorted-set", complexity=PER_DIFFERENCE
)
def zdiffstore(tx: Tx, destination: bytes, numkeys: bytes, key: bytes, *rest: bytes) -> object:
    """Store the members of the first input that no other input has; reply how many."""
    return _store(tx, "diff", b"ZDIFFSTORE", destination, (numkeys, key, *rest))
