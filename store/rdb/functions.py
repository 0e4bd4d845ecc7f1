"""FUNCTION DUMP payloads: the function section of a file, with a DUMP payload's footer.

payload = { 245 code } u16 RDB version, crc64 over all before      little-endian
"""

from __future__ import annotations

from collections.abc import Iterable

from store.errors import ReplyError
from store.rdb import codes
from store.rdb.crc64 import crc64
from store.rdb.lzf import CAN_COMPRESS
from store.rdb.primitives import Cursor, Malformed, Underflow, put_string

_FOOTER = 10


def dump_functions(functions: Iterable[bytes], packing: bool = True) -> bytes:
    """Make the payload of libraries' codes; `packing`: option rdbcompression."""
    out = bytearray()
    for code in functions:
        out.append(codes.FUNCTION2)
        put_string(out, code, packing and CAN_COMPRESS)
    out += codes.VERSION.to_bytes(2, "little")
    out += crc64(out).to_bytes(8, "little")
    return bytes(out)


def restore_functions(payload: bytes) -> list[bytes]:
    """Read the codes in a payload; raise ReplyError with Redis's words for one that is damaged."""
    if len(payload) < _FOOTER or int.from_bytes(payload[-10:-8], "little") > codes.VERSION:
        raise ReplyError("DUMP payload version or checksum are wrong")
    if crc64(memoryview(payload)[:-8]) != int.from_bytes(payload[-8:], "little"):
        raise ReplyError("DUMP payload version or checksum are wrong")
    cursor = Cursor(payload[:-_FOOTER], len(payload) - _FOOTER)
    found: list[bytes] = []
    try:
        while cursor.pos < len(payload) - _FOOTER:
            found.append(read_function(cursor, cursor.byte()))
    except (Malformed, Underflow) as error:
        raise ReplyError("failed loading the given functions payload") from error
    return found


def read_function(cursor: Cursor, opcode: int) -> bytes:
    """Read one library's code, in the form of 7.0 or of its release candidates, which kept name and engine apart."""
    if opcode == codes.FUNCTION2:
        return bytes(cursor.string())
    if opcode != codes.FUNCTION:
        raise ReplyError("given type is not a function")
    name, engine = cursor.string(), cursor.string()
    if cursor.length():
        cursor.string()
    return b"#!%b name=%b\n%b" % (engine, name, cursor.string())
