"""Expiry: keys are hidden from their deadline on, leave by recorded removals, and a burst is worked off in slices."""

from __future__ import annotations

from store import expiry
from tests.kit.inprocess import Node


def test_a_key_is_gone_at_its_deadline_and_history_says_so() -> None:
    node = Node()
    node.run("SET", "k", "v", "PX", 100)
    node.clock.advance(99)
    assert node.run("GET", "k") == b"v"
    node.clock.advance(1)
    assert node.run("GET", "k") is None
    assert node.events()[-1] == [b"DEL", b"k"]
    assert node.engine.stats.expired == 1
    node.check()


def test_active_expiry_removes_what_nobody_asks_for() -> None:
    node = Node()
    for number in range(500):
        node.run("SET", f"k{number}", "v", "PX", 100 + number % 7)
    node.run("SET", "stays", "v")
    node.clock.advance(200)
    while expiry.expire_due(node.engine):
        pass
    assert list(node.keyspace.databases[0].entries) == [b"stays"]
    assert node.engine.stats.expired_keys_active == 500
    node.check()


def test_a_moved_deadline_counts_not_the_old_one() -> None:
    node = Node()
    node.run("SET", "later", "v", "PX", 100)
    node.run("PEXPIRE", "later", 1000)
    node.run("SET", "never", "v", "PX", 100)
    node.run("PERSIST", "never")
    node.clock.advance(500)
    assert not expiry.expire_due(node.engine)
    assert node.run("EXISTS", "later", "never") == 2
    node.clock.advance(500)
    expiry.expire_due(node.engine)
    assert node.run("EXISTS", "later", "never") == 1
    node.check()


def test_a_burst_is_cut_into_slices_that_end_in_time() -> None:
    node = Node()
    db = node.keyspace.databases[0]
    for number in range(20_000):
        node.run("SET", f"k{number}", "v", "PX", 100)
    node.clock.advance(200)
    slices = 1
    while expiry.expire_due(node.engine):
        slices += 1
        assert slices < 20_000
    assert len(db) == 0
    assert slices == node.engine.stats.active_expire_cycles_cut + 1
    assert slices > 1


def test_a_replica_hides_but_does_not_remove() -> None:
    node = Node()
    node.run("SET", "k", "v", "PX", 100)
    node.engine.primary = False
    node.clock.advance(100)
    assert node.run("GET", "k") is None
    assert node.run("TTL", "k") == -2
    assert not expiry.expire_due(node.engine)
    assert b"k" in node.keyspace.databases[0].entries
    assert [b"DEL", b"k"] not in node.events()


def test_nothing_expires_while_writes_are_paused() -> None:
    node = Node()
    node.run("SET", "k", "v", "PX", 100)
    node.engine.gates.writes_paused = True
    node.clock.advance(100)
    assert node.run("GET", "k") is None
    assert not expiry.expire_due(node.engine)
    assert b"k" in node.keyspace.databases[0].entries


def test_outdated_pairs_do_not_pile_up() -> None:
    node = Node()
    for number in range(5000):
        node.run("SET", "k", "v", "PX", 100_000 + number)
    assert len(node.keyspace.databases[0].deadlines) < 1100
    node.check()
