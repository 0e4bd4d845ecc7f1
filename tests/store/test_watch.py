"""WATCH: what makes EXEC fail is that a key changed for a reader, not that something touched it."""

from __future__ import annotations

import pytest

from store.replies import NULL_ARRAY
from tests.kit.inprocess import Node


def executed(node: Node) -> bool:
    node.run("MULTI")
    node.run("PING")
    return node.run("EXEC") is not NULL_ARRAY


@pytest.mark.parametrize(
    "command",
    ["SET k w", "DEL k", "RENAME k other", "EXPIRE k 100", "FLUSHALL", "FLUSHDB", "SWAPDB 0 1", "MOVE k 1", "APPEND k x"],
)
def test_a_change_of_a_watched_key_voids_exec(command: str) -> None:
    node = Node()
    node.run("SET", "k", "v")
    node.run("WATCH", "k")
    node.connect().run(*command.split())
    assert not executed(node)
    assert executed(node)


def test_a_list_trimmed_by_nothing_counts_as_changed() -> None:
    """As in Redis, where LTRIM always signals its key; no event, no change that a snapshot lacks."""
    node = Node()
    node.run("RPUSH", "k", "v")
    node.run("WATCH", "k")
    before = node.engine.log.offset, node.engine.keyspace.dirty
    node.run("LTRIM", "k", "-5", "1")
    assert (node.engine.log.offset, node.engine.keyspace.dirty) == before
    assert not executed(node)


@pytest.mark.parametrize("command", ["SET other v", "DEL nothing", "FLUSHALL", "SWAPDB 0 1", "GET k", "PERSIST k"])
def test_what_changes_nothing_for_the_key_does_not(command: str) -> None:
    node = Node()
    node.run("WATCH", "k")
    node.connect().run(*command.split())
    assert executed(node)


def test_a_key_that_expires_after_watch_voids_exec_even_before_it_is_removed() -> None:
    node = Node()
    node.run("SET", "k", "v", "PX", 10)
    node.run("WATCH", "k")
    node.clock.advance(20)
    assert not executed(node)


def expired(node: Node, db: int = 0) -> None:
    """Leave an expired key behind that nobody removes."""
    node.run("SELECT", db)
    node.run("SET", "k", "v", "PX", 10)
    node.clock.advance(20)
    node.engine.gates.writes_paused = True
    node.run("SELECT", 0)


def test_a_key_that_was_expired_already_may_be_removed() -> None:
    node = Node()
    expired(node)
    node.run("WATCH", "k")
    node.engine.gates.writes_paused = False
    node.connect().run("DEL", "k")
    assert executed(node)


def test_swapdb_of_missing_and_expired_changes_nothing() -> None:
    node = Node()
    expired(node, db=1)
    node.run("WATCH", "k")
    node.connect().run("SWAPDB", 0, 1)
    assert executed(node)
    node.run("WATCH", "k")
    node.connect().run("SWAPDB", 0, 1)
    assert executed(node)
