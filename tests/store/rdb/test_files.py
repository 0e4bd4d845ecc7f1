"""Files as a whole: what is saved is what is loaded, in any portions; the parts around the keys; writing that fails."""

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.digest import digest
from store.entry import Stored
from store.keyspace import Keyspace
from store.persistence.durable_files import write_durably
from store.rdb import Extras, RdbLoader, codes, encode_snapshot, load, save, standard_aux, verify
from store.rdb.decode import READERS
from store.rdb.primitives import Cursor
from store.rdb.writer import CHUNK
from store.values.hash import Hash
from store.values.list import List
from store.values.opaque import OpaqueValue
from store.values.set import Set
from store.values.sorted_set import SortedSet
from tests.kit.rdb_files import contents, rdb, small_keyspace

TEXT = (
    st.binary(max_size=80)
    | st.integers(-(2**40), 2**40).map(lambda n: b"%d" % n)
    | st.binary(max_size=4).map(lambda b: b * 30)
)
SCORE = st.floats(allow_nan=False)
VALUE = st.one_of(
    TEXT,
    TEXT.map(bytearray),
    st.lists(TEXT, min_size=1).map(List),
    st.sets(TEXT, min_size=1).map(Set),
    st.sets(st.integers(-(2**63), 2**63 - 1), min_size=1).map(lambda numbers: Set(b"%d" % n for n in numbers)),
    st.dictionaries(TEXT, TEXT, min_size=1).map(Hash),
    st.dictionaries(TEXT, SCORE, min_size=1).map(lambda scores: SortedSet(scores.items())),
)
ENTRIES = st.dictionaries(
    st.tuples(st.integers(0, 15), TEXT), st.tuples(VALUE, st.just(0) | st.integers(1, 2**62)), max_size=12
)


def reloaded(data: bytes, portion: int | None = None) -> Keyspace:
    keyspace = Keyspace()
    loader = RdbLoader(keyspace)
    for start in range(0, len(data), portion or len(data)):
        loader.feed(data[start : start + (portion or len(data))])
    loader.finish()
    keyspace._check()
    return keyspace


@given(ENTRIES, st.booleans(), st.booleans())
def test_any_keyspace_survives(entries: dict, packing: bool, checksum: bool) -> None:  # type: ignore[type-arg]
    keyspace = Keyspace()
    for (db, key), (value, deadline) in entries.items():
        keyspace.databases[db].put(key, value)
        if deadline:
            keyspace.databases[db].set_deadline(key, deadline)
    out = io.BytesIO()
    report = save(keyspace, out, packing=packing, checksum=checksum)
    again = reloaded(out.getvalue())
    assert contents(again) == contents(keyspace)
    assert digest(again) == digest(keyspace)
    assert (report.size, report.keys) == (len(out.getvalue()), len(entries))
    assert report.expiring == sum(1 for _, deadline in entries.values() if deadline)


@pytest.mark.parametrize("portion", [1, 2, 7, 64, 1000])
def test_the_portions_in_which_a_file_arrives_do_not_matter(portion: int) -> None:
    keyspace = small_keyspace()
    keyspace.databases[1].put(b"long", List(b"member:%d" % n for n in range(500)))
    data = b"".join(encode_snapshot(keyspace))
    assert contents(reloaded(data, portion)) == contents(keyspace)


def test_a_value_larger_than_the_pieces_it_arrives_in_is_not_read_again_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keyspace = Keyspace()
    keyspace.databases[0].put(b"big", Hash((b"field:%07d" % n, b"v" * 40) for n in range(60000)))
    data = b"".join(encode_snapshot(keyspace, packing=False))
    tries = 0
    read_hash = READERS[codes.HASH]

    def counting(cursor: Cursor) -> Stored:
        nonlocal tries
        tries += 1
        return read_hash(cursor)

    monkeypatch.setitem(READERS, codes.HASH, counting)
    assert contents(reloaded(data, 1 << 15)) == contents(keyspace)
    assert len(data) > 3 << 20
    assert tries < 1 + 32 + 3  # one for each piece of the first MiB, then one for each doubling


def test_bytes_after_the_end_are_left_to_the_caller() -> None:
    loader = RdbLoader(None)
    assert loader.feed(rdb() + b"*1\r\n")
    assert loader.feed(b"$4\r\nPING\r\n")
    assert loader.rest == b"*1\r\n$4\r\nPING\r\n"
    assert loader.finish().size == len(rdb())


def test_what_is_said_about_the_file_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "dump.rdb"
    extras = Extras(
        [b"\x81\x07\x06\x05\x04\x03\x02\x01\x00\x02\x01\x00"],
        [b"\x05\x02\x02\x05\x01x\x00"],
    )
    aux = standard_aux(ctime=1700000000, used_memory=1000, history_id="ab" * 20, offset=12345, stream_db=3)
    keyspace = small_keyspace()
    keyspace.functions = {b"lib": b"#!lua name=lib\nreturn 1"}
    written = save(keyspace, path, aux=aux, extras=extras)
    read = verify(path)
    assert read == written
    assert (read.history_id, read.offset, read.stream_db, read.created) == ("ab" * 20, 12345, 3, 1700000000)
    assert list(read.aux) == [
        "redis-ver",
        "redis-bits",
        "ctime",
        "used-mem",
        "repl-stream-db",
        "repl-id",
        "repl-offset",
        "aof-base",
    ]
    assert (read.extras, read.functions) == (extras, [b"#!lua name=lib\nreturn 1"])
    assert (read.keys, read.databases, read.expiring, read.checksum) == (10, {0: 4, 5: 6}, 1, "matches")
    assert read.types == {"string": 3, "list": 1, "set": 2, "hash": 2, "zset": 2}
    assert path.stat().st_size == read.size


def test_a_file_that_names_no_history_has_none(tmp_path: Path) -> None:
    path = tmp_path / "dump.rdb"
    save(Keyspace(), path, aux=standard_aux(ctime=1) | {"repl-id": b"short", "repl-offset": b"x"})
    read = verify(path)
    assert (read.history_id, read.offset, read.stream_db) == (None, None, None)


def test_access_times_and_frequencies_come_back() -> None:
    keyspace = Keyspace()
    keyspace.access_clock = 5000
    keyspace.databases[0].put(b"old", b"1").access = 1000
    keyspace.databases[0].put(b"new", b"2").access = 5000
    data = b"".join(encode_snapshot(keyspace, access="idle"))
    later = Keyspace()
    later.access_clock = 9000
    RdbLoader(later).feed(data)
    assert {item.key: item.access for item in later.databases[0].order} == {b"old": 5000, b"new": 9000}

    keyspace.databases[0].entries[b"old"].access = 777 << 8 | 200
    data = b"".join(encode_snapshot(keyspace, access="frequency"))
    later = Keyspace()
    later.lfu, later.fresh_access = (lambda word: word), 900 << 8 | 5
    RdbLoader(later).feed(data)
    assert later.databases[0].entries[b"old"].access == 900 << 8 | 200
    RdbLoader(unset := Keyspace()).feed(b"".join(encode_snapshot(keyspace)))
    assert {item.access for item in unset.databases[0].order} == {0}


def test_keys_that_exist_are_replaced_on_request() -> None:
    keyspace = small_keyspace()
    loader = RdbLoader(keyspace, replace=True)
    loader.feed(b"".join(encode_snapshot(small_keyspace(deadline=99))))
    loader.finish()
    keyspace._check()
    assert contents(keyspace) == contents(small_keyspace(deadline=99))


def test_opaque_values_are_counted_and_written_as_they_are() -> None:
    keyspace = Keyspace()
    raw = bytes.fromhex("81b5c06f8a6b5cb00100")  # a module's type and the end of its value: nothing is in it
    keyspace.databases[0].put(b"module", OpaqueValue("module", 7, raw))
    data = b"".join(encode_snapshot(keyspace))
    loader = RdbLoader(again := Keyspace())
    loader.feed(data)
    assert loader.finish().opaque == 1
    assert b"".join(encode_snapshot(again)) == data
    assert digest(again) == digest(keyspace) != digest(Keyspace())


def test_chunks_stay_small_whatever_the_number_of_keys() -> None:
    keyspace = Keyspace()
    for number in range(20000):
        keyspace.databases[0].put(b"key:%d" % number, b"value:%d" % number)
    chunks = list(encode_snapshot(keyspace))
    assert len(chunks) > 4
    assert max(map(len, chunks)) < CHUNK + 100
    assert load(io.BytesIO(b"".join(chunks)), None).keys == 20000


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "dump.rdb"
    save(small_keyspace(), path)
    before = path.read_bytes()

    def refuse(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match="No space left"):
            save(Keyspace(), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["dump.rdb"]


def test_a_durable_file_is_complete_before_it_has_its_name(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def write(file: io.BufferedIOBase) -> str:
        file.write(b"content")
        assert not path.exists()
        return "result"

    assert write_durably(path, write) == "result"  # type: ignore[arg-type]
    assert path.read_bytes() == b"content"
