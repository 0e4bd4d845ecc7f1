"""DUMP payloads: one value on its way between servers.

    payload = type(u8) value(as in a file) u16 RDB version, crc64 over all before      little-endian

Law: a payload comes from a client and may be hostile: it is read to its end within its own bytes or refused.
"""

from __future__ import annotations

from store.entry import Stored
from store.errors import ReplyError
from store.rdb import codes
from store.rdb.crc64 import crc64
from store.rdb.decode import EmptyValue, read_value
from store.rdb.encode import put_value, type_of
from store.rdb.lzf import CAN_COMPRESS
from store.rdb.primitives import Cursor, Malformed, Underflow
from store.values.base import Limits

_FOOTER = 10


def dump_value(value: Stored, limits: Limits | None = None, packing: bool = True) -> bytes:
    """Make the payload of a value; `limits`: the keyspace's, `packing`: option rdbcompression."""
    out = bytearray((type_of(value),))
    put_value(out, value, limits or Limits(), packing and CAN_COMPRESS)
    out += codes.VERSION.to_bytes(2, "little")
    out += crc64(out).to_bytes(8, "little")
    return bytes(out)


def restore_value(payload: bytes, check_crc: bool = True) -> Stored:
    """Read a payload; raise ReplyError with Redis's words for a bad version, checksum or value.

    check_crc False takes any checksum (DEBUG SET-SKIP-CHECKSUM-VALIDATION).
    Modules' values are refused, as by a Redis without the module: nobody here could vouch for them.
    """
    if len(payload) < _FOOTER or not _intact(payload, check_crc):
        raise ReplyError("DUMP payload version or checksum are wrong")
    cursor = Cursor(payload[:-_FOOTER], len(payload) - _FOOTER)
    try:
        type_byte = cursor.byte()
        if type_byte in (codes.MODULE, codes.MODULE_2) or type_byte > codes.STREAM_LISTPACKS_2:
            raise Malformed(f"a value of type {type_byte}")
        return read_value(cursor, type_byte)
    except (Malformed, Underflow, EmptyValue) as error:
        raise ReplyError("Bad data format") from error


def _intact(payload: bytes, check_crc: bool) -> bool:
    """Tell whether the version is one that can be read and the checksum is right."""
    if int.from_bytes(payload[-10:-8], "little") > codes.VERSION:
        return False
    return not check_crc or crc64(memoryview(payload)[:-8]) == int.from_bytes(payload[-8:], "little")
