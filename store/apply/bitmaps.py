"""Apply: events on the bits of strings."""

from __future__ import annotations

from store.apply.strings import editable
from store.apply.table import applies
from store.database import Database
from store.notifications import GENERIC, STRING
from store.values.base import Value
from store.values.bit_fields import read_operations, run_operations
from store.values.bits import Bits, combine


@applies("SETBIT")
def apply_setbit(db: Database, key: bytes, offset: bytes, bit: bytes) -> None:
    """SETBIT key offset bit: zero-padded up to the offset."""
    byte, mask = int(offset) >> 3, 0x80 >> (int(offset) & 7)
    data = _string(db, key)
    old = data[byte] if byte < len(data) else 0
    _patch(db, key, byte + 1, {byte: old | mask if int(bit) else old & ~mask})


@applies("BITFIELD")
def apply_bitfield(db: Database, key: bytes, *words: bytes) -> None:
    """BITFIELD key SET type offset value …; what a Redis primary sends (INCRBY, OVERFLOW, GET) is worked out as it was."""
    run = run_operations(read_operations(words), _string(db, key))
    if run.changed:
        _patch(db, key, run.size, run.patch)


def _patch(db: Database, key: bytes, size: int, patch: dict[int, int]) -> None:
    """Change bytes of a string by their places; it is zero-padded up to size."""
    value = editable(db, key) if key in db.entries else bytearray()
    growth = max(size - len(value), 0)
    value += bytes(growth)
    for place, byte in patch.items():
        value[place] = byte
    if key in db.entries:
        db.resized(key, growth)
    else:
        db.put(key, value)
    db.keyspace.notify(db, STRING, b"setbit", key)


@applies("BITOP")
def apply_bitop(db: Database, operation: bytes, destination: bytes, *keys: bytes) -> int:
    """BITOP operation destination key …: the length of the result; an empty one is no key."""
    sources = [_string(db, key) for key in keys]
    if any(sources):
        result = combine(operation.upper(), sources)
        db.put(destination, result)
        db.keyspace.notify(db, STRING, b"set", destination)
        return len(result)
    if db.remove(destination) is not None:
        db.keyspace.notify(db, GENERIC, b"del", destination)
    return 0


def _string(db: Database, key: bytes) -> Bits:
    entry = db.entries.get(key)
    if entry is None:
        return b""
    if isinstance(entry.value, Value):
        raise TypeError(f"event for a string meets {entry.value.kind} at {key!r}")
    return entry.value
