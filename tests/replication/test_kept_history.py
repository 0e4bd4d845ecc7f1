"""Retention and replicas: what a synchronization under way still needs of the log stays, what nobody needs goes."""

import os
import socket
from types import SimpleNamespace
from typing import cast

import pytest

from replication.backlog import Backlog
from replication.feed import ReplicaFeed
from replication.peer import Peer, State
from replication.primary import Primary
from tests.kit.cluster import eventually, info, offset, syncs
from tests.kit.servers import HOST, Server, chronis_server

SMALL = ("--log-segment-size", "1mb", "--log-retention-size", "1mb", "--save", "")


def horizon(server: Server) -> int:
    """The first offset that a server's log still has."""
    return int(info(server)["repl_backlog_first_byte_offset"]) - 1


def write(server: Server, megabytes: int) -> None:
    """Write so much that nothing makes it smaller, and have it covered by a snapshot."""
    with server.client() as client:
        for _ in range(megabytes):
            client.pipeline([("SET", f"k:{os.urandom(4).hex()}", os.urandom(50_000)) for _ in range(20)])
        assert str(client.command("SAVE")) == "OK"


class SlowReplica:
    """Asks for a full synchronization and takes nothing of it until it is told to."""

    def __init__(self, server: Server) -> None:
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self.sock.connect((HOST, server.port))
        self.sock.settimeout(20)
        self.sock.sendall(b"PSYNC ? -1\r\n")
        self.stream = self.sock.makefile("rb")
        word, _, start = self._line().split()
        assert word == b"+FULLRESYNC"
        self.offset = int(start)

    def _line(self) -> bytes:
        while not (line := self.stream.readline().strip()):
            pass  # a sign of life
        return line

    def read_upto(self, end: int) -> None:
        """Take the snapshot and history up to an offset."""
        size = int(self._line()[1:])
        assert len(self.stream.read(size)) == size
        assert len(self.stream.read(end - self.offset)) == end - self.offset

    def close(self) -> None:
        """Be gone."""
        self.stream.close()
        self.sock.close()


def test_history_stays_while_a_replica_still_has_to_get_it() -> None:
    """However much is written while it takes its snapshot; when it is gone, the next retention drops that."""
    with chronis_server(*SMALL) as primary:
        write(primary, 12)
        replica = SlowReplica(primary)
        for _ in range(3):
            write(primary, 2)
        assert horizon(primary) <= replica.offset
        replica.read_upto(offset(primary))
        assert syncs(primary) == (1, 0)
        replica.close()
        eventually(lambda: info(primary)["connected_slaves"] == "0", "it is gone")
        for _ in range(2):
            write(primary, 2)
        assert horizon(primary) > replica.offset
        assert "can't go on" not in primary.output()


# ── who keeps how much ─────────────────────────────────────────────────────────────────────────────────────────────
END = 1000


def needed(*feeds: ReplicaFeed, retention: int = 200) -> int | None:
    """From where on a primary at offset END keeps its log for these replicas."""
    engine = SimpleNamespace(clock=SimpleNamespace(now_ms=lambda: 0), settings=SimpleNamespace(log_retention_size=retention))
    primary = SimpleNamespace(engine=engine, released=END, feeds=dict(enumerate(feeds)))
    return Backlog(cast(Primary, primary)).needed()


def feed(
    state: State, sent: int, missed: int = 0, rdb_only: bool = False, closing: bool = False, carried: int | None = None
) -> ReplicaFeed:
    """A replica that got history up to sent; missed: what it lacked when it began to catch up."""
    peer = Peer("127.0.0.1:1", state=state, sent=sent)
    peer.options.rdb_only, peer.carried_from = rdb_only, carried
    session = SimpleNamespace(transport=SimpleNamespace(is_closing=lambda: closing))
    return cast(ReplicaFeed, SimpleNamespace(peer=peer, session=session, missed=missed))


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (feed(State.WAITING, 300), 300),
        (feed(State.SENDING, 100), 100),
        (feed(State.CATCHING_UP, 100, missed=700), 100),
        (feed(State.CATCHING_UP, 100, missed=699), None),  # it gets no nearer
        (feed(State.CATCHING_UP, 900, missed=700, carried=100), 100),  # it may not arrive
        (feed(State.CATCHING_UP, 700, missed=99, carried=100), None),
        (feed(State.CATCHING_UP, 800), 800),  # so much is kept anyway
        (feed(State.ONLINE, 990), 990),
        (feed(State.SENDING, 100, rdb_only=True), None),
        (feed(State.SENDING, 100, closing=True), None),
        (feed(State.DELIVERED, 100), None),
    ],
)
def test_what_a_replica_keeps(present: ReplicaFeed, expected: int | None) -> None:
    assert needed(present) == expected


def test_the_replica_that_needs_most_counts() -> None:
    assert needed() is None
    assert needed(feed(State.SENDING, 400), feed(State.CATCHING_UP, 300, missed=700), feed(State.ONLINE, END)) == 300
    assert needed(feed(State.CATCHING_UP, 100, missed=10), retention=0) == 100  # no size is too much
