"""maxmemory: which keys go under each policy, that they go by events, and when writes are refused."""

from __future__ import annotations

import math

import pytest

from store import eviction
from store.errors import ReplyError
from store.eviction import LFU_COUNTER_MAX, Room, lfu_counter, lfu_touched, patience
from store.keyspace import LFU_INIT
from tests.kit.inprocess import Node

VALUE = b"x" * 1000


def limited(policy: str, room: int = 20_000) -> Node:
    """A node with `room` bytes left under maxmemory."""
    node = Node()
    node.run("CONFIG", "SET", "maxmemory-policy", policy, "maxmemory", node.engine.used_memory() + room)
    return node


def names(node: Node) -> set[bytes]:
    return set(node.keyspace.databases[0].entries)


def test_noeviction_refuses_what_may_grow_and_serves_the_rest() -> None:
    node = limited("noeviction", room=3000)
    replies = [node.run("SET", f"k{number}", VALUE) for number in range(10)]
    assert replies[0] == "OK"
    refused = replies[-1]
    assert isinstance(refused, ReplyError)
    assert refused.line == b"OOM command not allowed when used memory > 'maxmemory'."
    assert node.run("GET", "k0") == VALUE
    assert node.run("DEL", "k0") == 1
    node.check()


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random"])
def test_allkeys_policies_make_room_by_recorded_removals(policy: str) -> None:
    node = limited(policy)
    for number in range(100):
        assert node.run("SET", f"k{number}", VALUE) == "OK"
    assert node.engine.used_memory() <= node.engine.settings.maxmemory + 2 * len(VALUE)
    removed = {event[1] for event in node.events() if event[0] == b"DEL"}
    assert removed | names(node) == {b"k%d" % number for number in range(100)}
    assert node.engine.stats.evicted == 100 - len(names(node))
    node.check()


@pytest.mark.parametrize("policy", ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"])
def test_volatile_policies_spare_keys_without_a_deadline(policy: str) -> None:
    node = limited(policy, room=60_000)
    for number in range(10):
        node.run("SET", f"keep{number}", VALUE)
    for number in range(100):
        node.run("SET", f"k{number}", VALUE, "EX", 1000 + number)
    assert {b"keep%d" % number for number in range(10)} <= names(node)
    assert node.engine.stats.evicted > 0
    node.check()


def test_volatile_policies_refuse_writes_when_nothing_has_a_deadline() -> None:
    node = limited("volatile-lru", room=3000)
    replies = [node.run("SET", f"k{number}", VALUE) for number in range(10)]
    assert isinstance(replies[-1], ReplyError)


def test_volatile_ttl_prefers_the_nearest_deadline() -> None:
    node = limited("volatile-ttl")
    node.run("CONFIG", "SET", "maxmemory-samples", 64)
    for number in range(40):
        node.run("SET", f"k{number:02}", VALUE, "EX", 10_000 - number)
    kept = sorted(names(node))
    assert b"k00" in kept
    assert node.engine.stats.evicted > 5


def test_lru_spares_what_was_read() -> None:
    node = limited("allkeys-lru", room=25_000)
    node.run("CONFIG", "SET", "maxmemory-samples", 64)
    for number in range(12):
        node.run("SET", f"old{number}", VALUE)
    node.clock.advance(5000)
    eviction.tick(node.engine)
    node.run("GET", "old3")
    for number in range(14):
        node.run("SET", f"new{number}", VALUE)
    assert b"old3" in names(node)
    assert node.engine.stats.evicted > 0


def test_lfu_counter_grows_ever_more_slowly_and_decays_by_minutes() -> None:
    access = LFU_INIT
    for _ in range(1000):
        access = lfu_touched(access, minute=0, decay=1, factor=10)
    counter = access & 255
    assert LFU_INIT < counter < 60
    assert lfu_counter(access, minute=3, decay=1) == counter - 3
    assert lfu_counter(access, minute=10_000, decay=1) == 0
    assert lfu_counter(access, minute=10_000, decay=0) == counter
    many = LFU_COUNTER_MAX
    assert lfu_touched(many, minute=0, decay=1, factor=0) & 255 == LFU_COUNTER_MAX


def follower(policy: str) -> Node:
    """A replica whose data are above maxmemory."""
    node = Node()
    for number in range(5):
        node.run("SET", f"k{number}", VALUE)
    node.engine.primary = False
    node.engine.settings.replicaof = ("127.0.0.1", 1)
    node.run("CONFIG", "SET", "maxmemory-policy", policy, "maxmemory", 1)
    return node


@pytest.mark.parametrize("policy", ["noeviction", "allkeys-random"])
def test_a_replica_neither_evicts_nor_refuses_what_a_failover_sends(policy: str) -> None:
    node = follower(policy)
    assert node.run("MULTI") == "OK"
    assert [str(node.run(*command)) for command in (("CLIENT", "KILL", "TYPE", "pubsub"), ("GET", "k0"))] == ["QUEUED"] * 2
    assert node.run("EXEC") == [0, VALUE]
    assert node.run("EVAL", "return redis.call('SET', 'k1', 'v')", 0) == "OK"
    assert node.engine.stats.evicted == 0


@pytest.mark.parametrize("policy", ["noeviction", "allkeys-random"])
def test_a_replica_that_minds_its_limit_refuses_under_noeviction_and_never_evicts(policy: str) -> None:
    """Keys of a replica leave by its primary's events alone; redis-server would evict them, and differ from its primary."""
    node = follower(policy)
    node.run("CONFIG", "SET", "replica-ignore-maxmemory", "no")
    refused = policy == "noeviction"
    for command in (("SET", "k1", "v"), ("EVAL", "return redis.call('SET', 'k1', 'v')", 0)):
        reply = node.run(*command)
        assert (str(getattr(reply, "line", b"")).find("OOM") >= 0) == refused, reply
    node.run("MULTI")
    assert isinstance(node.run("GET", "k0"), ReplyError) == refused
    assert node.engine.stats.evicted == 0


def test_nothing_is_evicted_or_refused_while_writes_pause() -> None:
    node = limited("allkeys-random", room=-1)
    node.engine.gates.writes_paused = True
    assert eviction.make_room(node.engine) is Room.ENOUGH
    node.engine.gates.writes_paused = False
    node.run("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert eviction.make_room(node.engine) is Room.NONE


def test_a_round_of_eviction_ends_in_time_and_refuses_nobody() -> None:
    node = limited("allkeys-random", room=1_000_000)
    for number in range(100):
        node.run("SET", f"k{number}", VALUE)
    node.run("CONFIG", "SET", "maxmemory-eviction-tenacity", 0, "maxmemory", 1)
    assert node.run("SET", "k0", VALUE) == "OK"
    assert node.engine.stats.evicted == eviction.BATCH
    node.run("CONFIG", "SET", "maxmemory-eviction-tenacity", 100)
    assert isinstance(node.run("SET", "k0", VALUE), ReplyError)  # all are gone, and the empty server is above 1 byte
    assert names(node) == set()
    node.check()


def test_tenacity_means_what_it_means_in_redis() -> None:
    assert [patience(tenacity) for tenacity in (0, 1, 10)] == [0, 50e-6, 500e-6]
    assert 100 < patience(99) < 150
    assert patience(100) == math.inf
