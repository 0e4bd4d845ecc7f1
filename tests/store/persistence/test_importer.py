"""Taking over what a Redis left: which of its files, in which order, up to which byte."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from store.digest import digest
from store.errors import CorruptFile, CorruptSnapshot, ReplyError
from store.events import encode_event
from store.keyspace import Keyspace
from store.persistence.importer import ImportReport, ImportSource, find
from store.persistence.offline import offline_engine
from store.rdb import Extras, save, standard_aux
from store.steps import LoadFigures, drained
from tests.kit.rdb_files import contents, mixed_commands, small_keyspace
from tests.kit.resp_client import Error, Simple
from tests.kit.servers import Server, redis_server


@dataclass
class Options:
    dbfilename: str = "dump.rdb"
    appendfilename: str = "appendonly.aof"
    appenddirname: str = "appendonlydir"
    aof_load_truncated: bool = True


def found(directory: Path, options: Options | None = None) -> ImportSource:
    source = find(directory, options or Options())
    assert source is not None
    return source


def replayed(directory: Path, options: Options | None = None) -> tuple[ImportReport, Keyspace, list[list[bytes]]]:
    """Import a directory; the commands are only collected."""
    keyspace = Keyspace()
    commands: list[list[bytes]] = []
    return drained(found(directory, options).filling(keyspace, commands.append, LoadFigures())), keyspace, commands


def write_set(directory: Path, files: dict[str, bytes]) -> Path:
    """Write an append-only directory with a manifest naming files in the order given."""
    folder = directory / "appendonlydir"
    folder.mkdir(exist_ok=True)
    lines = []
    for number, (name, data) in enumerate(files.items(), 1):
        (folder / name).write_bytes(data)
        lines.append(f"file {name} seq {number} type {'b' if 'base' in name else 'i'}\n")
    (folder / "appendonly.aof.manifest").write_text("".join(lines))
    return folder


def commands(*texts: str) -> bytes:
    return b"".join(encode_event(*text.encode().split()) for text in texts)


def snapshot(directory: Path, ctime: int = 1700000000, **more: object) -> Path:
    path = directory / "dump.rdb"
    save(small_keyspace(), path, aux=standard_aux(ctime=ctime, **more))  # type: ignore[arg-type]
    return path


def test_an_empty_directory_has_nothing_to_import(tmp_path: Path) -> None:
    assert find(tmp_path, Options()) is None
    (tmp_path / "dump.rdb").write_bytes(b"")
    (tmp_path / "appendonly.aof").write_bytes(b"")
    assert find(tmp_path, Options()) is None
    assert find(tmp_path, Options(dbfilename="")) is None


def test_a_dump_brings_its_place_in_history(tmp_path: Path) -> None:
    path = snapshot(tmp_path, history_id="d" * 40, offset=99, stream_db=5)
    report, keyspace, ran = replayed(tmp_path)
    assert contents(keyspace) == contents(small_keyspace())
    assert (report.kind, report.files, report.keys, ran) == ("rdb", (path,), 10, [])
    assert (report.history_id, report.offset, report.stream_db) == ("d" * 40, 99, 5)


def test_the_files_of_a_set_are_loaded_in_order(tmp_path: Path) -> None:
    snapshot(tmp_path)
    base = (tmp_path / "dump.rdb").read_bytes()
    (tmp_path / "dump.rdb").unlink()
    first = commands("SELECT 3", "SET a 1", "MULTI", "SET b 1", "SET c 1", "EXEC")
    last = b"#TS:1700000123\r\n" + commands("SET d 1")
    write_set(tmp_path, {"a.1.base.rdb": base, "a.1.incr.aof": first, "a.2.incr.aof": b"", "a.3.incr.aof": last})
    report, keyspace, ran = replayed(tmp_path)
    assert contents(keyspace) == contents(small_keyspace())
    texts = [b" ".join(argv).decode() for argv in ran]
    assert texts == ["SELECT 0", "SELECT 3", "SET a 1", "SET b 1", "SET c 1", "SELECT 0", "SET d 1"]
    assert (report.keys, report.commands, report.transactions, report.newest) == (10, 5, 1, 1700000123)
    assert (report.history_id, report.remarks) == (None, [])


def test_a_base_of_commands_and_an_old_single_file_are_read_too(tmp_path: Path) -> None:
    write_set(tmp_path, {"a.1.base.aof": commands("SET a 1"), "a.1.incr.aof": commands("SET b 2")})
    assert replayed(tmp_path)[2] == [[b"SELECT", b"0"], [b"SET", b"a", b"1"], [b"SELECT", b"0"], [b"SET", b"b", b"2"]]

    old = tmp_path / "old"
    old.mkdir()
    data = snapshot(old).read_bytes()
    (old / "dump.rdb").unlink()
    (old / "appendonly.aof").write_bytes(data + commands("SET a 1"))
    report, keyspace, ran = replayed(old)
    assert (report.keys, ran) == (10, [[b"SELECT", b"0"], [b"SET", b"a", b"1"]])
    assert contents(keyspace) == contents(small_keyspace())


def test_the_single_file_is_read_while_it_has_not_moved_into_the_directory(tmp_path: Path) -> None:
    (tmp_path / "appendonly.aof").write_bytes(commands("SET a 1"))
    folder = write_set(tmp_path, {"appendonly.aof": b""})
    manifest = folder / "appendonly.aof.manifest"
    manifest.write_text("file appendonly.aof seq 1 type b\n")
    (folder / "appendonly.aof").unlink()
    assert found(tmp_path).files == (tmp_path / "appendonly.aof",)


@pytest.mark.parametrize(("written", "kind"), [(1699999999, "rdb"), (1700000000, "aof"), (1700000001, "aof")])
def test_of_two_sources_the_one_that_has_everything_is_taken(tmp_path: Path, written: int, kind: str) -> None:
    dump = snapshot(tmp_path, ctime=1700000000)
    folder = write_set(tmp_path, {"a.1.incr.aof": commands("SET a 1")})
    os.utime(folder / "a.1.incr.aof", (written, written))
    os.utime(dump, (1700000009, 1700000009))  # when it was finished does not count
    source = found(tmp_path)
    assert (source.kind, str(written) in source.reason, "1700000000" in source.reason) == (kind, True, True)


def test_a_dump_that_does_not_say_when_it_was_begun_is_as_old_as_its_file(tmp_path: Path) -> None:
    save(small_keyspace(), dump := tmp_path / "dump.rdb")
    folder = write_set(tmp_path, {"a.1.incr.aof": commands("SET a 1")})
    os.utime(folder / "a.1.incr.aof", (100, 100))
    os.utime(dump, (200, 200))
    assert found(tmp_path).kind == "rdb"
    os.utime(dump, (50, 50))
    assert found(tmp_path).kind == "aof"


def test_a_torn_tail_is_cut_and_said_or_refused(tmp_path: Path) -> None:
    whole = commands("SET a 1")
    torn = whole + commands("SET b 2")[:-3]
    write_set(tmp_path, {"a.1.incr.aof": whole, "a.2.incr.aof": torn})
    report, _, ran = replayed(tmp_path)
    assert ran[-2:] == [[b"SELECT", b"0"], [b"SET", b"a", b"1"]]
    path = tmp_path / "appendonlydir" / "a.2.incr.aof"
    lost = f"{len(torn) - len(whole)} bytes after byte {len(whole)} are not a whole command or transaction"
    assert report.remarks == [f"{path}: cut: {lost}"]
    with pytest.raises(CorruptFile, match=f"damaged at byte {len(whole)}"):
        replayed(tmp_path, Options(aof_load_truncated=False))


def test_a_tail_within_a_transaction_goes_as_a_whole(tmp_path: Path) -> None:
    first = commands("SET a 1")
    for tail in (commands("MULTI", "SET b 1"), commands("MULTI", "SET b 1", "EXEC")[:-1]):
        write_set(tmp_path, {"a.1.incr.aof": first + tail})
        report, _, ran = replayed(tmp_path)
        assert ran == [[b"SELECT", b"0"], [b"SET", b"a", b"1"]]
        assert f"{len(tail)} bytes after byte {len(first)} " in report.remarks[0]


def test_only_the_last_file_may_be_torn(tmp_path: Path) -> None:
    write_set(tmp_path, {"a.1.incr.aof": commands("SET a 1")[:-1], "a.2.incr.aof": commands("SET b 2")})
    with pytest.raises(CorruptFile, match=r"a\.1\.incr\.aof is damaged at byte 0"):
        replayed(tmp_path)


def test_damage_is_named_with_its_file_and_byte(tmp_path: Path) -> None:
    good = commands("SET a 1")
    write_set(tmp_path, {"a.1.incr.aof": good + b"?" + good})
    with pytest.raises(CorruptFile, match=rf"a\.1\.incr\.aof is damaged at byte {len(good)}: "):
        replayed(tmp_path)
    write_set(tmp_path, {"a.1.base.rdb": snapshot(tmp_path).read_bytes()[:-1], "a.1.incr.aof": good})
    (tmp_path / "dump.rdb").unlink()
    with pytest.raises(CorruptSnapshot, match=r"a\.1\.base\.rdb is damaged"):
        replayed(tmp_path)
    (tmp_path / "appendonlydir" / "a.1.incr.aof").unlink()
    with pytest.raises(CorruptFile, match=r"names a\.1\.incr\.aof, which is missing"):
        find(tmp_path, Options())


def test_a_command_that_can_not_be_run_stops_the_import(tmp_path: Path) -> None:
    write_set(tmp_path, {"a.1.incr.aof": commands("SET a 1", "XADD s 1-1 f v")})

    def run(argv: list[bytes]) -> None:
        if argv[0] == b"XADD":
            raise ReplyError("unknown command 'XADD'")

    with pytest.raises(CorruptFile, match=r"damaged at byte 27: the command XADD can't be run: unknown command"):
        drained(found(tmp_path).filling(Keyspace(), run, LoadFigures()))


def test_what_belongs_to_no_key_is_kept(tmp_path: Path) -> None:
    keyspace, library = Keyspace(), b"#!lua name=lib\nreturn 1"
    keyspace.functions = {b"lib": library}
    save(keyspace, tmp_path / "appendonly.aof", extras=Extras([b"\x81\x07\x06\x05\x04\x03\x02\x01\x00\x02\x01\x00"]))
    load = [b"FUNCTION", b"LOAD", b"REPLACE", b"#!lua name=other\n"]
    with (tmp_path / "appendonly.aof").open("ab") as file:
        file.write(encode_event(*load))
    report, imported, ran = replayed(tmp_path)
    assert (len(report.extras.modules_before), imported.functions) == (1, {b"lib": library})
    assert ran == [[b"SELECT", b"0"], load]


# ── with a real Redis ────────────────────────────────────────────────────────────────────────────────────────────────

INCREMENTS: list[list[object]] = [
    ["SELECT", 3], ["INCRBY", "string:3", 5], ["MULTI"], ["HINCRBYFLOAT", "hash:5", "field:1", "0.5"],
    ["LPOP", "list:5"], ["EXEC"], ["ZINCRBY", "zset:5", "1.25", "member:1"], ["SPOP", "set:5"],
    ["EXPIRE", "set:128", 100000], ["DEL", "string:4"], ["SMOVE", "set:129", "set:1", "member:0"],
    ["RENAME", "list:512", "renamed"], ["SETRANGE", "string:2", 5, "xyz"],
]  # fmt: skip


def fill(server: Server) -> bytes:
    with server.client() as client:
        replies = client.pipeline(mixed_commands())
        client.command("BGREWRITEAOF")
        while b"aof_rewrite_in_progress:0" not in bytes(client.command("INFO", "persistence")):  # type: ignore[arg-type]
            time.sleep(0.02)
        replies += client.pipeline(INCREMENTS)
        assert not [reply for reply in replies if isinstance(reply, Error)]
        state = client.command("DEBUG", "DIGEST")
        assert isinstance(state, Simple)
        return state.text


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_the_append_only_directory_of_a_redis_gives_the_same_data(tmp_path: Path, preamble: str) -> None:
    options = ["--appendonly", "yes", "--aof-use-rdb-preamble", preamble, "--aof-timestamp-enabled", "yes"]
    with redis_server(*options, directory=tmp_path) as server:
        expected = fill(server)
    engine = offline_engine()
    report = found(tmp_path).load(engine)
    assert digest(engine.keyspace) == expected
    assert (report.kind, report.transactions, report.remarks) == ("aof", 1, [])
    assert preamble == "yes" or report.newest > 1700000000  # else all of it may be of the second of the rewrite
    engine.keyspace._check()


def test_the_dump_of_a_redis_that_stopped_is_preferred_to_its_older_append_only_files(tmp_path: Path) -> None:
    with redis_server("--appendonly", "yes", directory=tmp_path) as server:
        expected = fill(server)
        server.command_reply("SAVE")
    for path in (tmp_path / "appendonlydir").iterdir():
        os.utime(path, (1600000000, 1600000000))
    engine = offline_engine()
    report = found(tmp_path).load(engine)
    assert (report.kind, digest(engine.keyspace)) == ("rdb", expected)
