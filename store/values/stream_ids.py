"""Reading stream ids: `ms-sequence`, `ms` alone, `ms-*`, `-`, `+`, and the ends of intervals (`(` leaves an end out).

Every function raises the ReplyError that Redis answers for the same bad argument.
"""

from __future__ import annotations

import re

from store.errors import ReplyError
from store.values.stream_node import MAX_ID, SEQUENCE, make_id

_ID = re.compile(rb"([0-9]+)(?:-([0-9]+))?\Z")
_LENIENT = re.compile(rb"[ \t-\r]*\+?([0-9]+)(?:-[ \t-\r]*\+?([0-9]+))?\Z")  # as strtoull(3) reads
_LONGEST = 127


def invalid_id() -> ReplyError:
    """The error for what is no id."""
    return ReplyError("Invalid stream ID specified as stream command argument")


def parse_id(text: bytes, missing_sequence: int = 0) -> int:
    """Read an id as a number; missing_sequence stands in where only the time is given."""
    match = _ID.match(text) or _LENIENT.match(text)
    if match is None or len(text) > _LONGEST:
        raise invalid_id()
    ms = int(match[1])
    sequence = missing_sequence if match[2] is None else int(match[2])
    if ms > SEQUENCE or sequence > SEQUENCE:
        raise invalid_id()
    return ms << 64 | sequence


def parse_new_id(text: bytes) -> tuple[int, bool]:
    """Read the id of a new entry: (id, True), or (time, False) for `ms-*`, whose sequence is to be chosen."""
    if text.endswith(b"-*"):
        return parse_id(text[:-1] + b"0"), False
    return parse_id(text), True


def parse_special_id(text: bytes, missing_sequence: int = 0) -> int:
    """Read an id, or `-` for the lowest and `+` for the highest there can be."""
    if text == b"-":
        return 0
    return MAX_ID if text == b"+" else parse_id(text, missing_sequence)


def parse_start(text: bytes) -> int:
    """Read the lower end of an interval as the first id inside."""
    if len(text) <= 1 or text[:1] != b"(":
        return parse_special_id(text)
    number = parse_id(text[1:])
    if number == MAX_ID:
        raise ReplyError("invalid start ID for the interval")
    return number + 1


def parse_end(text: bytes) -> int:
    """Read the upper end of an interval as the last id inside."""
    if len(text) <= 1 or text[:1] != b"(":
        return parse_special_id(text, SEQUENCE)
    number = parse_id(text[1:], SEQUENCE)
    if number == 0:
        raise ReplyError("invalid end ID for the interval")
    return number - 1


def next_id(last: int, now: int) -> int:
    """The id that `*` stands for: the time now (unix ms), or one above last when the clock has not gone on."""
    return make_id(now, 0) if now > last >> 64 else last + 1
