"""Append-only files: every command with its position, tails that are torn, damage, and the manifest."""

import contextlib
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import CorruptFile
from store.events import encode_event
from store.persistence.aof import AofReader, Manifest, NotAof, encode_manifest, parse, read_manifest

COMMANDS = st.lists(st.lists(st.binary(max_size=20), min_size=1, max_size=4), max_size=8)


def read(data: bytes) -> tuple[list[list[bytes]], AofReader]:
    reader = AofReader(io.BytesIO(data), "aof")
    return [command.argv for command in reader], reader


@given(COMMANDS)
def test_commands_read_back_with_their_positions(commands: list[list[bytes]]) -> None:
    data = b"".join(encode_event(*argv) for argv in commands)
    reader = AofReader(io.BytesIO(data), "aof")
    found = list(reader)
    assert [command.argv for command in found] == commands
    assert [data[c.start : c.end] for c in found] == [encode_event(*argv) for argv in commands]
    assert (reader.end, reader.size) == (len(data), len(data))


def test_a_file_cut_at_any_byte_ends_with_its_last_whole_command() -> None:
    whole = [encode_event(b"SET", b"key", b"v" * 12), b"#TS:1700000000\r\n", encode_event(b"DEL", b"key")]
    data = b"".join(whole)
    ends = [0, len(whole[0]), len(whole[0] + whole[1]), len(data)]
    for cut in range(len(data) + 1):
        _, reader = read(data[:cut])
        assert (reader.end, reader.size) == (max(end for end in ends if end <= cut), cut)


def test_annotations_date_the_commands_after_them() -> None:
    ping = encode_event(b"PING")
    data = ping + b"#TS:1700000000\r\n" + ping + b"#anything\r\n" + ping + b"#TS:1700000001\r\n" + ping
    assert [command.seconds for command in AofReader(io.BytesIO(data), "aof")] == [
        0,
        1700000000,
        1700000000,
        1700000001,
    ]


def test_a_long_command_arrives_in_pieces() -> None:
    value = bytes(5 << 20)
    found, reader = read(encode_event(b"SET", b"key", value) + encode_event(b"PING"))
    assert found == [[b"SET", b"key", value], [b"PING"]]
    assert reader.end == reader.size


def test_bytes_read_before_count() -> None:
    data = encode_event(b"PING")
    reader = AofReader(io.BytesIO(data[4:]), "aof", data[:4], 100)
    assert [(command.start, command.end) for command in reader] == [(100, 100 + len(data))]


@pytest.mark.parametrize(
    "data",
    [
        b"PING\r\n", b"\0\0\0\0", b"*0\r\n", b"*-1\r\n", b"*x\r\n", b"*1\r\n*1\r\n", b"*1\r\n$-1\r\n",
        b"*1\r\n$1\r\nab\r\n", b"*1\r\n$4\r\nPING__", b"*" + b"1" * 70, b"#" + b"x" * 1100, b"*1\r\n:1\r\n",
    ],
)  # fmt: skip
def test_what_is_not_a_command_is_damage(data: bytes) -> None:
    good = encode_event(b"PING")
    with pytest.raises(CorruptFile, match=r"^aof is damaged at byte (1[4-9]|2[0-3]): "):
        read(good + data)


@given(st.binary(max_size=40))
def test_random_bytes_never_fail_otherwise(data: bytes) -> None:
    for text in (data, b"*2\r\n$3\r\n" + data):
        parsed = None
        with contextlib.suppress(NotAof):
            parsed = parse(text, 0)
        assert parsed is None or parsed[1] <= len(text)


# ── the manifest ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_manifest_gives_the_base_then_the_increments_and_not_what_is_history(tmp_path: Path) -> None:
    path = tmp_path / "manifest"
    path.write_text(
        "# comment\n"
        'file "a b.2.base.rdb" seq 2 type b\n'
        "file a.1.incr.aof seq 1 type h\n"
        "file a.4.incr.aof seq 4 type i later 7\n"
        "FILE a.5.incr.aof SEQ 5 TYPE i\n"
    )
    manifest = read_manifest(path)
    assert manifest == Manifest("a b.2.base.rdb", ("a.4.incr.aof", "a.5.incr.aof"))
    assert manifest.files == ("a b.2.base.rdb", "a.4.incr.aof", "a.5.incr.aof")


def test_a_manifest_that_is_written_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "manifest"
    for manifest in (Manifest("a.1.base.rdb", ("a.1.incr.aof", "a.2.incr.aof")), Manifest(None, ("a.1.incr.aof",))):
        path.write_bytes(encode_manifest(manifest))
        assert read_manifest(path) == manifest


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is damaged at byte 0: the manifest is empty"),
        ("file a seq 1 type b\nfile b seq 2 type b\n", "is damaged at byte 20: a second base file"),
        ("file a seq 2 type i\nfile b seq 2 type i\n", "sequence number 2 after 2"),
        ("file a seq 1\n", "not a line"),
        ("\n", "not a line"),
        ("file a seq 1 type b", "not a line"),
        ('file "a seq 1 type b\n', "not a line of a manifest: unbalanced"),
        ("file a seq 0 type b\n", "without file, seq and type"),
        ("file a seq 1 type x\n", "without file, seq and type"),
        ("file ../a seq 1 type b\n", "not the name of a file beside"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "manifest"
    path.write_text(text)
    with pytest.raises(CorruptFile, match=reason):
        read_manifest(path)
