"""Lengths, strings, doubles and LZF: what is written is what is read, and nothing is read beyond the bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.rdb import lzf
from store.rdb.primitives import Cursor, Malformed, Underflow, put_double, put_length, put_string

TEXTS = (
    st.binary(max_size=100)
    | st.integers(-(2**70), 2**70).map(lambda n: b"%d" % n)
    | st.binary(max_size=9).map(lambda b: b * 40)
)


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, "00"), (63, "3f"), (64, "4040"), (16383, "7fff"), (16384, "8000004000"), (2**32 - 1, "80ffffffff"),
        (2**32, "810000000100000000"), (2**64 - 1, "81ffffffffffffffff"),
    ],
)  # fmt: skip
def test_lengths_take_as_few_bytes_as_redis_gives_them(number: int, encoded: str) -> None:
    out = bytearray()
    put_length(out, number)
    assert out.hex() == encoded
    cursor = Cursor(bytes(out))
    assert (cursor.length(), cursor.pos) == (number, len(out))


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        (b"", "00"), (b"0", "c000"), (b"-128", "c080"), (b"128", "c18000"), (b"-32768", "c10080"),
        (b"32768", "c200800000"),
        (b"-2147483648", "c200000080"), (b"2147483648", "0a32313437343833363438"), (b"-0", "022d30"), (b"01", "023031"),
        (b"+1", "022b31"), (b"1\n", "02310a"),
    ],
)  # fmt: skip
def test_strings_become_integers_only_when_that_reads_back_the_same(text: bytes, encoded: str) -> None:
    out = bytearray()
    put_string(out, text, packing=True)
    assert out.hex() == encoded
    assert Cursor(bytes(out)).string() == text


@given(st.lists(TEXTS), st.booleans())
def test_strings_read_back_one_by_one_and_in_one_go(texts: list[bytes], packing: bool) -> None:
    out = bytearray()
    for text in texts:
        put_string(out, text, packing)
    cursor = Cursor(bytes(out), len(out))
    assert [cursor.string() for _ in texts] == texts
    assert cursor.pos == len(out)
    assert Cursor(bytes(out)).strings(len(texts)) == texts


@given(st.lists(TEXTS, min_size=1), st.booleans(), st.data())
def test_bytes_that_are_missing_are_asked_for_and_known_to_be_missing_at_the_end_of_a_file(
    texts: list[bytes], packing: bool, data: st.DataObject
) -> None:
    out = bytearray()
    for text in texts:
        put_string(out, text, packing)
    cut = data.draw(st.integers(0, len(out) - 1))
    with pytest.raises(Underflow) as short:
        Cursor(bytes(out[:cut])).strings(len(texts))
    assert cut < short.value.stop <= len(out)
    with pytest.raises(Malformed):
        Cursor(bytes(out[:cut]), cut).strings(len(texts))


def test_doubles_are_eight_bytes() -> None:
    out = bytearray()
    put_double(out, -0.1)
    assert out == struct.pack("<d", -0.1)
    assert Cursor(bytes(out)).double() == -0.1


@pytest.mark.parametrize("encoded", ["82", "bf", "c0", "ff"])
def test_a_length_that_is_none_is_refused(encoded: str) -> None:
    with pytest.raises(Malformed, match="not the start of a length"):
        Cursor(bytes.fromhex(encoded)).length()


@pytest.mark.parametrize("encoded", ["c4", "ff", "c3020461", "c3017f20", "c30281ffffffffffffffff0061"])
def test_a_string_of_an_unknown_form_or_with_a_lie_about_its_length_is_refused(encoded: str) -> None:
    data = bytes.fromhex(encoded)
    with pytest.raises(Malformed):
        Cursor(data, len(data)).string()


def test_a_count_is_compared_with_what_the_file_can_still_hold() -> None:
    with pytest.raises(Malformed, match="5 parts are announced"):
        Cursor(b"\x05abcd", 5).count()
    assert Cursor(b"\x05abcd").count() == 5


@given(st.binary(max_size=300) | st.binary(max_size=9).map(lambda b: b * 60))
def test_the_own_decompressor_reads_what_liblzf_writes(plain: bytes) -> None:
    packed = lzf.compress(plain)
    if packed is not None:
        assert lzf.decompress_plain(packed, len(plain)) == lzf.decompress(packed, len(plain)) == plain
        with pytest.raises(lzf.BadLzf):
            lzf.decompress_plain(packed, len(plain) - 1)
        with pytest.raises(lzf.BadLzf):
            lzf.decompress_plain(packed, len(plain) + 1)


@given(st.binary(max_size=60), st.integers(0, 3000))
def test_hostile_compressed_bytes_are_refused_alike_with_and_without_the_package(packed: bytes, length: int) -> None:
    results: list[bytes | None] = []
    for decompress in (lzf.decompress, lzf.decompress_plain):
        try:
            results.append(decompress(packed, length))
        except lzf.BadLzf:
            results.append(None)
    assert results[0] == results[1]
    assert results[0] is None or len(results[0]) == length
