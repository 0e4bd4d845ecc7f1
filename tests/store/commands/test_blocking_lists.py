"""Waiting for lists: who is served, in which order, with what, and what history says of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from store.errors import ReplyError
from store.replies import NULL_ARRAY
from tests.kit.inprocess import Node, events, waiting


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    assert not node.keyspace.waiting
    node.check()


def test_a_waiting_client_gets_what_is_pushed_and_history_a_pop(node: Node) -> None:
    first, last = waiting(node, "BLPOP x l 0"), waiting(node, "BRPOP l 0")
    assert node.run("RPUSH", "l", "a", "b", "c") == 3
    assert first.replies == [[b"l", b"a"]]
    assert last.replies == [[b"l", b"c"]]
    assert events(node) == ["RPUSH l a b c", "LPOP l", "RPOP l"]


def test_who_came_first_is_served_first(node: Node) -> None:
    clients = [waiting(node, "BLPOP l 0") for _ in range(3)]
    node.run("RPUSH", "l", "a", "b")
    assert [client.replies for client in clients] == [[[b"l", b"a"]], [[b"l", b"b"]], []]
    node.run("LPUSH", "l", "c")
    assert clients[2].replies == [[b"l", b"c"]]


def test_many_members_go_to_one_client_up_to_its_count(node: Node) -> None:
    client = waiting(node, "BLMPOP 0 2 x l RIGHT COUNT 2")
    node.run("RPUSH", "l", "a", "b", "c")
    assert client.replies == [[b"l", [b"c", b"b"]]]
    assert events(node) == ["RPUSH l a b c", "RPOP l 2"]


def test_moves_wake_those_who_wait_for_their_destination(node: Node) -> None:
    clients = [waiting(node, "BLMOVE a b RIGHT LEFT 0"), waiting(node, "BRPOPLPUSH b c 0"), waiting(node, "BLPOP c 0")]
    node.run("LPUSH", "a", "x")
    assert [client.replies for client in clients] == [[b"x"], [b"x"], [[b"c", b"x"]]]
    assert events(node) == ["LPUSH a x", "LMOVE a b RIGHT LEFT", "RPOPLPUSH b c", "LPOP c"]


def test_a_client_that_waits_to_move_within_one_list_is_served_once(node: Node) -> None:
    client = waiting(node, "BLMOVE a a LEFT RIGHT 0")
    node.run("RPUSH", "a", "x", "y")
    assert client.replies == [b"x"]
    assert node.run("LRANGE", "a", 0, -1) == [b"y", b"x"]


def test_a_destination_of_another_type_is_an_error_and_keeps_the_member(node: Node) -> None:
    node.run("SET", "s", "x")
    client, other = waiting(node, "BLMOVE l s LEFT LEFT 0"), waiting(node, "BLPOP l 0")
    assert node.run("RPUSH", "l", "a") == 1
    assert isinstance(client.replies[0], ReplyError)
    assert client.replies[0].code == "WRONGTYPE"
    assert other.replies == [[b"l", b"a"]]


def test_a_key_of_another_type_wakes_nobody(node: Node) -> None:
    client = waiting(node, "BLPOP l 0")
    node.run("SET", "l", "x")
    node.run("DEL", "l")
    assert client.replies == []
    node.run("RPUSH", "l", "a")
    assert client.replies == [[b"l", b"a"]]


def test_a_transaction_is_looked_at_when_it_is_done(node: Node) -> None:
    client = waiting(node, "BLPOP l m 0")
    for command in ("MULTI", "RPUSH l a", "DEL l", "RPUSH m b", "RPUSH l c", "EXEC"):
        node.run(*command.split())
    assert client.replies == [[b"l", b"c"]]
    assert node.run("LRANGE", "m", 0, -1) == [b"b"]


@pytest.mark.parametrize("command", ["RENAME m l", "COPY m l", "SORT m ALPHA STORE l", "LMOVE m l LEFT LEFT"])
def test_a_list_wakes_however_it_came(node: Node, command: str) -> None:
    node.run("RPUSH", "m", "a")
    client = waiting(node, "BLPOP l 0")
    node.run(*command.split())
    assert client.replies == [[b"l", b"a"]]


def test_a_restored_list_wakes(node: Node) -> None:
    node.run("RPUSH", "m", "a")
    client = waiting(node, "BLPOP l 0")
    payload = node.run("DUMP", "m")
    assert isinstance(payload, bytes)
    assert node.run("RESTORE", "l", 0, payload) == "OK"
    assert client.replies == [[b"l", b"a"]]


def test_a_list_that_came_expired_wakes_nobody(node: Node) -> None:
    node.run("SELECT", 1)
    node.run("RPUSH", "l", "a")
    node.run("PEXPIRE", "l", 100)
    client = waiting(node, "BLPOP l 0")
    node.clock.advance(101)
    node.run("SWAPDB", 0, 1)
    assert client.replies == []
    assert node.events()[-3:] == [[b"SWAPDB", b"0", b"1"], [b"SELECT", b"0"], [b"DEL", b"l"]]
    node.run("SELECT", 0)
    node.run("RPUSH", "l", "b")
    assert client.replies == [[b"l", b"b"]]


def test_in_a_transaction_nothing_waits(node: Node) -> None:
    commands = ["MULTI", "BLPOP l 0", "BRPOP l 0", "BLMPOP 0 1 l LEFT", "BLMOVE l m LEFT LEFT 0", "BRPOPLPUSH l m 0"]
    for command in commands:
        node.run(*command.split())
    assert node.run("EXEC") == [NULL_ARRAY, NULL_ARRAY, NULL_ARRAY, None, None]


@pytest.mark.parametrize(
    "command", ["BLPOP l 0.01", "BLMPOP .01 1 l LEFT", "BLMOVE l m LEFT LEFT 1e-2", "BRPOPLPUSH l m 0x1p-7"]
)
async def test_a_wait_ends_with_a_null_array(node: Node, command: str) -> None:
    client = waiting(node, command)
    while not client.replies:  # noqa: ASYNC110 - the wait's own timer ends it
        await asyncio.sleep(0.001)
    assert client.replies == [NULL_ARRAY]
    node.run("RPUSH", "l", "a")
    assert events(node) == ["RPUSH l a"]
