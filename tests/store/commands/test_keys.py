"""Commands on keys of any type and on databases: reply, recorded event, and that replay gives the same data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.errors import ReplyError
from tests.kit.inprocess import Node

NOW = 1_700_000_000_000
LATER = 1_800_000_000_000


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    node.check()


def events(node: Node) -> list[str]:
    """Events without SELECT, as text."""
    return [b" ".join(event).decode("utf-8", "replace") for event in node.events() if event[0] != b"SELECT"]


def error(reply: object) -> str:
    assert isinstance(reply, ReplyError)
    return reply.line.decode()


def test_del_records_the_keys_that_existed(node: Node) -> None:
    node.run("MSET", "a", "1", "b", "2", "c", "3")
    assert node.run("DEL", "a", "none", "b", "a") == 2
    assert node.run("UNLINK", "none") == 0
    assert node.run("EXISTS", "c", "c", "a") == 2
    assert events(node)[1:] == ["DEL a b"]


def test_a_lifetime_is_recorded_as_deadline_or_removal(node: Node) -> None:
    node.run("MSET", "a", "1", "b", "2")
    assert node.run("EXPIRE", "a", "10") == 1
    assert node.run("PEXPIREAT", "b", LATER) == 1
    assert node.run("EXPIREAT", "a", LATER // 1000) == 1
    assert node.run("PEXPIRE", "b", "0") == 1
    assert node.run("EXPIRE", "none", "10") == 0
    assert events(node)[1:] == [f"PEXPIREAT a {NOW + 10_000}", f"PEXPIREAT b {LATER}", f"PEXPIREAT a {LATER}", "DEL b"]


@pytest.mark.parametrize(
    ("lifetime", "conditions", "allowed"),
    [
        ("", "NX", 1), ("", "XX", 0), ("", "GT", 0), ("", "LT", 1), ("", "XX LT", 0),
        ("50", "NX", 0), ("50", "XX", 1), ("50", "GT", 1), ("50", "LT", 0), ("500", "gt", 0), ("500", "xx lt", 1),
    ],
)  # fmt: skip
def test_conditions_of_expire(node: Node, lifetime: str, conditions: str, allowed: int) -> None:
    node.run("SET", "k", "v", *(["EX", lifetime] if lifetime else []))
    assert node.run("EXPIRE", "k", "100", *conditions.split()) == allowed
    assert node.run("TTL", "k") == (100 if allowed else int(lifetime or -1))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("EXPIRE k 10 AB", "ERR Unsupported option AB"),
        ("EXPIRE k 10 NX GT", "ERR NX and XX, GT or LT options at the same time are not compatible"),
        ("EXPIRE k 10 LT GT", "ERR GT and LT options at the same time are not compatible"),
        ("EXPIRE k x", "ERR value is not an integer or out of range"),
        ("PEXPIRE k 9223372036854770000", "ERR invalid expire time in 'pexpire' command"),
        ("RENAME none k", "ERR no such key"),
        ("RENAMENX none none", "ERR no such key"),
        ("MOVE k 0", "ERR source and destination objects are the same"),
        ("MOVE k 16", "ERR DB index is out of range"),
        ("COPY k l DB", "ERR syntax error"),
        ("COPY k k DB 0", "ERR source and destination objects are the same"),
        ("COPY k l DB 99999999999", "ERR value is out of range, value must between -2147483648 and 2147483647"),
        ("SWAPDB x 1", "ERR invalid first DB index"),
        ("SWAPDB 0 99999999999", "ERR invalid second DB index"),
        ("SWAPDB 0 16", "ERR DB index is out of range"),
        ("FLUSHALL NOW", "ERR syntax error"),
        ("FLUSHDB SYNC ASYNC", "ERR syntax error"),
        ("RESTORE k 0 x", "BUSYKEY Target key name already exists."),
        ("RESTORE l -1 x", "ERR Invalid TTL value, must be >= 0"),
        ("RESTORE l 0 x FREQ 256", "ERR Invalid FREQ value, must be >= 0 and <= 255"),
        ("RESTORE l 0 x IDLETIME -1", "ERR Invalid IDLETIME value, must be >= 0"),
        ("RESTORE l 0 x IDLETIME 1 FREQ 1", "ERR syntax error"),
        ("RESTORE l 0 x", "ERR DUMP payload version or checksum are wrong"),
        ("SCAN x", "ERR invalid cursor"),
        ("SCAN 0 COUNT 0", "ERR syntax error"),
        ("MEMORY USAGE k SAMPLES -1", "ERR syntax error"),
    ],
)
def test_a_command_that_fails_has_recorded_nothing(node: Node, command: str, message: str) -> None:
    node.run("SET", "k", "v")
    assert error(node.run(*command.split())) == message
    assert events(node) == ["SET k v"]


def test_what_is_left_of_a_lifetime(node: Node) -> None:
    node.run("SET", "k", "v", "PX", "10500")
    node.run("SET", "eternal", "v")
    asked = ("TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME")
    assert [node.run(name, "k") for name in asked] == [11, 10_500, NOW // 1000 + 11, NOW + 10_500]
    assert {node.run(name, "eternal") for name in asked} == {-1}
    assert {node.run(name, "none") for name in asked} == {-2}
    assert [node.run("PERSIST", key) for key in ("k", "k", "none")] == [1, 0, 0]
    assert events(node)[2:] == ["PERSIST k"]


def test_an_expired_key_is_gone_for_every_command(node: Node) -> None:
    for key in "abcdefgh":
        node.run("SET", key, "v", "PX", "10")
    node.run("SELECT", 1)
    node.run("SET", "h", "other", "PX", "20")
    node.run("SELECT", 0)
    node.clock.advance(10)
    assert node.run("DEL", "a") == 0
    assert error(node.run("RENAME", "b", "x")) == "ERR no such key"
    assert node.run("EXPIRE", "c", "10") == 0
    assert node.run("COPY", "d", "x") == 0
    assert node.run("TYPE", "e") == "none"
    assert node.run("KEYS", "*") == []
    assert node.run("DBSIZE") == 3
    assert node.run("SCAN", "0") == [b"0", []]
    assert node.run("RANDOMKEY") is None
    assert node.run("DBSIZE") == 0
    node.run("SET", "h", "fresh")
    node.clock.advance(10)
    assert node.run("MOVE", "h", "1") == 1
    assert events(node)[-4:] == ["MULTI", "DEL h", "MOVE h 1", "EXEC"]
    removals = events(node)[9:-5]
    assert sorted(removals) == [f"DEL {key}" for key in "abcdefgh"]


def test_a_replica_hides_expired_keys_and_removes_nothing(node: Node) -> None:
    node.run("SET", "k", "v", "PX", "10")
    node.engine.primary = False
    node.clock.advance(10)
    assert node.run("SCAN", "0") == [b"0", []]
    assert node.run("KEYS", "*") == []
    assert node.run("RANDOMKEY") == b"k"  # as Redis: nothing else is left to answer
    node.run("MSET", "a", "1", "b", "2")
    assert node.run("RANDOMKEY") in (b"a", b"b")
    assert node.run("DBSIZE") == 3


def test_rename_copy_and_move(node: Node) -> None:
    node.run("SET", "a", "1", "PXAT", LATER)
    assert node.run("RENAME", "a", "a") == "OK"
    assert node.run("RENAMENX", "a", "b") == 1
    assert node.run("RENAMENX", "b", "b") == 0
    assert node.run("COPY", "b", "c") == 1
    assert node.run("COPY", "b", "c") == 0
    assert node.run("COPY", "b", "c", "REPLACE") == 1
    assert node.run("COPY", "b", "b", "DB", "2", "REPLACE") == 1
    assert node.run("MOVE", "b", "2") == 0
    assert node.run("MOVE", "c", "2") == 1
    assert node.run("PEXPIRETIME", "b") == LATER
    recorded = ["RENAME a b", "COPY b c", "COPY b c REPLACE", "COPY b b DB 2", "MOVE c 2"]
    assert events(node)[1:] == recorded


def test_databases_are_emptied_and_exchanged(node: Node) -> None:
    node.run("SET", "k", "0")
    node.run("SELECT", 1)
    node.run("SET", "k", "1")
    assert node.run("SWAPDB", "0", "1") == "OK"
    assert node.run("GET", "k") == b"0"
    assert node.run("FLUSHDB", "ASYNC") == "OK"
    assert (node.run("DBSIZE"), node.run("SELECT", 0), node.run("DBSIZE")) == (0, "OK", 1)
    assert node.run("FLUSHALL") == "OK"
    assert node.run("FLUSHALL") == "OK"
    assert events(node)[2:] == ["SWAPDB 0 1", "FLUSHDB ASYNC", "FLUSHALL", "FLUSHALL"]


def test_scan_returns_all_that_was_there_all_the_time(node: Node) -> None:
    stay = {b"stay:%d" % number for number in range(100)}
    for key in stay:
        node.run("SET", key, "v")
    for number in range(100):
        node.run("SET", f"go:{number}", "v")
    found: set[bytes] = set()
    cursor, step = b"0", 0
    while True:
        cursor, keys = node.run("SCAN", cursor, "COUNT", "7")  # type: ignore[misc]
        found |= set(keys)
        if cursor == b"0":
            break
        step += 1
        node.run("DEL", *[f"go:{number}" for number in range(step * 5, step * 5 + 5)])
        node.run("SET", f"new:{step}", "v")
    assert found >= stay


def test_scan_options(node: Node) -> None:
    node.run("MSET", "a1", "v", "a2", "v", "b1", "v")
    node.run("RPUSH", "a3", "x")
    cursor, keys = node.run("SCAN", "0", "match", "a*", "type", "STRING", "count", "100")  # type: ignore[misc]
    assert (cursor, sorted(keys)) == (b"0", [b"a1", b"a2"])
    assert node.run("SCAN", "0", "TYPE", "list") == [b"0", [b"a3"]]
    assert node.run("SCAN", "0", "TYPE", "nonsense") == [b"0", []]
    assert sorted(node.run("KEYS", "?1")) == [b"a1", b"b1"]  # type: ignore[call-overload]


def test_dump_and_restore(node: Node) -> None:
    node.run("SET", "a", "text")
    node.run("RPUSH", "l", "1", "two")
    for key in ("a", "l"):
        payload = node.run("DUMP", key)
        assert isinstance(payload, bytes)
        assert node.run("RESTORE", "copy", "5000", payload, "REPLACE") == "OK"
        assert node.run("PEXPIRETIME", "copy") == NOW + 5000
        assert node.run("DUMP", "copy") == payload
    assert node.run("RESTORE", "copy", "1", payload, "ABSTTL", "REPLACE") == "OK"
    assert node.run("RESTORE", "copy", "1", payload, "ABSTTL") == "OK"
    assert node.run("EXISTS", "copy") == 0
    assert node.run("DUMP", "copy") is None
    assert [event.split()[0] for event in events(node)] == ["SET", "RPUSH", "RESTORE", "RESTORE", "DEL"]


def test_access_times(node: Node) -> None:
    payload = (node.run("SET", "k", "v"), node.run("DUMP", "k"))[1]
    assert isinstance(payload, bytes)
    assert node.run("RESTORE", "idle", "0", payload, "IDLETIME", "1000") == "OK"
    assert node.run("OBJECT", "IDLETIME", "idle") == 1000
    assert node.run("TOUCH", "idle", "k", "none") == 2
    assert node.run("OBJECT", "IDLETIME", "idle") == 0
    assert error(node.run("OBJECT", "FREQ", "k")).startswith("ERR An LFU maxmemory policy is not selected, ")
    node.engine.settings.set([(b"maxmemory-policy", b"allkeys-lfu")])
    assert node.run("RESTORE", "often", "0", payload, "FREQ", "100") == "OK"
    assert node.run("OBJECT", "FREQ", "often") == 100
    assert node.run("OBJECT", "FREQ", "none") is None
    assert error(node.run("OBJECT", "IDLETIME", "k")).startswith("ERR An LFU maxmemory policy is selected, ")


def test_looking_into_values(node: Node) -> None:
    node.run("MSET", "int", "7", "text", "abc")
    node.run("RPUSH", "list", "x")
    assert [node.run("TYPE", key) for key in ("int", "list", "none")] == ["string", "list", "none"]
    assert [node.run("OBJECT", "REFCOUNT", key) for key in ("int", "text", "none")] == [2147483647, 1, None]
    assert node.run("OBJECT", "ENCODING", "none") is None
    usage = node.run("MEMORY", "USAGE", "text", "SAMPLES", "0")
    assert isinstance(usage, int)
    assert usage > 6
    assert node.run("MEMORY", "USAGE", "none") is None
    assert isinstance(node.run("OBJECT", "HELP"), list)


def test_looking_does_not_touch(node: Node) -> None:
    node.run("SET", "k", "v")
    entry = node.keyspace.databases[0].entries[b"k"]
    entry.access = 5
    for command in ("TYPE k", "TTL k", "EXISTS k", "OBJECT ENCODING k", "MEMORY USAGE k", "KEYS *", "SCAN 0"):
        node.run(*command.split())
    assert entry.access == 5
    assert (node.keyspace.hits, node.keyspace.misses) == (4, 0)
