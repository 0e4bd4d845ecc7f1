"""Reading arguments as Redis reads them: strict integers, floats as strtold takes them, option words, ranges.

Every function raises the `ReplyError` that Redis answers for the same bad argument.
"""

from __future__ import annotations

import math
import re

from store.errors import ReplyError, not_a_float
from store.numbers import INT64_MAX, INT64_MIN, is_integer
from store.primitives import quick_float, read_integer

__all__ = ["INT64_MAX", "INT64_MIN", "format_float", "is_integer", "parse_float", "parse_int", "parse_range", "strtod"]

_DECIMAL = re.compile(rb"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?)\Z", re.IGNORECASE)
_HEXADECIMAL = re.compile(rb"[+-]?0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?\d+)?\Z", re.IGNORECASE)
_NOT_ZERO = re.compile(rb"[+-]?(?:[0.]*[1-9]|0x[0.]*[1-9a-f])", re.IGNORECASE)


def parse_int(text: bytes | bytearray, message: str = "value is not an integer or out of range") -> int:
    """Read a canonical signed 64-bit integer; raise ReplyError(message) otherwise."""
    number = read_integer(text)
    if number is None:
        raise ReplyError(message)
    return number


def parse_range(text: bytes, least: int, most: int, message: str | None = None) -> int:
    """Read an integer within [least, most]; raise ReplyError(message) otherwise, by default in Redis's words."""
    if message is None and least == 0:
        message = "value is out of range, must be positive"
    number = parse_int(text) if message is None else parse_int(text, message)
    if not least <= number <= most:
        raise ReplyError(message or f"value is out of range, value must between {least} and {most}")
    return number


def strtod(text: bytes | bytearray) -> float | None:
    """Read a float as strtod(3) does, without blanks: decimal, `0x1.8p3`, `inf`; too large is infinite, nan is None."""
    if _DECIMAL.match(text) is not None:
        return float(text)
    if _HEXADECIMAL.match(text) is None:
        return None
    try:
        return float.fromhex(text.decode())
    except OverflowError:
        return -math.inf if text[:1] == b"-" else math.inf


def parse_float(text: bytes | bytearray, message: str | None = None) -> float:
    """Read a float as Redis's string2d does: nan, blanks and what overflows or vanishes to zero are a ReplyError."""
    quick = quick_float(text) if type(text) is bytes else None
    if quick is not None:
        return quick
    number = strtod(text)
    if number is None or (math.isinf(number) and b"n" not in text.lower()) or (number == 0 and _NOT_ZERO.match(text)):
        raise ReplyError(message) if message else not_a_float()
    return number


def format_float(number: float) -> bytes:
    """Print a double as Redis replies it: 17 digits at most (`%.17g`), `inf`, `-inf`, integers without point."""
    if math.isinf(number):
        return b"inf" if number > 0 else b"-inf"
    if number == int(number) and abs(number) < 1e17:
        return b"-0" if number == 0 and math.copysign(1, number) < 0 else b"%d" % int(number)
    return b"%.17g" % number
