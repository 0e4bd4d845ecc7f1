"""SORT and SORT_RO: the members of a list, set or sorted set in another order, by themselves or by other keys' values.

Law: SORT … STORE reads keys that its patterns name, so its outcome is recorded (DEL and RPUSH of the destination), not
itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from store.commands.arguments import parse_int
from store.commands.keyspecs import KeySpec
from store.commands.table import RESTRICTED, TABLE, command
from store.database import Database
from store.errors import ReplyError, syntax_error, wrong_type
from store.keyspace import Keyspace
from store.long_replies import ARRAY, Parts, answer, cut, in_rank_order, is_long, only_members, window
from store.notifications import NEW
from store.values.hash import Hash
from store.values.list import List
from store.values.set import Set
from store.values.sorted_set import SortedSet

if TYPE_CHECKING:
    from store.tx import Tx

COST = "O(N+M*log(M)) where N is the number of members and M of those returned; O(N) where nothing is sorted"
MOST_PUSHED = 1 << 16
"""Members a single recorded RPUSH carries at most: an event has to stay well below Redis's limit of 2^20 arguments."""


@dataclass(slots=True)
class Order:
    """What SORT's options ask for. `by`: pattern of the weights; `unsorted`: BY a constant keeps the native order."""

    by: bytes | None = None
    unsorted: bool = False
    descending: bool = False
    alphabetic: bool = False
    start: int = 0
    count: int = -1
    gets: list[bytes] = field(default_factory=list)
    store: bytes | None = None


@command(
    "SORT", "write denyoom movablekeys", keys="RO access @1; RO access @?; OW update @?", since="1.0.0",
    group="generic", acl="set sortedset list dangerous -keyspace", complexity=COST,
)  # fmt: skip
def sort(tx: Tx, key: bytes, *options: bytes) -> object:
    """Reply or store the members of a list, set or sorted set, sorted."""
    order = parse_order(tx, options, storing=True)
    found = collect(tx, key, order)
    return _store(tx, order.store, found) if order.store is not None and isinstance(found, list) else found


@command(
    "SORT_RO", "readonly movablekeys", keys="RO access @1; RO access @?", since="7.0.0", group="generic",
    acl="set sortedset list dangerous -keyspace", complexity=COST,
)  # fmt: skip
def sort_ro(tx: Tx, key: bytes, *options: bytes) -> object:
    """Reply the members of a list, set or sorted set, sorted; never stores."""
    return collect(tx, key, parse_order(tx, options, storing=False))


# ── options ────────────────────────────────────────────────────────────────────────────────────────────────────────
def parse_order(tx: Tx, options: tuple[bytes, ...], storing: bool) -> Order:
    """Read SORT's options; the last of a repeated one wins, except that one BY a constant keeps the native order.

    Raise ReplyError for an unknown or cut-off option, a LIMIT that is no integer, and patterns the user may not follow.
    """
    order = Order()
    words = iter(range(len(options)))
    for place in words:
        word, values = options[place].upper(), options[place + 1 :]
        taken = 1
        if word in (b"ASC", b"DESC"):
            order.descending = word == b"DESC"
            taken = 0
        elif word == b"ALPHA":
            order.alphabetic = True
            taken = 0
        elif word == b"LIMIT" and len(values) >= 2:
            order.start, order.count = parse_int(values[0]), parse_int(values[1])
            taken = 2
        elif word == b"STORE" and values and storing:
            order.store = values[0]
        elif word == b"BY" and values:
            order.by = values[0]
            if b"*" in values[0]:
                _check_patterns(tx, "BY")
            else:
                order.unsorted = True
        elif word == b"GET" and values:
            _check_patterns(tx, "GET")
            order.gets.append(values[0])
        else:
            raise syntax_error()
        for _ in range(taken):
            next(words)
    return order


def _check_patterns(tx: Tx, option: str) -> None:
    """Refuse patterns to users who may not read every key: a pattern could name any."""
    if tx.session.conditions & RESTRICTED and not tx.session.reads_every_key:
        raise ReplyError(f"{option} option of SORT denied due to insufficient ACL permissions.")


# ── members and their order ────────────────────────────────────────────────────────────────────────────────────────
def collect(tx: Tx, key: bytes, order: Order) -> object:
    """The reply of SORT: the chosen members in order, or for each of them what the GET patterns lead to."""
    tx.keyspace.counting = True  # SORT may write, but its look-ups are reads, and count as such
    value = tx.db.get(key)
    if value is not None and not isinstance(value, (List, Set, SortedSet)):
        raise wrong_type()
    if value is None:
        return []
    if order.unsorted and isinstance(value, Set) and (order.store is not None or tx.session.scripted):
        # A set has no order of its own: what scripts see and what is stored has to be the same on every node.
        order.unsorted, order.alphabetic, order.by = False, True, None
    start = min(max(order.start, 0), len(value))
    stop = len(value) if order.count < 0 else min(start + order.count, len(value))
    # What is stored is decided at once, and patterns lead to keys that nobody holds still.
    if order.store is None and order.by is None and not order.gets and is_long(tx, len(value)):
        return answer(tx, ARRAY, window(_ranked(value, order), start, stop), (value,), max(stop - start, 0))
    chosen = _native(value, start, stop, order.descending) if order.unsorted else _sorted(tx, value, order)[start:stop]
    if not order.gets:
        return list(chosen)
    return [follow(tx.db, pattern, member) for member in chosen for pattern in order.gets]


def _native(value: List | Set | SortedSet, start: int, stop: int, descending: bool) -> list[bytes]:
    """Members in the order that the value itself keeps, from the other end if descending; a set's order has no ends."""
    if isinstance(value, Set):
        return value.ordered()[start:stop]
    if descending:
        start, stop = len(value) - stop, len(value) - start
    members = value.span(start, stop) if isinstance(value, List) else [pair[1] for pair in value.slice(start, stop)]
    return members[::-1] if descending else members


def _sorted(tx: Tx, value: List | Set | SortedSet, order: Order) -> list[bytes]:
    """All members in the order asked for. Equal weights: by the members' bytes if numeric, as they came otherwise."""
    members: Iterable[bytes] = value.scores() if isinstance(value, SortedSet) else value
    by = order.by
    if by is None:
        rank: Callable[[bytes], object] = bytes if order.alphabetic else lambda member: (weight(member), member)
    elif order.alphabetic:
        rank = lambda member: _or_first(follow(tx.db, by, member))  # noqa: E731  # one of four keys, side by side
    else:
        rank = lambda member: (weight(follow(tx.db, by, member)), member)  # noqa: E731  # as above
    return sorted(members, key=rank, reverse=order.descending)  # type: ignore[arg-type]  # each rank compares with itself


def _ranked(value: List | Set | SortedSet, order: Order) -> Parts:
    """All members in the order asked for, sorted in steps."""
    members: Iterable[bytes] = value.scores() if isinstance(value, SortedSet) else value
    if order.alphabetic:
        return in_rank_order(cut(members), list, order.descending)
    weighed = ([(weight(member), member) for member in part] for part in cut(members))
    return in_rank_order(weighed, only_members, order.descending)


def _or_first(text: bytes | None) -> tuple[bool, bytes]:
    """A key that puts a missing text before every other, the empty one included."""
    return text is not None, text or b""


# ── weights and patterns ───────────────────────────────────────────────────────────────────────────────────────────
_DECIMAL = re.compile(
    rb"[ \t-\r]*([+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?))", re.IGNORECASE
)
_HEXADECIMAL = re.compile(rb"[ \t-\r]*([+-]?0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?[0-9]+)?)", re.IGNORECASE)
_PLAIN = re.compile(rb"-?[0-9]{1,15}(?:\.[0-9]{1,15})?\Z")  # most weights: neither too large nor too small
_SMALLEST_NORMAL = 2.0**-1022


def weight(text: bytes | None) -> float:
    """Read a weight as strtod does: leading blanks allowed, up to a NUL; nothing, and a missing key, weigh 0.

    Raise ReplyError for what is no number, nan, or beyond a double's range.
    """
    text = (text or b"").partition(b"\0")[0]
    if not text:
        return 0.0
    number = float(text) if _PLAIN.match(text) else _number(text)
    if number is None:
        raise ReplyError("One or more scores can't be converted into double")
    return number


def _number(text: bytes) -> float | None:
    """The number that text is as a whole, or None; too large or too small (subnormal) a number is none, as in C."""
    match = _DECIMAL.fullmatch(text)
    if match is not None:
        number = float(match[1])
        overflow = math.isinf(number) and b"n" not in match[1].lower()
        return None if overflow or _underflows(number, match[1].lower().partition(b"e")[0]) else number
    match = _HEXADECIMAL.fullmatch(text)
    if match is None:
        return None
    try:
        number = float.fromhex(match[1].decode())
    except OverflowError:
        return None
    return None if number == 0 and _underflows(number, match[1].lower().partition(b"p")[0][2:]) else number


def _underflows(number: float, mantissa: bytes) -> bool:
    return abs(number) < _SMALLEST_NORMAL and re.search(rb"[1-9a-f]", mantissa) is not None


def follow(db: Database, pattern: bytes, member: bytes) -> bytes | None:
    """The value that a BY or GET pattern leads to for a member; None without `*`, key, field, or with another type.

    `#` is the member itself; else the first `*` is replaced by it, and `->field` after that asks for a hash's field.
    """
    if pattern == b"#":
        return member
    prefix, star, rest = pattern.partition(b"*")
    if not star:
        return None
    name, _, wanted = rest.partition(b"->")
    if wanted:
        value = db.get(prefix + member + name)
        return value.get(wanted) if isinstance(value, Hash) else None
    value = db.get(prefix + member + rest)
    return bytes(value) if isinstance(value, (bytes, bytearray)) else None


# ── storing ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _store(tx: Tx, destination: bytes, found: list[object]) -> int:
    """Record that destination becomes the list of what was found (a missing one is empty text); reply how many.

    Redis replaces the value in one go and announces `sortstore` alone, so the deletion before and all pushes but the
    last stay unannounced, and so does `new` for a key that was there.
    """
    members = [item if isinstance(item, bytes) else b"" for item in found]
    if not members:
        tx.delete(destination)
        return 0
    keyspace, existed = tx.keyspace, destination in tx.db.entries
    classes = keyspace.notify_classes & ~NEW if existed else keyspace.notify_classes
    if existed:
        with _announcing(keyspace, 0):
            tx.record(b"DEL", destination)
    last = (len(members) - 1) // MOST_PUSHED * MOST_PUSHED
    with _announcing(keyspace, classes & NEW):
        for place in range(0, last, MOST_PUSHED):
            tx.record(b"RPUSH", destination, *members[place : place + MOST_PUSHED])
    with _announcing(keyspace, classes):
        tx.record_as(b"sortstore", b"RPUSH", destination, *members[last:])
    return len(members)


@contextmanager
def _announcing(keyspace: Keyspace, classes: int) -> Iterator[None]:
    """Let only these classes of notifications out for a while."""
    before, keyspace.notify_classes = keyspace.notify_classes, classes
    try:
        yield
    finally:
        keyspace.notify_classes = before


# ── keys ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class StoreKey(KeySpec):
    """The key after the last STORE: unknown to clients, found by reading the options (db.c 7.0)."""

    def positions(self, argv: list[bytes]) -> range:
        """The index of the destination, if there is one."""
        skips = {b"LIMIT": 2, b"GET": 1, b"BY": 1}
        found, place = 0, 2
        while place < len(argv):
            word = argv[place].upper()
            if word == b"STORE" and place + 1 < len(argv):
                found = place + 1
            place += 1 + skips.get(word, 0)
        return range(found, found + 1) if found else range(0)


_source, _patterns, _ = TABLE[b"sort"].keyspecs
TABLE[b"sort"].keyspecs = (_source, _patterns, StoreKey(("OW", "update"), unknown=True))
