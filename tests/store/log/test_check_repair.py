"""Check and repair: what is found, what is kept, and that every lost byte is set aside and said."""

from pathlib import Path

import pytest

from store.log import history as histories
from store.log.check import check_log
from store.log.frame import encode
from store.log.reader import LogReader
from store.log.repair import foreign_segments, repair, set_aside
from store.log.segment import HEADER_SIZE, encode_header, list_segments, segment_path
from tests.kit.logs import NOW, command, files, frames, new_log, turn, words

EVERYTHING = [text for n in range(6) for text in (["SELECT 0"] if n % 2 == 0 else []) + [f"SET k {n}"]]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A clean log of three segments (0, 77, 154) with frames at 0 50 | 77 127 | 154 204, ending at 231."""
    log = new_log(tmp_path, segment_bytes=200)
    for number in range(6):
        turn(log, f"SET k {number}", now=NOW + number)
    log.close()
    return tmp_path


def segment(directory: Path, index: int) -> Path:
    return Path(list_segments(str(directory))[index].path)


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def problems(directory: Path) -> list[tuple[str, str, int, int]]:
    found = check_log(str(directory)).problems
    return [(problem.kind, Path(problem.path).name, problem.position, problem.offset) for problem in found]


def mend(directory: Path, *snapshots: int) -> list[str]:
    """Repair, then prove that the result is a log on which a server would start and go on."""
    before = sum(path.stat().st_size for path in (directory / "log").iterdir())
    done = repair(check_log(str(directory)), list(snapshots))
    assert problems(directory) == []
    kept = sum(path.stat().st_size for path in (directory / "log").iterdir())
    aside = sum(Path(path).stat().st_size for path in done.moved if "history" not in path)
    assert kept + aside >= before, "nothing is thrown away"
    loaded = histories.load(str(directory))
    assert loaded is not None
    reader = LogReader(str(directory), max((s for s in snapshots), default=0))
    list(reader)
    assert reader.torn is None
    assert loaded.doubt(reader.end.offset) is None
    return [action.replace(str(directory), "DIR") for action in done.actions]


def test_a_healthy_log_is_one_run(directory: Path) -> None:
    report = check_log(str(directory))
    assert report.problems == []
    assert report.recoverable
    assert (report.start, report.end, len(report.runs)) == (0, 231, 1)
    assert (report.runs[0].frames, report.runs[0].events) == (6, 9)
    assert [(found.first_offset, found.end, found.frames) for found in report.reports] == [
        (0, 77, 2),
        (77, 154, 2),
        (154, 231, 2),
    ]
    assert (report.reports[0].first_ms, report.reports[2].last_ms) == (NOW, NOW + 5)
    assert repair(report, []).actions == []


def test_an_empty_directory_has_no_problem(tmp_path: Path) -> None:
    report = check_log(str(tmp_path))
    assert (report.problems, report.start, report.end) == ([], 0, 0)


def test_a_torn_tail_is_recoverable_and_repair_cuts_it(directory: Path) -> None:
    last = segment(directory, 2)
    whole = last.stat().st_size
    with open(last, "ab") as file:
        file.write(b"torn")
    report = check_log(str(directory))
    assert problems(directory) == [("torn", last.name, whole, 231)]
    assert report.recoverable
    actions = mend(directory)
    assert actions[0] == (
        f"DIR/log/{last.name}: cut at byte {whole}; the 4 bytes after it are in DIR/lost/{last.name}.from-byte-{whole}"
    )
    assert words(frames(directory)) == EVERYTHING


def test_damage_in_the_middle_without_a_snapshot_keeps_what_is_before(directory: Path) -> None:
    flip(segment(directory, 1), HEADER_SIZE + 70)
    assert problems(directory) == [("damage", segment(directory, 1).name, HEADER_SIZE, 77)]
    old = histories.load(str(directory))
    assert old is not None
    actions = mend(directory)
    assert "lost from the log: offsets 127 to 231, 4 events: it comes after a hole in history at offset 77" in actions
    assert words(frames(directory)) == EVERYTHING[:3]
    assert files(directory) == ["00000000000000000000.seg"]
    new = histories.load(str(directory))
    assert new is not None
    assert (new.previous, new.second_offset) == (old.current, 78), "a replica that holds more must part"
    assert sorted(path.name for path in (directory / "lost").iterdir()) == [
        "00000000000000000077.seg",
        "00000000000000000154.seg",
    ]


def test_damage_that_a_snapshot_covers_loses_nothing_but_old_log(directory: Path) -> None:
    flip(segment(directory, 1), HEADER_SIZE + 70)
    actions = mend(directory, 60, 130)
    assert "lost from the log: offsets 0 to 77, 3 events: it is before damage, and a snapshot covers it" in actions
    assert files(directory) == [f"{127:020d}.seg", f"{154:020d}.seg"]
    assert words(frames(directory, 127)) == ["SET k 3", "SELECT 0", "SET k 4", "SET k 5"]


def test_a_snapshot_newer_than_all_that_can_be_reached_stands_alone(directory: Path) -> None:
    segment(directory, 0).unlink()  # the start is gone and the snapshot is beyond the end
    actions = mend_uncovered(directory, 500)
    assert actions[-2:] == [
        "recovery will start from the snapshot at offset 500",
        f"the log ends at offset 500 and goes on under history id {current(directory)}",
    ]
    assert files(directory) == []


def mend_uncovered(directory: Path, *snapshots: int) -> list[str]:
    report = check_log(str(directory))
    segment(directory, 0).rename(directory / "log" / f"{99:020d}.seg")  # make it a problem: a gap
    report = check_log(str(directory))
    assert not report.recoverable
    return [action.replace(str(directory), "DIR") for action in repair(report, list(snapshots)).actions]


def current(directory: Path) -> str:
    loaded = histories.load(str(directory))
    assert loaded is not None
    return loaded.current


def test_a_missing_segment_is_a_gap(directory: Path) -> None:
    segment(directory, 1).unlink()
    assert problems(directory) == [("gap", f"{154:020d}.seg", 0, 77)]
    mend(directory)
    assert words(frames(directory)) == EVERYTHING[:3]


def test_a_damaged_header_is_written_anew_and_nothing_is_lost(directory: Path) -> None:
    for index in (0, 2):
        flip(segment(directory, index), 3)
    assert [kind for kind, *_ in problems(directory)] == ["header", "header"]
    actions = mend(directory)
    assert actions[0] == f"DIR/log/{0:020d}.seg: wrote the header anew; no event is lost"
    assert words(frames(directory)) == EVERYTHING


def test_a_lost_history_file_is_rebuilt_from_the_headers(directory: Path) -> None:
    old = current(directory)
    for content in (None, b"garbage"):
        if content is None:
            (directory / "history").unlink()
        else:
            (directory / "history").write_bytes(content)
        assert [kind for kind, *_ in problems(directory)] == ["history"]
        mend(directory)
        loaded = histories.load(str(directory))
        assert loaded is not None
        assert loaded.chain[0] == (old, 0)
        assert loaded.current != old
    assert words(frames(directory)) == EVERYTHING


def test_a_payload_that_is_no_events_ends_history_there(directory: Path) -> None:
    with open(segment(directory, 2), "ab") as file:
        file.write(encode(231, NOW, 0, None, b"what?") + encode(236, NOW, 0, None, command("DEL k")))
    assert [kind for kind, *_ in problems(directory)] == ["events"]
    mend(directory)
    assert words(frames(directory)) == EVERYTHING


def test_a_misplaced_frame_ends_history_there(directory: Path) -> None:
    with open(segment(directory, 2), "ab") as file:
        file.write(encode(204, NOW, 0, None, command("SET k 5")))
    assert [kind for kind, *_ in problems(directory)] == ["misplaced"]
    mend(directory)
    assert words(frames(directory)) == EVERYTHING


def test_segments_of_another_history_are_found_and_set_aside(directory: Path) -> None:
    """A full synchronization adopted a new history and stopped before the old log was dropped."""
    history = histories.load(str(directory))
    assert history is not None
    history.replace("c" * 40, 9000)
    assert [found.first_offset for found in foreign_segments(str(directory), history)] == [0, 77, 154]
    Path(segment_path(str(directory), 9000)).write_bytes(encode_header("c" * 40, 9000))
    assert [kind for kind, *_ in problems(directory)].count("foreign") == 3
    repair(check_log(str(directory)), [9000])
    assert problems(directory) == []
    assert files(directory) == [f"{9000:020d}.seg"]
    assert current(directory) == "c" * 40


@pytest.mark.parametrize("size", [0, 10, 64])
def test_a_single_segment_that_was_hardly_begun_is_repaired(tmp_path: Path, size: int) -> None:
    histories.create(str(tmp_path))
    (tmp_path / "log").mkdir()
    Path(segment_path(str(tmp_path), 0)).write_bytes(b"x" * size)
    assert [kind for kind, *_ in problems(tmp_path)] == ["torn"]
    mend(tmp_path)
    log = new_log(tmp_path)
    turn(log, "SET a 1")
    log.close()
    assert words(frames(tmp_path)) == ["SELECT 0", "SET a 1"]


def test_every_flipped_bit_can_be_repaired(directory: Path) -> None:
    """Whatever single bit is damaged: what repair keeps is a beginning of history, and it says so."""
    everything = frames(directory)
    contents = {path: path.read_bytes() for path in sorted((directory / "log").iterdir())}
    history = (directory / "history").read_bytes()
    for path, content in contents.items():
        for position in range(0, len(content), 3):
            for name, data in contents.items():
                name.write_bytes(data)
            (directory / "history").write_bytes(history)
            flip(path, position)
            report = check_log(str(directory))
            assert report.problems, (path.name, position)
            actions = repair(report, []).actions
            kept = frames(directory)
            assert kept == everything[: len(kept)]
            assert len(kept) == 6 or any("lost from the log" in text or "cut at byte" in text for text in actions)


def test_names_in_lost_are_never_reused(tmp_path: Path) -> None:
    moved = []
    for content in ("one", "two", "three"):
        (tmp_path / "file").write_text(content)
        moved += set_aside(str(tmp_path), [str(tmp_path / "file")])
    assert [Path(path).name for path in moved] == ["file", "file.1", "file.2"]
    assert [Path(path).read_text() for path in moved] == ["one", "two", "three"]
