"""The proof of equality is equal exactly when the states are: over random changes, their replay and their snapshot."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.keyspace import Keyspace
from store.proof import Proof, key_digest, prove
from store.rdb import RdbLoader, encode_snapshot
from store.values.hash import Hash
from store.values.list import List
from store.values.set import Set
from store.values.sorted_set import SortedSet
from store.values.stream import Stream
from tests.kit.inprocess import Node

LIBRARY = "#!lua name=%s\nredis.register_function('%s', function(keys, args) return %s end)"

START = [
    "SET s v", "APPEND s w", "SET other v", "HSET h f 1 g 2", "RPUSH l a b c", "SADD set a b", "ZADD z 1 a 2 b",
    "XADD x 1-0 f v", "XADD x 2-0 f v g w", "XADD x 3-0 f v", "XGROUP CREATE x g 0", "XGROUP CREATE x other 1-0",
    "XREADGROUP GROUP g c COUNT 2 STREAMS x >", "XREADGROUP GROUP g d COUNT 1 STREAMS x >", "PEXPIREAT other 99999999999999",
]  # fmt: skip
CHANGES = [
    "PEXPIREAT s 99999999999999", "PEXPIREAT s 99999999999998", "PEXPIREAT other 99999999999998", "PERSIST other",
    "SET s v2", "SET new v", "DEL other", "RENAME s t", "HSET h f 2", "HDEL h g", "LSET l 0 b", "RPUSH l d", "SADD set c",
    "ZADD z 1.5 a", "ZADD z 3 c", "MOVE s 1", "COPY s u", "XADD x 4-0 f v", "XADD x 4-0 f v g w", "XDEL x 1-0", "XDEL x 3-0",
    "XTRIM x MAXLEN 2", "XSETID x 9-0", "XSETID x 3-0 ENTRIESADDED 7 MAXDELETEDID 0-0",
    "XSETID x 3-0 ENTRIESADDED 3 MAXDELETEDID 2-5", "XGROUP CREATE x third $", "XGROUP DESTROY x other", "XGROUP SETID x g 1-0",
    "XGROUP SETID x other 1-0 ENTRIESREAD 1", "XGROUP CREATECONSUMER x g e", "XGROUP CREATECONSUMER x other c",
    "XGROUP DELCONSUMER x g d", "XREADGROUP GROUP other c STREAMS x >", "XACK x g 1-0",
    "XACK x g 3-0", "XCLAIM x g d 0 1-0 JUSTID", "XCLAIM x g c 0 1-0 TIME 5 RETRYCOUNT 1", "XCLAIM x g c 0 1-0 RETRYCOUNT 9",
]  # fmt: skip
LIBRARIES = [
    ("FUNCTION", "LOAD", "REPLACE", LIBRARY % ("one", "one", 1)), ("FUNCTION", "LOAD", "REPLACE", LIBRARY % ("one", "one", 2)),
    ("FUNCTION", "LOAD", "REPLACE", LIBRARY % ("two", "two", 1)), ("FUNCTION", "DELETE", "one"),
]  # fmt: skip
COMMANDS = [*(tuple(line.split()) for line in CHANGES), *LIBRARIES]


def state(keyspace: Keyspace) -> str:
    """All that history decides, in words."""
    keys = {
        (db.index, entry.key): (entry.deadline, content(entry.value)) for db in keyspace.databases for entry in db.order
    }
    return repr((sorted(keys.items()), sorted(keyspace.functions.items())))


def content(value: object) -> object:
    """A value in words, by the interface that commands use."""
    match value:
        case Stream():
            groups = {
                name: (
                    group.last,
                    group.read,
                    [(number, one.consumer.name, one.time, one.count) for number, one in group.pending.items()],
                    sorted((consumer.name, consumer.seen) for consumer in group.consumers.values()),
                )
                for name, group in value.groups.items()
            }
            return list(value), value.last, value.added, value.max_deleted, sorted(groups.items())
        case Hash():
            return "hash", sorted(value.items())
        case Set():
            return "set", sorted(value)
        case SortedSet():
            return "zset", list(value)
        case List():
            return "list", list(value)
        case bytes() | bytearray():
            return bytes(value)
    raise AssertionError(value)


def started() -> Node:
    """A node that holds something of everything."""
    node = Node()
    for line in START:
        node.run(*line.split())
    node.run(*LIBRARIES[0])
    return node


def reloaded(keyspace: Keyspace) -> Keyspace:
    """The keyspace as its snapshot has it."""
    found = Keyspace()
    loader = RdbLoader(found)
    loader.feed(b"".join(encode_snapshot(keyspace)))
    loader.finish()
    return found


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_one_change_changes_the_proof(command: tuple[str, ...]) -> None:
    node = started()
    before, was = prove(node.keyspace), state(node.keyspace)
    node.clock.advance(1000)
    node.run(*command)
    assert (prove(node.keyspace) != before) == (state(node.keyspace) != was)
    assert state(node.keyspace) != was or command == LIBRARIES[0]
    node.check()
    assert prove(reloaded(node.keyspace)) == prove(node.keyspace)


@given(st.lists(st.sampled_from(COMMANDS), max_size=15))
@settings(max_examples=60, deadline=None)
def test_proofs_are_equal_exactly_when_states_are(commands: list[tuple[str, ...]]) -> None:
    node = started()
    known: dict[str, Proof] = {}
    states: dict[str, str] = {}
    for command in commands:
        node.run(*command)
        now, proof = state(node.keyspace), prove(node.keyspace)
        assert known.setdefault(now, proof) == proof
        assert states.setdefault(proof.total, now) == now
    node.check()
    assert prove(reloaded(node.keyspace)) == prove(node.keyspace)


def test_keys_that_differ_only_in_deadline_or_group_are_told_apart() -> None:
    node = started()
    db = node.keyspace.databases[0]
    for key, command in ((b"s", "PEXPIREAT s 99999999999999"), (b"x", "XACK x g 1-0")):
        before = key_digest(db, key)
        node.run(*command.split())
        assert key_digest(db, key) != before


def test_fields_of_one_entry_are_not_taken_for_another_entry() -> None:
    node = Node()
    for line in ("XADD a 1-0 a b 2.0 d", "XADD a 3-0 x y", "XADD b 1-0 a b", "XADD b 2-0 d 3.0 x y"):
        node.run(*line.split())
    node.run("XSETID", "b", "3-0")
    node.run("RENAME", "a", "k")
    first = key_digest(node.keyspace.databases[0], b"k")
    node.run("RENAME", "b", "k")
    assert key_digest(node.keyspace.databases[0], b"k") != first
