"""String commands: reply, recorded event, and that replay gives the same data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.errors import ReplyError
from tests.kit.inprocess import Node, events

NOW = 1_700_000_000_000


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    node.check()


def error(reply: object) -> str:
    assert isinstance(reply, ReplyError)
    return reply.line.decode()


def test_relative_lifetimes_are_recorded_as_deadlines(node: Node) -> None:
    for command in ("SET a 1 EX 10", "SET b 1 PX 10", "SETEX c 10 1", "PSETEX d 10 1", "SET e 1 EXAT 1800000000"):
        assert node.run(*command.split()) == "OK"
    assert node.run("GETEX", "a", "PX", "5") == b"1"
    assert events(node) == [
        f"SET a 1 PXAT {NOW + 10_000}",
        f"SET b 1 PXAT {NOW + 10}",
        f"SET c 1 PXAT {NOW + 10_000}",
        f"SET d 1 PXAT {NOW + 10}",
        "SET e 1 PXAT 1800000000000",
        f"PEXPIREAT a {NOW + 5}",
    ]


def test_conditions_are_decided_and_not_recorded(node: Node) -> None:
    assert node.run("SET", "k", "1", "XX") is None
    assert node.run("SET", "k", "1", "NX", "GET") is None
    assert node.run("SET", "k", "2", "NX", "GET") == b"1"
    assert node.run("SET", "k", "3", "XX", "GET") == b"1"
    assert node.run("SETNX", "k", "4") == 0
    assert node.run("SETNX", "l", "4") == 1
    assert node.run("MSETNX", "m", "5", "l", "5") == 0
    assert node.run("MSETNX", "m", "5", "n", "5") == 1
    assert events(node) == ["SET k 1", "SET k 3", "SET l 4", "MSET m 5 n 5"]


def test_a_past_deadline_of_getex_is_recorded_as_removal(node: Node) -> None:
    node.run("SET", "k", "v")
    assert node.run("GETEX", "k", "PXAT", NOW) == b"v"
    assert node.run("EXISTS", "k") == 0
    assert events(node) == ["SET k v", "DEL k"]


def test_getex_persist_records_only_a_change(node: Node) -> None:
    node.run("SET", "k", "v", "EX", "9")
    assert [node.run("GETEX", "k", "PERSIST") for _ in range(2)] == [b"v", b"v"]
    assert node.run("GETEX", "missing", "PERSIST") is None
    assert events(node)[1:] == ["PERSIST k"]


def test_getdel_and_getset(node: Node) -> None:
    node.run("SET", "k", "v", "EX", "100")
    assert node.run("GETSET", "k", "w") == b"v"
    assert node.run("TTL", "k") == -1
    assert node.run("GETDEL", "k") == b"w"
    assert node.run("GETDEL", "k") is None
    assert events(node)[1:] == ["SET k w", "DEL k"]


def test_counters_are_recorded_as_what_they_become(node: Node) -> None:
    node.run("SET", "n", "7", "PXAT", "1800000000000")
    steps = {"INCR n": 8, "DECR n": 7, "INCRBY n 5": 12, "DECRBY n 2": 10}
    assert {step: node.run(*step.split()) for step in steps} == steps
    assert node.run("INCRBYFLOAT", "n", "0.1") == b"10.1"
    assert node.run("PEXPIRETIME", "n") == 1_800_000_000_000
    assert events(node)[-2:] == ["SET n 10 KEEPTTL", "SET n 10.1 KEEPTTL"]


@pytest.mark.parametrize(
    ("value", "command", "message"),
    [
        ("9223372036854775807", "INCR k", "ERR increment or decrement would overflow"),
        ("-9223372036854775808", "DECR k", "ERR increment or decrement would overflow"),
        ("0", "DECRBY k -9223372036854775808", "ERR decrement would overflow"),
        ("01", "INCR k", "ERR value is not an integer or out of range"),
        ("1", "INCRBY k 1.0", "ERR value is not an integer or out of range"),
        ("1", "INCRBYFLOAT k +inf", "ERR increment would produce NaN or Infinity"),
        ("1", "INCRBYFLOAT k nan", "ERR value is not a valid float"),
        ("x", "INCRBYFLOAT k 1", "ERR value is not a valid float"),
        ("1", "SETRANGE k -1 x", "ERR offset is out of range"),
        ("1", "SETRANGE k 536870912 x", "ERR string exceeds maximum allowed size (proto-max-bulk-len)"),
        ("1", "SET k 2 EX 0", "ERR invalid expire time in 'set' command"),
        ("1", "SETEX k 0 2", "ERR invalid expire time in 'setex' command"),
        ("1", "PSETEX k -1 2", "ERR invalid expire time in 'psetex' command"),
        ("1", "GETEX k EX 10000000000000000", "ERR invalid expire time in 'getex' command"),
        ("1", "MSET k 2 l", "ERR wrong number of arguments for 'mset' command"),
        ("1", "MSETNX k 2 l", "ERR wrong number of arguments for 'msetnx' command"),
        ("1", "LCS k k LEN IDX", "ERR If you want both the length and indexes, please just use IDX."),
    ],
)
def test_a_command_that_fails_has_recorded_nothing(node: Node, value: str, command: str, message: str) -> None:
    node.run("SET", "k", value)
    assert error(node.run(*command.split())) == message
    assert events(node) == [f"SET k {value}"]


@pytest.mark.parametrize("command", ["GET", "GETDEL", "GETEX", "INCR", "STRLEN"])
def test_another_type_is_refused(node: Node, command: str) -> None:
    node.run("RPUSH", "k", "x")
    refused = "WRONGTYPE Operation against a key holding the wrong kind of value"
    assert error(node.run(command, "k")) == refused
    for more in ("APPEND k x", "SETRANGE k 0 x", "GETRANGE k 0 1", "SET k v GET", "INCRBYFLOAT k 1", "GETSET k v"):
        assert error(node.run(*more.split())) == refused
    assert error(node.run("LCS", "k", "k")) == "ERR The specified keys must contain string values"
    assert node.run("MGET", "k", "none") == [None, None]
    assert node.run("SET", "k", "v") == "OK"


def test_ranges(node: Node) -> None:
    assert node.run("APPEND", "k", "Hello ") == 6
    assert node.run("APPEND", "k", "World") == 11
    assert node.run("SETRANGE", "k", "6", "Redis") == 11
    assert node.run("SETRANGE", "none", "9", "") == 0
    cut = {("0", "4"): b"Hello", ("-5", "-1"): b"Redis", ("5", "1"): b"", ("-1", "-5"): b"", ("3", "99"): b"lo Redis"}
    assert {ends: node.run("GETRANGE", "k", *ends) for ends in cut} == cut
    assert node.run("SUBSTR", "k", "-100", "1") == b"He"
    assert node.run("GETRANGE", "none", "0", "-1") == b""
    assert (node.run("STRLEN", "k"), node.run("STRLEN", "none")) == (11, 0)
    assert node.run("GET", "k") == b"Hello Redis"


def test_an_answered_string_does_not_change_with_later_edits(node: Node) -> None:
    node.run("SETRANGE", "k", "0", "abc")
    replies = [node.run("GET", "k"), node.run("MGET", "k"), node.run("GETRANGE", "k", "0", "-1")]
    node.run("APPEND", "k", "!")
    assert replies == [b"abc", [b"abc"], b"abc"]


def test_encodings_follow_the_way_a_string_came_about(node: Node) -> None:
    for command in ("SET i 12", "SET e abc", "APPEND a 5", "SETRANGE r 0 5", "SET x 12"):
        node.run(*command.split())
    node.run("SET", "big", "x" * 45)
    node.run("APPEND", "x", "3")
    encodings = {key: node.run("OBJECT", "ENCODING", key) for key in ("i", "e", "a", "r", "x", "big")}
    assert encodings == {"i": b"int", "e": b"embstr", "a": b"int", "r": b"raw", "x": b"raw", "big": b"raw"}


def test_lcs_in_its_forms(node: Node) -> None:
    node.run("MSET", "a", "ohmytext", "b", "mynewtext")
    assert node.run("LCS", "a", "b") == b"mytext"
    assert node.run("LCS", "a", "b", "LEN") == 6
    matches = node.run("LCS", "a", "b", "IDX", "MINMATCHLEN", "4", "WITHMATCHLEN")
    assert matches == {b"matches": [[[4, 7], [5, 8], 4]], b"len": 6}
    assert node.run("LCS", "a", "none", "IDX") == {b"matches": [], b"len": 0}


def test_reads_inside_writes_count_as_reads(node: Node) -> None:
    node.run("SET", "k", "v")
    node.run("GETEX", "k")
    node.run("GETSET", "none", "v")
    node.run("SET", "k", "w")
    assert (node.keyspace.hits, node.keyspace.misses) == (1, 1)
