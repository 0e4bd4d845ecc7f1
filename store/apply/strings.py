"""Apply: events on strings.

A string is `bytes`; the first edit in place (APPEND, SETRANGE) makes it a `bytearray`, which is what Redis calls the
raw encoding. Law: a `bytearray` is never handed out; readers copy the part they answer.
"""

from __future__ import annotations

from store.apply.table import applies
from store.database import Database
from store.notifications import GENERIC, STRING

_KEEP = (b"KEEPTTL",)


@applies("SET")
def apply_set(db: Database, key: bytes, value: bytes, *options: bytes) -> None:
    """SET key value [KEEPTTL | PXAT unix-ms]: the outcome of every command that replaces a whole string."""
    if not options or options == _KEEP:
        db.put(key, value, bool(options))
        db.keyspace.notify(db, STRING, b"set", key)
        return
    # A Redis primary also sends the conditions of a SET it ran (NX, XX): they held there, so they hold here.
    words = [option.upper() for option in options]
    db.put(key, value, b"KEEPTTL" in words)
    db.keyspace.notify(db, STRING, b"set", key)
    if b"PXAT" in words:
        db.set_deadline(key, max(1, int(options[words.index(b"PXAT") + 1])), changes=0)  # it is part of the one change
        db.keyspace.notify(db, GENERIC, b"expire", key, renamed=False)


@applies("MSET")
def apply_mset(db: Database, *pairs: bytes) -> None:
    """MSET key value …: every pair replaces its key."""
    for place in range(0, len(pairs), 2):
        db.put(pairs[place], pairs[place + 1])
        db.keyspace.notify(db, STRING, b"set", pairs[place])


def editable(db: Database, key: bytes) -> bytearray:
    """The string at key as a bytearray in place (created empty if missing): what Redis calls the raw encoding."""
    entry = db.entries.get(key)
    if entry is None:
        entry = db.put(key, bytearray(), False, 0)  # making it is part of the edit
    value = entry.value
    if isinstance(value, bytes):
        value = bytearray(value)
        db.exchange(entry, value)
    if not isinstance(value, bytearray):
        raise TypeError(f"event for a string meets {type(value).__name__} at {key!r}")
    return value


@applies("APPEND")
def apply_append(db: Database, key: bytes, suffix: bytes) -> int:
    """APPEND key suffix; the new length in bytes."""
    if key in db.entries:
        value = editable(db, key)
        value += suffix
        db.resized(key, len(suffix))
        length = len(value)
    else:
        db.put(key, suffix)  # as a whole value: it may still be an integer
        length = len(suffix)
    db.keyspace.notify(db, STRING, b"append", key)
    return length


@applies("SETRANGE")
def apply_setrange(db: Database, key: bytes, offset: bytes, patch: bytes) -> int:
    """SETRANGE key offset patch: zero-padded up to offset; the new length in bytes."""
    value = editable(db, key)
    before, start = len(value), int(offset)
    if start > before:
        value += bytes(start - before)
    value[start : start + len(patch)] = patch
    db.resized(key, len(value) - before)
    db.keyspace.notify(db, STRING, b"setrange", key)
    return len(value)
