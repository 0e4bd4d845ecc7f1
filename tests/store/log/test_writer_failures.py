"""What a failing disk does to the writer, and a log that is opened again after that."""

import errno
import os
from pathlib import Path

import pytest

from store.errors import CorruptLog, LogFailed
from store.log import history as histories
from store.log.frame import Frame
from store.log.reader import LogReader
from store.log.segment import HEADER_SIZE, LogEnd, list_segments
from store.log.writer import LogWriter
from tests.kit.faulty_disk import FaultyDisk
from tests.kit.logs import files, frames, new_log, read, turn, words


def test_short_writes_are_finished(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = new_log(tmp_path, disk)
    disk.largest_write = 7
    assert turn(log, "SET a " + "x" * 100)
    log.close()
    assert words(frames(tmp_path)) == ["SELECT 0", "SET a " + "x" * 100]


@pytest.mark.parametrize("space", range(0, 260, 13))
def test_a_full_disk_keeps_the_frames_and_a_retry_writes_them(tmp_path: Path, space: int) -> None:
    """Whatever fits before ENOSPC: the file holds whole frames only, and all of them once there is room."""
    disk = FaultyDisk()
    log = new_log(tmp_path, disk, segment_bytes=130)
    failures: list[str] = []
    log.on_failed(lambda error: failures.append(str(error)))
    disk.space = space
    turns = [f"SET a {number}" for number in range(5)]
    outcome = [turn(log, text) for text in turns]
    assert outcome == sorted(outcome, reverse=True), "nothing is written after a gap"
    assert not outcome[-1]
    assert str(log.failed) == os.strerror(errno.ENOSPC)
    assert [text for text in words(readable(tmp_path)) if text[:3] == "SET"] == turns[: outcome.count(True)]
    assert not log.retry()
    assert len(failures) == 1

    disk.heal()
    assert log.retry()
    assert log.failed is None
    assert turn(log, "SET b 1")
    log.close()
    assert [text for text in words(frames(tmp_path)) if text[:3] == "SET"] == [*turns, "SET b 1"]


def readable(directory: Path) -> list[Frame]:
    """Return the frames on disk; at most a segment header may be unfinished after them."""
    reader = LogReader(str(directory))
    found = list(reader)
    assert reader.torn is None or reader.torn.position < HEADER_SIZE
    return found


@pytest.mark.parametrize("nth", range(1, 12))
@pytest.mark.parametrize("operation", ["write", "open", "ftruncate"])
def test_any_single_failing_call_loses_nothing(tmp_path: Path, operation: str, nth: int) -> None:
    disk = FaultyDisk()
    log = new_log(tmp_path, disk, segment_bytes=130)
    if operation == "ftruncate":
        disk.space = 300  # so that there is something to cut
    disk.fail(operation, nth)
    turns = [f"SET a {number}" for number in range(12)]
    for text in turns:
        if not turn(log, text):
            assert log.failed is not None
            if operation == "ftruncate":
                log.retry()
            disk.heal()
            assert log.retry()
    log.close()
    assert [text for text in words(frames(tmp_path)) if text[:3] == "SET"] == turns


def test_when_the_failed_part_can_not_be_cut_off_the_next_try_does_it(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = new_log(tmp_path, disk)
    turn(log, "SET a 1")
    whole = read(tmp_path).end.size
    disk.space = 10
    disk.fail("ftruncate", times=2)
    assert not turn(log, "SET b 2")
    assert list_segments(str(tmp_path))[0].size == whole + 10
    assert not log.retry()
    disk.heal()
    assert log.retry()
    log.close()
    assert words(frames(tmp_path)) == ["SELECT 0", "SET a 1", "SET b 2"]


def test_a_failed_fsync_is_final(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = new_log(tmp_path, disk, fsync="always")
    assert turn(log, "SET a 1")
    disk.fail("fdatasync")
    assert not turn(log, "SET b 1")
    assert (log.synced_offset, log.written_offset) == (50, 77)
    assert not log.retry(), "a second fsync that succeeds would prove nothing"
    assert not turn(log, "SET c 1")
    with pytest.raises(LogFailed, match="Input/output error"):
        log.close()
    loaded = histories.load(str(tmp_path))
    assert loaded is not None
    assert loaded.clean_offset is None, "not a clean end"


def test_closing_while_the_disk_is_full_is_no_clean_end(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = new_log(tmp_path, disk)
    turn(log, "SET a 1")
    disk.space = 0
    turn(log, "SET b 1")
    with pytest.raises(LogFailed, match="No space left"):
        log.close()
    loaded = histories.load(str(tmp_path))
    assert loaded is not None
    assert loaded.clean_offset is None
    assert words(frames(tmp_path)) == ["SELECT 0", "SET a 1"]


def test_a_clean_end_is_marked_with_the_synced_offset(tmp_path: Path) -> None:
    log = new_log(tmp_path, fsync="no")
    turn(log, "SET a 1")
    assert log.synced_offset == 0
    log.close()
    loaded = histories.load(str(tmp_path))
    assert loaded is not None
    assert loaded.clean_offset == 50


def test_an_uncut_tail_is_refused(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    turn(log, "SET a 1")
    log.close()
    end = read(tmp_path).end
    assert end.path is not None
    with open(end.path, "ab") as file:
        file.write(b"torn")
    with pytest.raises(CorruptLog, match="4 bytes after the last whole frame"):
        LogWriter(str(tmp_path), log.history, end)


def test_a_segment_that_exists_is_never_overwritten(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    turn(log, "SET a 1")
    log.close()
    again = LogWriter(str(tmp_path), log.history, LogEnd(0))
    assert not turn(again, "SET b 1")
    assert str(again.failed) == os.strerror(errno.EEXIST)
    with pytest.raises(LogFailed):
        again.close()
    assert words(frames(tmp_path)) == ["SELECT 0", "SET a 1"]


def test_an_unclean_stop_is_synced_before_going_on(tmp_path: Path) -> None:
    log = new_log(tmp_path, fsync="no", segment_bytes=100)
    for number in range(3):
        turn(log, f"SET a {number}")
    disk = FaultyDisk()
    again = new_log(tmp_path, disk)  # as after kill -9: the first was never closed
    assert disk.calls["fdatasync"] == len(files(tmp_path)) + 1  # and the history file
    assert again.synced_offset == again.offset == log.offset
    again.close()
    with pytest.raises(LogFailed):
        _kill(log)


def _kill(log: LogWriter) -> None:
    """Release what a log that was left open holds, without marking its history."""
    log.failed = LogFailed("killed")
    log.close()
