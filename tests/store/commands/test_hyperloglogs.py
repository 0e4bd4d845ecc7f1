"""HyperLogLog commands: the bytes that redis-server makes, and what history says of them."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from store.errors import ReplyError
from tests.kit.inprocess import Node
from tests.kit.servers import Server, redis_server, requires_redis
from tests.kit.side_by_side import EVERY_CLASS, Ours, compare

SCRIPTS = """
pfadd k | get k | pfadd k | pfcount k | get k | pfadd k a b c | get k | pfcount k | get k | pfcount k | pfadd k a b c
    | get k | pfadd k "" | pfadd k d e a | get k | object encoding k | strlen k | pfdebug encoding k | pfdebug decode k
set s abc | pfadd s a | pfcount s | pfmerge s | pfmerge d s | pfcount s d | pfdebug encoding s | rpush l a | pfadd l a | pfcount l
    | pfmerge l k | pfmerge k l | pfcount k l | exists d k | pfdebug getreg none | set n 12345678901234567 | pfadd n a
pfadd a x y z | pfadd b y z w | pfcount a b none | pfmerge d a b none | get d | pfcount d | pfmerge d | pfmerge a | get a
    | pfmerge e | get e | pfcount e | pfcount none | pfcount none none | pfadd d new | pfcount d a b
pfadd k a b c | pfdebug todense k | pfdebug todense k | get k | pfadd k d | get k | pfcount k | pfdebug decode k | pfadd s x
    | pfmerge s k | get s | pfmerge k s | get k | pfdebug encoding s | pfdebug foo k
pfadd k a b c | append k hello | pfcount k | pfadd k zz | pfmerge d k | pfcount k d | pfdebug getreg k | pfdebug todense k
pfadd k a b c | setrange k 0 0123 | pfcount k | pfadd k x | setrange k 0 HYLL | setrange k 4 2 | pfadd k x | pfcount k
pfadd k a b c | pexpireat k 9000000000000 | pfadd k d | pfmerge k none | pfcount k | pexpiretime k
"""


def hyperloglog_of(runs: bytes) -> bytes:
    return b"HYLL\x01" + bytes(10) + b"\x80" + runs


@pytest.fixture(scope="module")
def oracle() -> Iterator[Server]:
    with redis_server("--notify-keyspace-events", EVERY_CLASS) as server:
        yield server


@requires_redis
@pytest.mark.parametrize("script", SCRIPTS.replace("\n    |", " |").strip().splitlines())
def test_replies_and_notifications_are_those_of_redis(oracle: Server, script: str) -> None:
    compare(oracle, script)


@requires_redis
@pytest.mark.parametrize("limit", [0, 100, 3000, 5000])
def test_the_bytes_are_those_of_redis_at_every_size(oracle: Server, limit: int) -> None:
    rng = random.Random(limit)
    ours = Ours()
    setting = [b"hll-sparse-max-bytes", b"%d" % limit]
    ours.node.engine.settings.set([(setting[0], setting[1])])
    with oracle.client() as redis:
        redis.command("FLUSHALL")
        redis.command("CONFIG", "SET", *setting)
        for size in (1, 2, 5, 20, 100, 400, 1500, 3000):
            for key in (b"a", b"b"):
                argv = [b"PFADD", key, *(b"%d" % rng.randrange(1 << 40) for _ in range(size))]
                assert ours.command(argv) == redis.command(*argv)
            for check in ([b"PFCOUNT", b"a"], [b"PFMERGE", b"c", b"b", b"a"], [b"PFCOUNT", b"a", b"b"], [b"PFCOUNT", b"c"]):
                assert ours.command(check) == redis.command(*check)
            for key in (b"a", b"b", b"c"):
                assert ours.command([b"GET", key]) == redis.command("GET", key), (size, key)
    ours.node.check()


@requires_redis
def test_damaged_runs_are_judged_as_redis_does(oracle: Server) -> None:
    rng = random.Random(11)
    ours = Ours()
    with oracle.client() as redis:
        for _ in range(120):
            runs = bytearray(b"\x7f\xff" if rng.random() < 0.3 else rng.randbytes(rng.randrange(8)))
            if rng.random() < 0.5:
                runs = bytearray(b"\x40\x63" + b"\x88" * 3 + b"\x7f\x98") + runs[: rng.randrange(2)]
            commands = [
                [b"SET", b"k", hyperloglog_of(bytes(runs))], [b"PFADD", b"k", b"%d" % rng.randrange(99)], [b"PFCOUNT", b"k"],
                [b"PFCOUNT", b"k", b"none"], [b"DEL", b"d"], [b"PFMERGE", b"d", b"k"], [b"GET", b"d"], [b"PFDEBUG", b"DECODE", b"k"],
            ]  # fmt: skip
            for argv in commands:
                assert ours.command(argv) == redis.command(*argv), (runs, argv)
    ours.node.check()


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    node.check()


def events(node: Node) -> list[str]:
    """Events without SELECT, as text."""
    return [b" ".join(event).decode("latin-1") for event in node.events() if event[0] != b"SELECT"]


def test_only_what_changes_a_register_is_recorded(node: Node) -> None:
    commands = ("PFADD k", "PFADD k", "PFADD k a b", "PFADD k a c", "PFADD k c")
    assert [node.run(*command.split()) for command in commands] == [1, 0, 1, 1, 0]
    assert events(node) == ["PFADD k", "PFADD k a b", "PFADD k c"]


def test_an_estimate_is_recorded_when_it_is_kept(node: Node) -> None:
    node.run("PFADD", "k", "a", "b")
    assert [node.run("PFCOUNT", "k") for _ in range(3)] == [2, 2, 2]
    assert events(node) == ["PFADD k a b", "PFCOUNT k"]


def test_a_replica_counts_without_keeping_it(node: Node) -> None:
    node.run("PFADD", "k", "a", "b")
    node.engine.primary = False
    assert node.run("PFCOUNT", "k") == 2
    node.engine.primary = True
    assert events(node) == ["PFADD k a b"]


def test_an_encoding_chosen_by_an_option_is_recorded_as_the_whole_string(node: Node) -> None:
    node.engine.settings.set([(b"hll-sparse-max-bytes", b"0")])
    node.run("PFADD", "k", "a")
    node.run("PFMERGE", "d", "k")
    assert node.run("PFDEBUG", "ENCODING", "k") == node.run("PFDEBUG", "ENCODING", "d") == "dense"
    assert [event.split()[0] for event in events(node)] == ["SET", "PFMERGE"]


def test_an_error_has_recorded_nothing(node: Node) -> None:
    node.run("SET", "s", "abc")
    node.run("SET", "k", hyperloglog_of(b"\x00"))
    before = events(node)
    for command in ("PFADD s a", "PFADD k a", "PFCOUNT k", "PFCOUNT k k", "PFMERGE d k", "PFMERGE k", "PFDEBUG TODENSE k"):
        assert isinstance(node.run(*command.split()), ReplyError), command
    assert events(node) == before


def test_the_self_test_passes(node: Node) -> None:
    assert node.run("PFSELFTEST") == "OK"
