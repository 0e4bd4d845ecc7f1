"""A script that takes too long: others are answered BUSY, it can be killed, and what it wrote is never torn apart.

Nothing here hangs on how fast anything is: scripts run until they are ended, and what is waited for has to come true.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.cluster import eventually
from tests.kit.resp_client import Error, RespClient, Simple
from tests.kit.servers import Server, chronis_server

FOREVER = "while true do end"
STUBBORN = "local f = function() while true do redis.call('PING') end end while true do pcall(f) end"
COROUTINE = "coroutine.wrap(function() while true do end end)()"
WRITES = "redis.call('SET', 'k', 'torn') while true do end"
UNTIL_A_THIRD_CONNECTS = """
redis.call('SET', 'a', 1)
repeat until redis.call('INFO', 'clients'):find('connected_clients:3')
redis.call('SET', 'b', 1)
return 'done'"""


@pytest.fixture
def server() -> Iterator[Server]:
    with chronis_server("--busy-reply-threshold", "10") as server:
        yield server
        server.kill()  # a test that failed may have left a script behind


def line(reply: object) -> str:
    return reply.text.decode() if isinstance(reply, (Error, Simple)) else repr(reply)


def busy(client: RespClient) -> bool:
    return line(client.command("PING")).startswith("BUSY ")


def start(caller: RespClient, other: RespClient, *request: object) -> None:
    """Let caller's script run until other, which the server knows before, is told that it is busy."""
    other.command("PING")
    caller.send(*request)
    eventually(lambda: busy(other), "the script is busy")


def same_turn(server: Server, first: RespClient, caller: RespClient, *request: object) -> None:
    """Let a write of first and then caller's request come while the server sleeps: it runs them in one turn."""
    with server.client() as sleeper:
        for client in (sleeper, first, caller):  # connections that the server knows when the script begins
            client.command("PING")
        sleeper.send("DEBUG", "SLEEP", "0.3")
        first.send("SET", "k", "before")
        caller.send(*request)
        sleeper.read()


def assert_kept(server: Server, first: RespClient) -> None:
    """See that first is answered although the script goes on, and that what it was answered holds after a kill."""
    answer = line(first.read())
    server.kill()
    server.start()
    with server.client() as client:
        if answer == "OK":
            assert client.command("GET", "k") == b"before"
        else:  # the server happened to take the script first
            assert answer.startswith("BUSY ")
            assert client.command("EXISTS", "k") == 0


@pytest.mark.parametrize("script", [FOREVER, STUBBORN, COROUTINE])
def test_it_is_killed_whatever_it_catches(server: Server, script: str) -> None:
    with server.client() as caller, server.client() as other:
        start(caller, other, "EVAL", script, 0)
        caller.send("PING")
        assert line(other.command("GET", "k")).startswith("BUSY Redis is busy running a script.")
        assert line(other.command("SCRIPT", "KILL")) == "OK"
        assert "Script killed by user with SCRIPT KILL" in line(caller.read())
        assert line(caller.read()) == "PONG"
        assert not busy(other)


def test_whoever_connects_meanwhile_is_served_too(server: Server) -> None:
    with server.client() as caller, server.client() as other:
        start(caller, other, "EVAL", FOREVER, 0)
        with server.client() as late:
            assert busy(late)
            assert line(late.command("SCRIPT", "KILL")) == "OK"
            assert "killed" in line(caller.read())
            late.command("SET", "k", "v")
            assert late.command("GET", "k") == b"v"
            assert other.command("GET", "k") == b"v"


def test_whoever_leaves_meanwhile_does_no_harm(server: Server) -> None:
    with server.client() as caller, server.client() as other:
        start(caller, other, "EVAL", FOREVER, 0)
        for _ in range(20):
            server.client().close()
        with server.client() as late:
            late.send("PING")
        assert busy(other)
        assert line(other.command("SCRIPT", "KILL")) == "OK"
        assert "killed" in line(caller.read())
        eventually(lambda: str(other.command("CLIENT", "LIST")).count("id=") == 2, "those who left are forgotten")


def test_a_script_whose_client_has_left_is_killed_by_others(server: Server) -> None:
    with server.client() as caller, server.client() as other:
        start(caller, other, "EVAL", STUBBORN, 0)
        caller.close()
        assert busy(other)
        assert line(other.command("SCRIPT", "KILL")) == "OK"
        eventually(lambda: not busy(other), "the script has ended")
        assert line(other.command("SCRIPT", "KILL")) == "NOTBUSY No scripts in execution right now."


def test_a_script_that_wrote_is_not_killed_and_ends_as_one_transaction(server: Server) -> None:
    with server.client() as caller, server.client() as other:
        start(caller, other, "EVAL", UNTIL_A_THIRD_CONNECTS, 0)
        assert line(other.command("SCRIPT", "KILL")).startswith("UNKILLABLE ")
        with server.client():
            assert caller.read() == b"done"
        assert other.command("MGET", "a", "b") == [b"1", b"1"]
    server.kill()
    server.start()
    with server.client() as client:
        assert client.command("MGET", "a", "b") == [b"1", b"1"]


def test_of_a_script_that_did_not_end_nothing_is_kept(server: Server) -> None:
    with server.client() as caller, server.client() as other:
        other.command("SET", "k", "before")
        start(caller, other, "EVAL", WRITES, 0)
    server.kill()
    server.start()
    with server.client() as client:
        assert client.command("GET", "k") == b"before"


def test_shutdown_without_saving_ends_a_script_that_wrote_and_keeps_nothing_of_it(server: Server) -> None:
    with server.client() as caller, server.client() as other:
        other.command("SET", "k", "before")
        start(caller, other, "EVAL", WRITES, 0)
        assert line(other.command("SHUTDOWN")).startswith("BUSY ")
        other.send("SHUTDOWN", "NOSAVE")
        with pytest.raises((EOFError, ConnectionResetError)):
            other.read()
        with pytest.raises(ConnectionRefusedError):  # who sees a connection closed finds the server gone
            server.client()
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
        assert line(other.command("FUNCTION", "KILL")) == "OK"
        assert "killed" in line(caller.read())


def test_a_library_that_takes_too_long_to_load_is_refused(server: Server) -> None:
    with server.client() as client:
        reply = client.command("FUNCTION", "LOAD", f"#!lua name=l\n{FOREVER}")
        assert line(reply) == "ERR Error registering functions: ERR FUNCTION LOAD timeout"
        assert client.command("FUNCTION", "LIST") == []


@pytest.mark.parametrize("fsync", ["everysec", "always"])
@pytest.mark.parametrize("script", [FOREVER, WRITES])
def test_what_came_before_the_script_in_its_turn_is_logged_and_answered(fsync: str, script: str) -> None:
    with (
        chronis_server("--busy-reply-threshold", "10", "--appendfsync", fsync) as server,
        server.client() as first,
        server.client() as caller,
    ):
        same_turn(server, first, caller, "EVAL", script, 0)
        assert_kept(server, first)


def test_within_a_transaction_too(server: Server) -> None:
    with server.client() as first, server.client() as caller:
        caller.pipeline([("MULTI",), ("SET", "k", "torn"), ("EVAL", FOREVER, 0)])
        same_turn(server, first, caller, "EXEC")
        assert_kept(server, first)


def test_a_message_of_the_script_waits_until_the_script_is_logged(server: Server) -> None:
    with server.client() as caller, server.client() as other, server.client(3) as subscriber:
        subscriber.command("SUBSCRIBE", "channel")
        start(caller, other, "EVAL", "redis.call('PUBLISH', 'channel', 'm') while true do end", 0)
        subscriber.send("PING")
        assert busy(other)  # a look at all connections lies between the two
        assert busy(other)
        subscriber.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            subscriber.read()
