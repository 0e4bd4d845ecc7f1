"""Function libraries: part of the state, so in history, replay and snapshots; compiled where they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from store import rdb
from store.apply import APPLY
from store.errors import ReplyError
from store.keyspace import Keyspace
from tests.kit.inprocess import Node
from tests.kit.servers import chronis_server, redis_server, requires_redis

ADD = "#!lua name=math\nredis.register_function('add', function(keys, args) return args[1] + args[2] end)"
GET = (
    "#!lua name=reader\nredis.register_function{function_name='read', flags={'no-writes'}, description='reads',"
    " callback=function(keys) return redis.call('GET', keys[1]) end}"
)


def names(node: Node) -> list[object]:
    listed = node.run("FUNCTION", "LIST")
    assert isinstance(listed, list)
    return [library[b"library_name"] for library in listed]


def test_every_change_of_the_libraries_is_an_event_and_replays() -> None:
    node = Node()
    node.run("FUNCTION", "LOAD", ADD)
    node.run("FUNCTION", "LOAD", "REPLACE", ADD + " ")
    node.run("FUNCTION", "LOAD", GET)
    payload = node.run("FUNCTION", "DUMP")
    node.run("FUNCTION", "DELETE", "math")
    assert node.replayed().functions == {b"reader": GET.encode()}
    assert isinstance(payload, bytes)
    node.run("FUNCTION", "RESTORE", payload, "REPLACE")
    assert (
        node.replayed().functions == node.keyspace.functions == {b"math": ADD.encode() + b" ", b"reader": GET.encode()}
    )
    node.run("FUNCTION", "FLUSH")
    assert node.replayed().functions == node.keyspace.functions == {}
    assert [event[:2] for event in node.events() if event[0] == b"FUNCTION"] == [
        [b"FUNCTION", what] for what in (b"LOAD", b"LOAD", b"LOAD", b"DELETE", b"RESTORE", b"FLUSH")
    ]


def test_a_load_without_replace_leaves_a_library_of_that_name_where_it_is_applied() -> None:
    """Only on a writable replica can there be one: its client's library stays, as with Redis."""
    node = Node()
    node.run("FUNCTION", "LOAD", GET)
    APPLY[b"FUNCTION"](node.keyspace.databases[0], b"LOAD", GET.encode() + b" ")
    assert node.keyspace.functions == {b"reader": GET.encode()}
    APPLY[b"FUNCTION"](node.keyspace.databases[0], b"LOAD", b"REPLACE", GET.encode() + b" ")
    assert node.keyspace.functions == {b"reader": GET.encode() + b" "}


def test_a_library_that_came_without_being_loaded_here_is_compiled_when_it_is_called() -> None:
    node = Node()
    node.keyspace.functions = {b"math": ADD.encode()}
    assert node.run("FCALL", "ADD", 0, 1, 2) == 3
    node.keyspace.functions = {b"reader": GET.encode()}
    assert names(node) == [b"reader"]
    assert "Function not found" in str(node.run("FCALL", "add", 0, 1, 2))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("return 1", "Missing library metadata"),
        ("#!lua name=x", "Invalid library metadata"),
        ("#!lua\nreturn 1", "Library name was not given"),
        ("#!js name=x\nreturn 1", "Engine 'js' not found"),
        ("#!lua name=x y=z\n", "Invalid metadata value given: y=z"),
        ("#!lua name=x-y\n", "Library names can only contain letters, numbers, or underscores(_) and must be at least"),
        ("#!lua name=x\nreturn +", "Error compiling function: user_function:2: unexpected symbol near '+'"),
        ("#!lua name=x\nredis.call('GET', 'k')", "nonexistent global variable 'call'"),
        ("#!lua name=x\nmath.floor(1)", "nonexistent global variable 'math'"),
        ("#!lua name=x\nreturn 1", "No functions registered"),
        (ADD.replace("=math", "=other"), "Function add already exists"),
        (ADD, "Library 'math' already exists"),
    ],
)
def test_a_library_that_can_not_be_used_is_refused_and_not_recorded(code: str, message: str) -> None:
    node = Node()
    node.run("FUNCTION", "LOAD", ADD)
    before = node.events()
    reply = node.run("FUNCTION", "LOAD", code)
    assert isinstance(reply, ReplyError)
    assert message in reply.message
    assert node.events() == before
    assert node.run("FCALL", "add", 0, 1, 2) == 3


def test_a_read_only_call_takes_only_functions_that_declare_to_write_nothing() -> None:
    node = Node()
    node.run("FUNCTION", "LOAD", ADD)
    node.run("FUNCTION", "LOAD", GET)
    node.run("SET", "k", "v")
    assert node.run("FCALL_RO", "read", 1, "k") == b"v"
    assert str(node.run("FCALL_RO", "add", 0, 1, 2)) == "Can not execute a script with write flag using *_ro command."


def test_snapshots_carry_the_libraries(tmp_path: Path) -> None:
    node = Node()
    node.run("FUNCTION", "LOAD", ADD)
    rdb.save(node.keyspace, tmp_path / "dump.rdb")
    rdb.load(tmp_path / "dump.rdb", loaded := Keyspace())
    assert loaded.functions == {b"math": ADD.encode()}


def test_libraries_survive_a_kill_and_a_snapshot(tmp_path: Path) -> None:
    with chronis_server(directory=tmp_path) as server:
        with server.client() as client:
            client.command("FUNCTION", "LOAD", ADD)
        server.kill()
        server.start()
        with server.client() as client:
            assert client.command("FCALL", "add", 0, 1, 2) == 3
            client.command("SAVE")
        server.kill()
        server.start()
        with server.client() as client:
            assert client.command("FCALL", "add", 0, 2, 2) == 4


@requires_redis
def test_payloads_go_from_redis_here_and_back() -> None:
    node = Node()
    with redis_server() as server, server.client() as redis:
        redis.command("FUNCTION", "LOAD", ADD)
        payload = redis.command("FUNCTION", "DUMP")
        assert isinstance(payload, bytes)
        assert node.run("FUNCTION", "RESTORE", payload) == "OK"
        assert node.run("FCALL", "add", 0, 1, 2) == 3
        assert redis.command("FUNCTION", "RESTORE", node.run("FUNCTION", "DUMP"), "FLUSH").text == b"OK"  # type: ignore[union-attr]  # a Simple
        assert redis.command("FCALL", "add", 0, 1, 2) == 3
