"""Files that a thread carries to a replica: whole, at the primary's pace, and called off without a trace."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from replication.courier import Courier
from replication.pace import SLICE, Pace
from store.engine import Engine

Ends = tuple[socket.socket, socket.socket]


def pace(rate: int = 0) -> Pace:
    """A pace of so many bytes a second, of a node that is always busy."""
    commands = iter(range(1 << 40))
    stats = type("Stats", (), {"commands": property(lambda _: next(commands))})()
    return Pace(cast(Engine, SimpleNamespace(settings=SimpleNamespace(repl_snapshot_rate=rate), stats=stats)))


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Two ends of a connection that don't block."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        yield ours, theirs


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """A file of some forty slices."""
    path = tmp_path / "snapshot"
    path.write_bytes(os.urandom(256) * (40 * SLICE // 256) + b"end")
    return path


def open_files() -> set[str]:
    """What the descriptors of this process stand for."""
    return {f"{number.name} {os.readlink(number)}" for number in Path("/proc/self/fd").iterdir() if number.is_symlink()}


def couriers() -> int:
    """How many threads carry something."""
    return sum(thread.name == "courier" for thread in threading.enumerate())


async def ended() -> None:
    """Wait until no thread carries anything."""
    async with asyncio.timeout(10):
        while couriers():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_a_file_arrives_whole_and_is_counted(ends: Ends, snapshot: Path) -> None:
    """However slowly it is read; what was counted is what was sent."""
    counted: list[int] = []
    size, came = snapshot.stat().st_size, b""
    carrying = asyncio.create_task(Courier(pace(), counted.append).carry(snapshot.open("rb"), size, ends[0].fileno()))
    while len(came) < size:
        came += await asyncio.get_running_loop().sock_recv(ends[1], 5000)
    await carrying
    await ended()
    assert came == snapshot.read_bytes()
    assert sum(counted) == size


async def test_no_more_than_was_there_at_the_start_is_sent(ends: Ends, snapshot: Path) -> None:
    """The length was announced: what comes after it is another's."""
    await Courier(pace(), lambda _: None).carry(snapshot.open("rb"), 5000, ends[0].fileno())
    assert ends[1].recv(10_000) == snapshot.read_bytes()[:5000]
    with pytest.raises(BlockingIOError):
        ends[1].recv(1)


async def test_a_file_that_became_shorter_is_an_error(ends: Ends, tmp_path: Path) -> None:
    """The replica would wait for ever for what is missing."""
    path = tmp_path / "short"
    path.write_bytes(b"x" * 1000)
    with pytest.raises(OSError, match="became shorter while it was sent: 1000 bytes"):
        await Courier(pace(), lambda _: None).carry(path.open("rb"), 1001, ends[0].fileno())


async def test_beyond_the_rate_it_rests(ends: Ends, snapshot: Path) -> None:
    """A byte a second is as good as nothing; at no rate the rest leaves at once."""
    slowly = pace(rate=1)
    carrying = asyncio.create_task(Courier(slowly, lambda _: None).carry(snapshot.open("rb"), 3 * SLICE, ends[0].fileno()))
    came = await asyncio.get_running_loop().sock_recv(ends[1], 3 * SLICE)
    await asyncio.sleep(0.3)
    while len(came) < SLICE:
        came += await asyncio.get_running_loop().sock_recv(ends[1], 3 * SLICE)
    assert len(came) == SLICE
    with pytest.raises(BlockingIOError):
        ends[1].recv(1)
    slowly._engine.settings.repl_snapshot_rate = 0
    while len(came) < 3 * SLICE:
        came += await asyncio.get_running_loop().sock_recv(ends[1], 3 * SLICE)
    await carrying


@pytest.mark.parametrize("rate", [0, 1])
async def test_called_off_it_ends_and_keeps_nothing_open(rate: int, ends: Ends, snapshot: Path) -> None:
    """Whether it waits for the socket or for the rate; the connection, closed by its owner, ends for the other side."""
    before = open_files()
    ours, theirs = ends
    carrying = asyncio.create_task(
        Courier(pace(rate), lambda _: None).carry(snapshot.open("rb"), 40 * SLICE, ours.fileno())
    )
    while not couriers():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)
    await asyncio.sleep(0.1)
    assert not carrying.done()
    carrying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await carrying
    await ended()
    assert open_files() == before
    ours.close()
    deadline = time.monotonic() + 10
    while await asyncio.get_running_loop().sock_recv(theirs, 1 << 20):
        assert time.monotonic() < deadline


async def test_a_connection_that_is_gone_is_an_error(ends: Ends, snapshot: Path) -> None:
    """Whether it broke, was closed before, or no thread is to be had; the file is closed."""
    ours, theirs = ends
    theirs.close()
    before = open_files()
    with pytest.raises(OSError, match="Broken pipe"):
        await Courier(pace(), lambda _: None).carry(snapshot.open("rb"), SLICE, ours.fileno())
    with pytest.raises(OSError, match="Bad file descriptor"):
        await Courier(pace(), lambda _: None).carry(snapshot.open("rb"), SLICE, -1)
    await ended()
    assert open_files() == before


async def test_without_a_thread_it_is_an_error(ends: Ends, snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of processes is reached: the replica comes again."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    before = open_files()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(OSError, match="can't start new thread"):
        await Courier(pace(), lambda _: None).carry(snapshot.open("rb"), SLICE, ends[0].fileno())
    assert open_files() == before


async def test_who_waits_for_another_and_is_called_off_sends_nothing(ends: Ends, snapshot: Path) -> None:
    """One sends at a time; a slow disk under that one keeps no other courier alive."""
    shared = pace()
    with shared.one:
        carrying = asyncio.create_task(Courier(shared, lambda _: None).carry(snapshot.open("rb"), SLICE, ends[0].fileno()))
        while not couriers():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        carrying.cancel()
        await ended()
    with pytest.raises(BlockingIOError):
        ends[1].recv(1)
