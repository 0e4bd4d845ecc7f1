"""Looking at keys in the ways that `Database.get` does not cover: without touching, without copying, while writing."""

from __future__ import annotations

from store.database import Database
from store.entry import Stored
from store.errors import wrong_type
from store.notifications import KEY_MISS
from store.tx import Tx
from store.values.base import Value


def glance(db: Database, key: bytes, notify: bool = True) -> Stored | None:
    """The value of key, or None: counts a hit or miss but leaves the access time alone (TYPE, TTL, EXISTS, OBJECT)."""
    keyspace = db.keyspace
    value = db.peek(key)
    if keyspace.counting:
        if value is not None:
            keyspace.hits += 1
        else:
            keyspace.misses += 1
            if notify:
                keyspace.notify(db, KEY_MISS, b"keymiss", key)
    return value


def string_part(db: Database, key: bytes) -> bytes | bytearray | None:
    """The string at key as it is stored, to read a part without copying the whole; raise WRONGTYPE for another type."""
    value = db.get(key)
    if isinstance(value, Value):
        raise wrong_type()
    return value


def read_for_write(tx: Tx, key: bytes) -> Stored | None:
    """The value of key for a write command that also answers or copies it: counts a hit or miss as a read does."""
    keyspace = tx.keyspace
    before, keyspace.counting = keyspace.counting, True
    try:
        return tx.db.get(key)
    finally:
        keyspace.counting = before


def string_for_write(tx: Tx, key: bytes) -> bytes | None:
    """The string at key for a write command that answers it (GETDEL, SET … GET); raise WRONGTYPE for another type."""
    value = read_for_write(tx, key)
    if isinstance(value, Value):
        raise wrong_type()
    return None if value is None else bytes(value)


def type_name(value: Stored | None) -> str:
    """The name that TYPE answers: `none`, `string` or the collection's kind."""
    if value is None:
        return "none"
    return value.kind if isinstance(value, Value) else "string"
