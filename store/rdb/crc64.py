"""CRC-64 as Redis computes it at the end of files and DUMP payloads: Jones polynomial, reflected, start 0, no xor."""

from __future__ import annotations

import anycrc

_MODEL = anycrc.Model("CRC64-REDIS")


def crc64(data: bytes | bytearray | memoryview, crc: int = 0) -> int:
    """Continue crc over data; crc64(b, crc64(a)) is crc64(a + b)."""
    return _MODEL.calc(data, crc) if crc else _MODEL.calc(data)  # type: ignore[no-any-return]  # anycrc has no types
