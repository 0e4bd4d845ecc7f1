"""Listpacks and intsets, both ways, and the blobs of former versions, made by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.rdb.compact import back_length, decode_intset, decode_listpack, encode_intset, encode_listpack
from store.rdb.legacy import decode_ziplist, decode_zipmap
from store.rdb.primitives import Malformed
from tests.kit.rdb_files import numbers, ziplist, zipmap

TEXTS = (
    st.binary(max_size=80)
    | st.integers(-(2**65), 2**65).map(lambda n: b"%d" % n)
    | st.binary(max_size=9).map(lambda b: b * 500)
)
LONG = [b"q" * size for size in (0, 63, 64, 126, 127, 4095, 4096, 16381, 16382, 16383, 70000)]
NUMBERS = [b"%d" % number for number in numbers()]


@given(st.lists(TEXTS))
def test_a_listpack_reads_back(entries: list[bytes]) -> None:
    assert decode_listpack(encode_listpack(entries)) == entries


def test_a_listpack_has_every_encoding_of_redis() -> None:
    entries = [*LONG, *NUMBERS, b"007", b"-0"]
    assert decode_listpack(encode_listpack(entries)) == entries
    assert encode_listpack([b"1", b"-1", b"abc"]).hex() == "1100000003000101dfff028361626304ff"


@pytest.mark.parametrize(
    ("size", "encoded"),
    [
        (127, "7f"),
        (128, "0180"),
        (16382, "7ffe"),
        (16383, "00ffff"),
        (2097150, "7ffffe"),
        (2097151, "00ffffff"),
        (2**28 - 1, "00ffffffff"),
    ],
)
def test_back_lengths_change_size_where_those_of_redis_do(size: int, encoded: str) -> None:
    assert back_length(size).hex() == encoded


def test_more_entries_than_the_header_can_count_are_counted_by_reading() -> None:
    entries = [b"1"] * 70000
    blob = encode_listpack(entries)
    assert blob[4:6] == b"\xff\xff"
    assert decode_listpack(blob) == entries


@given(st.sets(st.integers(-(2**63), 2**63 - 1) | st.integers(-40000, 40000), min_size=1))
def test_an_intset_reads_back_in_order(members: set[int]) -> None:
    assert decode_intset(encode_intset(b"%d" % n for n in members)) == [b"%d" % n for n in sorted(members)]


@pytest.mark.parametrize(
    ("members", "width"),
    [((0, 32767), 2), ((-32768,), 2), ((32768,), 4), ((-(2**31),), 4), ((2**31,), 8), ((-(2**63),), 8)],
)
def test_an_intset_is_as_narrow_as_its_members_allow(members: tuple[int, ...], width: int) -> None:
    blob = encode_intset(b"%d" % n for n in members)
    assert len(blob) == 8 + width * len(members)
    assert blob[0] == width


@pytest.mark.parametrize(
    "blob",
    [
        "",
        "02000000",
        "0300000000000000",
        "0200000000000000",
        "02000000020000000100",
        "020000000200000001000100",
        "020000000200000002000100",
    ],
)
def test_an_intset_that_contradicts_itself_is_refused(blob: str) -> None:
    with pytest.raises(Malformed):
        decode_intset(bytes.fromhex(blob))


def test_a_ziplist_has_every_encoding() -> None:
    entries: list[bytes | int] = [*LONG, *numbers(), b"", b"text"]
    assert decode_ziplist(ziplist(*entries)) == [b"%d" % e if isinstance(e, int) else e for e in entries]
    assert decode_ziplist(bytes.fromhex("0f0000000c000000020000f302f6ff")) == [b"2", b"5"]


def test_a_zipmap_skips_the_bytes_it_does_not_use() -> None:
    blob = zipmap((b"f", b"value", 3), (b"g" * 300, b"", 0), (b"", b"w" * 254, 1))
    assert decode_zipmap(blob) == [b"f", b"value", b"g" * 300, b"", b"", b"w" * 254]
    assert decode_zipmap(bytes.fromhex("0203666f6f03006261720568656c6c6f0500776f726c64ff")) == [
        b"foo",
        b"bar",
        b"hello",
        b"world",
    ]


@pytest.mark.parametrize(
    ("decode", "blob"),
    [
        (decode_listpack, encode_listpack([b"abc", b"1", b"-5000", b"70000", b"x" * 130])),
        (decode_ziplist, ziplist(b"abc", 1, -5000, 70000, b"x" * 300, b"y")),
        (decode_zipmap, zipmap((b"f", b"value", 2), (b"g", b"w" * 260, 0))),
        (decode_intset, encode_intset([b"1", b"2", b"70000"])),
    ],
)
def test_damaged_blobs_are_refused_or_read_but_never_fail_otherwise(decode, blob: bytes) -> None:  # type: ignore[no-untyped-def]
    for cut in range(len(blob)):
        with pytest.raises(Malformed):
            decode(blob[:cut])
    refused = 0
    for position in range(len(blob)):
        for bit in range(8):
            flipped = bytearray(blob)
            flipped[position] ^= 1 << bit
            try:
                decode(bytes(flipped))
            except Malformed:
                refused += 1
    assert refused >= 32  # every bit of the sizes at least


@given(st.binary(max_size=40), st.sampled_from([decode_listpack, decode_ziplist, decode_zipmap, decode_intset]))
def test_random_blobs_never_fail_otherwise(body: bytes, decode) -> None:  # type: ignore[no-untyped-def]
    heads = {
        decode_listpack: (len(body) + 7).to_bytes(4, "little") + b"\xff\xff",
        decode_ziplist: (len(body) + 11).to_bytes(4, "little") + b"\x0a\0\0\0\xff\xff",
        decode_zipmap: b"\xfe",
        decode_intset: b"\x02\0\0\0" + (len(body) // 2).to_bytes(4, "little"),
    }
    try:
        entries = decode(heads[decode] + body + (b"" if decode is decode_intset else b"\xff"))
    except Malformed:
        return
    assert all(type(item) is bytes for item in entries)
