"""List commands: what is recorded, and that it says what happened, not what was asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.errors import ReplyError
from tests.kit.inprocess import Node, events


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    node.check()


def run(node: Node, script: str) -> list[object]:
    """Run commands separated by `|`; return their replies."""
    return [node.run(*command.split()) for command in script.split("|")]


def test_what_changes_nothing_is_not_recorded(node: Node) -> None:
    run(node, "lpushx l a | rpushx l a | lpop l | rpop l 2 | rpoplpush l m | lmpop 1 l left | lrem l 0 a | ltrim l 5 9")
    assert events(node) == []
    run(
        node,
        "rpush l a b | lpop l 0 | lrem l 0 x | ltrim l 0 -1 | linsert l before x y | lset l 9 x | lmove x l left left",
    )
    assert events(node) == ["RPUSH l a b"]


def test_pushes_are_recorded_as_pushes_whether_the_key_had_to_exist_or_not(node: Node) -> None:
    assert run(node, "lpush l a | lpushx l b c | rpushx l d") == [1, 3, 4]
    assert events(node) == ["LPUSH l a", "LPUSH l b c", "RPUSH l d"]


def test_counts_are_recorded_as_what_was_there(node: Node) -> None:
    run(
        node,
        "rpush l a b c d | lpop l 1 | rpop l 9 | rpush m a b c | lmpop 2 l m right count 2 | lmpop 1 m left count 7",
    )
    assert events(node) == ["RPUSH l a b c d", "LPOP l 1", "RPOP l 3", "RPUSH m a b c", "RPOP m 2", "LPOP m 1"]


def test_capped_lists_record_only_the_trims_that_cut(node: Node) -> None:
    for number in range(5):
        run(node, f"lpush l {number} | ltrim l 0 2")
    assert events(node)[3:] == ["LPUSH l 3", "LTRIM l 0 2", "LPUSH l 4", "LTRIM l 0 2"]
    assert node.run("LRANGE", "l", 0, -1) == [b"4", b"3", b"2"]


def test_a_command_that_fails_leaves_the_destination_alone(node: Node) -> None:
    node.run("SET", "s", "x")
    node.run("RPUSH", "l", "a")
    for command in ("LMOVE l s LEFT LEFT", "RPOPLPUSH l s", "BLMOVE l s LEFT LEFT 1", "BRPOPLPUSH l s 1"):
        reply = node.run(*command.split())
        assert isinstance(reply, ReplyError)
        assert reply.code == "WRONGTYPE"
    assert node.run("LRANGE", "l", 0, -1) == [b"a"]
    assert events(node) == ["SET s x", "RPUSH l a"]


def test_a_long_list_is_replayed_to_the_same_data(node: Node) -> None:
    for start in range(0, 3000, 100):
        node.run("RPUSH" if start % 200 else "LPUSH", "l", *range(start, start + 100))
    run(node, "linsert l after 1500 x | lrem l -1 x | lset l 1700 y | lmove l l left right")
    run(node, "ltrim l 100 -101 | lpop l 700 | rpop l 600")
    assert node.run("LLEN", "l") == 1500
