"""Numbers as redis.conf writes them: strict integers, C integers, octal, and memory sizes with units.

Law: what Redis 7.0 accepts is accepted with the same value, and nothing else. Its odd corners are kept on purpose
(an empty memory size is 0, sizes wrap at 64 bits), because a file that starts one server has to start the other.
"""

from __future__ import annotations

import re

INT_MAX = 2**31 - 1
INT_MIN = -(2**31)
UINT_MAX = 2**32 - 1
LONG_MAX = 2**63 - 1
LONG_MIN = -(2**63)
ULONG_MAX = 2**64 - 1

_STRICT = re.compile(rb"0|-?[1-9][0-9]{0,18}")
_C_INTEGER = re.compile(rb"(?:[ \t\n\v\f\r]*([+-]?[0-9]+))?")
_C_OCTAL = re.compile(rb"(?:[ \t\n\v\f\r]*([+-]?[0-7]+))?")
_MEMORY = re.compile(rb"([0-9]{0,127})([a-zA-Z]*)")
_UNITS = {b"": 1, b"b": 1, b"k": 1000, b"kb": 1 << 10, b"m": 10**6, b"mb": 1 << 20, b"g": 10**9, b"gb": 1 << 30}


def strict_integer(text: bytes) -> int | None:
    """Return the 64-bit integer written in its only canonical form, or None (source: util.c string2ll)."""
    if not _STRICT.fullmatch(text):
        return None
    value = int(text)
    return value if LONG_MIN <= value <= LONG_MAX else None


def c_integer(text: bytes) -> int | None:
    """Return what strtoll(3) reads if it reads all of text (empty: 0), clamped to 64 bits; None if it does not."""
    found = _C_INTEGER.fullmatch(text)
    return None if found is None else min(max(int(found[1] or 0), LONG_MIN), LONG_MAX)


def c_octal(text: bytes) -> int | None:
    """Return the octal number that strtoll(3) reads from all of text; None when it does not, or on overflow."""
    found = _C_OCTAL.fullmatch(text)
    if found is None:
        return None
    value = int(found[1] or b"0", 8)
    return value if LONG_MIN <= value <= LONG_MAX else None


def memory_size(text: bytes) -> int | None:
    """Return a size in bytes, 0 to 2^64-1, from digits and an optional unit (k, kb, m, mb, g, gb, b), or None."""
    found = _MEMORY.fullmatch(text)
    if found is None or found[2].lower() not in _UNITS:
        return None
    return min(int(found[1] or 0), ULONG_MAX) * _UNITS[found[2].lower()] & ULONG_MAX


def format_memory(size: int) -> bytes:
    """Return size as redis.conf would write it: in the largest unit that divides it."""
    for unit, factor in (b"gb", 1 << 30), (b"mb", 1 << 20), (b"kb", 1 << 10):
        if size and size % factor == 0:
            return b"%d%s" % (size // factor, unit)
    return b"%d" % size
