"""maxmemory: which keys go under each policy, that they go by events, and when writes are refused."""

from __future__ import annotations

import pytest

from store import eviction
from store.errors import ReplyError
from store.eviction import LFU_COUNTER_MAX, lfu_counter, lfu_touched
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


def test_a_replica_never_evicts() -> None:
    node = limited("allkeys-random", room=3000)
    node.engine.primary = False
    for number in range(5):
        node.run("SET", f"k{number}", VALUE)
    assert node.engine.stats.evicted == 0
