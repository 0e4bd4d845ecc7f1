"""Bit commands: what history says of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.apply import apply
from store.errors import ReplyError
from tests.kit.inprocess import Node, events


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    node.check()


def run(node: Node, *commands: str) -> list[object]:
    return [node.run(*command.split()) for command in commands]


def test_a_bit_is_recorded_if_it_changes_the_string(node: Node) -> None:
    assert run(node, "SETBIT k 9 0", "SETBIT k 3 0", "SETBIT k 3 1", "SETBIT k 3 1", "STRLEN k") == [0, 0, 0, 1, 2]
    assert events(node) == ["SETBIT k 9 0", "SETBIT k 3 1"]


def test_fields_are_recorded_as_final_values(node: Node) -> None:
    command = "BITFIELD k INCRBY i5 #2 3 GET u4 0 OVERFLOW SAT SET u8 0 300 OVERFLOW FAIL INCRBY u8 0 1 INCRBY u2 50 1"
    assert node.run(*command.split()) == [3, 0, 0, None, 1]
    assert events(node) == ["BITFIELD k SET i5 10 3 SET u8 0 255 SET u2 50 1"]
    run(node, "BITFIELD k SET u8 0 255", "BITFIELD k GET u8 0", "BITFIELD_RO k GET u8 0", "BITFIELD k")
    assert len(events(node)) == 1


def test_a_field_that_may_not_be_stored_makes_room_all_the_same(node: Node) -> None:
    assert run(node, "BITFIELD k OVERFLOW FAIL INCRBY u8 20 256", "STRLEN k") == [[None], 4]
    assert events(node) == ["BITFIELD k SET u8 24 0"]


def test_what_another_primary_sends_is_worked_out(node: Node) -> None:
    other = Node()
    sent = "BITFIELD k SET u8 0 250 OVERFLOW SAT INCRBY u8 0 10 GET u8 0 OVERFLOW FAIL INCRBY u8 0 1 INCRBY i4 8 3"
    run(node, sent)
    apply(other.keyspace.databases[0], *(word.encode() for word in sent.split()))
    assert other.run("GET", "k") == node.run("GET", "k") == b"\xff\x30"


def test_combinations_are_recorded_as_asked_and_empty_ones_as_removal(node: Node) -> None:
    run(node, "SET a abc", "SET b b", "BITOP XOR d a b", "BITOP NOT a a", "BITOP AND d x y", "BITOP AND d x y")
    assert events(node)[2:] == ["BITOP XOR d a b", "BITOP NOT a a", "DEL d"]


def test_an_error_has_recorded_nothing(node: Node) -> None:
    run(node, "SET s abc", "RPUSH l a")
    before = events(node)
    for command in (
        "SETBIT s -1 1", "SETBIT s 4294967296 1", "SETBIT s 1 2", "SETBIT l 1 1", "BITOP AND d s l", "BITOP NOT d s s",
        "BITFIELD s SET u8 0 1 SET u64 0 1", "BITFIELD s SET u8 0 1 GET", "BITFIELD l SET u8 0 1",
        "BITFIELD s OVERFLOW foo SET u8 0 1", "BITFIELD_RO s SET u8 0 1",
    ):  # fmt: skip
        assert isinstance(node.run(*command.split()), ReplyError), command
    assert events(node) == before
