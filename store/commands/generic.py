"""Commands on keys of any type: delete, look for, rename, copy, move.

Law: a logically expired key counts as missing; a command that reaches into another database expires it there first.
"""

from __future__ import annotations

from store.commands.arguments import parse_int
from store.commands.lookups import glance, read_for_write, type_name
from store.commands.table import command
from store.database import Database
from store.errors import ReplyError, no_such_key, syntax_error
from store.replies import OK
from store.tx import Tx

_INT_MIN, _INT_MAX = -(1 << 31), (1 << 31) - 1


@command(
    "DEL", "write", keys="RM delete @1:-1:1", since="1.0.0", group="generic", complexity="O(keys)",
    tips="request_policy:multi_shard response_policy:agg_sum",
)  # fmt: skip
def del_(tx: Tx, key: bytes, *keys: bytes) -> int:
    """Delete keys; answer how many existed."""
    return _delete(tx, (key, *keys))


@command(
    "UNLINK", "write fast", keys="RM delete @1:-1:1", since="4.0.0", group="generic", complexity="O(keys)",
    tips="request_policy:multi_shard response_policy:agg_sum",
)  # fmt: skip
def unlink(tx: Tx, key: bytes, *keys: bytes) -> int:
    """Delete keys and free their memory in slices, which DEL does here too; answer how many existed."""
    return _delete(tx, (key, *keys))


def _delete(tx: Tx, keys: tuple[bytes, ...]) -> int:
    present = [key for key in dict.fromkeys(keys) if tx.db.live(key) is not None]
    if present:
        tx.record(b"DEL", *present)
    return len(present)


@command(
    "EXISTS", "readonly fast", keys="RO @1:-1:1", since="1.0.0", group="generic", complexity="O(keys)",
    tips="request_policy:multi_shard response_policy:agg_sum",
)  # fmt: skip
def exists(tx: Tx, key: bytes, *keys: bytes) -> int:
    """Count how many of the keys exist; one that is named twice counts twice."""
    return sum(glance(tx.db, name) is not None for name in (key, *keys))


@command(
    "TOUCH", "readonly fast", keys="RO @1:-1:1", since="3.2.1", group="generic", complexity="O(keys)",
    tips="request_policy:multi_shard response_policy:agg_sum",
)  # fmt: skip
def touch(tx: Tx, key: bytes, *keys: bytes) -> int:
    """Renew the access time of keys; answer how many exist."""
    return sum(tx.db.get(name) is not None for name in (key, *keys))


@command("TYPE", "readonly fast", keys="RO @1", since="1.0.0", group="generic", complexity="O(1)")
def type_(tx: Tx, key: bytes) -> str:
    """Answer the type of the value at a key."""
    return type_name(glance(tx.db, key))


@command("RENAME", "write", keys="RW access delete @1;OW update @2", since="1.0.0", group="generic", complexity="O(1)")
def rename(tx: Tx, key: bytes, newkey: bytes) -> str:
    """Rename a key, over another one if need be."""
    if tx.db.get(key) is None:
        raise no_such_key()
    if key != newkey:
        tx.record(b"RENAME", key, newkey)
    return OK


@command(
    "RENAMENX", "write fast", keys="RW access delete @1;OW insert @2", since="1.0.0", group="generic", complexity="O(1)"
)
def renamenx(tx: Tx, key: bytes, newkey: bytes) -> int:
    """Rename a key unless the new name is taken."""
    if tx.db.get(key) is None:
        raise no_such_key()
    if tx.db.live(newkey) is not None:
        return 0
    tx.record(b"RENAME", key, newkey)
    return 1


def database(tx: Tx, text: bytes) -> Database:
    """The database of a number given as an argument; raise ReplyError if it is none, or there is no such database."""
    number = parse_int(text)
    if not _INT_MIN <= number <= _INT_MAX:
        raise ReplyError(f"value is out of range, value must between {_INT_MIN} and {_INT_MAX}")
    if not 0 <= number < len(tx.keyspace.databases):
        raise ReplyError("DB index is out of range")
    return tx.keyspace.databases[number]


def _live_in(tx: Tx, db: Database, key: bytes) -> bool:
    """Tell whether key exists in db, which need not be the selected one, after expiring it there."""
    here, tx.db = tx.db, db
    try:
        tx.engine.expire_keys(tx, [key])
    finally:
        tx.db = here
    return db.live(key) is not None


def _same_object() -> ReplyError:
    return ReplyError("source and destination objects are the same")


@command("MOVE", "write fast", keys="RW access update @1", since="1.0.0", group="generic", complexity="O(1)")
def move(tx: Tx, key: bytes, db: bytes) -> int:
    """Move a key to another database unless it exists there."""
    target = database(tx, db)
    if target is tx.db:
        raise _same_object()
    if tx.db.get(key) is None or _live_in(tx, target, key):
        return 0
    tx.record(b"MOVE", key, b"%d" % target.index)
    return 1


@command(
    "COPY", "write denyoom", keys="RO access @1;OW update @2", since="6.2.0", group="generic", complexity="O(members)"
)
def copy(tx: Tx, source: bytes, destination: bytes, *options: bytes) -> int:
    """Copy a value and its lifetime to another key, in another database if asked."""
    target, replace = tx.db, False
    rest = iter(options)
    for option in rest:
        word = option.upper()
        if word == b"REPLACE":
            replace = True
        elif word == b"DB" and (index := next(rest, None)) is not None:
            target = database(tx, index)
        else:
            raise syntax_error()
    if target is tx.db and source == destination:
        raise _same_object()
    if read_for_write(tx, source) is None:
        return 0
    taken = _live_in(tx, target, destination)
    if taken and not replace:
        return 0
    elsewhere = (b"DB", b"%d" % target.index) if target is not tx.db else ()
    tx.record(b"COPY", source, destination, *elsewhere, *((b"REPLACE",) if taken else ()))
    return 1
