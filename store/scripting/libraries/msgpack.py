"""`cmsgpack`: values to MessagePack and back (lua-cmsgpack's manual). Tables deeper than NESTING are packed as nil."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from store.scripting.errors import LibraryError, bad_argument
from store.scripting.interpreter import HostFunction, Interpreter, LuaValue, is_table
from store.scripting.libraries.arguments import integer, string

NESTING = 16
_POSITIVE = (
    (0x7F, b"", "B"), (0xFF, b"\xcc", "B"), (0xFFFF, b"\xcd", ">H"), (0xFFFFFFFF, b"\xce", ">I"), ((1 << 64) - 1, b"\xcf", ">Q"),
)  # fmt: skip
_NEGATIVE = (
    (-0x20, b"", "b"), (-0x80, b"\xd0", "b"), (-0x8000, b"\xd1", ">h"), (-0x80000000, b"\xd2", ">i"), (-(1 << 63), b"\xd3", ">q"),
)  # fmt: skip
_FIXED = {
    0xCA: ">f", 0xCB: ">d", 0xCC: "B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: "b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_SIZED = {
    0xD9: "B",
    0xDA: ">H",
    0xDB: ">I",
    0xC4: "B",
    0xC5: ">H",
    0xC6: ">I",
    0xDC: ">H",
    0xDD: ">I",
    0xDE: ">H",
    0xDF: ">I",
}


class MessagePack:
    """The library of one interpreter."""

    def __init__(self, lua: Interpreter) -> None:
        self.lua = lua

    def library(self) -> dict[str, HostFunction | bytes]:
        """The functions of `cmsgpack`."""
        return {
            "pack": self.pack,
            "unpack": self.unpack,
            "unpack_one": self.unpack_one,
            "unpack_limit": self.unpack_limit,
            "_NAME": b"cmsgpack",
            "_VERSION": b"lua-cmsgpack 0.4.0",
        }

    # ── packing ────────────────────────────────────────────────────────────────────────────────────────────────────
    def pack(self, *args: LuaValue) -> bytes:
        """cmsgpack.pack(value, …): the values one after the other."""
        if not args:
            raise bad_argument(0, "pack", "MessagePack pack needs input.")
        return b"".join(self._packed(value, 0) for value in args)

    def _packed(self, value: LuaValue, depth: int) -> bytes:
        if isinstance(value, bytes):
            return _head(len(value), 0xA0, 31, (0xD9, 0xDA, 0xDB)) + value
        if isinstance(value, bool):
            return b"\xc3" if value else b"\xc2"
        if isinstance(value, int) and -(1 << 63) <= value < 1 << 64:
            return _integer(value)
        if isinstance(value, (int, float)):
            return _double(float(value))
        if is_table(value) and depth < NESTING:
            return self._table(value, depth + 1)
        return b"\xc0"

    def _table(self, table: LuaValue, depth: int) -> bytes:
        items = list(table.items())
        places = [key for key, _ in items if isinstance(key, int) and not isinstance(key, bool) and key > 0]
        if len(places) == len(items) and max(places, default=0) == len(items):
            fields = dict(items)
            parts = [self._packed(fields[place], depth) for place in range(1, len(items) + 1)]
            return _head(len(parts), 0x90, 15, (None, 0xDC, 0xDD)) + b"".join(parts)
        parts = [self._packed(part, depth) for pair in items for part in pair]
        return _head(len(items), 0x80, 15, (None, 0xDE, 0xDF)) + b"".join(parts)

    # ── unpacking ──────────────────────────────────────────────────────────────────────────────────────────────────
    def unpack(self, *args: LuaValue) -> tuple[LuaValue, ...]:
        """cmsgpack.unpack(text): all values in it."""
        return self._several(string(args, 0, "unpack"), 0, 0)[1:]

    def unpack_one(self, *args: LuaValue) -> tuple[LuaValue, ...]:
        """cmsgpack.unpack_one(text, offset): the offset after the value there (-1 at the end) and the value."""
        return self._several(string(args, 0, "unpack_one"), 1, integer(args, 1, "unpack_one", 0))

    def unpack_limit(self, *args: LuaValue) -> tuple[LuaValue, ...]:
        """cmsgpack.unpack_limit(text, limit, offset): the offset after at most limit values, and the values."""
        limit = integer(args, 1, "unpack_limit")
        return self._several(string(args, 0, "unpack_limit"), limit, integer(args, 2, "unpack_limit", 0))

    def _several(self, data: bytes, limit: int, offset: int) -> tuple[LuaValue, ...]:
        if offset < 0 or limit < 0:
            raise LibraryError(f"Invalid request to unpack with offset of {offset} and limit of {len(data)}.")
        if offset > len(data):
            raise LibraryError(f"Start offset {offset} greater than input length {len(data)}.")
        values: list[object] = []
        reader = _Reader(self.lua, data, offset)
        while reader.place < len(data) and (not limit or len(values) < limit):
            values.append(reader.value(0))
        return (-1 if reader.place >= len(data) else reader.place, *values)


def _integer(value: int) -> bytes:
    for bound, mark, form in _POSITIVE if value >= 0 else _NEGATIVE:
        if (value <= bound) if value >= 0 else (value >= bound):
            return mark + struct.pack(form, value)
    raise AssertionError(f"{value} has more than 64 bits")


def _double(value: float) -> bytes:
    try:
        short = struct.pack(">f", value)
    except OverflowError:
        return b"\xcb" + struct.pack(">d", value)
    return b"\xca" + short if struct.unpack(">f", short)[0] == value else b"\xcb" + struct.pack(">d", value)


def _head(count: int, fixed: int, most: int, marks: tuple[int | None, int, int]) -> bytes:
    if count <= most:
        return bytes((fixed | count,))
    if count <= 0xFF and marks[0] is not None:
        return bytes((marks[0], count))
    return (
        bytes((marks[1],)) + struct.pack(">H", count)
        if count <= 0xFFFF
        else bytes((marks[2],)) + struct.pack(">I", count)
    )


class _Reader:
    """Reads values from data; `place` is where the next one starts."""

    def __init__(self, lua: Interpreter, data: bytes, place: int) -> None:
        self.lua = lua
        self.data = data
        self.place = place

    def _take(self, size: int) -> bytes:
        taken = self.data[self.place : self.place + size]
        if len(taken) < size:
            raise LibraryError("Missing bytes in input.")
        self.place += size
        return taken

    def _unpacked(self, form: str) -> LuaValue:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def value(self, depth: int) -> LuaValue:
        """The next value."""
        if depth > 200:
            raise LibraryError("Bad data format in input.")
        mark = self._take(1)[0]
        if mark < 0x80 or mark >= 0xE0:
            return mark if mark < 0x80 else mark - 0x100
        if mark in _FIXED:
            return self._unpacked(_FIXED[mark])
        if mark in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[mark]
        return self._sized(mark, depth)

    def _sized(self, mark: int, depth: int) -> LuaValue:
        """A string, array or map, whose length is in the mark or after it."""
        count = self._unpacked(_SIZED[mark]) if mark in _SIZED else mark & (0x1F if mark >= 0xA0 else 0x0F)
        if 0xA0 <= mark < 0xC0 or mark in (0xD9, 0xDA, 0xDB, 0xC4, 0xC5, 0xC6):
            return self._take(count)
        if 0x90 <= mark < 0xA0 or mark in (0xDC, 0xDD):
            return self.lua.table(list(self._values(count, depth)))
        if mark < 0x90 or mark in (0xDE, 0xDF):
            parts = list(self._values(2 * count, depth))
            pairs = zip(parts[::2], parts[1::2], strict=True)
            return self.lua.mapping({key: item for key, item in pairs if key is not None and key == key})
        raise LibraryError("Bad data format in input.")

    def _values(self, count: int, depth: int) -> Iterator[LuaValue]:
        for _ in range(count):
            yield self.value(depth + 1)
