"""Files that a process carries to replicas: whole, at the primary's pace, and called off without a trace."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from replication import courier as courier_module
from replication import courier_process
from replication import pace as pace_module
from replication.courier import Courier, Piece
from replication.courier_process import SLICE, Allowance
from replication.pace import BUSY_SECONDS, Pace
from replication.pace import SLICE as PORTION
from store.engine import Engine

Ends = tuple[socket.socket, socket.socket]


def pace(rate: int = 0, busy: bool = True) -> Pace:
    """A pace of so many bytes a second, of a node that is always busy or never."""
    commands = iter(range(1, 1 << 40))
    stats = type("Stats", (), {"commands": property(lambda _: next(commands) if busy else 5)})()
    return Pace(cast(Engine, SimpleNamespace(settings=SimpleNamespace(repl_snapshot_rate=rate), stats=stats)))


@pytest.fixture
async def made() -> AsyncIterator[Callable[[int], Courier]]:
    """Makes couriers of a rate, whose processes end with the test."""
    couriers: list[Courier] = []

    def make(rate: int = 0) -> Courier:
        couriers.append(Courier(pace(rate)))
        return couriers[-1]

    yield make
    for courier in couriers:
        await ended(courier)


@contextlib.contextmanager
def connection() -> Iterator[Ends]:
    """Two ends of a connection that don't block."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        yield ours, theirs


@pytest.fixture
def ends() -> Iterator[Ends]:
    """A connection."""
    with connection() as made:
        yield made


@pytest.fixture
def snapshot(tmp_path: Path) -> Iterator[Piece]:
    """A file of some forty slices."""
    path = tmp_path / "snapshot"
    path.write_bytes(os.urandom(256) * (40 * SLICE // 256) + b"end")
    with path.open("rb") as file:
        yield Piece(file.fileno(), 0, path.stat().st_size)


def content(piece: Piece) -> bytes:
    """The bytes of a piece."""
    return os.pread(piece.file, piece.end - piece.start, piece.start)


def of_process(courier: Courier) -> set[str]:
    """The files and connections that a courier's process has open."""
    assert courier._process is not None
    folder = Path(f"/proc/{courier._process.pid}/fd")
    found = set()
    for number in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # it closes some meanwhile
            found.add(os.readlink(number))
    return found


async def take(theirs: socket.socket, size: int, portion: int = 1 << 20) -> bytes:
    """Read so many bytes."""
    came = b""
    while len(came) < size:
        came += await asyncio.get_running_loop().sock_recv(theirs, min(portion, size - len(came)))
    return came


async def ended(courier: Courier) -> None:
    """End a courier's process, and wait for its end: a busy machine may take a while."""
    courier.close()
    await until(lambda: courier.tick() is None and not courier._killed)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that nobody tells."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_a_file_arrives_whole_and_is_counted(made: Callable[[], Courier], ends: Ends, snapshot: Piece) -> None:
    """However slowly it is read; what was counted is what was sent."""
    counted: list[int] = []
    carrying = asyncio.create_task(made().carry(snapshot, ends[0].fileno(), counted.append))
    came = await take(ends[1], snapshot.end, 5000)
    await carrying
    assert came == content(snapshot)
    assert sum(counted) == snapshot.end


async def test_a_piece_is_sent_from_its_beginning_to_its_end(made: Callable[[], Courier], ends: Ends, snapshot: Piece) -> None:
    """What lies around it is another's."""
    part = Piece(snapshot.file, 700, 5700)
    await made().carry(part, ends[0].fileno(), lambda _: None)
    assert ends[1].recv(10_000) == content(part)
    with pytest.raises(BlockingIOError):
        ends[1].recv(1)


async def test_a_file_that_became_shorter_is_an_error(made: Callable[[], Courier], ends: Ends, snapshot: Piece) -> None:
    """The replica would wait for ever for what is missing."""
    counted: list[int] = []
    carrying = made().carry(Piece(snapshot.file, snapshot.end - 1000, snapshot.end + 1), ends[0].fileno(), counted.append)
    with pytest.raises(OSError, match="became shorter while it was sent"):
        await carrying
    assert counted == [1000]


async def test_beyond_the_rate_it_rests_unless_in_a_hurry(made: Callable[[int], Courier], ends: Ends, snapshot: Piece) -> None:
    """A byte a second is as good as nothing; at no rate the rest leaves at once."""
    slowly = made(1)
    carrying = asyncio.create_task(slowly.carry(snapshot, ends[0].fileno(), lambda _: None))
    await take(ends[1], SLICE)
    await asyncio.sleep(0.3)
    with pytest.raises(BlockingIOError):
        ends[1].recv(1)
    with connection() as others:
        hurried = asyncio.create_task(slowly.carry(snapshot, others[0].fileno(), lambda _: None, hurry=True))
        assert await take(others[1], snapshot.end) == content(snapshot)
        await hurried
    with pytest.raises(BlockingIOError):
        ends[1].recv(1)
    slowly._pace._engine.settings.repl_snapshot_rate = 0
    slowly.tick()
    await take(ends[1], snapshot.end - SLICE)
    await carrying


@pytest.mark.parametrize("rate", [0, 1])
async def test_called_off_it_ends_and_keeps_nothing_open(
    rate: int, made: Callable[[int], Courier], ends: Ends, snapshot: Piece
) -> None:
    """Whether it waits for the connection or for the rate; closed by its owner, the connection ends for the other side."""
    courier = made(rate)
    ours, theirs = ends
    carrying = asyncio.create_task(courier.carry(snapshot, ours.fileno(), lambda _: None))
    await take(theirs, 1)
    held = of_process(courier)
    carrying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await carrying
    await until(lambda: len(of_process(courier)) < len(held))
    assert not any("snapshot" in name for name in of_process(courier))
    ours.close()
    async with asyncio.timeout(10):
        while await asyncio.get_running_loop().sock_recv(theirs, 1 << 20):
            continue


async def test_a_connection_that_takes_nothing_holds_up_no_other(made: Callable[[], Courier], ends: Ends, snapshot: Piece) -> None:
    """Nor one that breaks meanwhile."""
    courier = made()
    waiting = asyncio.create_task(courier.carry(snapshot, ends[0].fileno(), lambda _: None))
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(BrokenPipeError):
        await courier.carry(snapshot, ours.fileno(), lambda _: None)
    with connection() as (ours, theirs):
        quick = asyncio.create_task(courier.carry(snapshot, ours.fileno(), lambda _: None))
        assert await take(theirs, snapshot.end) == content(snapshot)
        await quick
    assert not waiting.done()
    assert await take(ends[1], snapshot.end) == content(snapshot)
    await waiting


async def test_no_connection_is_an_error(made: Callable[[], Courier], snapshot: Piece) -> None:
    """It was closed before."""
    with pytest.raises(OSError, match="Bad file descriptor"):
        await made().carry(snapshot, -1, lambda _: None)


async def test_without_a_process_it_is_an_error(
    made: Callable[[], Courier], ends: Ends, snapshot: Piece, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of processes is reached: the replica comes again, and finds one if there is one by then."""
    courier, before = made(), len(os.listdir("/proc/self/fd"))

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "Popen", refuse)
        assert courier.usable
        with pytest.raises(OSError, match="temporarily unavailable"):
            await courier.carry(snapshot, ends[0].fileno(), lambda _: None)
        assert not courier.usable
    assert len(os.listdir("/proc/self/fd")) == before
    carrying = asyncio.create_task(courier.carry(snapshot, ends[0].fileno(), lambda _: None))
    assert await take(ends[1], snapshot.end) == content(snapshot)
    await carrying


@pytest.mark.parametrize("noticed", [True, False])
async def test_a_process_that_ends_has_failed_and_is_followed_by_another(
    noticed: bool, made: Callable[[], Courier], ends: Ends, snapshot: Piece
) -> None:
    """Whether or not its end has been seen when the next piece is to be carried."""
    courier = made()
    carrying = asyncio.create_task(courier.carry(snapshot, ends[0].fileno(), lambda _: None))
    await take(ends[1], 1)
    first = courier._process
    assert first is not None
    first.send_signal(signal.SIGKILL)
    if noticed:
        with pytest.raises(OSError, match="the courier has ended"):
            await carrying
    else:
        os.waitid(os.P_PID, first.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - it was killed
    with connection() as (ours, theirs):
        again = asyncio.create_task(courier.carry(snapshot, ours.fileno(), lambda _: None))
        assert await take(theirs, snapshot.end) == content(snapshot)
        await again
    assert courier._process is not first
    assert not courier.usable  # for history: the loop can send that
    if not noticed:
        with pytest.raises(OSError, match="the courier has ended"):
            await carrying


async def test_one_that_hangs_is_replaced(
    made: Callable[[], Courier], ends: Ends, snapshot: Piece, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for signs of life while there is something to carry, and gives them also while nothing moves."""
    monkeypatch.setattr(courier_module, "SILENT_TICKS", 5)
    courier = made()
    carrying = asyncio.create_task(courier.carry(snapshot, ends[0].fileno(), lambda _: None))
    await take(ends[1], 1)
    for _ in range(20):
        courier.tick()
        await until(lambda: courier._unanswered == 0)
    first = courier._process
    assert first is not None
    first.send_signal(signal.SIGSTOP)
    await until(lambda: courier.tick() is None and courier._process is None)
    with pytest.raises(OSError, match="does not answer"):
        await carrying
    assert not courier.usable
    await until(lambda: courier.tick() is None and not courier._killed)


async def test_it_is_its_server_that_is_told_to_stop(made: Callable[[], Courier], ends: Ends, snapshot: Piece) -> None:
    """A server has replicas to wait for, so what comes to the whole group does not end it."""
    courier = made()
    carrying = asyncio.create_task(courier.carry(snapshot, ends[0].fileno(), lambda _: None))
    await take(ends[1], 1)
    assert courier._process is not None
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        courier._process.send_signal(number)
    assert await take(ends[1], snapshot.end - 1) == content(snapshot)[1:]
    await carrying


async def test_it_ends_when_there_is_nothing_to_do_and_with_its_server(
    made: Callable[[], Courier], ends: Ends, snapshot: Piece, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed server says nothing: its end of the channel is closed."""
    courier = made()
    await courier.carry(Piece(snapshot.file, 0, 10), ends[0].fileno(), lambda _: None)
    courier.tick()
    process, channel = courier._process, courier._channel
    assert process is not None
    assert channel is not None
    assert process.poll() is None
    monkeypatch.setattr(courier_module, "IDLE_SECONDS", 0)
    courier.tick()
    assert courier._process is None
    assert process.returncode is not None
    await courier.carry(Piece(snapshot.file, 0, 10), ends[0].fileno(), lambda _: None)
    process, channel = courier._process, courier._channel
    assert process is not None
    assert channel is not None
    assert courier.usable
    channel.shutdown(socket.SHUT_RDWR)
    assert process.wait(10) == 0


def test_an_allowance_is_not_saved_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a long pause no more may leave at once than after two rests; without a rate nothing is owed."""
    now = [100.0]
    monkeypatch.setattr(courier_process, "time", SimpleNamespace(monotonic=lambda: now[0]))
    allowance = Allowance()
    allowance.used(1 << 30)
    assert allowance.rest() == 0
    allowance.rate = 1_000_000
    now[0] += 60
    assert allowance.rest() == 0
    allowance.used(102_000)
    assert allowance.rest() == pytest.approx(0.1)
    now[0] += 0.04
    assert allowance.rest() == pytest.approx(0.06)
    now[0] += 0.06
    assert allowance.rest() == pytest.approx(0, abs=1e-3)


async def test_courier_and_loop_share_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half each while both send, all for one alone; nothing holds the courier back where nobody is served."""
    now = [100.0]
    monkeypatch.setattr(pace_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    assert pace(0).courier_rate == 0
    assert pace(1000, busy=False).courier_rate == 1000  # it can't tell yet
    shared, idle = pace(10 * PORTION), pace(1000, busy=False)
    assert shared.courier_rate == 10 * PORTION
    await shared.turn(1)
    await idle.turn(1)
    assert [idle.courier_rate, shared.courier_rate] == [500, 5 * PORTION]
    now[0] += 2 * BUSY_SECONDS
    assert [idle.courier_rate, shared.courier_rate] == [0, 10 * PORTION]
    await shared.turn(PORTION)
    whole = shared._claim(PORTION)
    shared.carrying = True
    assert 0 < whole < shared._claim(PORTION) <= BUSY_SECONDS
    slowest = pace(1)
    slowest.carrying = True
    await slowest.turn(PORTION)
    assert slowest._claim(PORTION) > 0
