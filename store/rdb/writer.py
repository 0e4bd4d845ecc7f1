"""A keyspace as an RDB file that redis-server 7.0 loads.

Law: the keyspace must not change while it is written: take the chunks in one go, in a child process, or from a
keyspace of your own.
Nothing here reads a clock or the configuration: what goes into the AUX fields is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from store.database import Database
from store.entry import Stored
from store.keyspace import Keyspace
from store.persistence.durable_files import write_durably
from store.rdb import codes
from store.rdb.crc64 import crc64
from store.rdb.encode import put_value, type_of
from store.rdb.lzf import CAN_COMPRESS
from store.rdb.put import put_keys, put_length, put_string
from store.rdb.report import Extras, RdbReport
from store.values.base import Value
from store.values.opaque import OpaqueValue

CHUNK = 1 << 16
"""Bytes from which what was encoded is handed out; a large value makes a larger chunk."""
REDIS_VERSION = b"7.0.15"


def standard_aux(
    *,
    ctime: int,
    used_memory: int = 0,
    history_id: str | None = None,
    offset: int = 0,
    stream_db: int = 0,
    aof_base: bool = False,
) -> dict[str, bytes | int]:
    """The AUX fields Redis writes, in its order; ctime: unix seconds, used_memory: bytes; repl-* only with an id."""
    fields: dict[str, bytes | int] = {"redis-ver": REDIS_VERSION, "redis-bits": 64}
    fields |= {"ctime": ctime, "used-mem": used_memory}
    if history_id is not None:
        fields |= {"repl-stream-db": stream_db, "repl-id": history_id.encode(), "repl-offset": offset}
    return fields | {"aof-base": int(aof_base)}


def encode_snapshot(
    keyspace: Keyspace,
    *,
    aux: Mapping[str, bytes | int] | None = None,
    extras: Extras | None = None,
    checksum: bool = True,
    packing: bool = True,
    access: str | None = None,
    pause: Callable[[], None] | None = None,
) -> Iterator[bytes]:
    """Yield the bytes of an RDB file in chunks of 64 KiB or more.

    `aux`: see `standard_aux`; `packing`: LZF (option rdbcompression; needs python-lzf); `checksum` False writes 0 in
    its place (option rdbchecksum); `access`: "idle" or "frequency" adds each key's access time or LFU counter
    (maxmemory-policy); `pause` is called after each key (option rdb-key-save-delay).
    """
    crc = 0
    most = CHUNK if pause is None else 0
    parts = _parts(keyspace, aux or {}, extras or Extras(), packing and CAN_COMPRESS, access, most)
    for chunk in _chunks(parts if pause is None else _paused(parts, pause)):
        if checksum:
            crc = crc64(chunk, crc)
        yield chunk
    yield crc.to_bytes(8, "little")


def save(
    keyspace: Keyspace,
    target: str | Path | BinaryIO,
    *,
    aux: Mapping[str, bytes | int] | None = None,
    extras: Extras | None = None,
    checksum: bool = True,
    packing: bool = True,
    access: str | None = None,
    pause: Callable[[], None] | None = None,
) -> RdbReport:
    """Write keyspace to a path (durable and whole when this returns) or a binary file; options as in `encode_snapshot`.

    Raise OSError; then a path still holds what it held before.
    """

    def write(file: BinaryIO) -> int:
        chunks = encode_snapshot(
            keyspace, aux=aux, extras=extras, checksum=checksum, packing=packing, access=access, pause=pause
        )
        size = 0
        for chunk in chunks:
            file.write(chunk)
            size += len(chunk)
        return size

    by_path = isinstance(target, (str, Path))
    report = describe(keyspace, str(target if by_path else getattr(target, "name", "(stream)")))
    report.size = write_durably(target, write) if isinstance(target, (str, Path)) else write(target)
    report.aux = {name: _aux_text(value) for name, value in (aux or {}).items()}
    report.extras = extras or Extras()
    report.functions = list(keyspace.functions.values())
    report.checksum = "matches" if checksum else "absent"
    return report


def describe(keyspace: Keyspace, path: str) -> RdbReport:
    """Count what a keyspace holds, as a report on the file `path` that is written of it."""
    report = RdbReport(path, codes.VERSION)
    for db in keyspace.databases:
        if db.order:
            report.databases[db.index] = len(db.order)
            report.expiring += db.expiring
            kinds = Counter(type(entry.value) for entry in db.order)
            report.opaque += (opaque := kinds.pop(OpaqueValue, 0))
            if opaque:
                report.types += Counter(entry.value.kind for entry in db.order if isinstance(entry.value, OpaqueValue))
            for kind, count in kinds.items():
                report.types[kind.kind if issubclass(kind, Value) else "string"] += count
    report.keys = report.databases.total()
    return report


def _paused(parts: Iterable[bytearray], pause: Callable[[], None]) -> Iterator[bytearray]:
    for part in parts:
        pause()
        yield part


def _chunks(parts: Iterable[bytearray]) -> Iterator[bytes]:
    """Yield the bytes of `parts`, which all append to one buffer, once enough have come together."""
    out: bytearray | None = None
    for out in parts:
        if len(out) >= CHUNK:
            yield bytes(out)
            out.clear()
    if out:
        yield bytes(out)


def _parts(
    keyspace: Keyspace, aux: Mapping[str, bytes | int], extras: Extras, packing: bool, access: str | None, most: int
) -> Iterator[bytearray]:
    """Append part after part of the file to one buffer, yield it from `most` bytes on; whoever takes it may empty it."""
    out = bytearray(b"%b%04d" % (codes.MAGIC, codes.VERSION))
    for name, value in aux.items():
        out.append(codes.AUX)
        put_string(out, name.encode(), packing)
        put_string(out, _aux_text(value), packing)
    _put_raw(out, codes.MODULE_AUX, extras.modules_before)
    for code in keyspace.functions.values():
        out.append(codes.FUNCTION2)
        put_string(out, code, packing)
    for db in keyspace.databases:
        if db.order:
            yield from _database_parts(out, db, packing, access, most)
    _put_raw(out, codes.MODULE_AUX, extras.modules_after)
    out.append(codes.EOF)
    yield out


def _aux_text(value: bytes | int) -> bytes:
    return value if isinstance(value, bytes) else b"%d" % value


def _put_raw(out: bytearray, code: int, blobs: Iterable[bytes]) -> None:
    for blob in blobs:
        out.append(code)
        out += blob


def _database_parts(
    out: bytearray, db: Database, packing: bool, access: str | None, most: int
) -> Iterator[bytearray]:
    out.append(codes.SELECTDB)
    put_length(out, db.index)
    out.append(codes.RESIZEDB)
    put_length(out, len(db.order))
    put_length(out, db.expiring)
    limits, clock = db.keyspace.limits, db.keyspace.access_clock

    def put(out: bytearray, key: bytes, value: Stored) -> None:
        out.append(type_of(value))
        put_string(out, key, packing)
        put_value(out, value, limits, packing)

    place = 0
    while place < len(db.order):
        place = put_keys(out, db.order, place, most, packing, access, clock, put)
        yield out
