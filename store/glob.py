"""Glob patterns as Redis matches them: KEYS, SCAN, PSUBSCRIBE, CONFIG GET, ACL key patterns.

`*` any bytes, `?` one byte, `[a-c]` and `[^a-c]` one byte in or not in a set, `\\x` the byte x itself. The corners are
those of stringmatchlen (util.c, redis 7.0): a set left open ends with the pattern, `[]` matches nothing, the ends of a
range may come in either order and are taken as they are, a backslash at the end is itself, and an empty subject matches
an empty pattern only. One exception: `*` alone matches the empty subject too, as KEYS, SCAN and ACL have it.

Law: matching takes at most (pattern × subject) steps, however many stars there are. Each star but the last commits to
the nearest place where what follows it fits, which is as good as any later one; the regular expression says so by
atomic groups, so nothing is ever tried twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Matcher = Callable[[bytes], bool]

_STAR, _ANY, _OPEN, _CLOSE, _NOT, _RANGE, _ESCAPE = b"*?[]^-\\"
_SPECIAL = re.compile(rb"[*?\[\\]")

# One element of a pattern: the set of bytes that fit, or None for a star.
_Element = frozenset[int] | None
_ALL = frozenset(range(256))


def compile_glob(pattern: bytes, ignore_case: bool = False) -> Matcher:
    """Return a function that tells whether a whole byte string matches pattern (ASCII case ignored on demand)."""
    if pattern == b"*":
        return lambda subject: True
    if pattern == b"":
        return pattern.__eq__
    if not ignore_case:
        simple = _without_regex(pattern)
        if simple is not None:
            return simple
    match = re.compile(_regex(_elements(pattern, ignore_case)), re.DOTALL).fullmatch
    return lambda subject: match(subject) is not None and subject != b""


def _without_regex(pattern: bytes) -> Matcher | None:
    """Return a matcher for a literal with or without stars at its ends, the patterns of daily use; None for others."""
    if not _SPECIAL.search(pattern):
        return pattern.__eq__
    body = pattern.strip(b"*")
    if _SPECIAL.search(body):
        return None
    if not body:
        return lambda subject: subject != b""
    if not pattern.startswith(b"*"):
        return lambda subject: subject.startswith(body)
    if not pattern.endswith(b"*"):
        return lambda subject: subject.endswith(body)
    return lambda subject: body in subject


def _elements(pattern: bytes, ignore_case: bool) -> list[_Element]:
    """Cut pattern into its elements; several stars in a row are one."""
    found: list[_Element] = []
    place = 0
    while place < len(pattern):
        byte = pattern[place]
        if byte == _STAR:
            if not found or found[-1] is not None:
                found.append(None)
        elif byte == _ANY:
            found.append(_ALL)
        elif byte == _OPEN:
            members, place = _set(pattern, place + 1, ignore_case)
            found.append(members)
            continue
        else:
            if byte == _ESCAPE and place + 1 < len(pattern):
                place += 1
            found.append(_fold({pattern[place]}, ignore_case))
        place += 1
    return found


def _set(pattern: bytes, place: int, ignore_case: bool) -> tuple[frozenset[int], int]:
    """Read the set after `[` at place; return the bytes that fit and the place after it."""
    negated = pattern[place : place + 1] == b"^"
    place += negated
    members: set[int] = set()
    while place < len(pattern) and pattern[place] != _CLOSE:
        left = len(pattern) - place
        if pattern[place] == _ESCAPE and left >= 2:
            members.add(pattern[place + 1])  # an escaped byte is exact even where case is ignored
            place += 2
        elif left >= 3 and pattern[place + 1] == _RANGE:
            members |= _range(pattern[place], pattern[place + 2], ignore_case)
            place += 3
        else:
            members |= _fold({pattern[place]}, ignore_case)
            place += 1
    return (_ALL - members if negated else frozenset(members)), place + 1


def _range(first: int, last: int, ignore_case: bool) -> frozenset[int]:
    """Return the bytes from first to last, given in either order, compared as signed like C's char."""
    low, high = sorted((_signed(first), _signed(last)))
    if not ignore_case:
        return frozenset(byte for byte in range(256) if low <= _signed(byte) <= high)
    low, high = _lower(low), _lower(high)
    return frozenset(byte for byte in range(256) if low <= _lower(_signed(byte)) <= high)


def _signed(byte: int) -> int:
    return byte - 256 if byte >= 128 else byte


def _lower(byte: int) -> int:
    return byte + 32 if 65 <= byte <= 90 else byte


def _fold(members: set[int], ignore_case: bool) -> frozenset[int]:
    """Return members, with both cases of the letters when case is ignored."""
    if not ignore_case:
        return frozenset(members)
    lowered = {_lower(byte) for byte in members}
    return frozenset(byte for byte in range(256) if _lower(byte) in lowered)


def _regex(elements: list[_Element]) -> bytes:
    """Write elements as a regular expression for fullmatch."""
    parts = [_run(run) for run in _runs(elements)]
    if len(parts) == 1:
        return parts[0]
    middle = b"".join(b"(?>.*?" + part + b")" for part in parts[1:-1] if part)
    return parts[0] + middle + b".*" + parts[-1]


def _runs(elements: list[_Element]) -> list[list[frozenset[int]]]:
    """Split elements at the stars."""
    runs: list[list[frozenset[int]]] = [[]]
    for element in elements:
        if element is None:
            runs.append([])
        else:
            runs[-1].append(element)
    return runs


def _run(run: list[frozenset[int]]) -> bytes:
    return b"".join(_one(members) for members in run)


def _one(members: frozenset[int]) -> bytes:
    """Write a set of bytes as a regular expression for one byte."""
    if len(members) == 256:
        return b"."
    if not members:
        return b"(?!)"
    if len(members) == 1:
        return re.escape(bytes(members))
    return b"[" + b"".join(b"\\x%02x" % byte for byte in sorted(members)) + b"]"
