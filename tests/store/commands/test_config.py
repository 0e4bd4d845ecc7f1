"""CONFIG, SLOWLOG and LATENCY: options in force at once, statistics, slow commands and spikes."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.commands.latency import edge
from store.commands.table import OUT_OF_MEMORY, TABLE
from store.errors import ReplyError
from store.observe.sparkline import sparkline
from tests.kit.inprocess import Node


@pytest.fixture
def node() -> Node:
    return Node()


def said(reply: object) -> str:
    assert isinstance(reply, ReplyError), reply
    return reply.line.decode()


# ── CONFIG ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_options_are_shown_and_changed(node: Node) -> None:
    assert node.run("config", "set", "maxmemory", "1gb", "maxmemory-policy", "allkeys-lru") == "OK"
    assert node.run("config", "get", "maxmemory", "maxmemory-p*") == {
        b"maxmemory": b"1073741824",
        b"maxmemory-policy": b"allkeys-lru",
    }


def test_all_are_changed_or_none(node: Node) -> None:
    reply = node.run("config", "set", "maxmemory", "1gb", "maxmemory-clients", "200%")
    assert said(reply) == (
        "ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - "
        "percentage argument must be less or equal to 100"
    )
    assert node.run("config", "get", "maxmemory") == {b"maxmemory": b"0"}
    assert said(node.run("config", "set", "maxmemory", "1gb", "hz")) == "ERR syntax error"
    assert (
        said(node.run("config", "set", "no-such", "1"))
        == "ERR Unknown option or number of arguments for CONFIG SET - 'no-such'"
    )


def test_what_is_set_is_in_force(node: Node) -> None:
    engine = node.engine
    node.run("config", "set", "maxmemory", "1gb")
    assert engine.gates.closed & OUT_OF_MEMORY
    node.run("config", "set", "maxmemory", "0")
    assert not engine.gates.closed & OUT_OF_MEMORY
    node.run("config", "set", "hash-max-listpack-entries", "1")
    node.run("hset", "h", "a", "1", "b", "2")
    assert node.run("object", "encoding", "h") == b"hashtable"
    node.run("config", "set", "proto-max-bulk-len", "2mb")
    assert node.client.parser.bulk_max == 2 << 20
    node.run("config", "set", "maxmemory-policy", "allkeys-lfu")
    assert node.keyspace.lfu is not None


def test_rewriting_keeps_users_and_options(node: Node, tmp_path: Path) -> None:
    assert said(node.run("config", "rewrite")) == "ERR The server is running without a config file"
    path = tmp_path / "redis.conf"
    path.write_text("# mine\nmaxmemory 1mb\n")
    node.engine.settings.config_file = str(path)
    node.run("config", "set", "maxmemory", "2mb")
    node.run("acl", "setuser", "ann", "on", "nopass", "+get", "~a")
    assert node.run("config", "rewrite") == "OK"
    lines = path.read_text().splitlines()
    assert lines[:2] == ["# mine", "maxmemory 2mb"]
    assert [line for line in lines if line.startswith("user ")] == [
        "user ann on nopass ~a resetchannels -@all +get",
        "user default on nopass ~* &* +@all",
    ]


def test_renamed_commands() -> None:
    node = Node()
    node.engine.rename_commands({b"flushall": b"", b"get": b"Fetch", b"set": b"get"})
    assert said(node.run("flushall")) == "ERR unknown command 'flushall', with args beginning with: "
    assert node.run("get", "k", "v") == "OK"
    assert node.run("fetch", "k") == b"v"
    assert said(node.run("fetch")) == "ERR wrong number of arguments for 'get' command"


def test_resetstat_sets_the_counters_to_zero(node: Node) -> None:
    node.run("get", "k")
    node.run("nonsense")
    node.run("config", "resetstat")
    row = TABLE[b"get"]
    assert (row.calls, row.nanoseconds, sum(row.buckets)) == (0, 0, 0)
    assert (node.keyspace.misses, node.engine.stats.errors) == (0, {})
    assert list(node.run("latency", "histogram")) == [b"config|resetstat"]  # type: ignore[call-overload]  # a dict


# ── SLOWLOG ────────────────────────────────────────────────────────────────────────────────────────────────────────
def slow(node: Node, *options: object) -> list[list[bytes]]:
    """The arguments of SLOWLOG GET's entries."""
    entries = node.run("slowlog", "get", *options)  # type: ignore[arg-type]  # words and numbers
    assert isinstance(entries, list)
    return [entry[3] for entry in entries]


def test_slow_commands_newest_first(node: Node) -> None:
    node.run("client", "setname", "me")
    node.run("config", "set", "slowlog-log-slower-than", 0)
    node.run("slowlog", "reset")
    node.run("set", "k", "v" * 200)
    node.run("rpush", "list", *range(40))
    assert slow(node, 2) == [
        [b"rpush", b"list", *(b"%d" % number for number in range(29)), b"... (11 more arguments)"],
        [b"set", b"k", b"v" * 128 + b"... (72 more bytes)"],
    ]
    entry = node.run("slowlog", "get", 1)[0]  # type: ignore[index]  # a list
    assert entry[4:] == [b"127.0.0.1:1", b"me"]
    assert slow(node, 0) == []
    assert said(node.run("slowlog", "get", -2)) == "ERR count should be greater than or equal to -1"


def test_the_slow_log_has_a_length_and_can_be_off(node: Node) -> None:
    node.run("config", "set", "slowlog-log-slower-than", 0, "slowlog-max-len", 3)
    for _ in range(5):
        node.run("ping")
    assert node.run("slowlog", "len") == 3
    node.run("config", "set", "slowlog-log-slower-than", -1)
    node.run("slowlog", "reset")
    node.run("ping")
    assert node.run("slowlog", "len") == 0


def test_secrets_are_not_shown(node: Node) -> None:
    node.run("config", "set", "slowlog-log-slower-than", 0)
    node.run("slowlog", "reset")
    node.run("acl", "setuser", "ann", ">secret")
    node.run("config", "set", "masterauth", "secret", "maxmemory", "0")
    node.run("auth", "ann", "secret")
    node.run("hello", "3", "auth", "ann", "secret", "setname", "me")
    hidden = b"(redacted)"
    assert slow(node, 4) == [
        [b"hello", b"3", b"auth", hidden, hidden, b"setname", b"me"],
        [b"auth", hidden, hidden],
        [b"config", b"set", b"masterauth", hidden, b"maxmemory", b"0"],
        [b"acl", b"setuser", hidden, hidden],
    ]


async def test_a_blocked_command_is_slow_when_it_is_done(node: Node) -> None:
    node.run("config", "set", "slowlog-log-slower-than", 0)
    waiting = node.connect()
    waiting.run("blpop", "list", 0)
    node.run("slowlog", "reset")
    node.run("rpush", "list", "a")
    assert slow(node) == [[b"blpop", b"list", b"0"], [b"rpush", b"list", b"a"], [b"slowlog", b"reset"]]


# ── LATENCY ────────────────────────────────────────────────────────────────────────────────────────────────────────
def spike(node: Node, milliseconds: int) -> None:
    node.engine.latency.note(b"command", node.clock.now_ms() // 1000, milliseconds)


def test_spikes_of_an_event(node: Node) -> None:
    spike(node, 500)  # monitoring is off
    node.run("config", "set", "latency-monitor-threshold", 100)
    start = node.clock.now_ms() // 1000
    for milliseconds in (300, 99, 200):
        spike(node, milliseconds)
    node.clock.advance(1000)
    spike(node, 250)
    assert node.run("latency", "history", "command") == [[start, 300], [start + 1, 250]]
    assert node.run("latency", "latest") == [[b"command", start + 1, 250, 300]]
    report = node.run("latency", "doctor")
    assert isinstance(report, bytes)
    assert b"1. command: 2 latency spikes (average 275ms, mean deviation 25ms" in report
    assert node.run("latency", "reset", "nothing") == 0
    assert node.run("latency", "reset") == 1
    assert node.run("latency", "history", "command") == []
    assert said(node.run("latency", "graph", "command")) == "ERR No samples available for event 'command'"


def test_the_graph_of_spikes(node: Node) -> None:
    node.run("config", "set", "latency-monitor-threshold", 1)
    for milliseconds in (10, 40, 25):
        spike(node, milliseconds)
        node.clock.advance(1000)
    graph = node.run("latency", "graph", "command")
    assert isinstance(graph, bytes)
    assert graph.decode().splitlines() == [
        "command - high 40 ms, low 10 ms (all time high 40 ms)",
        "-" * 80,
        " # ",
        " |_",
        " ||",
        "_||",
        "   ",
        "321",
        "sss",
    ]


def test_a_long_graph_comes_in_blocks() -> None:
    lines = sparkline([(1.0, "x")] * 81).splitlines()
    assert [len(line) for line in lines] == [80] * 6 + [0] + [1] * 6


def test_histograms_count_calls_up_to_powers_of_two(node: Node) -> None:
    node.run("config", "resetstat")
    TABLE[b"echo"].calls = 7
    TABLE[b"echo"].buckets = [{3: 1, 10: 2, 12: 3, 40: 1}.get(length, 0) for length in range(64)]
    assert node.run("latency", "histogram", "echo", "nothing") == {
        b"echo": {b"calls": 7, b"histogram_usec": {1: 3, 4: 6, 1082130: 7}}
    }
    node.run("config", "resetstat")
    assert [edge(length) for length in range(10, 18)] == [1, 2, 4, 8, 16, 33, 66, 132]  # as redis-server names them


def test_histogram_of_a_container_has_its_subcommands(node: Node) -> None:
    node.run("config", "resetstat")
    node.run("client", "id")
    node.run("client", "getname")
    assert set(node.run("latency", "histogram", "client")) == {b"client|id", b"client|getname"}  # type: ignore[call-overload]
    assert set(node.run("latency", "histogram", "client|id")) == {b"client|id"}  # type: ignore[call-overload]  # dicts
