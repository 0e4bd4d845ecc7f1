"""How snapshots and history leave: in turns, at a rate while clients are served, never far ahead of the socket."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from replication.courier import Courier
from replication.feed import ReplicaFeed
from replication.pace import SLICE, Pace
from replication.peer import Peer
from replication.primary import Primary
from replication.source import HistoryGone, HistoryReader
from store.client.session import Session
from store.engine import Engine
from store.events import encode_event
from store.log import history
from store.log.frame import Frame
from store.log.memory import FrameTail, MemoryLog
from store.log.segment import LogEnd
from store.log.writer import LogWriter


class Commands:
    """Statistics of a node: `commands` grows with every look at it if it is busy."""

    def __init__(self, busy: bool) -> None:
        self.busy, self.count, self.net_repl_output = busy, -1, 0

    @property
    def commands(self) -> int:
        """Commands run until now."""
        self.count += self.busy
        return self.count


def engine(rate: int, busy: bool = True) -> Engine:
    """What a pace and a feed know of an engine."""
    clock = SimpleNamespace(now_ms=lambda: 1)
    made = SimpleNamespace(settings=SimpleNamespace(repl_snapshot_rate=rate), stats=Commands(busy), clock=clock)
    return cast(Engine, made)


async def turns(count: int) -> None:
    """Let the loop go round so many times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_beyond_the_rate_a_snapshot_waits_and_history_in_a_hurry_does_not() -> None:
    """A byte a second is as good as nothing; the rest ends when the option is changed."""
    node = engine(rate=1)
    pace = Pace(node)
    await pace.turn(SLICE)
    waiting = asyncio.create_task(pace.turn(SLICE))
    for _ in range(5):
        await pace.turn(SLICE, hurry=True)
    assert not waiting.done()
    node.settings.repl_snapshot_rate = 0
    await waiting


async def test_with_nobody_to_disturb_there_is_no_rate() -> None:
    """An idle primary sends as fast as replicas take it, and owes nothing for it when clients come."""
    node = engine(rate=10 * SLICE, busy=False)
    pace = Pace(node)
    for _ in range(10_000):
        await pace.turn(SLICE)
    cast(Commands, node.stats).busy = True
    await asyncio.wait_for(pace.turn(SLICE), 30)  # a tenth of a second, not the hours that all of it would have taken


async def test_turns_come_one_at_a_time_in_the_order_asked_for() -> None:
    """However many ask, the loop runs others between two slices."""
    pace, seen = Pace(engine(rate=0)), []

    async def send(name: str) -> None:
        for _ in range(3):
            await pace.turn(SLICE)
            seen.append(name)

    sending = asyncio.gather(send("a"), send("b"))
    while not sending.done():
        seen.append("-")
        await asyncio.sleep(0)
    assert [name for name in seen if name != "-"] == list("ababab")
    assert not any(one != "-" and other != "-" for one, other in itertools.pairwise(seen))


class Connection(asyncio.Protocol):
    """The connection of a replica; tells its feed when there is room."""

    feed: ReplicaFeed

    def resume_writing(self) -> None:
        """There is room."""
        self.feed.drained()


@pytest.fixture
async def replica() -> AsyncIterator[tuple[ReplicaFeed, socket.socket]]:
    """The feed of a replica, and the replica's end of the connection."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    node = engine(rate=0)
    transport, connection = await asyncio.get_running_loop().create_connection(Connection, sock=ours)
    session = cast(Session, SimpleNamespace(transport=transport, fd=ours.fileno(), net_output=0))
    pace = Pace(node)
    courier = Courier(pace)
    primary = cast(Primary, SimpleNamespace(engine=node, pace=pace, courier=courier))
    feed = connection.feed = ReplicaFeed(primary, session, Peer("replica"))
    feed._may_wait(0)
    yield feed, theirs
    courier.close()
    while courier._killed:
        courier.tick()
        await asyncio.sleep(0.01)
    if not transport.is_closing():
        transport.abort()
        await turns(3)
    theirs.close()


async def received(theirs: socket.socket, size: int, look: Callable[[], object]) -> bytes:
    """Read so many bytes, slowly, and look before each piece."""
    came = b""
    while len(came) < size:
        await turns(50)
        look()
        came += await asyncio.get_running_loop().sock_recv(theirs, 3 * SLICE)
    return came


async def test_of_a_file_nothing_waits_in_the_connection(replica: tuple[ReplicaFeed, socket.socket], tmp_path: Path) -> None:
    """A file of many slices arrives whole, after its length and what was said before, at a reader that stops now and then."""
    feed, theirs = replica
    transport = feed.session.transport
    assert transport is not None
    data = bytes(range(256)) * (40 * SLICE // 256) + b"end"
    (tmp_path / "snapshot").write_bytes(data)
    before = b"+said before\r\n" * 100_000
    feed.write(before)  # more than the socket takes, so the length has to wait
    sending = asyncio.create_task(feed._send_file(tmp_path / "snapshot"))
    length = b"$%d\r\n" % len(data)
    came = await received(theirs, len(before) + len(length), lambda: None)
    waited: list[int] = []
    rest = len(before + length + data) - len(came)
    came += await received(theirs, rest, lambda: waited.append(transport.get_write_buffer_size()))
    await sending
    assert waited
    assert not any(waited)
    assert came == before + length + data
    assert feed.session.net_output == feed.primary.engine.stats.net_repl_output == len(came)


async def test_a_connection_that_is_being_closed_gets_no_file(replica: tuple[ReplicaFeed, socket.socket], tmp_path: Path) -> None:
    """What it still has to send goes out unmixed."""
    feed, theirs = replica
    assert feed.session.transport is not None
    (tmp_path / "snapshot").write_bytes(b"F" * SLICE)
    feed._may_wait(1 << 22)
    feed.write(b"r" * 900_000)
    feed.session.transport.close()
    with pytest.raises(OSError, match="being closed"):
        await feed._send_file(tmp_path / "snapshot")
    assert await received(theirs, 900_000, lambda: None) == b"r" * 900_000
    assert await asyncio.get_running_loop().sock_recv(theirs, 1) == b""


async def test_of_history_a_slice_waits_at_most(replica: tuple[ReplicaFeed, socket.socket]) -> None:
    """The next is sent when the socket has taken the last."""
    feed, theirs = replica
    transport = feed.session.transport
    assert transport is not None
    data = bytes(range(256)) * (40 * SLICE // 256)
    sending = asyncio.create_task(feed._send_slices(data))
    waited: list[int] = []
    assert await received(theirs, len(data), lambda: waited.append(transport.get_write_buffer_size())) == data
    await sending
    assert 0 < max(waited) <= SLICE


@pytest.fixture
def log(tmp_path: Path) -> LogWriter:
    """A log of 40 frames of 10 kB."""
    log = LogWriter(str(tmp_path), history.create(str(tmp_path)), LogEnd(0), segment_bytes=100_000)
    for number in range(40):
        log.append(encode_event(b"SET", b"k", b"%05d" % number * 2000), 0)
        log.commit(number)
    return log


async def test_history_comes_from_disk_and_its_end_from_memory(log: LogWriter, tmp_path: Path) -> None:
    """Who is far behind reads the files, read ahead, up to where memory begins; who is near opens none."""
    kept: list[Frame] = []
    whole = HistoryReader(cast(Engine, SimpleNamespace(log=log)), str(tmp_path), 0, lambda: FrameTail(0, 0))
    while found := whole.take(50_000, log.written_offset):
        kept += found
    whole.close()
    assert [frame.unix_ms for frame in kept] == list(range(40))
    recent = FrameTail(200_000, kept[25].offset)
    for frame in kept[25:]:
        recent(frame)

    reader = HistoryReader(cast(Engine, SimpleNamespace(log=log)), str(tmp_path), kept[3].offset, lambda: recent)
    came: list[Frame] = []
    while not came or came[-1].end < log.written_offset:
        await reader.read_ahead()
        came += reader.take(50_000, log.written_offset)
    assert came == kept[3:]
    assert came[-1] is kept[-1]
    reader.close()

    stale = FrameTail(200_000, kept[5].offset)
    stale(kept[5])
    beyond = HistoryReader(cast(Engine, SimpleNamespace(log=log)), str(tmp_path), kept[5].end, lambda: stale)
    assert beyond.take(1, log.written_offset) == kept[6:7]
    beyond.close()

    near = HistoryReader(cast(Engine, SimpleNamespace(log=log)), str(tmp_path / "nothing here"), kept[30].offset, lambda: recent)
    assert near.take(1 << 20, log.written_offset) == kept[30:]
    log.close()


@pytest.mark.parametrize("turns", ["dm" * 6, "mdd" * 5, "ddm" * 5, "dmm" * 5])
def test_who_falls_out_of_memory_again_reads_on_from_the_disk_where_it_is(turns: str, log: LogWriter, tmp_path: Path) -> None:
    """From disk and from memory by turns: every frame comes once, in order."""
    whole = HistoryReader(cast(Engine, SimpleNamespace(log=log)), str(tmp_path), 0, lambda: FrameTail(0, 0))
    kept = whole.take(1 << 20, log.written_offset)
    whole.close()
    recent = FrameTail(0, 0)
    reader = HistoryReader(cast(Engine, SimpleNamespace(log=log)), str(tmp_path), 0, lambda: recent)
    came: list[Frame] = []
    for place in turns:
        recent = FrameTail(1 << 20, kept[len(came)].offset if place == "m" else log.written_offset + 1)
        if place == "m":
            recent(kept[len(came)])
            recent(kept[len(came) + 1])
        came += reader.take(12_000, log.written_offset)
    assert came == kept[: len(came)]
    assert len(came) > len(turns)
    reader.close()


def test_history_with_a_gap_is_not_handed_out(log: LogWriter, tmp_path: Path) -> None:
    """What does not begin where the last ended never gets to a replica."""
    for frames in ([3], [0, 2]):
        reader = HistoryReader(cast(Engine, SimpleNamespace(log=log)), str(tmp_path), 0, lambda: FrameTail(0, 0))
        kept = reader.take(1 << 20, log.written_offset)
        reader.close()
        reader = HistoryReader(cast(Engine, SimpleNamespace(log=log)), str(tmp_path), 0, lambda: FrameTail(0, 0))
        reader._ahead.extend(kept[number] for number in frames)
        with pytest.raises(HistoryGone, match="is not what follows"):
            reader.take(1 << 20, log.written_offset)
        reader.close()


async def test_history_goes_on_in_memory_when_the_log_is_switched_off_meanwhile(log: LogWriter, tmp_path: Path) -> None:
    """Reading on disk, then `appendonly no`: what follows is in the memory of the new log; what only the old one had is gone."""
    node = SimpleNamespace(log=log)
    reader = HistoryReader(cast(Engine, node), str(tmp_path), 0, lambda: getattr(node.log, "tail", FrameTail(0, 0)))
    came = reader.take(1 << 20, log.written_offset)
    assert len(came) == 40
    memory = MemoryLog(log.written_offset, limit=1 << 20)
    log.close()
    node.log = memory
    memory.append(encode_event(b"SET", b"k", b"new"), 0)
    memory.commit(99)
    assert [frame.unix_ms for frame in reader.take(1 << 20, memory.written_offset)] == [99]
    reader.close()

    late = HistoryReader(cast(Engine, node), str(tmp_path), came[-1].offset, lambda: memory.tail)
    with pytest.raises(HistoryGone):
        late.take(1 << 20, memory.written_offset)
