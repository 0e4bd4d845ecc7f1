"""SORT: what STORE records, how weights are read, and who may follow patterns."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from store.commands import sorting
from store.commands.sorting import weight
from store.commands.table import RESTRICTED
from store.errors import ReplyError
from tests.kit.inprocess import Node, events


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    node.check()


def test_store_records_the_outcome(node: Node) -> None:
    node.run("RPUSH", "l", 1, 2, 3)
    node.run("MSET", "w1", 3, "w2", 2, "w3", 1)
    assert node.run("SORT", "l", "BY", "w*", "GET", "#", "GET", "x*", "STORE", "d") == 6
    assert node.run("SORT", "l", "STORE", "d") == 3
    assert node.run("SORT", "none", "STORE", "d") == 0
    assert node.run("SORT", "none", "STORE", "d") == 0
    assert events(node)[2:] == [
        "RPUSH d 3  2  1 ", "MULTI", "DEL d", "RPUSH d 1 2 3", "EXEC", "DEL d",
    ]  # fmt: skip


def test_a_long_result_is_recorded_in_several_pushes(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "MOST_PUSHED", 2)
    node.run("RPUSH", "l", *range(5))
    node.run("SET", "d", "x", "EX", 100)
    assert node.run("SORT", "l", "DESC", "STORE", "d") == 5
    assert events(node)[2:] == ["MULTI", "DEL d", "RPUSH d 4 3", "RPUSH d 2 1", "RPUSH d 0", "EXEC"]
    assert node.run("TTL", "d") == -1


def test_scripts_see_a_set_in_an_order_of_its_own(node: Node) -> None:
    node.run("SADD", "s", *(b"m%d" % number for number in range(50)))
    node.client.scripted = True
    assert node.run("SORT", "s", "BY", "nosort") == sorted(b"m%d" % number for number in range(50))


def test_patterns_need_the_right_to_read_every_key(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.run("RPUSH", "l", 2, 1)
    node.client.conditions |= RESTRICTED
    monkeypatch.setattr(type(node.client), "reads_every_key", False)
    for option in ("BY", "GET"):
        reply = node.run("SORT", "l", option, "w*")
        assert isinstance(reply, ReplyError)
        assert reply.message == f"{option} option of SORT denied due to insufficient ACL permissions."
    assert node.run("SORT", "l", "BY", "nosort") == [b"2", b"1"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (None, 0), (b"", 0), (b"\0x", 0), (b"1\0x", 1), (b"  \t1.5", 1.5), (b"-.5e1", -5), (b"0x1P4", 16),
        (b"INF", math.inf), (b"-infinity", -math.inf),
        (b"0e-999", 0), (b"0x0p-9999", 0), (b"9223372036854775807", 2.0**63), (b"010", 10),
    ],
)  # fmt: skip
def test_weights_are_read_as_strtod_does(text: bytes | None, number: float) -> None:
    assert weight(text) == number


@pytest.mark.parametrize(
    "text",
    [
        b"x",
        b"1 ",
        b" ",
        b"1e",
        b"0x",
        b"nan",
        b"1e400",
        b"-1e400",
        b"1e-400",
        b"1e-310",
        b"0x1p9999",
        b"0x1p-1080",
        b"1,5",
    ],
)
def test_what_is_no_weight_is_refused(text: bytes) -> None:
    with pytest.raises(ReplyError, match=r"^One or more scores can't be converted into double$"):
        weight(text)
