"""`struct`: binary records (lua-struct's manual).

    format = *( ">" | "<" | "!"[n] | " " | option )
    option = b B h H l L T | i[n] I[n] | f d | s | c[n] | x        big letter: unsigned; n: bytes, of i at most 8

`!` aligns each integer to its size, to n at most; `c0` takes its length from the number before it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from store.scripting.errors import LibraryError, bad_argument
from store.scripting.interpreter import HostFunction, LuaValue
from store.scripting.libraries.arguments import integer, number, string

_SIZES = {"b": 1, "h": 2, "i": 4, "l": 8, "f": 4, "d": 8, "x": 1, "t": 8}


class Option(NamedTuple):
    """One option of a format: its letter, size in bytes, blanks before it to align, and the byte order."""

    letter: str
    size: int
    padding: int
    order: str


def _options(form: bytes, function: str, start: int = 0) -> Iterator[Option]:
    """Read a format; the place that alignment counts from starts at start and moves with each option taken."""
    text = form.decode("latin-1")
    place, order, align, offset = 0, "little", 1, start
    while place < len(text):
        letter = text[place]
        place += 1
        digits = place
        while digits < len(text) and text[digits].isdigit() and letter in "iIc!":
            digits += 1
        count = int(text[place:digits]) if digits > place else None
        place = digits
        if letter in "<>":
            order = "big" if letter == ">" else "little"
        elif letter == "!":
            align = 8 if count is None else count
            if align <= 0 or align & (align - 1):
                raise LibraryError("alignment is not a power of 2")
        elif letter != " ":
            size = _size(letter, count, function)
            padding = _padding(letter, size, align, offset)
            moved = yield Option(letter, size, padding, order)
            offset += padding + (size if moved is None else moved)


def _size(letter: str, count: int | None, function: str) -> int:
    if letter in "sc":
        return 0 if letter == "s" else 1 if count is None else count
    if letter.lower() in "i" and count is not None:
        if count > 8:
            raise LibraryError(f"integral size {count} is larger than limit of 8")
        return count or 4
    size = _SIZES.get(letter if letter in "fdx" else letter.lower() if letter in "bBhHiIlLT" else "")
    if size is None:
        raise bad_argument(1, function, f"invalid format option '{letter}'")
    return size


def _padding(letter: str, size: int, align: int, offset: int) -> int:
    step = min(size, align)
    return 0 if letter in "csx" or step <= 1 else -offset % step


def pack(*args: LuaValue) -> bytes:
    """struct.pack(format, value, …)."""
    form, out, place = string(args, 0, "pack"), bytearray(), 1
    options = _options(form, "pack")
    option = next(options, None)
    while option is not None:
        begun = len(out)
        out += bytes(option.padding)
        if option.letter == "x":
            out.append(0)
        else:
            out += _packed(option, args, place)
            place += 1
        option = _following(options, len(out) - begun - option.padding)
    return bytes(out)


def _following(options: Iterator[Option], used: int) -> Option | None:
    try:
        return options.send(used)  # type: ignore[attr-defined,no-any-return]  # a generator
    except StopIteration:
        return None


def _packed(option: Option, args: tuple[LuaValue, ...], place: int) -> bytes:
    args = args if place < len(args) else (*args, None)
    if option.letter in "sc":
        value = string(args, place, "pack")
        if option.letter == "s":
            return value + b"\0"
        size = option.size or len(value)
        if len(value) < size:
            raise bad_argument(place + 1, "pack", "string too short")
        return value[:size]
    amount = number(args, place, "pack")
    if option.letter in "fd":
        return _real(float(amount), option)
    whole = int(amount) if abs(amount) < 1e19 else 0
    return (whole & ((1 << 8 * option.size) - 1)).to_bytes(option.size, option.order)  # type: ignore[arg-type]  # big or little


def _real(value: float, option: Option) -> bytes:
    form = (">" if option.order == "big" else "<") + option.letter
    try:
        return struct.pack(form, value)
    except OverflowError:
        return struct.pack(form, float("inf") if value > 0 else float("-inf"))


def unpack(*args: LuaValue) -> tuple[LuaValue, ...]:
    """struct.unpack(format, data, position): the values, and the position after them."""
    form, data = string(args, 0, "unpack"), string(args, 1, "unpack")
    place = integer(args, 2, "unpack", 1) - 1
    if place < 0:
        raise bad_argument(3, "unpack", "offset must be 1 or greater")
    values: list[LuaValue] = []
    options = _options(form, "unpack", place)
    option = next(options, None)
    while option is not None:
        place += option.padding
        begun = place
        place = _take(option, data, place, values)
        option = _following(options, place - begun)
    return (*values, place + 1)


def _take(option: Option, data: bytes, place: int, values: list[LuaValue]) -> int:
    """Read one value from data at place; return the place after it."""
    size = option.size
    if option.letter == "c" and not size:
        if not values or isinstance(values[-1], bytes):
            raise LibraryError("format 'c0' needs a previous size")
        size = int(values.pop())
    if size < 0 or place + size > len(data):
        raise bad_argument(2, "unpack", "data string too short")
    piece = data[place : place + size]
    if option.letter == "s":
        end = data.find(b"\0", place)
        if end < 0:
            raise LibraryError("unfinished string in data")
        values.append(data[place:end])
        return end + 1
    if option.letter == "c":
        values.append(piece)
    elif option.letter in "fd":
        values.append(struct.unpack((">" if option.order == "big" else "<") + option.letter, piece)[0])
    elif option.letter != "x":
        values.append(float(int.from_bytes(piece, option.order, signed=option.letter.islower())))  # type: ignore[arg-type]  # big or little
    return place + size


def size(*args: LuaValue) -> int:
    """struct.size(format): the bytes that a format of fixed size takes."""
    total = 0
    for option in _options(string(args, 0, "size"), "size"):
        if option.letter == "s" or (option.letter == "c" and not option.size):
            raise bad_argument(1, "size", f"option '{option.letter}' has no fixed size")
        total += option.padding + option.size
    return total


def library() -> dict[str, HostFunction]:
    """The functions of `struct`."""
    return {"pack": pack, "unpack": unpack, "size": size}
