"""List commands that answer at once (LPUSH … LMPOP); the blocking ones are in `blocking_lists`.

Law: the order of checks (arguments, existence, type) is Redis's own for each command: clients see which error wins.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from store.arguments import INT64_MAX, parse_int, parse_range
from store.commands.table import command
from store.errors import ReplyError, no_such_key, syntax_error
from store.long_replies import ARRAY, answer, is_long, span_of
from store.notifications import LIST
from store.primitives import write_integer
from store.replies import NULL_ARRAY, OK
from store.values.list import List, bounds

if TYPE_CHECKING:
    from store.tx import Tx

PER_PUSHED = "O(N) where N is the number of elements pushed"
NO_RANK_ZERO = (
    "RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
    "or use negative to start from the end of the list"
)


def is_left(word: bytes) -> bool:
    """Read LEFT or RIGHT in any case; raise a syntax error for another word."""
    end = word.upper()
    if end not in (b"LEFT", b"RIGHT"):
        raise syntax_error()
    return end == b"LEFT"


# ── pushing ────────────────────────────────────────────────────────────────────────────────────────────────────────
@command("LPUSH", "write denyoom fast", keys="RW insert @1", since="1.0.0", group="list", complexity=PER_PUSHED)
def lpush(tx: Tx, key: bytes, element: bytes, *more: bytes) -> object:
    """Put elements at the left end of a list, one after the other; the list is made if it is missing."""
    tx.db.typed(key, List)
    return tx.enter((b"LPUSH", key, element, *more))


@command("RPUSH", "write denyoom fast", keys="RW insert @1", since="1.0.0", group="list", complexity=PER_PUSHED)
def rpush(tx: Tx, key: bytes, element: bytes, *more: bytes) -> object:
    """Append elements to a list, which is made if it is missing."""
    tx.db.typed(key, List)
    return tx.enter((b"RPUSH", key, element, *more))


@command("LPUSHX", "write denyoom fast", keys="RW insert @1", since="2.2.0", group="list", complexity=PER_PUSHED)
def lpushx(tx: Tx, key: bytes, element: bytes, *more: bytes) -> object:
    """Put elements at the left end of a list that exists; reply 0 without one."""
    return 0 if tx.db.list(key) is None else tx.record(b"LPUSH", key, element, *more)


@command("RPUSHX", "write denyoom fast", keys="RW insert @1", since="2.2.0", group="list", complexity=PER_PUSHED)
def rpushx(tx: Tx, key: bytes, element: bytes, *more: bytes) -> object:
    """Append elements to a list that exists; reply 0 without one."""
    return 0 if tx.db.list(key) is None else tx.record(b"RPUSH", key, element, *more)


# ── popping and moving ─────────────────────────────────────────────────────────────────────────────────────────────
PER_TAKEN = "O(N) where N is the number of elements taken"
MOVES = "RW access delete @1; RW insert @2"


@command("LPOP", "write fast", keys="RW access delete @1", since="1.0.0", group="list", complexity=PER_TAKEN)
def lpop(tx: Tx, key: bytes, *count: bytes) -> object:
    """Take the first element of a list, or with count as many as there are up to it."""
    return _pop(tx, b"LPOP", key, count)


@command("RPOP", "write fast", keys="RW access delete @1", since="1.0.0", group="list", complexity=PER_TAKEN)
def rpop(tx: Tx, key: bytes, *count: bytes) -> object:
    """Take the last element of a list, or with count as many as there are up to it."""
    return _pop(tx, b"RPOP", key, count)


def _pop(tx: Tx, event: bytes, key: bytes, count: tuple[bytes, ...]) -> object:
    if len(count) > 1:
        raise ReplyError(f"wrong number of arguments for '{event.lower().decode()}' command")
    wanted = parse_range(count[0], 0, INT64_MAX, "value is out of range, must be positive") if count else -1
    value = tx.db.typed(key, List)
    if value is None:
        return NULL_ARRAY if count else None
    if wanted == 0:
        return []
    return take(tx, event, key, value, wanted) if count else take(tx, event, key, value)[0]


def take(tx: Tx, event: bytes, key: bytes, value: List, most: int = 0) -> list[bytes]:
    """Record that members leave the list at key by event LPOP or RPOP, one, or up to most if > 0; return them."""
    taken = tx.enter((event, key, write_integer(min(most, len(value)))) if most else (event, key))
    assert isinstance(taken, list)
    return taken


@command("LMOVE", "write denyoom", keys=MOVES, since="6.2.0", group="list", complexity="O(1)")
def lmove(tx: Tx, source: bytes, destination: bytes, wherefrom: bytes, whereto: bytes) -> object:
    """Take an element from one end of a list, put it at one end of another, and reply with it."""
    is_left(wherefrom)
    is_left(whereto)
    return move(tx, source, destination, wherefrom, whereto)


@command("RPOPLPUSH", "write denyoom", keys=MOVES, since="1.2.0", group="list", complexity="O(1)")
def rpoplpush(tx: Tx, source: bytes, destination: bytes) -> object:
    """Take the last element of a list, put it at the left end of another, and reply with it."""
    return move(tx, source, destination)


def move(tx: Tx, source: bytes, destination: bytes, *ends: bytes) -> object:
    """Record an element's move from one list to another, as LMOVE with its ends, as RPOPLPUSH without; None if none."""
    if tx.db.list(source) is None:
        return None
    tx.db.list(destination)
    return tx.record(b"LMOVE" if ends else b"RPOPLPUSH", source, destination, *ends)


class Pops(NamedTuple):
    """What LMPOP and BLMPOP ask for: from the first list among keys, up to `most` elements."""

    keys: tuple[bytes, ...]
    event: bytes
    most: int


def parse_mpop(numkeys: bytes, arguments: tuple[bytes, ...]) -> Pops:
    """Read `numkeys key … LEFT|RIGHT [COUNT n]`, numkeys ≥ 1 and n ≥ 1; raise ReplyError otherwise."""
    number = parse_range(numkeys, 1, INT64_MAX, "numkeys should be greater than 0")
    if number >= len(arguments):
        raise syntax_error()
    event = b"LPOP" if is_left(arguments[number]) else b"RPOP"
    options = arguments[number + 1 :]
    if not options:
        return Pops(arguments[:number], event, 1)
    if len(options) < 2 or options[0].upper() != b"COUNT":
        raise syntax_error()
    count = parse_range(options[1], 1, INT64_MAX, "count should be greater than 0")
    if len(options) > 2:
        raise syntax_error()
    return Pops(arguments[:number], event, count)


@command(
    "LMPOP", "write movablekeys", keys="RW access delete @1#", since="7.0.0", group="list",
    complexity="O(N+M) where N is the number of keys given and M of elements taken",
)  # fmt: skip
def lmpop(tx: Tx, numkeys: bytes, key: bytes, where: bytes, *more: bytes) -> object:
    """Take elements from the first of several lists that exists; reply its name and them."""
    pops = parse_mpop(numkeys, (key, where, *more))
    for name in pops.keys:
        value = tx.db.list(name)
        if value is not None:
            return [name, take(tx, pops.event, name, value, pops.most)]
    return NULL_ARRAY


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────
@command("LLEN", "readonly fast", keys="RO @1", since="1.0.0", group="list", complexity="O(1)")
def llen(tx: Tx, key: bytes) -> int:
    """Count the elements of a list."""
    value = tx.db.list(key)
    return 0 if value is None else len(value)


@command(
    "LRANGE", "readonly", keys="RO access @1", since="1.0.0", group="list",
    complexity="O(log(C)+N) where C is the number of chunks of the list and N the number of elements returned",
)  # fmt: skip
def lrange(tx: Tx, key: bytes, start: bytes, stop: bytes) -> object:
    """List the elements from start to stop, both included; negative positions count from the end."""
    first, last = parse_int(start), parse_int(stop)
    value: List | None = tx.db.typed(key, List)
    if value is None:
        return []
    low, high = bounds(first, last, len(value))
    if is_long(tx, high - low):
        return answer(tx, ARRAY, span_of(value, low, high), (value,), high - low)
    return value.span(low, high)


@command(
    "LINDEX", "readonly", keys="RO access @1", since="1.0.0", group="list",
    complexity="O(log(C)) where C is the number of chunks of the list",
)  # fmt: skip
def lindex(tx: Tx, key: bytes, index: bytes) -> bytes | None:
    """Read the element at a position of a list; negative positions count from the end."""
    value = tx.db.list(key)
    if value is None:
        return None
    place = _place(value, index)
    return None if place is None else value[place]


def _place(value: List, index: bytes) -> int | None:
    """Read a position, negative from the end; None if the list has no such position."""
    place = parse_int(index)
    if place < 0:
        place += len(value)
    return place if 0 <= place < len(value) else None


@command(
    "LPOS", "readonly", keys="RO access @1", since="6.0.6", group="list",
    complexity="O(N) where N is the number of elements compared",
)  # fmt: skip
def lpos(tx: Tx, key: bytes, element: bytes, *options: bytes) -> object:
    """Find the positions of elements equal to the one given."""
    rank, count, most = _parse_lpos(options)
    value = tx.db.list(key)
    if value is None:
        return None if count is None else []
    length = len(value)
    found = (position for position, _, _ in value.positions(element, rank < 0, min(most, length)))
    skipped = min(abs(rank) - 1, length)
    if count is None:
        return next(islice(found, skipped, None), None)
    return list(islice(found, skipped, skipped + min(count or length, length)))


def _parse_lpos(options: tuple[bytes, ...]) -> tuple[int, int | None, int]:
    """Read LPOS's RANK (≠ 0), COUNT (None if not given) and MAXLEN (0 = all); the last of a repeated option wins."""
    rank, count, most = 1, None, 0
    for place in range(0, len(options), 2):
        word, values = options[place].upper(), options[place + 1 : place + 2]
        if not values or word not in (b"RANK", b"COUNT", b"MAXLEN"):
            raise syntax_error()
        if word == b"RANK":
            rank = parse_int(values[0])
            if rank == 0:
                raise ReplyError(NO_RANK_ZERO)
        elif word == b"COUNT":
            count = parse_range(values[0], 0, INT64_MAX, "COUNT can't be negative")
        else:
            most = parse_range(values[0], 0, INT64_MAX, "MAXLEN can't be negative")
    return rank, count, most


# ── editing in the middle ──────────────────────────────────────────────────────────────────────────────────────────
@command(
    "LSET", "write denyoom", keys="RW update @1", since="1.0.0", group="list",
    complexity="O(log(C)) where C is the number of chunks of the list",
)  # fmt: skip
def lset(tx: Tx, key: bytes, index: bytes, element: bytes) -> str:
    """Replace the element at a position of a list that exists."""
    value = tx.db.list(key)
    if value is None:
        raise no_such_key()
    if _place(value, index) is None:
        raise ReplyError("index out of range")
    tx.record(b"LSET", key, index, element)
    return OK


@command(
    "LINSERT", "write denyoom", keys="RW insert @1", since="2.2.0", group="list",
    complexity="O(N) where N is the number of elements compared before the pivot is found",
)  # fmt: skip
def linsert(tx: Tx, key: bytes, where: bytes, pivot: bytes, element: bytes) -> object:
    """Insert an element before or after another one of a list; reply the new length, -1 without that other one."""
    if where.upper() not in (b"BEFORE", b"AFTER"):
        raise syntax_error()
    value = tx.db.list(key)
    if value is None:
        return 0
    return tx.record(b"LINSERT", key, where, pivot, element) if pivot in value else -1


@command(
    "LREM", "write", keys="RW delete @1", since="1.0.0", group="list",
    complexity="O(N+M) where N is the length of the list and M the number of elements removed",
)  # fmt: skip
def lrem(tx: Tx, key: bytes, count: bytes, element: bytes) -> object:
    """Remove elements equal to the one given: the first count, the last -count, or all with 0."""
    parse_int(count)
    value = tx.db.list(key)
    return tx.record(b"LREM", key, count, element) if value is not None and element in value else 0


@command(
    "LTRIM", "write", keys="RW delete @1", since="1.0.0", group="list",
    complexity="O(N) where N is the number of elements removed",
)  # fmt: skip
def ltrim(tx: Tx, key: bytes, start: bytes, stop: bytes) -> str:
    """Cut a list down to the elements from start to stop, both included.

    Where nothing is cut off nothing is recorded, but announced: Redis notifies of that as well, and WATCH counts it as a change.
    """
    first, last = parse_int(start), parse_int(stop)
    value = tx.db.list(key)
    if value is None:
        return OK
    if bounds(first, last, len(value)) == (0, len(value)):
        tx.db.touched(key, changes=0)  # nothing that a snapshot would have to hold
        tx.keyspace.notify(tx.db, LIST, b"ltrim", key)
    else:
        tx.record(b"LTRIM", key, start, stop)
    return OK
