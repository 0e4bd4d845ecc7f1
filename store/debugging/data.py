"""DEBUG about all the data: digest, reload, replay, fill.

Law: reloading and replaying put the same state in its own place, so history and offsets stay as they are. Anything that
makes another state of it (RELOAD NOSAVE, POPULATE) is recorded like every change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from store import rdb
from store.arguments import parse_range
from store.commands.table import LOADING
from store.debugging.table import row
from store.digest import digest
from store.errors import CorruptFile, ReplyError
from store.events import ANY_DB
from store.keyspace import Keyspace
from store.log.writer import LogWriter
from store.rdb.dump import dump_value
from store.replies import OK
from store.tx import Tx

if TYPE_CHECKING:
    from store.node import Node

INT64_MAX = (1 << 63) - 1
BATCH = 500
"""Keys recorded by one event of POPULATE."""
_CANT_LOAD = "Error trying to load the RDB dump"


def debug_digest(tx: Tx) -> str:
    """A fingerprint of all data, the same as that of a Redis with the same data."""
    return digest(tx.keyspace).decode()


def _node(tx: Tx, what: str) -> Node:
    if tx.engine.node is None:
        raise ReplyError("This node has no data directory")
    if tx.engine.depth > 1:
        raise ReplyError(f"DEBUG {what} isn't allowed inside a transaction: it would have to end in the middle of it")
    _check_loaded(tx)
    return tx.engine.node


def _check_loaded(tx: Tx) -> None:
    """Refuse to make data while the real ones are being loaded."""
    if tx.engine.gates.closed & LOADING:
        raise ReplyError("Redis is loading the dataset in memory", "LOADING")


def fresh_keyspace(tx: Tx) -> Keyspace:
    """An empty keyspace with the settings of the one in use."""
    from store.persistence.offline import like  # needs the engine, and the engine the commands

    return like(tx.keyspace)


def debug_reload(tx: Tx, *options: bytes) -> str:
    """Write a snapshot and load it back; NOSAVE loads the one that is there, NOFLUSH adds to the data, MERGE replaces keys."""
    words = {option.upper() for option in options}
    if not words <= {b"MERGE", b"NOFLUSH", b"NOSAVE"}:
        raise ReplyError("DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
    persistence = _node(tx, "RELOAD").persistence
    if b"NOSAVE" not in words:
        try:
            persistence.saving.save()
        except OSError as error:
            raise ReplyError("") from error  # as SAVE
    loaded = fresh_keyspace(tx)
    try:
        rdb.load(persistence.directory.dump, loaded)
    except (CorruptFile, OSError) as error:
        raise ReplyError(_CANT_LOAD) from error
    if b"NOFLUSH" in words and b"MERGE" not in words and _collide(tx.keyspace, loaded):
        raise ReplyError(_CANT_LOAD)
    if b"NOSAVE" in words:
        _record(tx, loaded, flush=b"NOFLUSH" not in words)
    elif b"NOFLUSH" not in words:
        tx.keyspace.adopt(loaded)
        tx.keyspace.dirty = 0
    return OK


def _collide(own: Keyspace, loaded: Keyspace) -> bool:
    if not own.functions.keys().isdisjoint(loaded.functions):
        return True
    pairs = zip(own.databases, loaded.databases, strict=True)
    return any(key in mine.entries for mine, theirs in pairs for key in theirs.entries)


def _record(tx: Tx, loaded: Keyspace, flush: bool) -> None:
    """Make a loaded state the present one by events."""
    selected = tx.db
    if flush:
        tx.record(b"FLUSHALL")
        tx.record(b"FUNCTION", b"FLUSH")
    for code in loaded.functions.values():
        tx.record(b"FUNCTION", b"LOAD", b"REPLACE", code)
    for db in loaded.databases:
        tx.db = tx.keyspace.databases[db.index]
        for entry in db.order:
            payload = dump_value(entry.value, loaded.limits)
            tx.record(b"RESTORE", entry.key, b"%d" % entry.deadline, payload, b"REPLACE", b"ABSTTL")
    tx.db = selected


def debug_loadaof(tx: Tx) -> str:
    """Recover the data from the disk into a new state, and put it in the place of the present one."""
    node, log = _node(tx, "LOADAOF"), tx.engine.log
    log.commit(tx.engine.clock.now_ms())
    directory = node.persistence.directory
    if isinstance(log, LogWriter):
        recovered = _recovered(tx, str(directory.path), log.offset)
    elif directory.snapshot_path(log.offset).exists():
        recovered = fresh_keyspace(tx)
        rdb.load(directory.snapshot_path(log.offset), recovered)
    else:
        raise ReplyError("There is no log on disk (appendonly is off), and the newest snapshot is not of this moment")
    tx.keyspace.adopt(recovered)
    tx.keyspace.dirty = 0
    return OK


def _recovered(tx: Tx, directory: str, offset: int) -> Keyspace:
    """The state that recovery makes of a data directory whose log ends at offset."""
    # These need the engine, and the engine the commands.
    from store.persistence.offline import offline_engine
    from store.persistence.recovery import recover

    engine = offline_engine(len(tx.keyspace.databases))
    engine.keyspace.limits = tx.keyspace.limits
    found = recover(engine, directory)
    if found.end.offset != offset:
        raise ReplyError(f"The log on disk ends at offset {found.end.offset} instead of {offset}")
    return engine.keyspace


def debug_populate(tx: Tx, count: bytes, prefix: bytes = b"key", size: bytes = b"0") -> str:
    """Add count keys prefix:0, prefix:1 … that are not there yet, with values value:0 … cut or filled up to size bytes."""
    _check_loaded(tx)
    number, width = parse_range(count, 0, INT64_MAX), parse_range(size, 0, INT64_MAX)
    pairs: list[bytes] = []
    for place in range(number):
        key = b"%b:%d" % (prefix, place)
        if key in tx.db.entries:
            continue
        value = b"value:%d" % place
        pairs += (key, value[:width].ljust(width, b"\0") if width else value)
        if len(pairs) == 2 * BATCH:
            tx.record(b"MSET", *pairs)
            pairs.clear()
    if pairs:
        tx.record(b"MSET", *pairs)
    return OK


def debug_replicate(tx: Tx, *words: bytes) -> str:
    """Record a command as it is, whatever it may be, to see what replicas make of it."""
    _check_loaded(tx)
    tx.log(words, ANY_DB)
    return OK


ROWS = (
    row("digest", debug_digest),
    row("loadaof", debug_loadaof),
    row("populate", debug_populate, "<count> [<prefix>] [<size>]"),
    row("reload", debug_reload, "[MERGE] [NOFLUSH] [NOSAVE]"),
    row("replicate", debug_replicate, "<command> [<arg> ...]"),
)
