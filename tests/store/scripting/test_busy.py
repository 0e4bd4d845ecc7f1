"""A script that takes too long: others are answered BUSY, it can be killed, and what it wrote is never torn apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.cluster import eventually
from tests.kit.resp_client import Error, RespClient
from tests.kit.servers import Server, chronis_server

FOREVER = "while true do end"
STUBBORN = "local f = function() while true do redis.call('PING') end end while true do pcall(f) end"


@pytest.fixture
def server() -> Iterator[Server]:
    with chronis_server("--busy-reply-threshold", "10") as server:
        yield server


def line(reply: object) -> str:
    return reply.text.decode() if isinstance(reply, Error) else ""


def start(caller: RespClient, other: RespClient, *request: object) -> None:
    """Let caller's script run until other is told that it is busy; other is known to the server before."""
    other.command("PING")
    caller.send(*request)
    eventually(lambda: busy(other), "the script is busy")


def busy(client: RespClient) -> bool:
    return line(client.command("PING")).startswith("BUSY ")


@pytest.mark.parametrize("script", [FOREVER, STUBBORN, "coroutine.wrap(function() while true do end end)()"])
def test_it_is_killed_whatever_it_catches(server: Server, script: str) -> None:
    with server.client() as caller, server.client() as other:
        start(caller, other, "EVAL", script, 0)
        caller.send("PING")
        assert line(other.command("GET", "k")).startswith("BUSY Redis is busy running a script.")
        assert other.command("SCRIPT", "KILL").text == b"OK"  # type: ignore[union-attr]  # a Simple
        assert "Script killed by user with SCRIPT KILL" in line(caller.read())
        assert caller.read().text == b"PONG"  # type: ignore[union-attr]  # as above
        assert not busy(other)


def test_whoever_connects_meanwhile_is_served_too(server: Server) -> None:
    with server.client() as caller, server.client() as other:
        start(caller, other, "EVAL", FOREVER, 0)
        with server.client() as late:
            assert busy(late)
            late.command("SCRIPT", "KILL")
            assert "killed" in line(caller.read())
            late.command("SET", "k", "v")
            assert late.command("GET", "k") == b"v"
            assert other.command("GET", "k") == b"v"


def test_a_script_that_wrote_is_not_killed_and_ends_as_one_transaction(server: Server) -> None:
    slow = "redis.call('SET', 'a', 1) for i = 1, 4e7 do end redis.call('SET', 'b', 1) return 'done'"
    with server.client() as caller, server.client() as other:
        start(caller, other, "EVAL", slow, 0)
        assert line(other.command("SCRIPT", "KILL")).startswith("UNKILLABLE ")
        assert caller.read() == b"done"
        assert other.command("MGET", "a", "b") == [b"1", b"1"]
    server.kill()
    server.start()
    with server.client() as client:
        assert client.command("MGET", "a", "b") == [b"1", b"1"]


def test_shutdown_without_saving_ends_a_script_that_wrote_and_keeps_nothing_of_it(server: Server) -> None:
    with server.client() as caller, server.client() as other:
        other.command("SET", "k", "before")
        start(caller, other, "EVAL", "redis.call('SET', 'k', 'torn') while true do end", 0)
        assert line(other.command("SHUTDOWN")).startswith("BUSY ")
        other.send("SHUTDOWN", "NOSAVE")
        eventually(lambda: not server.running, "the server has ended")
    server.start()
    with server.client() as client:
        assert client.command("GET", "k") == b"before"


def test_functions_are_killed_by_their_own_command(server: Server) -> None:
    with server.client() as caller, server.client() as other:
        caller.command("FUNCTION", "LOAD", f"#!lua name=l\nredis.register_function('f', function() {FOREVER} end)")
        start(caller, other, "FCALL", "f", 0)
        assert line(other.command("SCRIPT", "KILL")).endswith("You can only call FUNCTION KILL or SHUTDOWN NOSAVE.")
        stats = other.command("FUNCTION", "STATS")
        assert isinstance(stats, list)
        assert stats[1][:4] == [b"name", b"f", b"command", [b"fcall", b"f", b"0"]]  # type: ignore[index]  # a list
        other.command("FUNCTION", "KILL")
        assert "killed" in line(caller.read())


def test_a_library_that_takes_too_long_to_load_is_refused(server: Server) -> None:
    with server.client() as client:
        reply = client.command("FUNCTION", "LOAD", f"#!lua name=l\n{FOREVER}")
        assert line(reply) == "ERR Error registering functions: ERR FUNCTION LOAD timeout"
        assert client.command("FUNCTION", "LIST") == []
