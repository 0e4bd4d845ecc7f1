"""The first line of a script or library: `#!lua flags=no-writes,allow-stale` or `#!lua name=mylib` (eval.c, functions.c 7.0).

Plain text work: nothing here needs Lua, so that snapshots, replay and replicas can handle libraries without it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from store.errors import ReplyError
from store.resp.words import UnbalancedQuotes, split_words

FLAGS = ("no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys")
"""Script flags in Redis's order."""

_NAME = re.compile(rb"[A-Za-z0-9_]+\Z")
BAD_NAME = "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"


class LibraryHead(NamedTuple):
    """What a library's first line says; `body` is the rest, line feed first, so that line numbers stay right."""

    name: bytes
    engine: bytes
    body: bytes


def shown(text: bytes) -> str:
    """Bytes as part of an error message."""
    return text.decode("utf-8", "surrogateescape")


def is_name(name: bytes) -> bool:
    """Tell whether a name will do for a library or a function."""
    return _NAME.match(name) is not None


def script_head(script: bytes) -> tuple[frozenset[str] | None, bytes]:
    """Split a script for EVAL into its flags (None without a first line that gives any) and what is to be compiled.

    Raise ReplyError in Redis's words.
    """
    if not script.startswith(b"#!"):
        return None, script
    line, feed, _ = script.partition(b"\n")
    if not feed:
        raise ReplyError("Invalid script shebang")
    parts = _parts(line)
    if not parts:
        raise ReplyError("Invalid engine in script shebang")
    if parts[0] != b"#!lua":
        raise ReplyError(f"Unexpected engine in script shebang: {shown(parts[0])}")
    flags: set[str] = set()
    for part in parts[1:]:
        if not part.startswith(b"flags="):
            raise ReplyError(f"Unknown lua shebang option: {shown(part)}")
        flags |= _flags(part[6:])
    return frozenset(flags), script[len(line) :]


def _flags(text: bytes) -> set[str]:
    names = [shown(word) for word in text.split(b",")] if text else []
    for name in names:
        if name not in FLAGS:
            raise ReplyError(f"Unexpected flag in script shebang: {name}")
    return set(names)


def library_head(code: bytes) -> LibraryHead:
    """Read a library's first line; raise ReplyError in Redis's words."""
    if not code.startswith(b"#!"):
        raise ReplyError("Missing library metadata")
    line, feed, _ = code.partition(b"\n")
    parts = _parts(line) if feed else []
    if not parts:
        raise ReplyError("Invalid library metadata")
    name: bytes | None = None
    for part in parts[1:]:
        if part[:5].lower() != b"name=":
            raise ReplyError(f"Invalid metadata value given: {shown(part)}")
        if name is not None:
            raise ReplyError("Invalid metadata value, name argument was given multiple times")
        name = part[5:]
    if name is None:
        raise ReplyError("Library name was not given")
    return LibraryHead(name, parts[0][2:], code[len(line) :])


def _parts(line: bytes) -> list[bytes]:
    try:
        return split_words(line)
    except UnbalancedQuotes:
        return []
