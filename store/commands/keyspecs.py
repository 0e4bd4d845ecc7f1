"""Where a command's keys are: the short notation of the table, read once, and the search in a call's arguments.

    keys    = spec *( ";" spec )
    spec    = *flag "@" place              flag: RW RO OW RM access update insert delete variable_flags not_key incomplete
    place   = begin [ ":" last [ ":" step ] ]         a range of arguments; last counts from the end when negative
            | begin "#" [ first [ ":" step ] ]        argument `begin` holds the number of keys, the first at begin+first
            | word "+" begin [ ":" last [ ":" step ] ]   after the keyword `word`, from argument begin on (negative: from the end)
            | "?"                                      can't be told from the position alone (SORT … GET pattern)

`RW access update @1`, `RO access @1:-1:1`, `RO access @2#1` (ZINTERSTORE: number at 2, keys from 3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLACE = re.compile(
    r"^(?:(?P<unknown>\?)|(?:(?P<word>[A-Z]+)\+)?(?P<begin>-?\d+)(?:(?P<num>#)(?P<first>\d+)?|(?::(?P<last>-?\d+)))?(?::(?P<step>\d+))?(?:/(?P<limit>\d+))?)$"
)


@dataclass(frozen=True, slots=True)
class KeySpec:
    """One key specification, in the terms of COMMAND INFO: begin search by index or keyword, find keys by range or number."""

    flags: tuple[str, ...]
    begin: int = 0
    keyword: bytes | None = None
    last: int = 0
    step: int = 1
    limit: int = 0
    numbered: bool = False
    first: int = 1
    unknown: bool = False

    def positions(self, argv: list[bytes]) -> range:
        """The indices of the keys in argv; empty when the call has none or its key count is not a number."""
        start = self._start(argv)
        if start is None or start >= len(argv):
            return range(0)
        if not self.numbered:
            stop = start + self.last if self.last >= 0 else len(argv) + self.last
            if self.limit > 1:
                stop = start + (len(argv) - start) // self.limit + self.last
            return range(start, min(stop, len(argv) - 1) + 1, self.step)
        if not argv[start].isdigit():
            return range(0)
        count = int(argv[start])
        if count <= 0 or start + self.first + (count - 1) * self.step >= len(argv):
            return range(0)
        return range(start + self.first, start + self.first + count * self.step, self.step)

    def _start(self, argv: list[bytes]) -> int | None:
        if self.unknown:
            return None
        if self.keyword is None:
            return self.begin
        places = range(self.begin, len(argv)) if self.begin > 0 else range(len(argv) + self.begin, 0, -1)
        return next((place + 1 for place in places if argv[place].upper() == self.keyword), None)

    def find(self, argv: list[bytes]) -> list[bytes]:
        """The keys in argv."""
        return [argv[place] for place in self.positions(argv)]


def parse_keyspecs(text: str) -> tuple[KeySpec, ...]:
    """Read the notation above; raise ValueError if it does not fit the grammar (a programming error)."""
    return tuple(_parse_one(part.strip()) for part in text.split(";")) if text else ()


def _parse_one(text: str) -> KeySpec:
    flags, _, place = text.rpartition("@")
    match = _PLACE.match(place.strip())
    if match is None:
        raise ValueError(f"not a key specification: {text!r}")
    words = tuple(flags.split())
    if match["unknown"]:
        return KeySpec(words, unknown=True)
    return KeySpec(
        words, int(match["begin"]), match["word"].encode() if match["word"] else None, int(match["last"] or 0),
        int(match["step"] or 1), int(match["limit"] or 0), match["num"] is not None, int(match["first"] or 1),
    )  # fmt: skip
