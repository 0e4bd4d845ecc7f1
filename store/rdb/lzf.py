"""LZF, the compression of strings in RDB: read in any case, written only where the package python-lzf is installed.

    data    = (literal | match)*
    literal = 000nnnnn, then n+1 bytes as they are
    match   = nnnooooo [n8 if nnn is 7] o8: repeat nnn[+n8]+2 bytes from 256*ooooo+o8+1 before the end of the output

Law: the output never exceeds the announced length, whatever the input says.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

MOST_EXPANSION = 88
"""Three bytes of a match stand for 264 at most: an announced length beyond that ratio is a lie, known at once."""

_Codec = Callable[[bytes, int], bytes | None]
_compress: _Codec | None = None
_decompress: _Codec | None = None
with contextlib.suppress(ImportError):
    import lzf

    _compress, _decompress = lzf.compress, lzf.decompress

CAN_COMPRESS = _compress is not None


class BadLzf(ValueError):
    """Bytes that do not decompress to exactly the announced length."""


def compress(data: bytes) -> bytes | None:
    """Compress data; None when that saves fewer than 4 bytes (as Redis decides) or the package is missing."""
    if _compress is None or len(data) <= 4:
        return None
    return _compress(data, len(data) - 4)


def decompress(data: bytes, length: int) -> bytes:
    """Restore the length bytes that data stands for; raise BadLzf if it stands for anything else."""
    if length > len(data) * MOST_EXPANSION:
        raise BadLzf(f"{len(data)} compressed bytes can't stand for {length}")
    if _decompress is None or not length or not data:
        return decompress_plain(data, length)
    try:
        plain = _decompress(data, length)
    except ValueError as error:
        raise BadLzf(str(error)) from error
    if plain is None or len(plain) != length:
        raise BadLzf(f"the compressed bytes do not stand for {length} bytes")
    return plain


def decompress_plain(data: bytes, length: int) -> bytes:
    """Do what `decompress` does without the package."""
    out = bytearray()
    place, end = 0, len(data)
    while place < end:
        control = data[place]
        place += 1
        if control < 32:
            out += data[place : place + control + 1]
            place += control + 1
            if place > end:
                raise BadLzf("a literal reaches beyond the compressed bytes")
        else:
            place = _copy_match(data, place, control, out)
        if len(out) > length:
            raise BadLzf(f"the compressed bytes stand for more than {length} bytes")
    if len(out) != length:
        raise BadLzf(f"the compressed bytes stand for {len(out)} bytes, not {length}")
    return bytes(out)


def _copy_match(data: bytes, place: int, control: int, out: bytearray) -> int:
    """Append the bytes a match repeats to out; return the place behind it."""
    count = control >> 5
    need = 2 if count == 7 else 1
    if place + need > len(data):
        raise BadLzf("a match reaches beyond the compressed bytes")
    if count == 7:
        count += data[place]
        place += 1
    start = len(out) - ((control & 31) << 8) - data[place] - 1
    if start < 0:
        raise BadLzf("a match reaches before the first byte")
    count += 2
    if start + count <= len(out):
        out += out[start : start + count]
    else:  # the match overlaps what it makes: a run with the period of its distance
        period = bytes(out[start:])
        out += (period * (count // len(period) + 1))[:count]
    return place + 1
