"""Listpacks, written: small hashes and sorted sets, nodes of lists (grammar: `compact`), and scores as text.

Compiled (put_listpack.pyx) it does the same to the byte, without an object a step.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable

from store.values.packed import Packed
from store.values.packed_scores import PackedScores

_HEADER = struct.Struct("<IH")
_MANY = 0xFFFF
_ENTRY_COST = 9  # end and, as Redis estimates, 8 bytes of encoding of one more entry: nodes end where its own would
_INTEGER = re.compile(rb"(?:0|-?[1-9][0-9]{0,18})\Z")
_INT_SIZES = {0xF1: 2, 0xF2: 3, 0xF3: 4, 0xF4: 8}


def back_length(size: int) -> bytes:
    """Encode the size of an entry so that it can be read backwards; the odd limits are those of Redis."""
    if size <= 127:
        return bytes((size,))
    groups = 2 if size < 16383 else 3 if size < 2097151 else 4 if size < 268435455 else 5
    shifts = range(7 * (groups - 1), -1, -7)
    return bytes(size >> shift & 0x7F | (0 if shift == shifts[0] else 0x80) for shift in shifts)


def encode_listpack(entries: Iterable[bytes | bytearray]) -> bytes:
    """Make a listpack; entries that are canonical 64-bit integers are stored as numbers."""
    out = bytearray(_HEADER.size)
    count = 0
    for entry in entries:
        put_entry(out, entry)
        count += 1
    return _closed(out, count)


def _closed(out: bytearray, count: int) -> bytes:
    """End a listpack that was begun with room for its head."""
    out.append(0xFF)
    _HEADER.pack_into(out, 0, len(out), min(count, _MANY))
    return bytes(out)


def put_entry(out: bytearray, entry: bytes | bytearray) -> None:
    """Append one entry of a listpack."""
    size = len(entry)
    if size and size <= 20 and entry[0] <= 57 and _INTEGER.match(entry) is not None:
        encoded = encode_number(int(entry))
        if encoded is not None:
            out += encoded
            out.append(len(encoded))
            return
    if size < 0x40:
        out.append(0x80 | size)
        size += 1
    elif size < 0x1000:
        out += (0xE000 | size).to_bytes(2, "big")
        size += 2
    else:
        out.append(0xF0)
        out += size.to_bytes(4, "little")
        size += 5
    out += entry
    out += back_length(size)


def encode_number(number: int) -> bytes | None:
    """Encode a number as a listpack does, without the back-length; None beyond 64 bits."""
    if 0 <= number <= 0x7F:
        return bytes((number,))
    if -0x1000 <= number <= 0xFFF:
        return (0xC000 | number & 0x1FFF).to_bytes(2, "big")
    for first, width in _INT_SIZES.items():
        if -(1 << 8 * width - 1) <= number < 1 << 8 * width - 1:
            return bytes((first,)) + number.to_bytes(width, "little", signed=True)
    return None


def encode_packed(value: Packed) -> bytes:
    """Make a listpack of the items of a value that has them in its block."""
    return encode_listpack(value._items(0, value.count))


def encode_scores(pairs: Iterable[tuple[float, bytes]]) -> bytes:
    """Make a listpack of members, each followed by its score, of (score, member)."""
    return encode_listpack(part for score, member in pairs for part in (member, format_score(score)))


def encode_packed_scores(value: PackedScores) -> bytes:
    """Make a listpack as `encode_scores` does, of a value that has its pairs in its block."""
    return encode_scores(value._pairs(0, value.count))


def cut_nodes(members: Iterable[bytes], most_bytes: int, most_members: int, longest: int) -> list[tuple[bool, bytes]]:
    """Cut a list into nodes: (False, listpack) or, for a member of `longest` bytes and more, (True, member)."""
    nodes: list[tuple[bool, bytes]] = []
    node = bytearray(_HEADER.size)
    count = 0
    for member in members:
        plain = len(member) >= longest
        if count and (plain or count >= most_members or len(node) + len(member) + _ENTRY_COST > most_bytes):
            nodes.append((False, _closed(node, count)))
            node, count = bytearray(_HEADER.size), 0
        if plain:
            nodes.append((True, member))
        else:
            put_entry(node, member)
            count += 1
    if count:
        nodes.append((False, _closed(node, count)))
    return nodes


def format_score(score: float) -> bytes:
    """Write a score as text: as an integer if it is one and fits, else in 17 digits, which read back the same."""
    if math.isinf(score):
        return b"inf" if score > 0 else b"-inf"
    if abs(score) <= 1 << 62 and score == int(score):
        return b"%d" % int(score)
    return b"%.17g" % score
