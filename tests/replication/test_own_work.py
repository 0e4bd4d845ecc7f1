"""A replica's own long work on files: it is no silence of the primary, does not pile up, can be called off at any moment."""

import asyncio
import contextlib
import errno
import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from replication import arrival
from replication.messages import FullResync
from replication.off_loop import Check, NotWanted, OffLoop
from replication.received_file import LIMIT, PORTION, ReceivedFile
from tests.kit.cluster import equal, eventually, info, offset, syncs
from tests.kit.faulty_disk import FaultyDisk
from tests.kit.inprocess import Node
from tests.kit.servers import HOST, Server, chronis_server
from tests.kit.slowed_node import slowed_server


def follow(replica: Server, primary: Server) -> None:
    """Make a server a replica of another."""
    replica.command_reply("REPLICAOF", HOST, primary.port)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until condition holds."""
    while not condition():  # noqa: ASYNC110 - a thread makes it true, which knows of no event
        await asyncio.sleep(0.005)


# ── work off the loop ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_work_that_nobody_waits_for_ends_and_the_next_waits_for_it() -> None:
    """Cancelled again and again, never more than one piece is at work."""
    at_work: list[str] = []
    go_on = threading.Event()

    def endless(check: Check) -> None:
        assert not at_work
        at_work.append("one")
        try:
            while True:
                go_on.wait(0.01)
                check()
        finally:
            at_work.pop()

    complaints: list[object] = []

    async def scenario() -> str:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        off_loop = OffLoop()
        for _ in range(3):
            waiting = asyncio.ensure_future(off_loop.run(endless))
            await until(lambda: bool(at_work))
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        return await off_loop.run(lambda check: f"after {len(at_work)}")

    assert asyncio.run(scenario()) == "after 0"
    gc.collect()
    assert complaints == []


def test_work_gives_its_result_or_its_error() -> None:
    """The caller gets what the work returns or raises; a check of work that is wanted does nothing."""

    def fails(check: Check) -> None:
        check()
        raise OSError(errno.EIO, "no disk")

    async def scenario() -> int:
        off_loop = OffLoop()
        with pytest.raises(OSError, match="no disk"):
            await off_loop.run(fails)
        return await off_loop.run(lambda check: 42)

    assert asyncio.run(scenario()) == 42
    assert issubclass(NotWanted, Exception)


# ── the file of a snapshot ─────────────────────────────────────────────────────────────────────────────────────────────
def test_a_snapshot_is_synced_while_it_comes_and_the_disk_holds_the_reading_back(tmp_path: Path) -> None:
    """One sync at a time, begun at each portion; beyond a limit no more is to be read before one has ended."""

    async def scenario() -> None:
        disk, moved = FaultyDisk(), asyncio.Event()
        file = ReceivedFile(tmp_path / "snapshot", disk, moved.set)
        disk.gate.clear()
        piece = b"x" * (PORTION // 2)
        while file.written <= LIMIT:
            assert not file.behind
            file.write(piece)
        assert file.behind
        disk.gate.set()
        await moved.wait()
        while file.behind:
            moved.clear()
            await moved.wait()
        await file.durable()
        assert file.synced == file.written == (tmp_path / "snapshot").stat().st_size
        assert disk.calls["fdatasync"] <= 3

    asyncio.run(scenario())


def test_a_sync_that_fails_is_told_to_who_writes_or_waits(tmp_path: Path) -> None:
    """A snapshot that may not be on the disk is never taken for one that is."""

    async def scenario() -> None:
        disk, moved = FaultyDisk(), asyncio.Event()
        disk.fail("fdatasync")
        file = ReceivedFile(tmp_path / "snapshot", disk, moved.set)
        file.write(b"x" * PORTION)
        await moved.wait()
        with pytest.raises(OSError, match="Input/output"):
            file.write(b"more")
        with pytest.raises(OSError, match="Input/output"):
            await file.durable()
        file.close()

    asyncio.run(scenario())


def test_a_file_given_up_is_closed_when_its_sync_has_ended(tmp_path: Path) -> None:
    """Its descriptor is not another file's while a thread still has it."""

    async def scenario() -> None:
        disk = FaultyDisk()
        before = len(os.listdir("/proc/self/fd"))
        file = ReceivedFile(tmp_path / "snapshot", disk, lambda: pytest.fail("nobody is interested any more"))
        disk.gate.clear()
        file.write(b"x" * PORTION)
        file.close()
        assert len(os.listdir("/proc/self/fd")) > before
        disk.gate.set()
        await until(lambda: len(os.listdir("/proc/self/fd")) == before)

    asyncio.run(scenario())


def test_a_transfer_that_finds_the_disk_full_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told at once, and to be given up then costs no second error."""
    disk = FaultyDisk()
    disk.space = 5
    monkeypatch.setattr(arrival, "Disk", lambda: disk)
    transfer = arrival.Arrival(Node().engine, tmp_path, FullResync("a" * 40, 1), "b" * 40, lambda: None)
    with pytest.raises(OSError, match="No space"):
        transfer.receive(b"$30\r\nREDIS0010\xff" + b"x" * 20)
    transfer.give_up()
    assert not list((tmp_path / "snapshots").iterdir())


# ── real nodes ─────────────────────────────────────────────────────────────────────────────────────────────────────────
@contextlib.contextmanager
def parted(seconds: float, *options: str) -> Iterator[tuple[Server, Server]]:
    """A new primary, and the old one, slowed down, that holds an event which the new one does not."""
    with slowed_server(seconds, *options) as old, chronis_server(*options) as new:
        old.command_reply("SET", "both", 1)
        follow(new, old)
        equal(old, new)
        new.command_reply("REPLICAOF", "NO", "ONE")
        old.command_reply("SET", "lost", "value")
        yield new, old


def lost_files(server: Server) -> list[str]:
    """What lies in its directory of lost events."""
    folder = server.directory / "lost"
    return sorted(os.listdir(folder)) if folder.exists() else []


def is_going_back(server: Server) -> None:
    """Wait until a node has put aside what it is about to give up."""
    eventually(lambda: len(lost_files(server)) == 1 and lost_files(server)[0].endswith(".seg"), "it is going back")


def test_going_back_for_longer_than_repl_timeout_is_done_once() -> None:
    """The rebuild takes as long as it takes: nobody drops the link, nothing begins anew, a partial resynchronization follows."""
    with parted(3.5, "--repl-timeout", "1") as (new, old):
        follow(old, new)
        equal(new, old)
        assert old.output().count("Our history parted") == 1
        assert "timeout" not in old.output().lower().replace("repl-timeout", "")
        assert syncs(new) == (0, 1)


def test_a_disk_slower_than_repl_timeout_costs_no_further_full_synchronization() -> None:
    """While the snapshot is being synced neither side takes the other for dead."""
    with chronis_server("--repl-timeout", "1") as primary, slowed_server(3.5, "--repl-timeout", "1") as replica:
        primary.command_reply("SET", "k", 1)
        follow(replica, primary)
        equal(primary, replica)
        assert syncs(primary) == (1, 0)
        assert "timedout" not in primary.output()


@pytest.mark.parametrize("way", ["NO ONE", "another", "shutdown", "again"])
def test_going_back_is_called_off_at_once(way: str) -> None:
    """Promoted, sent elsewhere or shut down in the midst of it, a node has all it had; what was begun neither stays nor goes on."""
    with parted(600) as (new, old):
        end = offset(old)
        follow(old, new)
        is_going_back(old)
        if way == "shutdown":
            old.stop(signal.SIGTERM)
            old.start()
        elif way == "NO ONE":
            old.command_reply("REPLICAOF", "NO", "ONE")
        else:
            old.command_reply("REPLICAOF", HOST, 1)
            if way == "again":
                follow(old, new)
                eventually(lambda: old.output().count("Connecting to MASTER") == 3, "it tries again")
                is_going_back(old)
            old.command_reply("REPLICAOF", "NO", "ONE")
        assert info(old)["role"] == "master"
        assert old.command_reply("GET", "lost") == b"value"
        assert offset(old) >= end
        assert len(lost_files(old)) == 1


@pytest.mark.parametrize("way", ["NO ONE", "shutdown"])
def test_a_snapshot_that_is_being_synced_is_given_up_at_once(way: str) -> None:
    """What was served stays, and no file of the transfer."""
    with chronis_server() as primary, slowed_server(4) as replica:
        replica.command_reply("SET", "own", 1)
        primary.command_reply("SET", "k", 1)
        follow(replica, primary)
        received = replica.directory / "snapshots"
        eventually(lambda: any(received.glob("temp-received-*")), "the snapshot has come")
        if way == "shutdown":
            replica.stop()
            replica.start()
        else:
            replica.command_reply("REPLICAOF", "NO", "ONE")
        assert replica.command_reply("GET", "own") == b"1"
        assert not list(received.glob("temp-*"))
        assert info(replica)["role"] == "master"
        follow(replica, primary)
        equal(primary, replica)
