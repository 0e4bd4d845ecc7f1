"""How long a blocking command waits: its timeout argument, in seconds (WAIT: milliseconds), as milliseconds."""

from __future__ import annotations

import math
import re

from store.arguments import parse_int
from store.errors import ReplyError

_DECIMAL = re.compile(rb"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?)", re.IGNORECASE)
_HEXADECIMAL = re.compile(rb"[+-]?0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?\d+)?", re.IGNORECASE)
_MOST = 1 << 63


def parse_timeout(text: bytes) -> int:
    """Read a timeout in seconds (a float, rounded up to whole milliseconds) into milliseconds; 0 waits for ever.

    Raise ReplyError for what is no float, for a negative one, and for one beyond 64 bits of milliseconds: Redis 7.0
    calls that negative too.
    """
    milliseconds = _seconds(text) * 1000
    if not -1 < milliseconds < _MOST:
        raise ReplyError("timeout is negative")
    return math.ceil(milliseconds)


def parse_milliseconds(text: bytes) -> int:
    """Read a timeout given in whole milliseconds; 0 waits for ever."""
    milliseconds = parse_int(text, "timeout is not an integer or out of range")
    if milliseconds < 0:
        raise ReplyError("timeout is negative")
    return milliseconds


def _seconds(text: bytes) -> float:
    """Read a float as strtold does, without blanks and nan; what a double can't hold is infinite."""
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _HEXADECIMAL.fullmatch(text) is None:
        raise ReplyError("timeout is not a float or out of range")
    try:
        return float.fromhex(text.decode())
    except OverflowError:
        return math.inf
