"""HyperLogLog: how many different elements were seen, to within 0.81 %, in strings of the layout that Redis uses.

    string  = "HYLL" encoding 3 unused-bytes cardinality registers
    encoding = %x00 dense | %x01 sparse
    cardinality = 8 bytes, little-endian: the last estimate; its highest bit says that it is out of date
    dense   = 16384 registers of 6 bits, the lowest bits of a byte first (12288 bytes)
    sparse  = *run
    run     = 00llllll (l+1 registers of 0) | 01llllll llllllll (the same) | 1vvvvvll (l+1 registers of v+1)

An element's hash (MurmurHash64A) chooses a register by 14 bits; the register keeps the longest run of zeros, plus one,
that the other 50 bits of any element began with. The estimate is Ertl's (arXiv:1702.01284), as in Redis since 4.0.

Law: the same elements in the same order give the same bytes as in redis-server 7.0, so that values go both ways.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from struct import unpack_from

from store.values.bits import Bits

REGISTERS = 1 << 14
HEADER = 16
DENSE_SIZE = HEADER + REGISTERS * 6 // 8
SPARSE_LIMIT = 3000
"""Bytes up to which a string stays sparse unless configured otherwise (hll-sparse-max-bytes, redis.conf 7.0)."""
_DENSE, _SPARSE = 0, 1
_ENCODING, _CARDINALITY, _STALE_BYTE = 4, 8, 15
_RANK_BITS = 50
_MOST_SPARSE = 32  # the largest value a sparse register can have
_ALPHA = 0.721347520444481703680

_MASK = (1 << 64) - 1
_MIX = 0xC6A4A7935BD1E995
_SEED = 0xADC83B19

_BLOCK = 128
_CODES = re.compile(rb"([^\x40-\x7f]*)(?:[\x40-\x7f].?)?", re.DOTALL)  # codes of one byte, then perhaps one of two
_SPANS = bytes((code & 3) + 1 if code & 0x80 else (code & 0x3F) + 1 for code in range(256))


class CorruptRegisters(ValueError):
    """A sparse string whose runs don't add up to all registers."""


def empty() -> bytes:
    """A sparse string that has seen nothing."""
    return b"HYLL\x01" + bytes(11) + _zeros(REGISTERS)


def is_valid(data: Bits) -> bool:
    """Tell whether a string begins like a HyperLogLog and, if dense, has its exact size."""
    if len(data) < HEADER or not data.startswith(b"HYLL") or data[_ENCODING] > _SPARSE:
        return False
    return data[_ENCODING] == _SPARSE or len(data) == DENSE_SIZE


def is_sparse(data: Bits) -> bool:
    """Tell whether a valid string is in the sparse encoding."""
    return data[_ENCODING] == _SPARSE


# ── hashing ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def locate(element: bytes) -> tuple[int, int]:
    """The register of an element, and the value it asks for: 1 to 51."""
    code = murmur(element)
    rest = code >> 14 | 1 << _RANK_BITS
    return code & REGISTERS - 1, (rest & -rest).bit_length()


def murmur(data: bytes, seed: int = _SEED) -> int:
    """MurmurHash64A (Appleby's MurmurHash2 for 64-bit machines) of data."""
    size = len(data)
    code = (seed ^ size * _MIX) & _MASK
    for word in unpack_from(f"<{size >> 3}Q", data):
        word = word * _MIX & _MASK
        code = (code ^ (word ^ word >> 47) * _MIX & _MASK) * _MIX & _MASK
    if size & 7:
        code = (code ^ int.from_bytes(data[size & ~7 :], "little")) * _MIX & _MASK
    code = (code ^ code >> 47) * _MIX & _MASK
    return code ^ code >> 47


# ── estimating ───────────────────────────────────────────────────────────────────────────────────────────────────────
def cached(data: Bits) -> int | None:
    """The estimate kept in a string, or None if it is out of date."""
    return None if data[_STALE_BYTE] & 0x80 else int.from_bytes(data[_CARDINALITY:HEADER], "little")


def estimate(data: Bits) -> int:
    """How many different elements a valid string has seen, computed anew; raise CorruptRegisters."""
    return estimate_registers(registers_of(data))


def estimate_registers(registers: Bits) -> int:
    """Ertl's improved raw estimate from one byte a register."""
    counts = [registers.count(value) for value in range(_RANK_BITS + 2)]
    total = float(REGISTERS)
    z = total * _tau((total - counts[_RANK_BITS + 1]) / total)
    for count in counts[_RANK_BITS:0:-1]:
        z = (z + count) * 0.5
    z += total * _sigma(counts[0] / total)
    if z == 0:
        return -1 << 63  # what C makes of an infinite estimate
    number = _ALPHA * total * total / z
    return math.floor(number) + (number % 1 >= 0.5)


def _sigma(x: float) -> float:
    if x == 1:
        return math.inf
    y, z, before = 1.0, x, -1.0
    while before != z:
        x *= x
        before = z
        z += x * y
        y += y
    return z


def _tau(x: float) -> float:
    if x in (0, 1):
        return 0.0
    y, z, before = 1.0, 1 - x, -1.0
    while before != z:
        x = math.sqrt(x)
        before = z
        y *= 0.5
        z -= (1 - x) ** 2 * y
    return z / 3


# ── all registers at once ────────────────────────────────────────────────────────────────────────────────────────────
def registers_of(data: Bits) -> bytearray:
    """One byte a register; raise CorruptRegisters if a sparse string has not all of them."""
    if is_sparse(data):
        return _decode(data)
    first, second, third = (data[HEADER + place :: 3] for place in range(3))
    registers = bytearray(REGISTERS)
    registers[0::4] = _shifted(first, 0)
    registers[1::4] = _either(_shifted(first, -6), _shifted(second, 2))
    registers[2::4] = _either(_shifted(second, -4), _shifted(third, 4))
    registers[3::4] = _shifted(third, -2)
    return registers


def dense_of(data: Bits) -> bytearray:
    """The same HyperLogLog in the dense encoding; raise CorruptRegisters."""
    return _packed(data, registers_of(data)) if is_sparse(data) else bytearray(data)


def _packed(header: Bits, registers: bytearray) -> bytearray:
    """A dense string with the given registers and the header of another."""
    zeroth, first, second, third = (registers[place::4] for place in range(4))
    dense = bytearray(header[:HEADER]) + bytearray(DENSE_SIZE - HEADER)
    dense[_ENCODING] = _DENSE
    dense[HEADER + 0 :: 3] = _either(zeroth, _shifted(first, 6, 0xC0))
    dense[HEADER + 1 :: 3] = _either(_shifted(first, -2), _shifted(second, 4, 0xF0))
    dense[HEADER + 2 :: 3] = _either(_shifted(second, -4), _shifted(third, 2, 0xFC))
    return dense


def _shifted(data: Bits, left: int, mask: int = 0x3F) -> Bits:
    """Every byte shifted to the left (to the right if negative), and only the bits of the mask."""
    table = bytes((byte << left if left >= 0 else byte >> -left) & mask for byte in range(256))
    return data.translate(table)


def _either(first: Bits, second: Bits) -> bytes:
    return (int.from_bytes(first, "little") | int.from_bytes(second, "little")).to_bytes(len(first), "little")


def merged(strings: Sequence[Bits]) -> bytearray:
    """One byte a register, the largest of all strings; raise CorruptRegisters."""
    largest = bytearray(REGISTERS)
    for data in strings:
        largest = bytearray(map(max, largest, registers_of(data)))
    return largest


def _decode(data: Bits) -> bytearray:
    """The registers of a sparse string."""
    registers = bytearray()
    place, size = HEADER, len(data)
    while place < size:
        code = data[place]
        place += 1
        if code & 0x80:
            registers += bytes((((code >> 2) & 0x1F) + 1,)) * ((code & 3) + 1)
        elif code & 0x40:
            registers += bytes(((code & 0x3F) << 8 | (data[place] if place < size else 0)) + 1)
            place += 1
        else:
            registers += bytes(code + 1)
    if len(registers) != REGISTERS:
        raise CorruptRegisters
    return registers


def describe_runs(data: Bits) -> bytes:
    """The runs of a sparse string as text: `z:9` and `Z:999` for zeros, `v:3,1` for a value and a length."""
    words: list[bytes] = []
    place, size = HEADER, len(data)
    while place < size:
        code = data[place]
        place += 1
        if code & 0x80:
            words.append(b"v:%d,%d" % (((code >> 2) & 0x1F) + 1, (code & 3) + 1))
        elif code & 0x40:
            words.append(b"Z:%d" % (((code & 0x3F) << 8 | (data[place] if place < size else 0)) + 1))
            place += 1
        else:
            words.append(b"z:%d" % (code + 1))
    return b" ".join(words)


# ── changing ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def invalidate(data: bytearray) -> None:
    """Mark the kept estimate as out of date."""
    data[_STALE_BYTE] |= 0x80


def remember(data: bytearray, cardinality: int) -> None:
    """Keep an estimate."""
    data[_CARDINALITY:HEADER] = (cardinality & _MASK).to_bytes(8, "little")


def raise_register(data: bytearray, index: int, value: int, limit: int = SPARSE_LIMIT) -> bool:
    """Let a register be value at least; True if it was less. A sparse string that outgrows limit bytes becomes dense.

    Raises CorruptRegisters, with data as it was, when a sparse string does not have the register.
    """
    if not is_sparse(data):
        return _raise_dense(data, index, value)
    if value <= _MOST_SPARSE:
        changed = _raise_sparse(data, index, value, limit)
        if changed is not None:
            return changed
    data[:] = dense_of(data)
    return _raise_dense(data, index, value)


def merge_into(data: Bits | None, strings: Sequence[Bits], limit: int = SPARSE_LIMIT) -> bytearray:
    """A HyperLogLog that has seen what all strings have, data (None: a new one) among them; raise CorruptRegisters.

    It is dense if one of them is, or if it outgrows limit bytes.
    """
    registers = merged(strings)
    after = bytearray(empty() if data is None else data)
    if not all(map(is_sparse, strings)):
        after[:] = _packed(after, registers)
    else:
        for index, value in enumerate(registers):
            if value:
                raise_register(after, index, value, limit)
    invalidate(after)
    return after


def _raise_dense(data: bytearray, index: int, value: int) -> bool:
    place, shift = HEADER + index * 6 // 8, index * 6 & 7
    word = data[place] | (data[place + 1] << 8 if place + 1 < DENSE_SIZE else 0)
    if word >> shift & 0x3F >= value:
        return False
    word = word & ~(0x3F << shift) | value << shift
    data[place] = word & 0xFF
    if place + 1 < DENSE_SIZE:
        data[place + 1] = word >> 8
    return True


def _raise_sparse(data: bytearray, index: int, value: int, limit: int) -> bool | None:
    """Raise a register in place: whether it changed, or None if the string would get longer than limit."""
    before, place, first, span = _find_run(data, index)
    code = data[place]
    old = ((code >> 2) & 0x1F) + 1 if code & 0x80 else 0
    if old >= value:
        return False
    ahead, behind = index - first, first + span - 1 - index
    runs = (_run(old, ahead), _run(value, 1), _run(old, behind))
    width = 2 if code & 0xC0 == 0x40 else 1
    replacement = b"".join(runs)
    if len(replacement) > width and len(data) + len(replacement) - width > limit:
        return None
    data[place : place + width] = replacement
    _join_runs(data, before)
    invalidate(data)
    return True


def _find_run(data: bytearray, index: int) -> tuple[int, int, int, int]:
    """Find the run with a register: (place of the run before it, its place, its first register, its registers)."""
    before, first = HEADER, 0
    spans = data.translate(_SPANS)
    for match in _CODES.finditer(data, HEADER):
        start, stop = match.span(1)
        total = sum(spans[start:stop])
        if index < first + total:
            return _find_short(spans, before, start, first, index)
        first += total
        if stop > start:
            before = stop - 1
        if stop == len(data):
            break
        span = ((data[stop] & 0x3F) << 8 | (data[stop + 1] if stop + 1 < len(data) else 0)) + 1
        if index < first + span:
            return before, stop, first, span
        first += span
        before = stop
    raise CorruptRegisters


def _find_short(spans: bytearray, before: int, place: int, first: int, index: int) -> tuple[int, int, int, int]:
    """Find the run with a register among runs of one byte each from place on, by their spans."""
    while first + (total := sum(spans[place : place + _BLOCK])) <= index:
        first, place = first + total, place + _BLOCK
        before = place - 1
    ends = list(accumulate(spans[place : place + _BLOCK]))
    at = bisect_right(ends, index - first)
    found = place + at
    return (found - 1 if at else before), found, first + ends[at] - spans[found], spans[found]


def _run(value: int, length: int) -> bytes:
    """The codes for a run of equal registers: none for length 0; values above 0 have a length of 4 at most."""
    if not length:
        return b""
    if value:
        return bytes((0x80 | value - 1 << 2 | length - 1,))
    return bytes((length - 1,)) if length <= 64 else _zeros(length)


def _zeros(length: int) -> bytes:
    return (0x4000 | length - 1).to_bytes(2, "big")


def _join_runs(data: bytearray, place: int) -> None:
    """Join neighbours of equal value, looking at five runs from place on: as far as Redis does."""
    for _ in range(5):
        if place >= len(data):
            return
        code = data[place]
        if code & 0x80 and place + 1 < len(data) and data[place + 1] & 0x80:
            following = data[place + 1]
            length = (code & 3) + (following & 3) + 2
            if code & 0x7C == following & 0x7C and length <= 4:
                data[place : place + 2] = bytes((code & 0xFC | length - 1,))
                continue
        place += 2 if code & 0xC0 == 0x40 else 1
