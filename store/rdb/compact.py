"""The compact blobs of today: listpack (small hashes, sorted sets, nodes of lists) and intset (small sets of integers).

    listpack = u32 total bytes | u16 entries (65535 = many) | entry* | 0xFF
    entry    = encoding data back-length          (bytes of encoding and data, 7 bits a byte, read from the right)
    encoding = 0nnnnnnn u7 | 110nnnnn n8 i13 | 0xF1 i16 | 0xF2 i24 | 0xF3 i32 | 0xF4 i64
             | 10nnnnnn string | 1110nnnn n8 string | 0xF0 u32 string
    intset   = u32 bytes of a member (2, 4, 8) | u32 members | members, ascending, signed

Law: a decoder accepts exactly what is consistent in itself, or raises Malformed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import pairwise

from store.rdb.packs import listpack_entries
from store.rdb.primitives import Malformed
from store.rdb.put_listpack import back_length, encode_listpack, put_entry

__all__ = ["back_length", "decode_intset", "decode_listpack", "encode_intset", "encode_listpack", "put_entry"]
_HEADER = struct.Struct("<IH")
_INTSET_HEADER = struct.Struct("<II")
_MANY = 0xFFFF
_INT_SIZES = {0xF1: 2, 0xF2: 3, 0xF3: 4, 0xF4: 8}
_INTSET_FORMS = {2: "h", 4: "i", 8: "q"}


def decode_listpack(blob: bytes) -> list[bytes]:
    """Return the entries of a listpack, integers as their decimal text."""
    quick = listpack_entries(blob)
    if quick is not None:
        return quick
    end = len(blob) - 1
    if end < _HEADER.size or blob[end] != 0xFF:
        raise Malformed("a listpack without its end")
    total, announced = _HEADER.unpack_from(blob)
    if total != len(blob):
        raise Malformed(f"a listpack of {len(blob)} bytes that says it has {total}")
    entries: list[bytes] = []
    place = _HEADER.size
    while place < end:
        first = blob[place]
        if first < 0x80:
            size = 1
            entry = b"%d" % first
        elif first < 0xC0:
            size = 1 + (first & 0x3F)
            entry = blob[place + 1 : place + size]
        else:
            entry, size = _long_entry(blob, place, first)
        place += size
        if size < 0x80:  # the back-length is one byte: nearly always
            if place >= end or blob[place] != size:
                raise Malformed("a listpack entry whose back-length is wrong")
            place += 1
        else:
            place = _check_back_length(blob, place, end, size)
        entries.append(entry)
    if announced not in (_MANY, len(entries)):
        raise Malformed(f"a listpack of {len(entries)} entries that says it has {announced}")
    return entries


def _long_entry(blob: bytes, place: int, first: int) -> tuple[bytes, int]:
    """Return an entry with one of the longer encodings, and the bytes of its encoding and data."""
    if first < 0xE0:
        number = (first & 0x1F) << 8 | blob[place + 1]
        return b"%d" % (number - 0x2000 if number >= 0x1000 else number), 2
    if first < 0xF0:
        size = 2 + ((first & 0x0F) << 8 | blob[place + 1])
        return blob[place + 2 : place + size], size
    if first == 0xF0:
        size = 5 + int.from_bytes(blob[place + 1 : place + 5], "little")
        return blob[place + 5 : place + size], size
    width = _INT_SIZES.get(first)
    if width is None:
        raise Malformed(f"a listpack entry that starts with 0x{first:02x}")
    return b"%d" % int.from_bytes(blob[place + 1 : place + 1 + width], "little", signed=True), 1 + width


def _check_back_length(blob: bytes, place: int, end: int, size: int) -> int:
    """Return the place behind the back-length of an entry of size bytes; raise Malformed if it says something else."""
    expected = back_length(size)
    stop = place + len(expected)
    if stop > end or blob[place:stop] != expected:
        raise Malformed("a listpack entry whose back-length is wrong")
    return stop


def decode_intset(blob: bytes) -> list[bytes]:
    """Return the members of an intset, ascending, as decimal text."""
    if len(blob) < _INTSET_HEADER.size:
        raise Malformed("an intset without its header")
    width, count = _INTSET_HEADER.unpack_from(blob)
    form = _INTSET_FORMS.get(width)
    if form is None:
        raise Malformed(f"an intset with members of {width} bytes")
    if _INTSET_HEADER.size + count * width != len(blob):
        raise Malformed(f"an intset of {len(blob)} bytes that says it has {count} members of {width} bytes")
    if not count:
        raise Malformed("an intset without members")
    numbers = struct.unpack_from(f"<{count}{form}", blob, _INTSET_HEADER.size)
    if any(left >= right for left, right in pairwise(numbers)):
        raise Malformed("an intset whose members do not ascend")
    return [b"%d" % number for number in numbers]


def encode_intset(members: Iterable[bytes]) -> bytes:
    """Make an intset of members that are canonical 64-bit integers; at least one."""
    numbers = sorted(map(int, members))
    most = max(-numbers[0] - 1, numbers[-1])
    width = 2 if most < 1 << 15 else 4 if most < 1 << 31 else 8
    return _INTSET_HEADER.pack(width, len(numbers)) + struct.pack(f"<{len(numbers)}{_INTSET_FORMS[width]}", *numbers)
