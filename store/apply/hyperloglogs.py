"""Apply: events on HyperLogLogs. None depends on options: a sparse string becomes dense at the default size."""

from __future__ import annotations

from store.apply.strings import editable
from store.apply.table import applies
from store.database import Database
from store.notifications import STRING
from store.values.base import Value
from store.values.bits import Bits
from store.values.hyperloglog import (
    DENSE_SIZE,
    dense_of,
    empty,
    estimate,
    invalidate,
    locate,
    merge_into,
    raise_register,
    remember,
)


@applies("PFADD")
def apply_pfadd(db: Database, key: bytes, *elements: bytes) -> None:
    """PFADD key element …: the key is made if it is missing."""
    made = key not in db.entries
    value = bytearray(empty()) if made else editable(db, key)
    before = len(value)
    raised = sum(raise_register(value, *locate(element)) for element in elements)
    invalidate(value)
    _store(db, key, value, made, len(value) - before, made + raised)  # as many changes as registers went up, and the key itself
    db.keyspace.notify(db, STRING, b"pfadd", key)


@applies("PFMERGE")
def apply_pfmerge(db: Database, destination: bytes, *sources: bytes) -> None:
    """PFMERGE destination source …: the destination is one of the sources if it exists."""
    strings = [value for key in (destination, *sources) if (value := _string(db, key)) is not None]
    after = merge_into(_string(db, destination), strings)
    made = destination not in db.entries
    value = bytearray() if made else editable(db, destination)
    growth = len(after) - len(value)
    value[:] = after
    _store(db, destination, value, made, growth)
    db.keyspace.notify(db, STRING, b"pfadd", destination)


@applies("PFCOUNT")
def apply_pfcount(db: Database, key: bytes) -> None:
    """PFCOUNT key: the estimate is kept in the value."""
    if key in db.entries:
        value = editable(db, key)
        remember(value, estimate(value))
        db.resized(key, 0)


@applies("PFDEBUG")
def apply_pfdebug(db: Database, _subcommand: bytes, key: bytes) -> None:
    """PFDEBUG TODENSE key; a Redis primary also sends GETREG, which makes the value dense as well."""
    if key in db.entries:
        value = editable(db, key)
        growth = DENSE_SIZE - len(value)
        value[:] = dense_of(value)
        db.resized(key, growth)


def _store(db: Database, key: bytes, value: bytearray, made: bool, growth: int, changes: int = 1) -> None:
    if made:
        db.put(key, value, changes=changes)
    else:
        db.resized(key, growth, changes)


def _string(db: Database, key: bytes) -> Bits | None:
    entry = db.entries.get(key)
    if entry is None:
        return None
    if isinstance(entry.value, Value):
        raise TypeError(f"event for a string meets {entry.value.kind} at {key!r}")
    return entry.value
