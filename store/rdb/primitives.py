"""Lengths, strings and numbers of RDB (grammar: `codes`), read with a cursor; `put` writes them.

Law: the cursor never looks beyond its bytes and never believes a length before it has compared it with what is there.
When bytes are missing it raises `Underflow`; when no further bytes could help, `Malformed`.
"""

from __future__ import annotations

import struct
from typing import NoReturn

from store.rdb.codes import INT8, INT16, INT32, LZF
from store.rdb.lzf import BadLzf, decompress
from store.rdb.put import put_double, put_integer, put_length, put_string

__all__ = ["Cursor", "Malformed", "Underflow", "put_double", "put_integer", "put_length", "put_string"]

_DOUBLE = struct.Struct("<d")
_INT_BYTES = {INT8: 1, INT16: 2, INT32: 4}


class Underflow(Exception):
    """The bytes end before the part that is being read; `stop`: the position up to which they are needed at least."""

    def __init__(self, stop: int) -> None:
        super().__init__(stop)
        self.stop = stop


class Malformed(Exception):
    """Bytes that no RDB has; `position`: where in the file, None = where the cursor stands."""

    def __init__(self, reason: str, position: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


class Cursor:
    """A position in bytes. `base`: the file position of data[0]; `limit`: the file's size in bytes, None if unknown."""

    __slots__ = ("base", "data", "limit", "pos")

    def __init__(self, data: bytes, limit: int | None = None) -> None:
        self.data = data
        self.pos = 0
        self.base = 0
        self.limit = limit

    def missing(self, stop: int) -> NoReturn:
        """Raise Underflow for bytes up to stop (an index into data); Malformed if the file is known to end before."""
        if self.limit is not None and self.base + stop > self.limit:
            raise Malformed(f"ends at byte {self.limit}, but what starts here needs {stop - self.pos} bytes more")
        raise Underflow(self.base + stop)

    def byte(self) -> int:
        """Read one byte."""
        pos = self.pos
        if pos >= len(self.data):
            self.missing(pos + 1)
        self.pos = pos + 1
        return self.data[pos]

    def take(self, count: int) -> bytes:
        """Read count bytes."""
        start = self.pos
        stop = start + count
        if stop > len(self.data):
            self.missing(stop)
        self.pos = stop
        return self.data[start:stop]

    def integer(self, size: int) -> int:
        """Read a signed little-endian integer of size bytes."""
        return int.from_bytes(self.take(size), "little", signed=True)

    def double(self) -> float:
        """Read a binary double."""
        value: float = _DOUBLE.unpack(self.take(8))[0]
        return value

    def length(self) -> int:
        """Read a length; raise Malformed where a specially encoded string stands."""
        start = self.pos
        first = self.byte()
        if first < 0x40:
            return first
        if first < 0x80:
            return (first & 0x3F) << 8 | self.byte()
        if first in (0x80, 0x81):
            return int.from_bytes(self.take(4 if first == 0x80 else 8), "big")
        raise Malformed(f"0x{first:02x} is not the start of a length", self.base + start)

    def count(self, least: int = 1) -> int:
        """Read how many parts of `least` bytes or more follow; Malformed if the rest of the file can't hold them."""
        start = self.pos
        number = self.length()
        if self.limit is not None and number * least > self.limit - self.base - self.pos:
            raise Malformed(f"{number} parts are announced, more than the rest of the file can hold", self.base + start)
        return number

    def string(self) -> bytes:
        """Read a string in any of its forms."""
        data, pos = self.data, self.pos
        if pos >= len(data):
            self.missing(pos + 1)
        first = data[pos]
        if first >= 0xC0:
            return self._encoded(first & 0x3F)
        if first < 0x40:
            start = pos + 1
            stop = start + first
        else:
            number = self.length()
            start, self.pos = self.pos, pos
            stop = start + number
        if stop > len(data):
            self.missing(stop)
        self.pos = stop
        return data[start:stop]

    def _encoded(self, form: int) -> bytes:
        start = self.pos
        self.pos += 1
        size = _INT_BYTES.get(form)
        if size is not None:
            return b"%d" % self.integer(size)
        if form != LZF:
            raise Malformed(f"unknown form {form} of a string", self.base + start)
        packed_length, length = self.length(), self.length()
        packed = self.take(packed_length)
        try:
            return decompress(packed, length)
        except BadLzf as error:
            raise Malformed(f"a compressed string is damaged: {error}", self.base + start) from error

    def strings(self, count: int) -> list[bytes]:
        """Read count strings, fast: this is the loop that most of the bytes of a snapshot go through."""
        data, pos = self.data, self.pos
        found: list[bytes] = []
        append = found.append
        try:
            for _ in range(count):
                first = data[pos]
                if first < 0x40:
                    start = pos + 1
                    pos = start + first
                elif first < 0x80:
                    start = pos + 2
                    pos = start + ((first & 0x3F) << 8 | data[pos + 1])
                else:
                    self.pos = pos
                    append(self.string())
                    pos = self.pos
                    continue
                append(data[start:pos])
        except IndexError:
            self.missing(max(pos, len(data)) + 1)
        if pos > len(data):
            self.missing(pos)
        self.pos = pos
        return found
