"""Damage of every kind is found: cuts at every byte, flips of every bit, lies about sizes, hostile payloads."""

import contextlib
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import CorruptSnapshot, ReplyError
from store.keyspace import Keyspace
from store.rdb import RdbLoader, codes, dump_value, load, restore_value, save, verify
from store.values.base import Value
from store.values.stream import Stream
from store.values.stream_node import make_id
from tests.kit.rdb_files import entry, length, payload, plain, rdb, small_keyspace, string

STREAM = bytes.fromhex(
    "01100000000000000001000000000000000129290000000f0001010101010181610200010301000100018162020401020101010001826363030401ff"
    "01020102010101020101670201020100000000000000020000000000000001e426a407a20100000101026d65e426a407a20100000100000000000000020000"
    "000000000001"
)


def small_file(checksum: bool = True) -> bytes:
    out = io.BytesIO()
    save(small_keyspace(), out, aux={"redis-ver": b"7.0.15", "repl-offset": 1}, checksum=checksum)
    return out.getvalue()


def refused(data: bytes) -> CorruptSnapshot:
    """Load data as a file of known size; it must be refused, and whatever had been loaded must be consistent."""
    loader = RdbLoader(keyspace := Keyspace(), "dump.rdb", limit=len(data))
    with pytest.raises(CorruptSnapshot) as caught:
        complete(loader, data)
    keyspace._check()
    assert 0 <= caught.value.position <= len(data)
    return caught.value


def complete(loader: RdbLoader, data: bytes) -> None:
    """Feed data as the whole of a file, as `load` does."""
    if loader.feed(data) and loader.rest:
        raise CorruptSnapshot("dump.rdb", loader.report.size, "there are bytes after the end of the file")
    loader.finish()


@pytest.mark.parametrize("first", [0x3F, 0x7F, 0x80, 0xFF])
@pytest.mark.parametrize("known", [False, True])
def test_a_length_that_no_memory_holds_is_damage_in_a_file_of_any_size(first: int, known: bool) -> None:
    data = b"REDIS0010\xfe\x00\x00\x81" + bytes((first,)) + b"\xff" * 7 + b"a key"
    loader = RdbLoader(Keyspace(), "dump.rdb", limit=len(data) if known else None)
    with pytest.raises(CorruptSnapshot):
        complete(loader, data)


def test_a_file_cut_at_any_byte_is_refused(tmp_path: Path) -> None:
    whole = small_file()
    for cut in range(len(whole)):
        refused(whole[:cut])
    path = tmp_path / "dump.rdb"
    path.write_bytes(whole[:-1])
    with pytest.raises(CorruptSnapshot, match=rf"^{path} is damaged at byte {len(whole) - 8}: ends at byte"):
        load(path, Keyspace())
    path.write_bytes(b"")
    with pytest.raises(CorruptSnapshot, match="damaged at byte 0"):
        verify(path)


def test_a_stream_of_unknown_size_that_ends_early_is_refused() -> None:
    whole = small_file()
    for cut in range(len(whole)):
        with pytest.raises(CorruptSnapshot, match=f"damaged at byte {cut}: the file ends before it is complete"):
            load(io.BytesIO(whole[:cut]), Keyspace())


def test_a_flip_of_any_bit_is_found() -> None:
    whole = small_file()
    for position in range(len(whole)):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[position] ^= 1 << bit
            refused(bytes(flipped))


def test_without_a_checksum_a_flip_never_fails_otherwise() -> None:
    whole = small_file(checksum=False)
    assert whole.endswith(bytes(8))
    for position in range(len(whole)):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[position] ^= 1 << bit
            keyspace = Keyspace()
            loader = RdbLoader(keyspace, limit=len(whole))
            try:
                loader.feed(bytes(flipped))
                loader.finish()
            except CorruptSnapshot:
                continue
            keyspace._check()


def test_the_checksum_may_be_left_unread(tmp_path: Path) -> None:
    path = tmp_path / "dump.rdb"
    path.write_bytes(small_file()[:-1] + b"?")
    with pytest.raises(CorruptSnapshot, match="checksum"):
        load(path, Keyspace())
    assert load(path, Keyspace(), check_crc=False).keys == 10


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"REDIS0012\xff" + bytes(8), "RDB version 12"),
        (b"REDIS0000\xff" + bytes(8), "RDB version 0"),
        (b"*3\r\n$3\r\nSET\r\n", "not an RDB file"),
        (rdb(entry(codes.MODULE, b"k", b"\x01")), "unknown type 6"),
        (rdb(entry(8, b"k", b"")), "unknown type 8"),
        (rdb(entry(21, b"k", b"")), "unknown type 21"),
        (rdb(b"\xf4"), "unknown type 244"),
        (rdb(b"\xf7\x01\x01\x00\x00"), "when it is to be loaded"),
        (rdb(b"\xfe\x10", entry(0, b"k", b"\0")), "database 16, but this server has 16"),
        (rdb(entry(0, b"k", b"\0"), entry(0, b"k", b"\0")), "key b'k' is twice in database 0"),
        (rdb(entry(0, b"k", b"\x80\x7f\xff\xff\xff")), "needs 2147483652"),
        (rdb(entry(2, b"k", b"\x81" + b"\x7f" * 8)), "parts are announced"),
        (rdb() + b"more", "after the end"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "dump.rdb"
    path.write_bytes(data)
    with pytest.raises(CorruptSnapshot, match=reason):
        load(path, Keyspace())


def payloads() -> list[bytes]:
    values = [dump_value(item.value) for db in small_keyspace().databases for item in db.order]
    return [*values, payload(codes.STREAM_LISTPACKS_2, STREAM)]


def test_payloads_read_back() -> None:
    for db in small_keyspace().databases:
        for item in db.order:
            again = restore_value(dump_value(item.value))
            if isinstance(again, Value):
                again._check()
            assert plain(again) == plain(item.value)


def test_a_stream_is_read_with_its_group_and_without_what_was_deleted() -> None:
    stream = restore_value(payload(codes.STREAM_LISTPACKS_2, STREAM))
    assert isinstance(stream, Stream)
    stream._check()
    assert list(stream) == [(make_id(2, 1), (b"a", b"cc"))]
    assert (stream.last, stream.added, stream.max_deleted) == (make_id(2, 1), 2, make_id(1, 1))
    group = stream.groups[b"g"]
    assert (group.last, group.read, list(group.consumers), list(group.pending)) == (
        make_id(2, 1),
        2,
        [b"me"],
        [make_id(2, 1)],
    )
    again = dump_value(stream.copy())
    assert dump_value(restore_value(again)) == again != payload(codes.STREAM_LISTPACKS_2, STREAM)


def test_a_payload_needs_its_version_and_checksum() -> None:
    good = dump_value(b"text")
    wrong = [b"", good[:9], good[:-1], good[2:], good[:-1] + b"\0", payload(0, string(b"text"), version=11)]
    for text in wrong:
        with pytest.raises(ReplyError, match=r"^DUMP payload version or checksum are wrong$"):
            restore_value(text)
    assert restore_value(payload(0, string(b"text"), version=1)) == b"text"
    assert restore_value(good[:-1] + b"\0", check_crc=False) == b"text"


@pytest.mark.parametrize(
    "body", [b"\x06", b"\x07\x01\x00", b"\x02\x00", b"\x14\x01", b"\xfa\x01a\x01b", b"\x00\x0aab", b"\xff"]
)
def test_a_payload_that_holds_no_value_is_bad_data(body: bytes) -> None:
    with pytest.raises(ReplyError, match=r"^Bad data format$"):
        restore_value(payload(body[0], body[1:]))


def test_payloads_with_a_damaged_value_and_a_right_checksum_never_fail_otherwise() -> None:
    for good in payloads():
        body = good[:-10]
        for position in range(len(body)):
            for bit in range(8):
                flipped = bytearray(body)
                flipped[position] ^= 1 << bit
                accept_or_refuse(bytes(flipped))
            accept_or_refuse(body[:position])


@given(st.sampled_from([*range(8), *range(9, 21)]), st.binary(max_size=60))
def test_random_payloads_never_fail_otherwise(type_byte: int, body: bytes) -> None:
    accept_or_refuse(bytes((type_byte,)) + body)
    accept_or_refuse(bytes((type_byte,)) + length(len(body)) + body)


def accept_or_refuse(body: bytes) -> None:
    """Restore a payload of body with a right checksum: a consistent value, or Redis's error."""
    if not body:
        return
    value: object = None
    with contextlib.suppress(BadData):
        value = restore_or_bad_data(payload(body[0], body[1:]))
    if isinstance(value, Value):
        value._check()


class BadData(Exception):
    """RESTORE answered `Bad data format`."""


def restore_or_bad_data(text: bytes) -> object:
    """Restore a payload, turning the one error that is allowed into BadData."""
    try:
        return restore_value(text)
    except ReplyError as error:
        if error.line == b"ERR Bad data format":
            raise BadData from error
        raise
