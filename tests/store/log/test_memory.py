"""The log in memory: the same offsets and frames as on disk, and a bounded tail."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.log import EventLog
from store.log.frame import Frame
from store.log.memory import FrameTail, MemoryLog
from tests.kit.logs import NOW, command, frames, new_log


def record(log: EventLog) -> None:
    """Put one of each kind into a log."""
    for text, db in (("SET a 1", 0), ("SET b 1", 3)):
        log.append(command(text), db)
    log.commit(NOW)
    mark = log.mark()
    for text in ("SET c 1", "DEL a"):
        log.append(command(text), 3)
    log.wrap_transaction(mark)
    log.set_origin("u", "a")
    log.append(command("PUBLISH c m"), -1)
    log.commit(NOW + 1)
    log.append_raw(command("SELECT 9") + command("SET d 1"), 9)
    log.commit(NOW + 2)


def test_both_logs_make_the_same_frames(tmp_path: Path) -> None:
    memory, disk = MemoryLog(0, limit=10_000), new_log(tmp_path)
    record(memory)
    record(disk)
    disk.close()
    assert memory.tail.since(0) == frames(tmp_path)
    assert memory.offset == memory.written_offset == memory.synced_offset == disk.offset
    assert memory.events == disk.events == 10


def frame(offset: int, size: int) -> Frame:
    return Frame(offset, NOW, 0, None, b"x" * size)


@given(st.lists(st.integers(1, 50), max_size=30), st.integers(0, 100))
def test_the_tail_is_bounded_and_without_gaps(sizes: list[int], limit: int) -> None:
    tail, offset = FrameTail(limit, 100), 100
    for size in sizes:
        tail(frame(offset, size))
        offset += size
        held = tail.since(tail.first_offset)
        assert held is not None
        assert [part.offset for part in held[1:]] + [tail.end] == [part.end for part in held] or not held
        assert not held or held[0].offset == tail.first_offset or len(held) == 1
        assert tail.end == offset
        assert tail.end - tail.first_offset <= limit


def test_frames_are_found_by_any_offset_in_the_tail() -> None:
    tail = FrameTail(30, 0)
    for offset in range(0, 50, 10):
        tail(frame(offset, 10))
    found = {offset: tail.since(offset) for offset in (19, 20, 29, 30, 49, 50, 51)}
    starts = {offset: None if held is None else [part.offset for part in held] for offset, held in found.items()}
    assert starts == {19: None, 20: [20, 30, 40], 29: [20, 30, 40], 30: [30, 40], 49: [40], 50: [], 51: None}
    tail.limit = 10
    tail.trim()
    assert tail.first_offset == 40
    with pytest.raises(ValueError, match="does not continue"):
        tail(frame(60, 1))


def test_what_somebody_needs_is_held_beyond_the_limit_until_nobody_does() -> None:
    tail = FrameTail(20, 0)
    tail.keep_from(15)
    for offset in range(0, 100, 10):
        tail(frame(offset, 10))
    assert tail.first_offset == 15
    held = tail.since(15)
    assert held is not None
    assert [part.offset for part in held] == list(range(10, 100, 10))
    tail.keep_from(60)
    assert (tail.first_offset, tail.since(59)) == (60, None)
    tail.keep_from(95)
    assert (tail.first_offset, tail.since(79)) == (80, None)
    tail.keep_from(None)
    tail(frame(100, 10))
    assert (tail.first_offset, tail.since(89)) == (90, None)


async def test_durable_means_committed() -> None:
    log = MemoryLog(100, limit=1000)
    seen: list[int] = []
    log.on_synced(seen.append)
    await log.durable(100)
    log.append(command("SET a 1"), 0)
    waiting = asyncio.ensure_future(log.durable(log.offset))
    await asyncio.sleep(0)
    assert not waiting.done()
    log.commit(NOW)
    await waiting
    assert seen == [150]
    assert log.retry()
    log.tick()
    log.close()


def test_a_reset_forgets_the_tail() -> None:
    log = MemoryLog(0, limit=1000)
    record(log)
    log.reset(7000, db=4)
    assert (log.offset, log.first_offset, log.tail.since(0)) == (7000, 7000, None)
    log.append(command("SET a 1"), 4)
    log.commit(NOW)
    held = log.tail.since(7000)
    assert held is not None
    assert (held[0].db, held[0].payload) == (4, command("SELECT 4") + command("SET a 1"))
