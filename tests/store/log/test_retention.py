"""Retention: only sealed, oldest, covered segments go, by size or by age."""

from pathlib import Path

import pytest

from store.log.retention import droppable, first_time
from store.log.segment import list_segments
from store.log.writer import LogWriter
from tests.kit.logs import NOW, files, frames, new_log, turn

HOUR = 3_600_000


@pytest.fixture
def log(tmp_path: Path) -> LogWriter:
    """Five segments of one hour each, starting at offsets 0, 77, 154, 231, 308; the last one open."""
    log = new_log(tmp_path, segment_bytes=200)
    for number in range(9):
        turn(log, f"SET k {number}", now=NOW + number // 2 * HOUR)
    return log


def chosen(directory: Path, snapshot: int, size: int = 0, age_ms: int = 0) -> list[int]:
    found = droppable(list_segments(str(directory)), snapshot, size, age_ms, NOW + 4 * HOUR)
    return [segment.first_offset for segment in found]


def test_without_bounds_everything_stays(tmp_path: Path, log: LogWriter) -> None:
    assert chosen(tmp_path, 10**6) == []
    log.close()


def test_the_oldest_go_until_the_rest_fits(tmp_path: Path, log: LogWriter) -> None:
    sizes = [segment.size for segment in list_segments(str(tmp_path))]
    assert chosen(tmp_path, 10**6, size=sum(sizes)) == []
    assert chosen(tmp_path, 10**6, size=sum(sizes) - 1) == [0]
    assert chosen(tmp_path, 10**6, size=sum(sizes[2:])) == [0, 77]
    assert chosen(tmp_path, 10**6, size=1) == [0, 77, 154, 231], "the open segment stays"
    log.close()


def test_what_no_snapshot_covers_stays(tmp_path: Path, log: LogWriter) -> None:
    assert chosen(tmp_path, 0, size=1) == []
    assert chosen(tmp_path, 153, size=1) == [0]
    assert chosen(tmp_path, 154, size=1) == [0, 77]
    log.close()


def test_a_segment_is_as_old_as_the_first_frame_of_the_next(tmp_path: Path, log: LogWriter) -> None:
    assert chosen(tmp_path, 10**6, age_ms=4 * HOUR) == []
    assert chosen(tmp_path, 10**6, age_ms=3 * HOUR) == []
    assert chosen(tmp_path, 10**6, age_ms=3 * HOUR - 1) == [0]
    assert chosen(tmp_path, 10**6, age_ms=1) == [0, 77, 154]
    log.close()


def test_the_time_of_a_segment_without_a_readable_frame_is_unknown(tmp_path: Path, log: LogWriter) -> None:
    log.close()
    segment = list_segments(str(tmp_path))[0]
    assert first_time(segment) == NOW
    path = Path(segment.path)
    whole = path.read_bytes()
    for damaged in (whole[:64], whole[:70], whole[:90], whole[:64] + b"\xff" * 40):
        path.write_bytes(damaged)
        assert first_time(segment) is None


def test_the_log_forgets_what_was_dropped_and_goes_on(tmp_path: Path, log: LogWriter) -> None:
    before = log.statistics()
    dropped = log.retain(snapshot_offset=160, size=1, age_ms=0, now_ms=NOW)
    after = log.statistics()
    assert files(tmp_path)[0] == f"{154:020d}.seg"
    assert (log.first_offset, after.segments) == (154, before.segments - 2)
    assert before.retained_bytes - after.retained_bytes == dropped > 0
    assert log.retain(snapshot_offset=160, size=1, age_ms=0, now_ms=NOW) == 0
    turn(log, "SET k 9")
    log.close()
    assert frames(tmp_path, 154)[-1].end == log.offset
