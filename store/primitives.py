"""Small steps of the hot path that compiled code takes another way: primitives.pyx has the same functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter_ns, time_ns

__all__ = ["bit_length", "call_with", "perf_counter_ns", "quick_float", "read_integer", "time_ns", "total_length", "write_integer"]

_ZERO = ord("0")


def call_with(function: Callable[..., object], first: object, words: list[bytes] | tuple[bytes, ...], skip: int) -> object:
    """Call function with first and then the words after the first `skip`, without copying them."""
    return function(first, *words[skip:])


def bit_length(number: int) -> int:
    """Count the bits that a number >= 0 takes."""
    return number.bit_length()


def read_integer(text: bytes | bytearray) -> int | None:
    """Read a canonical signed 64-bit integer (no plus sign, no leading zero, no blanks); None if text is something else."""
    digits = text[1:] if text[:1] == b"-" else text
    if not digits.isdigit() or (digits[0] == _ZERO and len(text) > 1) or len(digits) > 19:
        return None
    number = int(text)
    return number if -(1 << 63) <= number < 1 << 63 else None


def write_integer(number: int) -> bytes:
    """Write a signed 64-bit integer in decimal digits."""
    return b"%d" % number


def quick_float(text: bytes) -> float | None:
    """Read a number that is written in a few plain digits; None: it may be one all the same, and takes a closer look."""
    return float(text) if len(text) < 16 and text.isdigit() else None


def total_length(words: Sequence[bytes]) -> int:
    """Sum the lengths of words, a list or a tuple."""
    return sum(map(len, words))
