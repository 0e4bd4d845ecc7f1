"""Strings seen as bits: bit 0 is the highest of the first byte. Counting, finding and combining, in pieces of bounded size."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import reduce
from operator import and_, or_, xor

Bits = bytes | bytearray

_PIECE = 1 << 16
_INVERTED = bytes(255 - byte for byte in range(256))
_OTHER_THAN = {0: re.compile(rb"[^\xff]"), 1: re.compile(rb"[^\x00]")}  # bytes in which the wanted bit occurs
COMBINE: dict[bytes, Callable[[int, int], int]] = {b"AND": and_, b"OR": or_, b"XOR": xor}


def get_bit(data: Bits, place: int) -> int:
    """The bit at place (≥ 0); 0 beyond the end."""
    byte = place >> 3
    return data[byte] >> (7 - (place & 7)) & 1 if byte < len(data) else 0


def count_bits(data: Bits, first: int, last: int) -> int:
    """How many of the bits first … last, both included and within data, are set; 0 if first > last."""
    if first > last:
        return 0
    start, stop = first >> 3, (last >> 3) + 1
    view = memoryview(data)
    pieces = (view[place : min(place + _PIECE, stop)] for place in range(start, stop, _PIECE))
    total = sum(int.from_bytes(piece, "big").bit_count() for piece in pieces)
    before, after = data[start] >> (8 - (first & 7)), data[stop - 1] & (1 << 7 - (last & 7)) - 1
    return total - before.bit_count() - after.bit_count()


def find_bit(data: Bits, bit: int, first: int, last: int) -> int | None:
    """The first place from first to last, both included and within data, that has this bit; None if there is none."""
    place = first
    while place <= last:
        if place & 7 == 0:
            found = _OTHER_THAN[bit].search(data, place >> 3, (last >> 3) + 1)
            if found is None:
                return None
            place = found.start() << 3
        for at in range(place, min(place | 7, last) + 1):
            if get_bit(data, at) == bit:
                return at
        place = (place | 7) + 1
    return None


def combine(operation: bytes, sources: Sequence[Bits]) -> bytes:
    """NOT of the one source, or AND, OR, XOR of all, shorter ones filled up with zeros: as long as the longest source."""
    if operation == b"NOT":
        return bytes(sources[0].translate(_INVERTED))
    size = max(map(len, sources))
    function = COMBINE[operation]
    pieces: list[bytes] = []
    for start in range(0, size, _PIECE):
        stop = min(start + _PIECE, size)
        # Little-endian numbers are filled up with zeros at the far end, as short sources are.
        numbers = (int.from_bytes(source[start:stop], "little") for source in sources)
        pieces.append(reduce(function, numbers).to_bytes(stop - start, "little"))
    return b"".join(pieces)
