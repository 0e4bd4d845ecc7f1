"""What a snapshot is written with: lengths, strings, numbers and keys, appended to a bytearray (grammar: `codes`).

Compiled (put.pyx) it does the same to the byte, without an object a step.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from store.entry import Entry
from store.rdb.codes import EXPIRETIME_MS, FREQ, IDLE, INT8, INT16, INT32, LZF, STRING
from store.rdb.lzf import compress

if TYPE_CHECKING:
    from store.entry import Stored

_DOUBLE = struct.Struct("<d")
_SMALL_INT = re.compile(rb"(?:0|-?[1-9][0-9]{0,9})\Z")
COMPRESS_FROM = 21
"""Bytes below which LZF can't gain anything."""
Put = Callable[[bytearray, bytes, "Stored"], object]
"""Appends type, key and value of a collection."""


def put_length(out: bytearray, number: int) -> None:
    """Append a length (0 to 2**64-1)."""
    if number < 0x40:
        out.append(number)
    elif number < 0x4000:
        out += (number | 0x4000).to_bytes(2, "big")
    elif number < 1 << 32:
        out.append(0x80)
        out += number.to_bytes(4, "big")
    else:
        out.append(0x81)
        out += number.to_bytes(8, "big")


def put_string(out: bytearray, text: bytes | bytearray, packing: bool) -> None:
    """Append a string: as a number if it is one of up to 32 bits, with packing by LZF if shorter, else as it is."""
    size = len(text)
    if size <= 11 and size and text[0] <= 57 and _SMALL_INT.match(text) is not None:
        number = int(text)
        if -0x80000000 <= number <= 0x7FFFFFFF:
            put_integer(out, number)
            return
    elif packing and size >= COMPRESS_FROM:
        packed = compress(bytes(text))
        if packed is not None:
            out.append(0xC0 | LZF)
            put_length(out, len(packed))
            put_length(out, size)
            out += packed
            return
    put_length(out, size)
    out += text


def put_strings(out: bytearray, texts: Iterable[bytes], packing: bool) -> None:
    """Append strings as put_string does."""
    for text in texts:
        put_string(out, text, packing)


def put_integer(out: bytearray, number: int) -> None:
    """Append a string that is the decimal number (32 bits, signed)."""
    if -0x80 <= number <= 0x7F:
        form, size = INT8, 1
    elif -0x8000 <= number <= 0x7FFF:
        form, size = INT16, 2
    else:
        form, size = INT32, 4
    out.append(0xC0 | form)
    out += number.to_bytes(size, "little", signed=True)


def put_double(out: bytearray, value: float) -> None:
    """Append a binary double."""
    out += _DOUBLE.pack(value)


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def put_keys(
    out: bytearray, order: list[Entry], place: int, most: int, packing: bool, access: str | None, clock: int, put: Put
) -> int:
    """Append keys from order[place] on until out has `most` bytes; return the place of the next.

    access: see `writer.encode_snapshot`; `put` is called for what is no string.
    """
    while place < len(order):
        entry = order[place]
        place += 1
        if access == "idle":
            out.append(IDLE)
            put_length(out, max(0, clock - entry.access))
        elif access is not None:
            out += bytes((FREQ, entry.access & 0xFF))
        if entry.deadline:
            out.append(EXPIRETIME_MS)
            out += entry.deadline.to_bytes(8, "little")
        value = entry.value
        if isinstance(value, (bytes, bytearray)):
            out.append(STRING)
            put_string(out, entry.key, packing)
            put_string(out, value, packing)
        else:
            put(out, entry.key, value)
        if len(out) >= most:
            break
    return place
