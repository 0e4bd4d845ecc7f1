"""`chronis check`: report and exit status, repair, and hands off a directory in use."""

import json
from pathlib import Path

import pytest

from store.log import history as histories
from store.persistence.datadir import DataDirectory
from store.persistence.offline import offline_engine
from store.persistence.snapshot import write_snapshot
from store.rdb import Extras
from store.tools.main import main
from tests.kit.logs import NOW, frames, new_log, turn


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A clean log of three segments, 0 to 231, and a snapshot at 130."""
    log = new_log(tmp_path, segment_bytes=200)
    for number in range(6):
        turn(log, f"SET k {number}", now=NOW + number)
    log.close()
    snapshot(tmp_path, 130)
    return tmp_path


def snapshot(directory: Path, offset: int, name: int | None = None) -> Path:
    history = histories.load(str(directory))
    assert history is not None
    path = directory / "snapshots" / f"{offset if name is None else name:020d}.rdb"
    path.parent.mkdir(exist_ok=True)
    write_snapshot(offline_engine(), path, offset, history.current, 0, Extras())
    return path


def segments(directory: Path) -> list[Path]:
    return sorted((directory / "log").iterdir())


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = main(["check", *map(str, arguments)])
    return status, capsys.readouterr().out


def test_a_healthy_directory(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = run(capsys, directory)
    history = histories.load(str(directory))
    assert history is not None
    size = (directory / "snapshots" / f"{130:020d}.rdb").stat().st_size
    assert status == 0
    assert out.splitlines() == [
        f"history {history.current} from offset 0 on, chain of 1, closed cleanly at offset 231",
        "segment 00000000000000000000.seg: offsets 0 to 77, 2 frames, 3 events",
        "segment 00000000000000000077.seg: offsets 77 to 154, 2 frames, 3 events",
        "segment 00000000000000000154.seg: offsets 154 to 231, 2 frames, 3 events",
        f"snapshot 00000000000000000130.rdb: 0 keys, {size} bytes",
        "ok: history from offset 0 to 231",
    ]


def test_a_torn_tail_is_a_note(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open(segments(directory)[2], "ab") as file:
        file.write(b"torn")
    status, out = run(capsys, directory)
    assert status == 0
    assert "the last 4 bytes are a torn tail (the file ends within the frame)" in out
    assert out.splitlines()[-2].startswith("NOTE ")


def test_damage_is_a_problem_that_repair_solves(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flip(segments(directory)[1], 100)
    before = [path.read_bytes() for path in segments(directory)]
    status, out = run(capsys, directory)
    assert status == 1
    assert f"PROBLEM {segments(directory)[1]}, byte 64, offset 77: the checksum does not match the content" in out
    assert out.splitlines()[-1] == f"1 problem(s); to keep what can be kept: chronis check {directory} --repair"
    assert [path.read_bytes() for path in segments(directory)] == before, "a check changes nothing"

    status, out = run(capsys, directory, "--repair")
    assert status == 0
    assert "repair: lost from the log: offsets 0 to 77, 3 events: it is before damage, and a snapshot covers it" in out
    assert out.splitlines()[-1] == "ok: history from offset 127 to 231"
    assert [frame.offset for frame in frames(directory, 130)] == [127, 154, 204]
    assert run(capsys, directory, "--repair")[1].count("repair:") == 0


@pytest.mark.parametrize("kind", ["content", "name"])
def test_a_bad_snapshot_is_a_problem_and_set_aside(
    directory: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    if kind == "content":
        path = snapshot(directory, 200)
        flip(path, path.stat().st_size - 12)
    else:
        path = snapshot(directory, 200, name=210)
    status, out = run(capsys, directory)
    assert status == 1
    assert f"snapshot {path.name}: damaged" in out
    status, out = run(capsys, directory, "--repair")
    assert status == 0
    assert not path.exists()
    assert (directory / "lost" / path.name).exists()
    assert len(frames(directory)) == 6, "the log is as it was"


def test_a_log_without_its_start_needs_a_snapshot(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    segments(directory)[0].unlink()
    assert run(capsys, directory)[0] == 0
    (directory / "snapshots" / f"{130:020d}.rdb").unlink()
    status, out = run(capsys, directory)
    assert status == 1
    assert "the log starts at offset 77, and no snapshot reaches it" in out


def test_the_report_as_json(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flip(segments(directory)[1], 100)
    status, out = run(capsys, directory, "--json")
    report = json.loads(out)
    assert status == 1
    assert (report["healthy"], report["start"], report["end"], report["repair"]) == (False, 0, 231, None)
    assert [problem["kind"] for problem in report["problems"]] == ["damage"]
    assert [found["offset"] for found in report["snapshots"]] == [130]
    report = json.loads(run(capsys, directory, "--json", "--repair")[1])
    assert report["healthy"]
    assert len(report["repair"]["moved"]) == 2


def test_a_directory_in_use_is_not_repaired(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flip(segments(directory)[1], 100)
    owner = DataDirectory(str(directory))
    owner.lock()
    assert main(["check", str(directory), "--repair"]) == 1
    assert "a server is running on" in capsys.readouterr().err
    assert main(["check", str(directory)]) == 1
    owner.unlock()
    assert main(["check", str(directory), "--repair"]) == 0


def test_what_is_no_directory_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err == f"chronis check: {tmp_path / 'nowhere'} is no directory\n"


def test_the_version_and_a_missing_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("chronis ")
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
