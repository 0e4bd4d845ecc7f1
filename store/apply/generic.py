"""Apply: events on keys of any type, and on whole databases.

Law: each function accepts what a Redis primary sends too (options it does not need, a key that is already gone), so a
stream from there never stops the fold; what the command decided is not asked again.
"""

from __future__ import annotations

from collections.abc import Callable

from store.apply.table import applies, one_change
from store.database import Database
from store.entry import Entry, Stored
from store.keyspace import Keyspace
from store.notifications import GENERIC
from store.rdb.dump import restore_value
from store.values.base import Value


@applies("DEL", "UNLINK")
def apply_del(db: Database, *keys: bytes) -> int:
    """DEL key …: how many existed. Expiry and eviction name the notification and its class themselves."""
    removed = 0
    for key in keys:
        if db.remove(key) is not None:
            removed += 1
            db.keyspace.notify(db, GENERIC, b"del", key)
    return removed


@applies("PEXPIREAT")
def apply_pexpireat(db: Database, key: bytes, deadline: bytes, *_conditions: bytes) -> bool:
    """PEXPIREAT key unix-ms; False if key is missing."""
    if key not in db.entries:
        return False
    db.set_deadline(key, max(1, int(deadline)))
    db.keyspace.notify(db, GENERIC, b"expire", key)
    return True


@applies("PERSIST")
def apply_persist(db: Database, key: bytes) -> bool:
    """PERSIST key; False if it had no deadline."""
    if not db.clear_deadline(key):
        return False
    db.keyspace.notify(db, GENERIC, b"persist", key)
    return True


def _place(db: Database, key: bytes, moved: Entry) -> None:
    """Put a detached entry's value at key, which is free, with its deadline and access time."""
    entry = db.put(key, moved.value)
    entry.access = moved.access
    if moved.deadline:
        db.set_deadline(key, moved.deadline)


@applies("RENAME", "RENAMENX")
@one_change
def apply_rename(db: Database, key: bytes, name: bytes) -> bool:
    """RENAME key name: what was at name is gone; deadline and access time move along. False if nothing was moved."""
    if key == name:
        return False
    moved = db.detach(key)
    if moved is None:
        return False
    db.remove(name)
    _place(db, name, moved)
    db.keyspace.notify(db, GENERIC, b"rename_from", key)
    db.keyspace.notify(db, GENERIC, b"rename_to", name)
    return True


@applies("MOVE")
@one_change
def apply_move(db: Database, key: bytes, index: bytes) -> bool:
    """MOVE key db; False if key is missing here or exists there."""
    target = db.keyspace.databases[int(index)]
    if target is db or key in target.entries:
        return False
    moved = db.detach(key)
    if moved is None:
        return False
    _place(target, key, moved)
    db.keyspace.notify(db, GENERIC, b"move_from", key)
    db.keyspace.notify(target, GENERIC, b"move_to", key)
    return True


def copied(value: Stored) -> Stored:
    """An independent copy of a value."""
    if isinstance(value, Value):
        return value.copy()
    return value if isinstance(value, bytes) else bytearray(value)


@applies("COPY")
@one_change
def apply_copy(db: Database, source: bytes, name: bytes, *options: bytes) -> bool:
    """COPY source name [DB index] [REPLACE]: the deadline is copied too. False if nothing was copied."""
    words = [option.upper() for option in options]
    target = db.keyspace.databases[int(words[words.index(b"DB") + 1])] if b"DB" in words else db
    entry = db.entries.get(source)
    if entry is None or (name in target.entries and b"REPLACE" not in words):
        return False
    value = copied(entry.value)
    target.remove(name)
    target.put(name, value)
    if entry.deadline:
        target.set_deadline(name, entry.deadline)
    db.keyspace.notify(target, GENERIC, b"copy_to", name)
    return True


@applies("RESTORE")
@one_change
def apply_restore(db: Database, key: bytes, deadline: bytes, payload: bytes, *options: bytes) -> None:
    """RESTORE key unix-ms payload ABSTTL [REPLACE] [IDLETIME s | FREQ n]; deadline 0 = none."""
    keyspace = db.keyspace
    words = [option.upper() for option in options]
    value = restore_value(payload, check_crc=False)
    db.remove(key)
    entry = db.put(key, value)
    if int(deadline):
        db.set_deadline(key, int(deadline))
    if b"IDLETIME" in words and keyspace.lfu is None:
        entry.access = max(0, keyspace.access_clock - int(options[words.index(b"IDLETIME") + 1]))
    if b"FREQ" in words and keyspace.lfu is not None:
        entry.access = keyspace.fresh_access & ~0xFF | int(options[words.index(b"FREQ") + 1])
    keyspace.notify(db, GENERIC, b"restore", key)


@applies("FLUSHDB")
def apply_flushdb(db: Database, *_mode: bytes) -> int:
    """FLUSHDB [SYNC | ASYNC]: how many keys there were. Memory is always freed in slices afterwards."""
    return _flushed(db.keyspace, db.clear)


@applies("FLUSHALL")
def apply_flushall(db: Database, *_mode: bytes) -> int:
    """FLUSHALL [SYNC | ASYNC]: how many keys there were in all databases."""
    return _flushed(db.keyspace, db.keyspace.clear)


def _flushed(keyspace: Keyspace, clear: Callable[[], int]) -> int:
    """Clear: as many changes as there were keys."""
    before = keyspace.dirty
    count = clear()
    keyspace.dirty = before + count
    return count


@applies("SWAPDB")
def apply_swapdb(db: Database, first: bytes, second: bytes) -> None:
    """SWAPDB first second: their contents change places; clients stay where they were."""
    before = db.keyspace.dirty
    if int(first) != int(second):
        db.keyspace.swap(int(first), int(second))
    db.keyspace.dirty = before + 1
