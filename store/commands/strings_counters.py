"""Commands that count: a string read as a number, recorded as the string it becomes."""

from __future__ import annotations

from store.arguments import INT64_MAX, INT64_MIN, parse_int
from store.commands.lookups import string_part
from store.commands.table import command
from store.errors import ReplyError, not_a_float
from store.numbers import LongDouble, parse_long_double
from store.primitives import write_integer
from store.tx import Tx


def _add(tx: Tx, key: bytes, increment: int) -> int:
    value = string_part(tx.db, key)
    total = increment if value is None else parse_int(value) + increment
    if not INT64_MIN <= total <= INT64_MAX:
        raise ReplyError("increment or decrement would overflow")
    tx.enter_as(b"incrby", (b"SET", key, write_integer(total), b"KEEPTTL"))
    return total


@command("INCR", "write denyoom fast", keys="RW access update @1", since="1.0.0", group="string", complexity="O(1)")
def incr(tx: Tx, key: bytes) -> int:
    """Add one to the integer at a key; a missing key counts as 0."""
    return _add(tx, key, 1)


@command("DECR", "write denyoom fast", keys="RW access update @1", since="1.0.0", group="string", complexity="O(1)")
def decr(tx: Tx, key: bytes) -> int:
    """Subtract one from the integer at a key; a missing key counts as 0."""
    return _add(tx, key, -1)


@command("INCRBY", "write denyoom fast", keys="RW access update @1", since="1.0.0", group="string", complexity="O(1)")
def incrby(tx: Tx, key: bytes, increment: bytes) -> int:
    """Add an integer to the one at a key; a missing key counts as 0."""
    return _add(tx, key, parse_int(increment))


@command("DECRBY", "write denyoom fast", keys="RW access update @1", since="1.0.0", group="string", complexity="O(1)")
def decrby(tx: Tx, key: bytes, decrement: bytes) -> int:
    """Subtract an integer from the one at a key; a missing key counts as 0."""
    number = parse_int(decrement)
    if number == INT64_MIN:  # its negation has no 64-bit form, whatever the value is
        raise ReplyError("decrement would overflow")
    return _add(tx, key, -number)


def _number(text: bytes | bytearray) -> LongDouble:
    try:
        return parse_long_double(text)
    except ValueError:
        raise not_a_float() from None


@command(
    "INCRBYFLOAT", "write denyoom fast", keys="RW access update @1", since="2.6.0", group="string", complexity="O(1)"
)
def incrbyfloat(tx: Tx, key: bytes, increment: bytes) -> bytes:
    """Add a decimal number to the one at a key; a missing key counts as 0."""
    value = string_part(tx.db, key)
    total = _number(b"0" if value is None else value) + _number(increment)
    if not total.finite:
        raise ReplyError("increment would produce NaN or Infinity")
    text = bytes(total)
    tx.record_as(b"incrbyfloat", b"SET", key, text, b"KEEPTTL")
    return text
