"""Apply: events on sets."""

from __future__ import annotations

from store.apply.table import applies
from store.database import Database
from store.notifications import GENERIC, SET
from store.values.set import Set
from store.values.set_algebra import Operation, difference, intersection, union


@applies("SADD")
def apply_sadd(db: Database, key: bytes, *members: bytes) -> int:
    """SADD key member …; how many members are new."""
    target: Set = db.open(key, Set)
    added = 0
    for member in members:
        added += target.add(member)
    db.edited(key, target, SET, b"sadd", added)
    return added


@applies("SREM")
def apply_srem(db: Database, key: bytes, *members: bytes) -> int:
    """SREM key member …; how many members are gone, and with the last one the key."""
    if key not in db.entries:
        return 0
    target: Set = db.open(key, Set)
    removed = 0
    for member in members:
        removed += target.remove(member)
    if removed:
        db.edited(key, target, SET, b"srem", removed)
    return removed


@applies("SMOVE")
def apply_smove(db: Database, source: bytes, destination: bytes, member: bytes) -> int:
    """SMOVE source destination member: 1 if source had it; a destination that has it already loses nothing."""
    if source == destination or not apply_srem(db, source, member):
        return 0
    target = db.open(destination, Set)
    if target.add(member):
        db.edited(destination, target, SET, b"sadd")
    return 1


@applies("SUNIONSTORE")
def apply_sunionstore(db: Database, destination: bytes, *sources: bytes) -> int:
    """SUNIONSTORE destination source …; the size of the result."""
    return _store(db, union, destination, sources, b"sunionstore")


@applies("SINTERSTORE")
def apply_sinterstore(db: Database, destination: bytes, *sources: bytes) -> int:
    """SINTERSTORE destination source …; the size of the result."""
    return _store(db, intersection, destination, sources, b"sinterstore")


@applies("SDIFFSTORE")
def apply_sdiffstore(db: Database, destination: bytes, *sources: bytes) -> int:
    """SDIFFSTORE destination source …; the size of the result."""
    return _store(db, difference, destination, sources, b"sdiffstore")


def _store(db: Database, operation: Operation, destination: bytes, sources: tuple[bytes, ...], notice: bytes) -> int:
    """Replace destination by the operation's result; an empty one removes it."""
    result = operation([_source(db, key) for key in sources])
    if result:
        db.put(destination, Set.of(result))
        db.keyspace.notify(db, SET, notice, destination)
    elif db.remove(destination) is not None:
        db.keyspace.notify(db, GENERIC, b"del", destination)
    return len(result)


def _source(db: Database, key: bytes) -> Set | None:
    """The set at key as it is, whatever the clock says: what has expired leaves by an event before this one."""
    entry = db.entries.get(key)
    if entry is None or isinstance(entry.value, Set):
        return entry.value if entry is not None else None  # type: ignore[return-value]  # narrowed above
    raise TypeError(f"event for Set meets {type(entry.value).__name__} at {key!r}")
