"""`chronis log`: which events are shown, in which form, and following a live log."""

import asyncio
import contextlib
import json
from pathlib import Path

import pytest

from store.log.frame import Frame
from store.tools.log_cli import follow
from store.tools.log_events import events_of
from store.tools.main import main
from tests.kit.logs import NOW, command, new_log, turn, words

MINUTE = 60_000
DEL_OF_TWO = ["SELECT 1", "DEL user:1 user:2"]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Three segments, a minute between commits; SELECT 0 at offset 0, SET at 23, SELECT 1 at 55, DEL at 78, …"""
    log = new_log(tmp_path, segment_bytes=200)
    log.set_origin("alice", "10.0.0.7:51000")
    turn(log, "SET user:1 a", now=NOW)
    turn(log, "DEL user:1 user:2", db=1, now=NOW + MINUTE)
    turn(log, "RENAME tmp user:3", db=1, now=NOW + 2 * MINUTE)
    log.append(b"*3\r\n$3\r\nSET\r\n$3\r\nbin\r\n$4\r\n\xff\"\r\n\r\n", 0)
    log.commit(NOW + 3 * MINUTE)
    turn(log, "SET user:1 z", now=NOW + 4 * MINUTE)
    log.close()
    return tmp_path


def shown(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    """Run `chronis log` and return its lines."""
    assert main(["log", *map(str, arguments)]) == 0
    return capsys.readouterr().out.splitlines()


def commands(lines: list[str]) -> list[str]:
    return [line.split("] ", 1)[1].replace('"', "") for line in lines]


def test_every_event_is_a_line_with_offset_time_database_origin_and_quoted_command(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(capsys, directory)
    assert lines[:2] == [
        '0 2023-11-14T22:13:20.000Z [0 alice@10.0.0.7:51000] "SELECT" "0"',
        '23 2023-11-14T22:13:20.000Z [0 alice@10.0.0.7:51000] "SET" "user:1" "a"',
    ]
    assert lines[-3].endswith('[0] "SET" "bin" "\\xff\\"\\r\\n"')
    assert len(lines) == 10


def test_json_has_the_same_and_keeps_bytes_that_are_no_text(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [json.loads(line) for line in shown(capsys, directory, "--format", "json")]
    assert events[1] == {
        "offset": 23,
        "unix_ms": NOW,
        "time": "2023-11-14T22:13:20.000Z",
        "db": 0,
        "user": "alice",
        "address": "10.0.0.7:51000",
        "command": ["SET", "user:1", "a"],
    }
    assert events[-3]["command"] == ["SET", "bin", {"base64": "/yINCg=="}]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--since", "24", "--until", "115"], ["SELECT 1", "DEL user:1 user:2"]),
        (["--since", "23", "--until", "56"], ["SET user:1 a", "SELECT 1"]),
        (["--until", "23"], ["SELECT 0"]),
        (["--since", "@1700000060", "--until", "@1700000060"], ["SELECT 1", "DEL user:1 user:2"]),
        (["--until", "2023-11-14T22:13:20+00:00"], ["SELECT 0", "SET user:1 a"]),
        (["--since", "2023-11-14T22:13:21+00:00", "--until", "2023-11-14T23:14:20+01:00"], DEL_OF_TWO),
        (["--key", "user:1"], ["SET user:1 a", "DEL user:1 user:2", "SET user:1 z"]),
        (["--key", "user:[23]"], ["DEL user:1 user:2", "RENAME tmp user:3"]),
        (["--key", "SELECT"], []),
        (["--db", "1", "--key", "*"], ["DEL user:1 user:2", "RENAME tmp user:3"]),
        (["--since", "@1700000240"], ["SELECT 0", "SET user:1 z"]),
    ],
)
def test_points_keys_and_databases_select_events(
    directory: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: list[str]
) -> None:
    assert commands(shown(capsys, directory, *arguments)) == expected


def test_an_offset_that_is_gone_and_a_directory_without_a_log_are_told(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sorted((directory / "log").iterdir())[0].unlink()
    assert main(["log", str(directory), "--since", "0"]) == 1
    assert "offset 0 is not in the log" in capsys.readouterr().err
    assert main(["log", str(tmp_path / "nowhere")]) == 1
    assert "there is no log in" in capsys.readouterr().err


def test_what_is_not_shown_is_said(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    last = sorted((directory / "log").iterdir())[-1]
    size = last.stat().st_size
    with open(last, "ab") as file:
        file.write(b"torn")
    assert main(["log", str(directory)]) == 0
    assert capsys.readouterr().err == f"note: {last}, byte {size}: the file ends within the frame\n"
    last.write_bytes(last.read_bytes()[:70] + b"?" + last.read_bytes()[71:])
    assert main(["log", str(directory)]) == 1
    assert "is damaged at byte 64" in capsys.readouterr().err


async def test_following_goes_on_over_rolls(tmp_path: Path) -> None:
    log = new_log(tmp_path, segment_bytes=120)
    turn(log, "SET k 0")
    first = sorted((tmp_path / "log").iterdir())[0]

    async def watch() -> list[Frame]:
        seen: list[Frame] = []
        async with contextlib.aclosing(follow(str(tmp_path), str(first), 64, 0)) as frames:
            async for frame in frames:
                seen.append(frame)
                if words([frame])[-1] == "SET k 5":
                    break
        return seen

    watching = asyncio.create_task(watch())
    for number in range(1, 6):
        turn(log, f"SET k {number}")
        await asyncio.sleep(0.01)
    seen = await watching
    log.close()
    assert [text for text in words(seen) if text[:3] == "SET"] == [f"SET k {number}" for number in range(6)]
    assert len(list((tmp_path / "log").iterdir())) > 2


def test_follow_shows_what_is_there_and_ends_with_the_selection(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(shown(capsys, directory, "--follow", "--until", "50")) == 2


def test_heartbeats_are_shown_when_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = new_log(tmp_path)
    turn(log, "PING", "SET a 1")
    turn(log, "REPLCONF GETACK *", "SET b 2")
    turn(log, "ping")
    log.close()
    writes = ["SELECT 0", "SET a 1", "SET b 2"]
    assert commands(shown(capsys, tmp_path)) == writes
    assert [json.loads(line)["command"][0] for line in shown(capsys, tmp_path, "--format", "json")] == ["SELECT", "SET", "SET"]
    everything = ["SELECT 0", "PING", "SET a 1", "REPLCONF GETACK *", "SET b 2", "ping"]
    assert commands(shown(capsys, tmp_path, "--heartbeats")) == everything


def test_events_know_their_database_and_origin() -> None:
    payload = command("SELECT 3") + command("SET a 1") + command("PING")
    events = list(events_of(Frame(100, NOW, 0, [(2, "u", "h:1"), (1, "", "")], payload)))
    assert [(event.offset, event.db, event.origin) for event in events] == [
        (100, 3, ("u", "h:1")),
        (123, 3, ("u", "h:1")),
        (150, 3, ("", "")),
    ]
