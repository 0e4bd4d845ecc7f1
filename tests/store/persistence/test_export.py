"""The way out: what a redis-server started from an export has is what the log says, at its end and at any point."""

import argparse
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from store.digest import digest
from store.errors import ConfigError, CorruptLog
from store.persistence.export import export_aof, export_rdb
from store.persistence.offline import offline_engine
from store.persistence.recovery import Until, recover
from store.rdb import Extras, save, standard_aux, verify
from store.tools.export_cli import add_parser
from store.tools.points import parse_point
from tests.kit.logs import NOW, command, new_log, turn
from tests.kit.resp_client import Simple
from tests.kit.servers import redis_server, requires_redis


def state(directory: Path, until: Until | None = None) -> bytes:
    engine = offline_engine()
    recover(engine, str(directory), until)
    return digest(engine.keyspace)


def write_log(directory: Path) -> list[int]:
    """Write some history; return the offsets after each of its turns, which are a second apart."""
    log = new_log(directory)
    offsets = []
    turns: list[tuple[int, tuple[str, ...]]] = [
        (0, ("SET a 1", "RPUSH list x y z")),
        (3, ("SET a 2", "PEXPIREAT a 4000000000000")),
        (3, ("PING", "PUBLISH channel message")),
        (0, ("MULTI", "SET b 1", "LPOP list", "EXEC", "SET c 1")),
        (0, ("DEL c", "APPEND b 23")),
    ]
    for number, (db, texts) in enumerate(turns):
        assert turn(log, *texts, db=db, now=NOW + 1000 * number)
        offsets.append(log.offset)
    log.close()
    return offsets


def write_snapshot(directory: Path, offset: int, extras: Extras | None = None) -> None:
    """Write the snapshot at offset, as a server would have."""
    engine = offline_engine()
    found = recover(engine, str(directory), Until(offset=offset))
    (directory / "snapshots").mkdir(exist_ok=True)
    aux = standard_aux(ctime=NOW // 1000, history_id="f" * 40, offset=offset, stream_db=found.db_reached)
    save(engine.keyspace, directory / "snapshots" / f"{offset:020d}.rdb", aux=aux, extras=extras)


def in_redis(target: Path, *options: str) -> tuple[bytes, bytes]:
    """What a redis-server started in target has: the digest, and INFO replication."""
    with redis_server(*options, directory=target) as server, server.client() as client:
        answer = client.command("DEBUG", "DIGEST")
        assert isinstance(answer, Simple)
        return answer.text, bytes(client.command("INFO", "replication"))  # type: ignore[arg-type]


def everything(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@requires_redis
@pytest.mark.parametrize("snapshot", [False, True])
@pytest.mark.parametrize("form", ["rdb", "aof"])
def test_redis_starts_with_the_same_data_at_any_point(tmp_path: Path, form: str, snapshot: bool) -> None:
    data = tmp_path / "data"
    data.mkdir()
    offsets = write_log(data)
    if snapshot:
        write_snapshot(data, offsets[1])
    before = everything(data)
    points = [None, *(Until(offset=offset) for offset in offsets[:-1]), Until(unix_ms=NOW + 3500)]
    for number, until in enumerate(points):
        target = tmp_path / f"target{number}"
        export = export_rdb if form == "rdb" else export_aof
        done = export(data, target, until)
        if form == "aof":
            manifest = str(target / "appendonlydir" / "appendonly.aof.manifest")
            checked = subprocess.run(["redis-check-aof", manifest], capture_output=True, text=True, check=False)
            assert checked.returncode == 0, checked.stdout
        found, info = in_redis(target, *(["--appendonly", "yes"] if form == "aof" else []))
        assert found == state(data, until), until
        if form == "rdb":
            same = f"master_repl_offset:{offsets[-1]}".encode() in info
            assert same == (until is None)  # only the end is a point where another server may go on
        assert done.remarks == []
        assert done.size >= sum(path.stat().st_size for path in target.rglob("*.aof"))
    assert everything(data) == before


def test_a_time_before_history_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_log(tmp_path / "data")
    for number, export in enumerate((export_rdb, export_aof)):
        with pytest.raises(ConfigError, match="begins later"):
            export(tmp_path / "data", tmp_path / f"target{number}", Until(unix_ms=NOW - 1))
        assert not list((tmp_path / f"target{number}").iterdir())


def test_an_append_only_file_holds_times_and_whole_transactions_only(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    offsets = write_log(tmp_path / "data")
    middle = offsets[2] + len(command("SELECT 0") + command("MULTI") + command("SET b 1"))
    done = export_aof(tmp_path / "data", tmp_path / "target", Until(offset=middle))
    text = (done.path / "appendonly.aof.1.incr.aof").read_bytes()
    seconds = NOW // 1000
    assert text == b"".join(
        [
            b"#TS:%d\r\n" % seconds, command("SET a 1"), command("RPUSH list x y z"),
            b"#TS:%d\r\n" % (seconds + 1), command("SELECT 3"), command("SET a 2"),
            command("PEXPIREAT a 4000000000000"),
        ]
    )  # fmt: skip
    assert done.events == 4
    before = middle - len(command("MULTI") + command("SET b 1"))
    assert done.remarks == [f"offset {middle} is inside an event or a transaction: the state is that at offset {before}"]
    assert sorted(os.listdir(tmp_path / "target")) == ["appendonlydir"]


def test_the_state_at_an_offset_has_whole_events_and_transactions_only(tmp_path: Path) -> None:
    offsets = write_log(tmp_path)
    start = offsets[2] + len(command("SELECT 0"))
    end = start + sum(len(command(text)) for text in ("MULTI", "SET b 1", "LPOP list", "EXEC"))
    for offset in range(start, end + len(command("SET c 1"))):
        engine = offline_engine()
        found = recover(engine, str(tmp_path), Until(offset=offset))
        whole = start if offset < end else end
        assert found.offset_reached == whole
        assert bool(found.remarks) == (offset != whole)
        assert digest(engine.keyspace) == state(tmp_path, Until(offset=whole))
        assert (engine.keyspace.databases[0].peek(b"b") == b"1") == (whole == end)


def test_what_belongs_to_no_key_goes_along(tmp_path: Path) -> None:
    offsets = write_log(tmp_path)
    extras = Extras([b"\x81\x07\x06\x05\x04\x03\x02\x01\x00\x02\x01\x00"])
    write_snapshot(tmp_path, offsets[0], extras)
    export_rdb(tmp_path, tmp_path / "target")
    assert verify(tmp_path / "target" / "dump.rdb").extras == extras


def test_a_torn_tail_is_left_out_and_said(tmp_path: Path) -> None:
    write_log(tmp_path)
    segment = next((tmp_path / "log").glob("*.seg"))
    segment.write_bytes(segment.read_bytes()[:-1])
    (remark,) = export_rdb(tmp_path, tmp_path / "target").remarks
    assert "it is left out" in remark


def test_damage_leaves_no_target_behind(tmp_path: Path) -> None:
    write_log(tmp_path)
    segment = next((tmp_path / "log").glob("*.seg"))
    flipped = bytearray(segment.read_bytes())
    flipped[100] ^= 1
    segment.write_bytes(flipped)
    for export in (export_rdb, export_aof):
        with pytest.raises(CorruptLog):
            export(tmp_path, tmp_path / "target")
        assert os.listdir(tmp_path / "target") == []


def test_a_write_that_fails_leaves_no_target_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_log(tmp_path)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    for export in (export_rdb, export_aof):
        with pytest.raises(OSError, match="No space left"):
            export(tmp_path, tmp_path / "target")
        assert os.listdir(tmp_path / "target") == []


def test_directories_that_will_not_do_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a data directory of Chronis"):
        export_rdb(tmp_path, tmp_path / "target")
    write_log(tmp_path)
    export_rdb(tmp_path, tmp_path / "target")
    export_aof(tmp_path, tmp_path / "target")
    for export in (export_rdb, export_aof):
        with pytest.raises(ConfigError, match="exists already"):
            export(tmp_path, tmp_path / "target")


# ── the command line ─────────────────────────────────────────────────────────────────────────────────────────────────


def call(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["export", *map(str, arguments)])
    status: int = args.run(args)
    return status


def test_the_command_says_what_it_wrote_and_how_to_start_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, target = tmp_path / "data", tmp_path / "target"
    data.mkdir()
    offsets = write_log(data)
    assert call(data, target) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"{target}/dump.rdb: 4 keys, {(target / 'dump.rdb').stat().st_size} bytes",
        f"start it with: redis-server --dir {target}",
    ]
    assert call("--aof", "--at", offsets[0], data, target) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith(" bytes, 2 events")
    assert said[1].endswith(" --appendonly yes")


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path, tmp_path / "target") == 1
    assert capsys.readouterr().err.startswith(f"chronis export: {tmp_path} is not a data directory")
    shutil.rmtree(tmp_path)
    assert call(tmp_path / "log", tmp_path / "target") == 1


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("0", Until(offset=0)), ("123456", Until(offset=123456)), ("@1700000000", Until(unix_ms=1700000000000)),
        ("@1700000000.25", Until(unix_ms=1700000000250)), ("2023-11-14T22:13:20+00:00", Until(unix_ms=1700000000000)),
        ("2023-11-14 22:13:20.5Z", Until(unix_ms=1700000000500)),
    ],
)  # fmt: skip
def test_points_are_offsets_or_times(text: str, point: Until) -> None:
    assert parse_point(text) == point


@pytest.mark.parametrize("text", ["", "yesterday", "-1", "@", "@x", "1e3", "@inf"])
def test_what_is_no_point_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no offset"):
        parse_point(text)
