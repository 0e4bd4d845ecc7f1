"""A log in memory: what it keeps for replicas that are behind, and when they are cut off (client-output-buffer-limit replica)."""

import asyncio
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from replication.feed import ReplicaFeed
from replication.primary import Primary
from store.log import history
from store.log.memory import MemoryLog
from tests.kit.inprocess import Client, Node

BACKLOG = 16384
PIECE = b"x" * 65536
MB = 1 << 20


class Wire:
    """A connection whose other end reads nothing, and did not before. `waiting`: bytes that lie in it."""

    def __init__(self, sock: socket.socket | None = None) -> None:
        self.waiting = 1
        self.closed = False
        self.sock = sock

    def write(self, data: bytes) -> None:
        self.waiting += len(data)

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        assert low <= high

    def get_extra_info(self, name: str) -> object:
        return {"socket": self.sock}[name]

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True


class Nodes:
    """A primary whose log lies in memory, and its replicas."""

    def __init__(self, directory: Path, limit: str) -> None:
        self.node = Node()
        self.engine = self.node.engine
        self.log = cast(MemoryLog, self.engine.log)
        owner = SimpleNamespace(
            engine=self.engine,
            settings=self.engine.settings,
            persistence=SimpleNamespace(history=history.create(str(directory)), directory=SimpleNamespace(path=directory)),
        )
        self.primary = Primary(owner)  # type: ignore[arg-type]  # what it uses of a node
        self.node.run("CONFIG", "SET", "repl-backlog-size", BACKLOG, "client-output-buffer-limit", f"replica {limit}")
        self.log.tail.limit = BACKLOG

    def join(self, sock: socket.socket | None = None) -> tuple[ReplicaFeed, Wire]:
        """Let a replica resume at the end of history."""
        client, wire = Client(self.node), Wire(sock)
        client.transport = cast(asyncio.Transport, wire)
        self.primary.psync(client, self.primary.history.current, self.log.offset)
        return self.primary.feeds[client], wire

    async def write(self, size: int) -> None:
        """Write about size bytes in turns, and let tasks run in between."""
        for _ in range(size // len(PIECE)):
            self.node.run("SET", "k", PIECE)
            self.log.commit(self.node.clock.now_ms())
            await asyncio.sleep(0)

    @property
    def cut_off(self) -> int:
        stats = self.engine.stats
        assert stats.cut_off.get("replica", 0) == stats.output_limit_disconnects
        return stats.output_limit_disconnects


async def test_who_needs_more_than_the_hard_limit_is_cut_off_and_counted(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path, "4mb 0 0")
    feed, wire = nodes.join()
    await nodes.write(3 * MB)
    assert nodes.log.tail.since(feed.peer.sent), "what it needs is kept, far beyond the backlog"
    assert (nodes.cut_off, wire.closed) == (0, False)
    await nodes.write(2 * MB)
    assert (nodes.cut_off, wire.closed) == (1, True)
    feed.closed()
    await nodes.write(1 * MB)
    assert nodes.cut_off == 1
    assert nodes.log.tail.since(nodes.log.offset - 2 * len(PIECE)) is None, "memory holds the backlog again"


async def test_no_hard_limit_means_none(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path, "0 0 0")
    feed, wire = nodes.join()
    await nodes.write(8 * MB)
    assert nodes.log.tail.since(feed.peer.sent)
    assert nodes.log.first_offset <= feed.peer.sent
    assert (nodes.cut_off, wire.closed) == (0, False)
    feed.closed()
    assert nodes.log.offset - nodes.log.first_offset <= BACKLOG


async def test_the_soft_limit_may_be_passed_for_a_while(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path, "0 2mb 10")
    _, wire = nodes.join()
    await nodes.write(3 * MB)
    nodes.node.clock.advance(10_000)
    nodes.primary.backlog.every_second()
    assert (nodes.cut_off, wire.closed) == (0, False)
    nodes.node.clock.advance(1000)
    nodes.primary.backlog.every_second()
    assert (nodes.cut_off, wire.closed) == (1, True)


async def test_who_reads_again_in_time_is_not_over_the_soft_limit_any_more(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path, "0 2mb 10")
    feed, wire = nodes.join()
    await nodes.write(3 * MB)
    nodes.node.clock.advance(9000)
    feed.peer.sent, wire.waiting = nodes.log.offset, 1
    nodes.primary.backlog.every_second()
    nodes.node.clock.advance(9000)
    await nodes.write(1 * MB)
    nodes.primary.backlog.every_second()
    assert (nodes.cut_off, wire.closed) == (0, False)


async def test_a_hard_limit_below_the_backlog_is_that_of_the_backlog(tmp_path: Path) -> None:
    """As in Redis: history up to there is kept anyway, so it costs nothing."""
    nodes = Nodes(tmp_path, "1 0 0")
    nodes.node.run("CONFIG", "SET", "repl-backlog-size", 4 * MB)
    _, wire = nodes.join()
    await nodes.write(3 * MB)
    assert (nodes.cut_off, wire.closed) == (0, False)
    await nodes.write(2 * MB)
    assert (nodes.cut_off, wire.closed) == (1, True)


@pytest.mark.parametrize(("choice", "expected"), [("no", 1), ("yes", 0)])
async def test_small_packets_to_replicas_are_gathered_where_that_is_asked_for(tmp_path: Path, choice: str, expected: int) -> None:
    nodes = Nodes(tmp_path, "0 0 0")
    nodes.node.run("CONFIG", "SET", "repl-disable-tcp-nodelay", choice)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as every connection is set up
        nodes.join(sock)
        assert bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) == bool(expected)
