"""The compact blobs of former versions, read only: ziplist (until 6.2) and zipmap (until 2.4).

    ziplist = u32 total bytes | u32 place of the last entry | u16 entries (65535 = many) | entry* | 0xFF
    entry   = length of the entry before (u8, or 0xFE u32) | encoding | data
    encoding = 00nnnnnn string | 01nnnnnn n8 string | 10xxxxxx u32 big-endian string
             | 0xC0 i16 | 0xD0 i32 | 0xE0 i64 | 0xF0 i24 | 0xFE i8 | 0xF1 … 0xFD the numbers 0 … 12
    zipmap  = u8 pairs (254 = many) | (length field | length free value unused*free)* | 0xFF
    length  = u8 < 254 | 0xFE u32

Law: as in `compact`: consistent in itself, or Malformed.
"""

from __future__ import annotations

import struct

from store.rdb.primitives import Malformed

_HEADER = struct.Struct("<IIH")
_MANY = 0xFFFF
_INT_SIZES = {0xC0: 2, 0xD0: 4, 0xE0: 8, 0xF0: 3, 0xFE: 1}


def decode_ziplist(blob: bytes) -> list[bytes]:
    """Return the entries of a ziplist, integers as their decimal text."""
    end = len(blob) - 1
    if end < _HEADER.size or blob[end] != 0xFF:
        raise Malformed("a ziplist without its end")
    total, tail, announced = _HEADER.unpack_from(blob)
    if total != len(blob):
        raise Malformed(f"a ziplist of {len(blob)} bytes that says it has {total}")
    entries: list[bytes] = []
    place = last = _HEADER.size
    before = 0
    while place < end:
        last = place
        said, place = _previous_length(blob, place)
        if said != before:
            raise Malformed(f"a ziplist entry that says the one before has {said} bytes, not {before}")
        entry, place = _entry(blob, place)
        if place > end:
            raise Malformed("a ziplist entry that reaches beyond the end")
        entries.append(entry)
        before = place - last
    if tail > end or (entries and tail != last):
        raise Malformed("a ziplist that says its last entry is where it is not")
    if announced not in (_MANY, len(entries)):
        raise Malformed(f"a ziplist of {len(entries)} entries that says it has {announced}")
    return entries


def _previous_length(blob: bytes, place: int) -> tuple[int, int]:
    """Read how long the entry before says it is; return that and the place behind."""
    first = blob[place]
    if first == 0xFF:
        raise Malformed("a ziplist that ends before its last byte")
    if first < 0xFE:
        return first, place + 1
    return int.from_bytes(blob[place + 1 : place + 5], "little"), place + 5


def _entry(blob: bytes, place: int) -> tuple[bytes, int]:
    """Read encoding and data of an entry; return its text and the place behind: compare that with the end."""
    if place + 1 >= len(blob):
        raise Malformed("a ziplist entry that reaches beyond the end")
    first = blob[place]
    if first < 0xC0:
        if first < 0x40:
            start, size = place + 1, first & 0x3F
        elif first < 0x80:
            start, size = place + 2, (first & 0x3F) << 8 | blob[place + 1]
        else:
            start, size = place + 5, int.from_bytes(blob[place + 1 : place + 5], "big")
        return blob[start : start + size], start + size
    if 0xF1 <= first <= 0xFD:
        return b"%d" % (first - 0xF1), place + 1
    width = _INT_SIZES.get(first)
    if width is None:
        raise Malformed(f"a ziplist entry with the unknown encoding 0x{first:02x}")
    stop = place + 1 + width
    return b"%d" % int.from_bytes(blob[place + 1 : stop], "little", signed=True), stop


def decode_zipmap(blob: bytes) -> list[bytes]:
    """Return the fields and values of a zipmap, one after the other."""
    end = len(blob) - 1
    if end < 1 or blob[end] != 0xFF:
        raise Malformed("a zipmap without its end")
    found: list[bytes] = []
    place = 1
    while place < end and blob[place] != 0xFF:
        start, size = _zipmap_length(blob, place, end)
        found.append(blob[start : start + size])
        start, size = _zipmap_length(blob, start + size, end)
        if start >= end:
            raise Malformed("a zipmap value that reaches beyond the end")
        free = blob[start]
        found.append(blob[start + 1 : start + 1 + size])
        place = start + 1 + size + free
    if place != end:
        raise Malformed("a zipmap whose entries do not fill it")
    if not found:
        raise Malformed("a zipmap without fields")
    if blob[0] != 0xFE and blob[0] != len(found) // 2:
        raise Malformed(f"a zipmap of {len(found) // 2} fields that says it has {blob[0]}")
    return found


def _zipmap_length(blob: bytes, place: int, end: int) -> tuple[int, int]:
    """Read a length at place; return where the text starts and its length, both within the blob."""
    if place >= end or blob[place] == 0xFF:
        raise Malformed("a zipmap that ends within a field")
    size, start = blob[place], place + 1
    if size == 0xFE:
        size, start = int.from_bytes(blob[place + 1 : place + 5], "little"), place + 5
    if start + size > end:
        raise Malformed("a zipmap field that reaches beyond the end")
    return start, size
