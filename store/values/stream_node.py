"""A node of a stream: up to a hundred entries or so, found by id.

Entries are cut into nodes exactly where Redis cuts them (`stream-node-max-entries`, `stream-node-max-bytes`): a trim with `~` only
drops whole nodes, so what it leaves depends on the cuts. Law: `ids` ascends; a deleted entry keeps its id here, since it
still counts for the node's limits, but not its content; `live` counts the others and is never 0 in a stream.
"""

from __future__ import annotations

import re
from bisect import bisect_left

Fields = tuple[bytes, ...]
"""An entry's content: field, value, field, value …"""

MAX_BYTES = 1 << 30
"""Bytes that neither an entry nor a node may exceed, whatever is configured."""
SEQUENCE = (1 << 64) - 1
MAX_ID = (1 << 128) - 1
_INTEGER = re.compile(rb"(?:0|-?[1-9][0-9]{0,18})\Z")
_FIXED = 2 + 2 + 1 + 6  # number of shared names and closing 0 as they mostly are, end mark, header


def make_id(ms: int, sequence: int) -> int:
    """An id as one number: the time in ms above 64 bits of sequence, so that numbers compare as ids do."""
    return ms << 64 | sequence


def id_text(number: int) -> bytes:
    """Write an id as clients see it: `ms-sequence`."""
    return b"%d-%d" % (number >> 64, number & SEQUENCE)


class Node:
    """Entries with ids from `base` on. `names`: the field names of its first entry, shared by those that have the same."""

    __slots__ = ("base", "entries", "ids", "live", "names", "size")

    def __init__(self, base: int, names: Fields) -> None:
        self.base = base
        self.names = names
        self.ids: list[int] = []
        self.entries: list[Fields | None] = []
        self.live = 0
        self.size = _FIXED + number_size(len(names)) - 2 + sum(map(element_size, names))

    def add(self, number: int, fields: Fields) -> None:
        """Append an entry; its id has to be above all others here."""
        names = fields[::2]
        size = number_size(signed((number >> 64) - (self.base >> 64)))
        size += number_size(signed((number & SEQUENCE) - (self.base & SEQUENCE)))
        if names == self.names:
            shared = list(fields)
            shared[::2] = self.names
            fields = tuple(shared)
            size += sum(map(element_size, fields[1::2])) + 2 + number_size(3 + len(names))
        else:
            size += sum(map(element_size, fields)) + 2 + number_size(len(names)) + number_size(4 + len(fields))
        self.ids.append(number)
        self.entries.append(fields)
        self.live += 1
        self.size += size

    def is_full(self, growth: int, max_bytes: int, max_entries: int) -> bool:
        """Tell whether an entry with growth bytes of fields and values has to begin a new node; a limit of 0 is none."""
        if not 0 < max_bytes <= MAX_BYTES:
            max_bytes = MAX_BYTES
        size = self.size + number_size(self.live) + number_size(len(self.ids) - self.live)
        return size + growth >= max_bytes or 0 < max_entries <= len(self.ids)

    def place(self, number: int) -> int | None:
        """The place of a live entry, or None."""
        place = bisect_left(self.ids, number)
        found = place < len(self.ids) and self.ids[place] == number and self.entries[place] is not None
        return place if found else None

    def first(self) -> int:
        """The id of the first live entry; there is one."""
        return next(number for number, fields in zip(self.ids, self.entries, strict=True) if fields is not None)

    def last(self) -> int:
        """The id of the last live entry; there is one."""
        return next(
            number
            for number, fields in zip(reversed(self.ids), reversed(self.entries), strict=True)
            if fields is not None
        )

    def below(self, number: int) -> int:
        """How many live entries have ids below number."""
        return sum(fields is not None for fields in self.entries[: bisect_left(self.ids, number)])

    def copy(self) -> Node:
        """An independent copy; contents, which nobody changes, are shared."""
        twin = Node(self.base, self.names)
        twin.ids, twin.entries, twin.live, twin.size = self.ids[:], self.entries[:], self.live, self.size
        return twin

    def _check(self) -> None:
        assert self.ids == sorted(set(self.ids))
        assert self.ids[0] >= self.base
        assert len(self.entries) == len(self.ids)
        assert 0 < self.live == sum(fields is not None for fields in self.entries)


def signed(number: int) -> int:
    """A number as a signed one of 64 bits holds it: what Redis's counters and differences do when they overflow."""
    return (number + (1 << 63) & SEQUENCE) - (1 << 63)


# ── sizes in Redis's form (listpack.c 7.0) ───────────────────────────────────────────────────────────────────────────
def number_size(number: int) -> int:
    """Bytes that a number takes in a listpack."""
    if 0 <= number <= 0x7F:
        return 2
    if -0x1000 <= number <= 0xFFF:
        return 3
    magnitude = number if number >= 0 else -number - 1
    return 4 if magnitude < 1 << 15 else 5 if magnitude < 1 << 23 else 6 if magnitude < 1 << 31 else 10


def element_size(text: bytes) -> int:
    """Bytes that a string takes in a listpack; canonical integers of 64 bits are numbers there."""
    size = len(text)
    if 0 < size <= 20 and text[0] <= 57 and _INTEGER.match(text) is not None and -(1 << 63) <= int(text) < 1 << 63:
        return number_size(int(text))
    size += 1 if size < 64 else 2 if size < 4096 else 5
    return size + (1 if size <= 127 else 2 if size < 16383 else 3 if size < 2097151 else 4 if size < 268435455 else 5)
