"""`chronis log` of a file that stands alone: all whole frames of it are shown, all other bytes named."""

from pathlib import Path

import pytest

from store.log.check import check_log
from store.log.frame import decode
from store.log.repair import repair
from store.log.segment import HEADER_SIZE
from store.tools.main import main
from tests.kit.logs import new_log, turn

CHECKSUM = "the checksum does not match the content"


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    """One segment of five frames: SELECT 0 and SET k 0 at offset 0, then 27 bytes each."""
    log = new_log(tmp_path)
    for number in range(5):
        turn(log, f"SET k {number}")
    log.close()
    return tmp_path / "log" / f"{0:020d}.seg"


def starts(segment: Path) -> list[int]:
    """The byte positions at which frames start, and the end."""
    data, places = segment.read_bytes(), [HEADER_SIZE]
    while (decoded := decode(data, places[-1])) is not None:
        places.append(decoded[1])
    return places


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def shown(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[str], str]:
    """Exit status, commands shown and what was said about the file."""
    status = main(["log", *map(str, arguments)])
    said = capsys.readouterr()
    return status, [line.split("] ", 1)[1].replace('"', "") for line in said.out.splitlines()], said.err


def test_what_a_repair_cut_is_read_though_it_starts_in_mid_history(
    segment: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = starts(segment)
    flip(segment, places[2] - 3)  # in the value of the second frame
    done = repair(check_log(str(tmp_path)), [])
    cut = tmp_path / "lost" / f"{segment.name}.from-byte-{places[1]}"
    assert done.moved == [str(cut)]
    status, commands, said = shown(capsys, cut)
    assert commands == ["SET k 2", "SET k 3", "SET k 4"]
    size = places[2] - places[1]
    assert said == f"note: {cut}, bytes 0 to {size} ({size}) can't be read: {CHECKSUM}\n"
    assert status == 1
    assert shown(capsys, cut, "--since", "104", "--until", "131")[1] == ["SET k 3"]


def test_frames_after_each_damage_are_shown(segment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = starts(segment)
    size = places[3] - places[2]
    flip(segment, 70)
    flip(segment, places[2] + 3)  # the length: 16 MiB more
    with open(segment, "ab") as file:
        file.write(b"torn")
    status, commands, said = shown(capsys, segment)
    assert (status, commands) == (1, ["SET k 1", "SET k 3", "SET k 4"])
    assert said.splitlines() == [
        f"note: {segment}, bytes 64 to {places[1]} ({places[1] - 64}), offsets 0 to 50, can't be read: {CHECKSUM}",
        f"note: {segment}, bytes {places[2]} to {places[3]} ({size}), offsets 77 to 104, can't be read: no frame is that long",
        f"note: {segment}, bytes {places[5]} to {places[5] + 4} (4) can't be read: the file ends within a frame",
    ]


def test_a_damaged_header_hides_no_frame(segment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for position in (3, 20):
        flip(segment, position)
        status, commands, said = shown(capsys, segment)
        assert (status, len(commands)) == (1, 6)
        assert "bytes 0 to 64 (64) can't be read: " in said


def test_names_are_no_matter(segment: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second file of the same name in lost/ has a number after it; who copies one gives it any name."""
    data, place = segment.read_bytes(), starts(segment)[3]
    for name in (f"{segment.name}.1", f"{5:020d}.seg", "copy"):
        (tmp_path / name).write_bytes(data)
        assert shown(capsys, tmp_path / name)[0] == 0
        (tmp_path / name).write_bytes(data[place:])
    assert shown(capsys, tmp_path / "copy") == (0, ["SET k 3", "SET k 4"], "")


def test_a_hole_in_history_is_said(segment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places, data = starts(segment), segment.read_bytes()
    segment.write_bytes(data[: places[2]] + data[places[3] :])
    status, commands, said = shown(capsys, segment)
    assert (status, commands[2:]) == (0, ["SET k 1", "SET k 3", "SET k 4"])
    assert said == f"note: {segment}, byte {places[2]}: history stood at offset 77 and goes on at 104\n"


def test_what_is_no_log_at_all_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "dump.rdb"
    other.write_bytes(b"REDIS0010 and so on")
    status, commands, said = shown(capsys, other)
    assert (status, commands) == (1, [])
    assert said.endswith(f"chronis log: {other} is damaged at byte 0: there is no whole frame of a log in it\n")
    other.write_bytes(b"CHRONLOG\x02")
    assert "ends within its header" in shown(capsys, other)[2]
