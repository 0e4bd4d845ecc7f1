"""Frames: round trip, the documented bytes, and no damaged bit unnoticed."""

import re
import struct
from pathlib import Path

import msgpack
import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

import store.log
from store.events import decode_events
from store.log.frame import MOST, BadFrame, Frame, Origin, decode, encode
from store.log.segment import HEADER_SIZE, Header, decode_header, encode_header

ID = "0123456789abcdef0123456789abcdef01234567"
numbers = st.integers(0, MOST - 1)
origins = st.none() | st.lists(st.tuples(st.integers(1, 1000), st.text(max_size=9), st.text(max_size=9)), max_size=4)


@given(numbers, numbers, st.integers(0, 2**31), origins, st.binary(max_size=70_000), st.binary(max_size=20))
def test_round_trip(
    offset: int, unix_ms: int, db: int, runs: list[Origin] | None, payload: bytes, more: bytes
) -> None:
    frame = Frame(offset, unix_ms, db, runs, payload)
    raw = encode(offset, unix_ms, db, runs, payload)
    decoded = decode(more + raw + more, len(more))
    assert decoded == (frame, len(more) + len(raw))
    assert frame.raw == decoded[0].raw == raw
    assert frame.end == offset + len(payload)


def test_the_body_is_the_msgpack_that_a_library_writes() -> None:
    for size in (0, 0xFF, 0x100, 0xFFFF, 0x10000):
        payload = b"x" * size
        assert encode(7, 8, 9, None, payload)[8:] == msgpack.packb([7, 8, 9, None, payload])


def test_every_prefix_is_incomplete_and_every_flipped_bit_is_noticed() -> None:
    raw = encode(1000, 1_700_000_000_000, 3, [(1, "u", "a")], b"*1\r\n$4\r\nPING\r\n")
    assert all(decode(raw[:size]) is None for size in range(len(raw)))
    for bit in range(len(raw) * 8):
        damaged = bytearray(raw)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            assert decode(damaged) is None, bit  # a longer length: the rest is missing
        except BadFrame:
            continue


def framed(value: object) -> bytes:
    return sealed(msgpack.packb(value))


def sealed(body: bytes) -> bytes:
    return struct.pack("<II", len(body), crc32c(body)) + body


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (bytes(64), "zero-filled"),
        (struct.pack("<II", 6, 0) + b"123456", "a length of 6 bytes"),
        (framed([1, 2, 3, None, b"x", 6]), "a body that is not an array of five fields"),
        (framed({"offset": 1, "x": 2}), "a body that is not an array of five fields"),
        (framed([-1, 2, 0, None, b"x"]), "the field offset is -1"),
        (framed([1, "2", 0, None, b"x"]), "the field unix_ms is '2'"),
        (framed([1, 2, True, None, b"x"]), "the field db is True"),
        (framed([1, 2, 0, None, "x"]), "the field payload is not bytes"),
        (framed([1, 2, 0, 5, b"x"]), "the field origins is not a list"),
        (framed([1, 2, 0, [[1, "u"]], b"x"]), "the origin [1, 'u'] is not"),
        (sealed(b"\x95\x01\x02\x03\xc0\xc4\x05x"), "not msgpack"),
    ],
)
def test_a_body_of_another_shape_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(BadFrame, match=re.escape(reason)):
        decode(raw)


def test_the_example_of_the_format_document_is_what_the_code_reads_and_writes() -> None:
    text = (Path(store.log.__file__).parent / "FORMAT.md").read_text(encoding="utf-8")
    dump = re.search(r"```hexdump\n(.*?)```", text, re.DOTALL)
    assert dump is not None
    rows = [line[4:51] for line in dump[1].splitlines()]
    data = bytes.fromhex(" ".join(rows))

    assert decode_header(data[:HEADER_SIZE], "log/00000000000000000000.seg") == Header(ID, 0)
    decoded = decode(data, HEADER_SIZE)
    assert decoded is not None
    frame, end = decoded
    assert end == len(data)
    assert (frame.offset, frame.unix_ms, frame.db, frame.end) == (0, 1_700_000_000_000, 0, 50)
    assert frame.origins == [(2, "alice", "10.0.0.7:51000")]
    assert [args for _, args in decode_events(frame.payload)] == [[b"SELECT", b"0"], [b"SET", b"k", b"v"]]
    rewritten = encode_header(ID, 0) + encode(0, frame.unix_ms, 0, frame.origins, frame.payload)
    assert rewritten == data
