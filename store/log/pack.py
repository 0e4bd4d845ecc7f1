"""A frame's bytes out of its fields: the plain form of `pack.pyx` (grammar: FORMAT.md)."""

from __future__ import annotations

import struct

import msgpack
from crc32c import crc32c

MAX_BODY = 2**32 - 1


def pack(offset: int, unix_ms: int, db: int, origins: bytes, payload: bytes) -> bytes:
    """Return the bytes of one frame, its origins given in msgpack; raise ValueError for a body beyond MAX_BODY bytes."""
    # The body is put together by hand around the payload so that a large one is copied once, not three times.
    fields = b"".join(map(msgpack.packb, (offset, unix_ms, db)))
    start = b"".join((b"\x95", fields, origins, _bin_header(len(payload))))
    length = len(start) + len(payload)
    if length > MAX_BODY:
        raise ValueError(f"a frame of {length} bytes does not fit into {MAX_BODY}")
    return b"".join((struct.pack("<II", length, crc32c(payload, crc32c(start))), start, payload))


def _bin_header(length: int) -> bytes:
    """Return msgpack's shortest header for a bin of length bytes."""
    if length < 0x100:
        return bytes((0xC4, length))
    if length < 0x10000:
        return struct.pack(">BH", 0xC5, length)
    if length <= MAX_BODY:
        return struct.pack(">BI", 0xC6, length)
    raise ValueError(f"a payload of {length} bytes does not fit into a frame")
