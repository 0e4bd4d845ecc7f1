"""Waiting for sorted sets: who is served, in which order, with what, and what history says of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from store.replies import NULL_ARRAY
from tests.kit.inprocess import Node, events, waiting


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    assert not node.keyspace.waiting
    node.check()


def test_a_waiting_client_gets_what_is_added_and_history_a_pop(node: Node) -> None:
    lowest, highest = waiting(node, "BZPOPMIN x z 0"), waiting(node, "BZPOPMAX z 0")
    assert node.run("ZADD", "z", 1, "a", 2, "b", 3, "c") == 3
    assert lowest.replies == [[b"z", b"a", 1.0]]
    assert highest.replies == [[b"z", b"c", 3.0]]
    assert events(node) == ["ZADD z 1 a 2 b 3 c", "ZPOPMIN z 1", "ZPOPMAX z 1"]


def test_who_came_first_is_served_first(node: Node) -> None:
    clients = [waiting(node, "BZPOPMIN z 0") for _ in range(3)]
    node.run("ZADD", "z", 1, "a", 2, "b")
    assert [client.replies for client in clients] == [[[b"z", b"a", 1.0]], [[b"z", b"b", 2.0]], []]
    node.run("ZINCRBY", "z", 5, "c")
    assert clients[2].replies == [[b"z", b"c", 5.0]]


def test_many_members_go_to_one_client_up_to_its_count(node: Node) -> None:
    client = waiting(node, "BZMPOP 0 2 x z MAX COUNT 2")
    node.run("ZADD", "z", 1, "a", 2, "b", 3, "c")
    assert client.replies == [[b"z", [[b"c", 3.0], [b"b", 2.0]]]]
    assert events(node) == ["ZADD z 1 a 2 b 3 c", "ZPOPMAX z 2"]


def test_a_stored_or_renamed_result_is_served_too(node: Node) -> None:
    clients = [waiting(node, "BZPOPMIN d 0"), waiting(node, "BZPOPMIN e 0"), waiting(node, "BZPOPMIN f 0")]
    node.run("ZADD", "z", 1, "a")
    node.run("ZUNIONSTORE", "d", 1, "z")
    node.run("ZRANGESTORE", "e", "z", 0, -1)
    node.run("RENAME", "z", "f")
    assert [client.replies for client in clients] == [[[b"d", b"a", 1.0]], [[b"e", b"a", 1.0]], [[b"f", b"a", 1.0]]]


def test_another_type_is_waited_past(node: Node) -> None:
    client = waiting(node, "BZPOPMIN z 0")
    node.run("RPUSH", "z", "a")
    assert client.replies == []
    node.run("DEL", "z")
    node.run("ZADD", "z", 1, "a")
    assert client.replies == [[b"z", b"a", 1.0]]


def test_what_is_gone_when_the_transaction_ends_is_not_served(node: Node) -> None:
    client = waiting(node, "BZPOPMIN z 0")
    for command in ("MULTI", "ZADD z 1 a", "DEL z", "EXEC"):
        node.run(*command.split())
    assert client.replies == []
    node.run("ZADD", "z", 2, "b")
    assert client.replies == [[b"z", b"b", 2.0]]


def test_nobody_waits_inside_a_transaction(node: Node) -> None:
    for command in ("MULTI", "BZPOPMIN z 0", "BZMPOP 0 1 z MIN"):
        node.run(*command.split())
    assert node.run("EXEC") == [NULL_ARRAY, NULL_ARRAY]


async def test_a_wait_ends_with_a_null_after_its_time(node: Node) -> None:
    clients = [waiting(node, "BZPOPMAX z 0.001"), waiting(node, "BZMPOP 0.001 1 z MIN")]
    await asyncio.sleep(0.05)
    assert [client.replies for client in clients] == [[NULL_ARRAY], [NULL_ARRAY]]
    assert events(node) == []
