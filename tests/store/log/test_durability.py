"""Waiting for the disk: group commit, the policies, order over rolls, failure."""

import asyncio
import threading
from functools import partial
from pathlib import Path

import pytest

from store.errors import LogFailed
from store.log.syncer import BOUNDS, FsyncTimes, Waiters
from store.log.writer import LogWriter
from tests.kit.faulty_disk import FaultyDisk
from tests.kit.logs import NOW, command, files, new_log, turn


class Ticks:
    """A monotonic clock, in seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def settled(log: LogWriter) -> None:
    """Let a running fsync end and its outcome arrive."""
    while log.fsync_in_flight:  # noqa: ASYNC110 - there is nothing to wait on but the state itself
        await asyncio.sleep(0.001)


async def test_many_waiters_share_one_fsync_and_those_who_come_meanwhile_the_next(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = new_log(tmp_path, disk, fsync="always")
    before = disk.calls["fdatasync"]
    disk.gate.clear()
    turn(log, "SET first 1")  # its fsync is in flight now, and hangs
    first = asyncio.ensure_future(log.durable(log.offset))
    waiting = []
    for number in range(50):
        turn(log, f"SET k {number}")
        waiting.append(asyncio.ensure_future(log.durable(log.offset)))
    await asyncio.sleep(0)
    assert not any(task.done() for task in [first, *waiting])
    assert disk.calls["fdatasync"] <= before + 1
    disk.gate.set()
    await asyncio.gather(first, *waiting)
    assert disk.calls["fdatasync"] == before + 2
    assert log.synced_offset == log.offset
    log.close()


async def test_each_waiter_is_woken_by_the_fsync_that_covers_it(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = new_log(tmp_path, disk, fsync="always")
    seen: list[int] = []
    log.on_synced(seen.append)
    disk.gate.clear()
    turn(log, "SET a 1")
    turn(log, "SET b 1")
    later = asyncio.ensure_future(log.durable(log.offset))
    disk.gate.set()
    await log.durable(50)
    await later
    assert seen == [50, 77]
    await log.durable(10)  # long since
    log.close()


async def test_an_offset_not_yet_committed_is_waited_for(tmp_path: Path) -> None:
    log = new_log(tmp_path, fsync="no")
    log.append(command("SET a 1"), 0)
    waiting = asyncio.ensure_future(log.durable(log.offset))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    log.commit(NOW)
    await waiting
    assert log.synced_offset == 50
    log.close()


async def test_a_cancelled_waiter_hurts_nobody(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = new_log(tmp_path, disk)
    turn(log, "SET a 1")
    disk.gate.clear()
    one, two = (asyncio.ensure_future(log.durable(50)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    disk.gate.set()
    await two
    assert one.cancelled()
    log.close()


async def test_everysec_syncs_when_the_last_fsync_is_a_second_old(tmp_path: Path) -> None:
    disk, clock = FaultyDisk(), Ticks()
    log = new_log(tmp_path, disk, fsync="everysec", clock=clock)
    turn(log, "SET a 1")
    before = disk.calls["fdatasync"]
    clock.now += 0.9
    log.tick()
    await settled(log)
    assert disk.calls["fdatasync"] == before
    clock.now += 0.1
    log.tick()
    await settled(log)
    assert (disk.calls["fdatasync"], log.synced_offset) == (before + 1, 50)
    clock.now += 10
    log.tick()  # nothing new to sync
    assert not log.fsync_in_flight
    log.close()


async def test_a_slow_fsync_is_counted_once_and_writes_go_on(tmp_path: Path) -> None:
    disk, clock = FaultyDisk(), Ticks()
    log = new_log(tmp_path, disk, clock=clock)
    turn(log, "SET a 1")
    clock.now += 1
    disk.gate.clear()
    log.tick()
    clock.now += 2.1
    for _ in range(3):
        log.tick()
    assert log.statistics().delayed_fsync == 1
    assert turn(log, "SET b 1")
    assert (log.written_offset, log.synced_offset) == (77, 0)
    assert log.statistics().unsynced == 77
    disk.gate.set()
    await settled(log)
    assert log.synced_offset == 50
    log.close()


async def test_a_quick_disk_is_synced_within_the_turn_and_a_slow_one_in_the_thread(tmp_path: Path) -> None:
    ticks, disk = Ticks(), FaultyDisk()
    log = new_log(tmp_path, disk, fsync="always", clock=ticks, patience=0.5)
    turn(log, "SET a 1")
    assert log.fsync_in_flight  # how quick it is nobody knows yet
    await settled(log)
    turn(log, "SET a 2")
    assert log.synced_offset == log.offset
    disk.slow = lambda: setattr(ticks, "now", ticks.now + 1)
    turn(log, "SET a 3")
    assert log.synced_offset == log.offset
    turn(log, "SET a 4")
    assert log.fsync_in_flight
    turn(log, "SET a 5")
    disk.slow = None
    await settled(log)
    assert log.synced_offset == log.offset
    turn(log, "SET a 6")
    assert log.synced_offset == log.offset
    log.close()


async def test_a_quick_disk_that_fails_fails_the_turn(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = new_log(tmp_path, disk, fsync="always", patience=30.0)
    turn(log, "SET a 1")
    await settled(log)
    disk.fail("fdatasync")
    assert not turn(log, "SET a 2")
    assert log.synced_offset < log.offset
    with pytest.raises(LogFailed):
        await log.durable(log.offset)
    with pytest.raises(LogFailed):
        log.close()


async def test_without_a_thread_to_be_had_the_loop_syncs_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is in flight for ever, so the next fsync comes, and the log can be closed."""

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    log = new_log(tmp_path, fsync="always", segment_bytes=100)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        for number in range(4):
            turn(log, f"SET a {number}")
            assert (log.fsync_in_flight, log.synced_offset) == (False, log.offset)
    turn(log, "SET a 5")
    await log.durable(log.offset)
    log.close()


async def test_the_policy_no_syncs_only_sealed_segments(tmp_path: Path) -> None:
    disk, clock = FaultyDisk(), Ticks()
    log = new_log(tmp_path, disk, fsync="no", segment_bytes=150, clock=clock)
    before = disk.calls["fdatasync"]
    turn(log, "SET a 1", "SET b 1", "SET c 1", "SET d 1")
    clock.now += 100
    log.tick()
    await settled(log)
    assert (disk.calls["fdatasync"], log.synced_offset) == (before, 0)
    turn(log, "SET e 1")
    await settled(log)
    assert len(files(tmp_path)) == 2
    assert log.synced_offset == 131
    log.close()


async def test_the_policy_may_change_and_always_starts_with_what_is_unsynced(tmp_path: Path) -> None:
    log = new_log(tmp_path, fsync="no")
    turn(log, "SET a 1")
    with pytest.raises(ValueError, match="none of always, everysec, no"):
        log.fsync = "sometimes"
    log.fsync = "always"
    await settled(log)
    assert log.synced_offset == 50
    log.close()


async def test_synced_offset_never_passes_a_sealed_segment_that_is_not_synced(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = new_log(tmp_path, disk, fsync="always", segment_bytes=100)
    disk.gate.clear()
    for number in range(6):
        turn(log, f"SET a {number}")
    assert len(files(tmp_path)) > 3
    assert log.synced_offset == 0
    disk.gate.set()
    await log.durable(log.offset)
    # Two jobs: the one that hung, and one for the other segments, the directory and the open one.
    assert log.statistics().fsync.count == 2
    assert disk.calls["sync_directory"] >= 2
    log.close()


async def test_a_failed_fsync_fails_everyone_who_waits_now_and_later(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = new_log(tmp_path, disk, fsync="everysec")
    failures: list[LogFailed] = []
    log.on_failed(failures.append)
    turn(log, "SET a 1")
    disk.fail("fdatasync", times=10**6)
    waiting = [asyncio.ensure_future(log.durable(50)) for _ in range(3)]
    outcome = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(error) for error in outcome] == ["Input/output error"] * 3
    assert failures == [log.failed]
    disk.heal()
    with pytest.raises(LogFailed):
        await log.durable(50)
    assert not turn(log, "SET b 1")
    assert not log.retry()
    with pytest.raises(LogFailed):
        log.close()


@pytest.mark.parametrize("nth", range(1, 7))
@pytest.mark.parametrize("operation", ["fdatasync", "sync_directory"])
async def test_whichever_sync_fails_nothing_after_it_counts_as_durable(
    tmp_path: Path, operation: str, nth: int
) -> None:
    disk = FaultyDisk()
    log = new_log(tmp_path, disk, fsync="always", segment_bytes=100)
    disk.fail(operation, nth)
    durable = 0
    for number in range(12):
        if not turn(log, f"SET a {number}"):
            break
        try:
            await log.durable(log.offset)
        except LogFailed:
            break
        durable = log.offset
    assert log.failed is not None
    assert log.synced_offset == durable < log.offset
    with pytest.raises(LogFailed):
        log.close()


async def test_close_takes_the_fsync_in_flight_with_it(tmp_path: Path) -> None:
    log = new_log(tmp_path, fsync="always")
    seen: list[int] = []
    log.on_synced(seen.append)
    turn(log, "SET a 1")
    turn(log, "SET b 1")
    log.close()
    assert seen[-1] == log.synced_offset == 77
    await asyncio.sleep(0.01)  # the late announcement of the thread finds nothing to do
    assert seen[-1] == 77


def test_waiters_are_woken_in_the_order_of_their_offsets() -> None:
    async def scene() -> list[int]:
        waiters = Waiters()
        woken: list[int] = []

        def note(offset: int, _: object) -> None:
            woken.append(offset)

        for offset in (30, 10, 20, 10):
            waiters.add(offset).add_done_callback(partial(note, offset))
        waiters.reached(20)
        await asyncio.sleep(0)
        assert len(waiters) == 1
        waiters.reached(30)
        await asyncio.sleep(0)
        return woken

    assert asyncio.run(scene()) == [10, 10, 20, 30]


def test_fsync_times_are_counted_by_bucket() -> None:
    times = FsyncTimes()
    for seconds in (0.0005, 0.0006, 0.03, 100.0):
        times.add(seconds)
    assert (times.count, round(times.seconds, 4)) == (4, 100.0311)
    assert {bound: count for bound, count in zip([*BOUNDS, "more"], times.buckets, strict=True) if count} == {
        0.0005: 1,
        0.001: 1,
        0.05: 1,
        "more": 1,
    }


def test_quantiles_of_fsync_times_are_bounds() -> None:
    times = FsyncTimes()
    assert times.quantile(0.99) == 0
    for _ in range(98):
        times.add(0.0004)
    times.add(0.03)
    times.add(9.0)
    assert (times.quantile(0.5), times.quantile(0.99), times.quantile(1.0)) == (0.0005, 0.05, 2.5)
