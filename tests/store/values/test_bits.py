"""Bits of strings against the same done digit by digit."""

from __future__ import annotations

import random

import pytest

from store.values.bits import Bits, combine, count_bits, find_bit, get_bit


def digits(data: Bits) -> str:
    return "".join(f"{byte:08b}" for byte in data)


@pytest.mark.parametrize("seed", range(5))
def test_counting_and_finding_are_those_of_digits(seed: int) -> None:
    rng = random.Random(seed)
    data = bytes(rng.choice((0, 0, 0, 255, 255, rng.randrange(256))) for _ in range(rng.randrange(1, 40)))
    text = digits(data)
    for _ in range(300):
        first, last = sorted(rng.randrange(len(text)) for _ in range(2))
        assert count_bits(data, first, last) == text[first : last + 1].count("1")
        for bit in (0, 1):
            found = text.find(str(bit), first, last + 1)
            assert find_bit(bytearray(data), bit, first, last) == (None if found < 0 else found)
    assert [get_bit(data, place) for place in range(len(text) + 9)] == [int(digit) for digit in text + "0" * 9]


def test_an_empty_range_holds_nothing() -> None:
    assert count_bits(b"\xff", 5, 4) == 0
    assert find_bit(b"\xff", 1, 5, 4) is None


@pytest.mark.parametrize("size", [1, 70_000, 200_000])
def test_long_strings_are_taken_in_pieces(size: int) -> None:
    data = bytearray(size)
    data[-1] = 1
    assert count_bits(data, 0, size * 8 - 1) == 1
    assert find_bit(data, 1, 0, size * 8 - 1) == size * 8 - 1
    assert combine(b"XOR", [data, b"\xff"]) == b"\xff" + bytes(data[1:]) if size > 1 else b"\xfe"
    assert combine(b"NOT", [data]) == b"\xff" * (size - 1) + b"\xfe"


def test_short_sources_are_filled_up_with_zeros() -> None:
    assert combine(b"AND", [b"\xff\xff\xff", bytearray(b"\x0f")]) == b"\x0f\0\0"
    assert combine(b"OR", [b"\xf0", b"\x0f\x01", b""]) == b"\xff\x01"
    assert combine(b"XOR", [b"\xff\x00", b"\x0f\xff", b"\x01"]) == b"\xf1\xff"
