"""Cursors: the arguments of SCAN, HSCAN, SSCAN and ZSCAN, and the walk over a collection.

Law: no scan leaves anything behind on the server; a cursor is a place (see `store.values.index`) and stays valid while
the collection changes. A collection in its small encoding or in a block is returned whole, whatever COUNT says, as Redis does
with the former.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from store.commands.arguments import parse_int
from store.errors import ReplyError, syntax_error
from store.glob import compile_glob
from store.values.index import MemberIndex

_CURSOR = re.compile(rb"([+-]?)([0-9]+)\Z")
_CURSOR_LIMIT = 1 << 64


@dataclass(slots=True)
class ScanOptions:
    """MATCH (None: everything matches), COUNT (items a call, > 0) and TYPE (lower case; only SCAN takes it)."""

    matches: Callable[[bytes], bool] | None = None
    count: int = 10
    type: bytes | None = None

    def matching(self, members: Iterable[bytes]) -> list[bytes]:
        """The members that MATCH lets through."""
        return list(members) if self.matches is None else list(filter(self.matches, members))


class Scannable(Protocol):
    """A collection that can be walked by cursor: Hash, Set, SortedSet."""

    compact: bool

    @property
    def table(self) -> object:
        """What has taken the block's place, or None."""

    def __len__(self) -> int: ...

    def indexed(self) -> MemberIndex:
        """The fields or members with places."""


def parse_cursor(text: bytes) -> int:
    """Read a cursor as strtoul does, in 64 bits (a sign is allowed, empty is 0); raise ReplyError for anything else."""
    match = _CURSOR.match(text)
    if match is None and text:
        raise ReplyError("invalid cursor")
    if match is None:
        return 0
    digits = match[2].lstrip(b"0")
    if len(digits) > 20 or int(digits or b"0") >= _CURSOR_LIMIT:
        raise ReplyError("invalid cursor")
    number = int(digits or b"0")
    return (_CURSOR_LIMIT - number) % _CURSOR_LIMIT if match[1] == b"-" else number


def parse_scan_options(args: tuple[bytes, ...], typed: bool = False) -> ScanOptions:
    """Read MATCH pattern, COUNT number and, if typed, TYPE name, in any order; the last of each counts."""
    options = ScanOptions()
    for place in range(0, len(args), 2):
        word, rest = args[place].upper(), args[place + 1 : place + 2]
        if not rest:
            raise syntax_error()
        if word == b"COUNT":
            options.count = parse_int(rest[0])
            if options.count < 1:
                raise syntax_error()
        elif word == b"MATCH":
            options.matches = None if rest[0] == b"*" else compile_glob(rest[0])
        elif word == b"TYPE" and typed:
            options.type = rest[0].lower()
        else:
            raise syntax_error()
    return options


def scan_collection(
    collection: Scannable, names: Iterable[bytes], cursor: int, options: ScanOptions
) -> tuple[bytes, list[bytes]]:
    """Return the next cursor, as replied, and the fields or members of this step that match.

    `names`: all fields or members of the collection, in the order of a reply that needs no cursor.
    """
    if collection.compact or collection.table is None or (cursor == 0 and options.count >= len(collection)):
        return b"0", options.matching(names)
    following, members = collection.indexed().scan(cursor, options.count)
    return b"%d" % following, options.matching(members)
