"""WAIT and WAITAOF: who waits for an offset to be safe is answered when it is, or when time is up."""

from __future__ import annotations

import asyncio

from store.errors import ReplyError
from store.topology import Alone, Leader
from tests.kit.inprocess import Node
from tests.kit.resp_client import Error
from tests.kit.servers import chronis_server, redis_server, requires_redis


class Replicas(Alone):
    """Replicas whose acknowledged offsets the test sets."""

    def __init__(self, *offsets: int) -> None:
        super().__init__()
        self.offsets = list(offsets)
        self.asked = 0

    def acknowledged(self, offset: int) -> int:
        """Count those that hold history up to offset."""
        return sum(acknowledged >= offset for acknowledged in self.offsets)

    def synced(self, offset: int) -> int:
        """Nothing of it is on disk."""
        return 0

    def request_acknowledgements(self) -> None:
        """Note that they were asked."""
        self.asked += 1


async def test_wait_is_answered_when_enough_replicas_have_the_clients_last_write() -> None:
    node = Node()
    replicas = node.engine.topology = Replicas(0, 0)
    node.run("SET", "k", "v")
    other = node.connect()
    other.run("SET", "k2", "v")
    written = node.client.engine.log.offset
    assert node.run("WAIT", 2, 0) is None
    assert replicas.asked == 1
    replicas.offsets = [written, written - 1]
    node.engine.waiting.advanced()
    assert node.client.replies == ["OK"]
    replicas.offsets = [written, written]
    node.engine.waiting.advanced()
    assert node.client.replies == ["OK", 2]
    assert not node.engine.waiting.goals


async def test_wait_tells_how_many_there_are_when_time_is_up() -> None:
    node = Node()
    node.run("SET", "k", "v")
    node.engine.topology = Replicas(node.engine.log.offset, 0)
    assert node.run("WAIT", 2, 1) is None
    await asyncio.sleep(0.05)
    assert node.client.replies[-1] == 1
    node.engine.waiting.advanced()
    assert node.client.replies == ["OK", 1]


async def test_a_client_that_waits_for_something_else_meanwhile_is_not_answered_twice() -> None:
    node = Node()
    replicas = node.engine.topology = Replicas(0)
    node.run("SET", "k", "v")
    assert node.run("WAIT", 1, 1) is None
    await asyncio.sleep(0.05)
    assert node.run("BLPOP", "queue", 0) is None
    replicas.offsets = [1 << 40]
    node.engine.waiting.advanced()
    assert node.client.replies == ["OK", 0]


async def test_unblocking_answers_the_count() -> None:
    node = Node()
    node.engine.topology = Replicas(0)
    node.run("SET", "k", "v")
    assert node.run("WAIT", 1, 0) is None
    assert node.connect().run("CLIENT", "UNBLOCK", 1) == 1
    assert node.client.replies == ["OK", 0]


def test_who_has_written_nothing_has_nothing_to_wait_for() -> None:
    node = Node()
    node.engine.topology = Replicas(0, 0)
    assert node.run("WAIT", 2, 0) == 2


def test_a_transaction_does_not_wait() -> None:
    node = Node()
    node.engine.topology = Replicas(0)
    node.run("MULTI")
    node.run("SET", "k", "v")
    node.run("WAIT", 1, 0)
    assert node.run("EXEC") == ["OK", 0]


def test_a_replica_cannot_wait() -> None:
    node = Node()
    topology = node.engine.topology = Replicas()
    topology.leader = Leader("host", 6379, "connected")
    error = node.run("WAIT", 0, 0)
    assert isinstance(error, ReplyError)
    assert error.message.startswith("WAIT cannot be used with replica instances.")


@requires_redis
def test_wait_answers_as_redis() -> None:
    with redis_server() as redis, chronis_server() as chronis, redis.client() as theirs, chronis.client() as ours:
        for arguments in (("x", 0), (1, "x"), (1, -1), (0, 0), (-1, 10), (1, 20)):
            for command in (("SET", "k", "v"), ("WAIT", *arguments)):
                assert ours.command(*command) == theirs.command(*command), command


def test_waitaof_waits_for_the_disk() -> None:
    with chronis_server() as server, server.client() as client:
        client.command("SET", "k", "v")
        assert client.command("WAITAOF", 1, 0, 5000) == [1, 0]
        assert client.command("WAITAOF", 1, 1, 20) == [1, 0]
        assert client.command("WAITAOF", 2, 0, 0) == Error(b"ERR value is out of range, value must between 0 and 1")
    with chronis_server("--appendonly", "no") as server:
        refused = b"ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
        assert server.command_reply("WAITAOF", 1, 0, 0) == Error(refused)
        assert server.command_reply("WAITAOF", 0, 0, 0) == [0, 0]
