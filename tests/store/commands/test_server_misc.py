"""TIME, MONITOR, LOLWUT, MEMORY, and the answers of a node without cluster and modules, beside redis-server's."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from store.commands.memory_command import findings
from store.commands.server_misc import hourglass
from store.observe.memory_report import DatabaseOverhead, MemoryReport
from tests.kit.resp_client import Map, RespClient, Simple
from tests.kit.servers import Server, chronis_server, redis_server, requires_redis

OK = Simple(b"OK")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One Chronis for all tests of this file."""
    with chronis_server("--enable-module-command", "yes") as running:
        yield running


@pytest.fixture(scope="module")
def redis() -> Iterator[Server]:
    """The oracle."""
    with redis_server("--enable-module-command", "yes") as running:
        yield running


def test_time_is_the_time(server: Server) -> None:
    before = time.time()
    reply = server.command_reply("TIME")
    assert isinstance(reply, list)
    seconds, microseconds = (int(part) for part in reply if isinstance(part, bytes))
    assert before - 0.1 <= seconds + microseconds / 1e6 <= time.time() + 0.1
    assert 0 <= microseconds < 1_000_000


@requires_redis
@pytest.mark.parametrize(
    "command",
    ["CLUSTER INFO", "CLUSTER SLOTS", "CLUSTER x", "CLUSTER KEYSLOT", "CLUSTER", "READONLY", "READWRITE", "ASKING", "MODULE LIST",
     "MODULE x", "MODULE UNLOAD", "LOLWUT VERSION x", "MEMORY x", "MEMORY PURGE", "MEMORY STATS x", "MEMORY", "TIME x",
     "LASTSAVE x", "MONITOR x"],
)  # fmt: skip
def test_answers_are_those_of_redis(server: Server, redis: Server, command: str) -> None:
    assert server.command_reply(*command.split()) == redis.command_reply(*command.split())


def lines_of_monitor(server: Server, commands: list[str]) -> list[str]:
    """What MONITOR shows of commands, without times and ports."""
    with server.client() as monitor, server.client() as client:
        assert monitor.command("MONITOR") == OK
        for command in commands:
            client.command(*command.split())
        client.command("ECHO", "the end")
        found: list[str] = []
        while not found or "the end" not in found[-1]:
            line = monitor.read()
            assert isinstance(line, Simple)
            found.append(re.sub(r"^\d+\.\d{6} |127.0.0.1:\d+", "", str(line)))
        return found


@requires_redis
def test_monitor_shows_what_redis_shows(server: Server, redis: Server) -> None:
    commands = [
        "SELECT 3", "SET k v", "LPUSH k wrong-type", "GET", "nonsense", "MULTI", "SET a 1", "INCR a", "EXEC", "AUTH u p",
        "CONFIG GET port", "DEBUG SLEEP 0", "HELLO 2", "CLIENT SETNAME me", "eval return(redis.call('GET','a')) 0", "WATCH a",
        "PUBLISH channel \x01\xff", "BLPOP list 0.01", "SORT list",
    ]  # fmt: skip
    assert lines_of_monitor(server, commands) == lines_of_monitor(redis, commands)


def test_reset_ends_monitoring(server: Server) -> None:
    with server.client() as monitor:
        assert monitor.command("MONITOR") == OK
        monitor.send("RESET")
        assert monitor.read() == Simple(b"RESET")
        server.command_reply("SET", "k", "v")
        assert monitor.command("PING") == Simple(b"PONG")


def keys_of(reply: object) -> list[object]:
    """The keys of a map, which may hold maps."""
    assert isinstance(reply, Map)
    return [key for key, _ in reply.pairs]


@requires_redis
def test_memory_stats_has_the_fields_of_redis(server: Server, redis: Server) -> None:
    replies = []
    for one in (server, redis):
        with one.client(3) as client:
            client.pipeline([("FLUSHALL",), ("SET", "k", "v"), ("SELECT", 4), ("SET", "k", "v", "EX", 1000)])
            replies.append(keys_of(client.command("MEMORY", "STATS")))
    assert replies[0] == replies[1]


def test_memory_follows_the_data(server: Server) -> None:
    def used(client: RespClient) -> int:
        reply = client.command("MEMORY", "STATS")
        assert isinstance(reply, list)
        total = reply[reply.index(b"dataset.bytes") + 1]
        assert isinstance(total, int)
        return total

    with server.client() as client:
        client.command("FLUSHALL")
        empty = used(client)
        client.command("SET", "k", "x" * 100_000)
        assert 100_000 <= used(client) - empty < 101_000
        client.command("DEL", "k")
        assert used(client) == empty


def report(**numbers: int) -> MemoryReport:
    """A report of a node with 20 MB of data and nothing unusual, but for the given numbers."""
    usual = {
        "used": 20 << 20,
        "peak": 20 << 20,
        "resident": 0,
        "clients": 0,
        "replicas": 0,
        "backlog": 0,
        "log_buffer": 0,
    }
    return MemoryReport(**{**usual, **numbers}, databases=(DatabaseOverhead(0, 1, 160, 0),))


@pytest.mark.parametrize(
    ("numbers", "subjects"),
    [
        ({}, []),
        ({"peak": 40 << 20}, ["Peak"]),
        ({"resident": 400 << 20}, ["Fragmentation"]),
        ({"clients": 3 << 20}, ["Clients"]),
        ({"replicas": 30 << 20, "peak": 31 << 20}, ["Peak", "Replicas"]),
    ],
)
def test_the_doctor_finds_what_is_unusual(numbers: dict[str, int], subjects: list[str]) -> None:
    assert [remark.partition(":")[0] for remark in findings(report(**numbers), clients=10, replicas=2)] == subjects


@pytest.mark.parametrize("offset", [0, 1, 1 << 19, (1 << 20) - 1, 1 << 20])
def test_sand_is_neither_lost_nor_made(offset: int) -> None:
    upper, lower = hourglass(offset).split("\\.", 1)
    assert upper.count(":") + lower.count(":") == hourglass(0).count(":")
    assert upper.count(":") == hourglass(0).count(":") * ((1 << 20) - offset % (1 << 20)) + (1 << 20) - 1 >> 20
