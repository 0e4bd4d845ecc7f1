"""Reading arguments as Redis reads them: strict integers, floats as strtold takes them, option words, ranges.

Every function raises the `ReplyError` that Redis answers for the same bad argument.
"""

from __future__ import annotations

import math
import re

from store.errors import ReplyError, not_a_float, not_an_integer

INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
_INTEGER = re.compile(rb"^(?:0|-?[1-9][0-9]{0,18})\Z")
_FLOAT = re.compile(rb"^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|0[xX][0-9a-fA-F]+)\Z", re.IGNORECASE)


def is_integer(text: bytes | bytearray) -> bool:
    """Tell whether text is a canonical signed 64-bit integer: what Redis stores as one (no sign +, no leading zero)."""
    return _INTEGER.match(text) is not None and INT64_MIN <= int(text) <= INT64_MAX


def parse_int(text: bytes | bytearray, message: str = "value is not an integer or out of range") -> int:
    """Read a canonical signed 64-bit integer; raise ReplyError(message) otherwise."""
    if _INTEGER.match(text) is None:
        raise ReplyError(message)
    number = int(text)
    if not INT64_MIN <= number <= INT64_MAX:
        raise ReplyError(message)
    return number


def parse_range(text: bytes, least: int, most: int, message: str | None = None) -> int:
    """Read an integer within [least, most]; raise ReplyError(message), by default Redis's for a value out of range."""
    number = parse_int(text)
    if not least <= number <= most:
        if message is not None:
            raise ReplyError(message)
        raise ReplyError("value is out of range, must be positive") if least == 0 else not_an_integer()
    return number


def parse_float(text: bytes | bytearray, message: str | None = None) -> float:
    """Read a float as Redis's getDoubleFromObject does: inf allowed, nan, blanks and empty refused with ReplyError."""
    if _FLOAT.match(text) is None:
        raise ReplyError(message) if message else not_a_float()
    word = bytes(text).lower()
    number = float(int(word, 16)) if b"x" in word else float(word)
    if math.isinf(number) and b"inf" not in word:
        raise ReplyError(message) if message else not_a_float()
    return number


def format_float(number: float) -> bytes:
    """Print a double as Redis replies it: 17 significant digits at most (`%.17g`), `inf`, `-inf`, integers without a point."""
    if math.isinf(number):
        return b"inf" if number > 0 else b"-inf"
    if number == int(number) and abs(number) < 1e17:
        return b"-0" if number == 0 and math.copysign(1, number) < 0 else b"%d" % int(number)
    return b"%.17g" % number
