"""Files of Redis 1.0 to 7.2: every type and encoding there ever was, put together by hand."""

import struct
from pathlib import Path

import pytest

from store.errors import CorruptSnapshot
from store.keyspace import Keyspace
from store.rdb import codes, load
from store.rdb.compact import encode_intset, encode_listpack
from tests.kit.rdb_files import contents, entry, length, members, plain, rdb, string, ziplist, zipmap


def loaded(tmp_path: Path, data: bytes) -> Keyspace:
    path = tmp_path / "dump.rdb"
    path.write_bytes(data)
    keyspace = Keyspace()
    load(path, keyspace)
    keyspace._check()
    return keyspace


@pytest.mark.parametrize(
    ("type_byte", "value", "expected"),
    [
        (codes.STRING, string(b"text"), b"text"),
        (codes.STRING, b"\xc1\x39\x30", b"12345"),
        (codes.STRING, b"\xc3\x06\x15\x01aa\xe0\n\x00", b"a" * 21),
        (codes.LIST, length(3) + members([b"a", b"12", b"a"]), [b"a", b"12", b"a"]),
        (codes.SET, length(2) + members([b"a", b"12"]), {b"a", b"12"}),
        (codes.HASH, length(2) + members([b"f", b"v", b"g", b""]), {b"f": b"v", b"g": b""}),
        (
            codes.ZSET,
            length(4)
            + string(b"a")
            + string(b"1.5")
            + string(b"b")
            + b"\xfe"
            + string(b"c")
            + b"\xff"
            + string(b"d")
            + string(b"-3"),
            ("zset", [(float("-inf"), b"c"), (-3.0, b"d"), (1.5, b"a"), (float("inf"), b"b")]),
        ),
        (codes.ZSET_2, length(1) + string(b"a") + struct.pack("<d", 0.1), ("zset", [(0.1, b"a")])),
        (codes.HASH_ZIPMAP, string(zipmap((b"f", b"v", 2), (b"g", b"w" * 300, 0))), {b"f": b"v", b"g": b"w" * 300}),
        (codes.LIST_ZIPLIST, string(ziplist(b"a", 5, -70000)), [b"a", b"5", b"-70000"]),
        (codes.SET_INTSET, string(encode_intset([b"-1", b"70000"])), {b"-1", b"70000"}),
        (codes.SET_LISTPACK, string(encode_listpack([b"a", b"5"])), {b"a", b"5"}),
        (codes.ZSET_ZIPLIST, string(ziplist(b"m", b"1.5", b"n", 2)), ("zset", [(1.5, b"m"), (2.0, b"n")])),
        (
            codes.ZSET_LISTPACK,
            string(encode_listpack([b"m", b"inf", b"n", b"2"])),
            ("zset", [(2.0, b"n"), (float("inf"), b"m")]),
        ),
        (codes.HASH_ZIPLIST, string(ziplist(b"f", b"v", b"n", 12)), {b"f": b"v", b"n": b"12"}),
        (codes.HASH_LISTPACK, string(encode_listpack([b"f", b"v"])), {b"f": b"v"}),
        (
            codes.LIST_QUICKLIST,
            length(3) + members([ziplist(b"a", 1), ziplist(), ziplist(b"z" * 70)]),
            [b"a", b"1", b"z" * 70],
        ),
        (
            codes.LIST_QUICKLIST_2,
            length(2) + b"\x02" + string(encode_listpack([b"a", b"1"])) + b"\x01" + string(b"plain"),
            [b"a", b"1", b"plain"],
        ),
    ],
)
def test_every_type_is_read(tmp_path: Path, type_byte: int, value: bytes, expected: object) -> None:
    for version in (1, 5, 10, 11):
        keyspace = loaded(tmp_path, rdb(b"\xfe\x00", entry(type_byte, b"key", value), version=version))
        assert contents(keyspace) == {(0, b"key"): (expected, 0)}


def test_deadlines_come_in_seconds_or_milliseconds_and_passed_ones_are_kept(tmp_path: Path) -> None:
    one = entry(codes.STRING, b"a", string(b"1"))
    keyspace = loaded(
        tmp_path,
        rdb(
            b"\xfd" + (1700000000).to_bytes(4, "little"), one,
            b"\xfc" + (1700000000123).to_bytes(8, "little"), one.replace(b"a", b"b"),
            b"\xfc" + (0).to_bytes(8, "little"), one.replace(b"a", b"c"),
            b"\xfc" + b"\xff" * 8, one.replace(b"a", b"d"),
            one.replace(b"a", b"e"),
        ),
    )  # fmt: skip
    deadlines = {item.key: item.deadline for item in keyspace.databases[0].order}
    assert deadlines == {b"a": 1700000000000, b"b": 1700000000123, b"c": 1, b"d": 0, b"e": 0}


def test_collections_without_members_are_left_out_and_counted(tmp_path: Path) -> None:
    empties = [
        (codes.LIST, b"\0"), (codes.SET, b"\0"), (codes.HASH, b"\0"), (codes.ZSET, b"\0"), (codes.ZSET_2, b"\0"),
        (codes.LIST_ZIPLIST, string(ziplist())), (codes.HASH_ZIPLIST, string(ziplist())),
        (codes.ZSET_ZIPLIST, string(ziplist())), (codes.HASH_LISTPACK, string(encode_listpack([]))),
        (codes.ZSET_LISTPACK, string(encode_listpack([]))),
        (codes.LIST_QUICKLIST, b"\0"), (codes.LIST_QUICKLIST, b"\1" + string(ziplist())),
        (codes.LIST_QUICKLIST_2, b"\0"),
    ]  # fmt: skip
    path = tmp_path / "dump.rdb"
    parts = (entry(kind, b"key%d" % number, body) for number, (kind, body) in enumerate(empties))
    path.write_bytes(rdb(*parts, entry(codes.STRING, b"kept", string(b""))))
    keyspace = Keyspace()
    report = load(path, keyspace)
    assert report.empty_skipped == len(empties)
    assert contents(keyspace) == {(0, b"kept"): (b"", 0)}


@pytest.mark.parametrize(
    ("type_byte", "value", "reason"),
    [
        (codes.SET, length(2) + members([b"a", b"a"]), "equal members"),
        (codes.HASH, length(2) + members([b"f", b"1", b"f", b"2"]), "equal fields"),
        (codes.HASH_LISTPACK, string(encode_listpack([b"f", b"1", b"f", b"2"])), "equal fields"),
        (codes.HASH_LISTPACK, string(encode_listpack([b"f"])), "without its value"),
        (codes.ZSET_2, length(1) + string(b"m") + struct.pack("<d", float("nan")), "not a number"),
        (codes.ZSET, length(1) + string(b"m") + b"\xfd", "not a number"),
        (codes.ZSET, length(1) + string(b"m") + string(b"1_0"), "a score"),
        (codes.ZSET_LISTPACK, string(encode_listpack([b"m", b"1", b"m", b"2"])), "equal members"),
        (codes.ZSET_LISTPACK, string(encode_listpack([b"m", b"1", b"n"])), "without its score"),
        (codes.LIST_QUICKLIST_2, b"\x01\x03" + string(b"x"), "form 3"),
        (codes.LIST_QUICKLIST_2, b"\x01\x01\x00", "0 bytes"),
    ],
)
def test_a_value_no_redis_would_hold_is_refused_and_named(
    tmp_path: Path, type_byte: int, value: bytes, reason: str
) -> None:
    with pytest.raises(CorruptSnapshot, match=rf"damaged at byte \d+: key b'name' of database 0.*{reason}"):
        loaded(tmp_path, rdb(entry(type_byte, b"name", value)))


def test_the_function_library_of_a_release_candidate_is_turned_into_todays_form(tmp_path: Path) -> None:
    path = tmp_path / "dump.rdb"
    early = b"\xf6" + string(b"lib") + string(b"lua") + b"\x01" + string(b"about") + string(b"return 1")
    path.write_bytes(rdb(early, b"\xf5" + string(b"#!lua name=other\nreturn 2")))
    assert load(path, None).functions == [b"#!lua name=lib\nreturn 1", b"#!lua name=other\nreturn 2"]


def test_a_module_value_is_kept_as_it_is(tmp_path: Path) -> None:
    name = "ReJSON-RL"
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    type_id = 0
    for letter in name:
        type_id = type_id << 6 | letters.index(letter)
    parts = b"\x01\x05\x02\x06\x03abcd\x04abcdefgh\x05" + string(b"text") + b"\x00"
    value = length(type_id << 10 | 3) + parts
    kept = loaded(tmp_path, rdb(entry(codes.MODULE_2, b"doc", value))).databases[0].entries[b"doc"].value
    assert (getattr(kept, "kind", None), getattr(kept, "raw", None)) == (name, value)
    assert plain(kept) is kept
