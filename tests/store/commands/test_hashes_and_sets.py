"""Hash and set commands: what is recorded, chance that history does not repeat, walks by cursor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.errors import ReplyError
from store.replies import Pairs, SetReply
from store.values.base import Value
from tests.kit.inprocess import Node, events


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    node.check()


def run(node: Node, script: str) -> list[object]:
    """Run commands separated by `|`; return their replies."""
    return [node.run(*command.split()) for command in script.split("|")]


def value(node: Node, key: bytes) -> Value:
    stored = node.keyspace.databases[0].peek(key)
    assert isinstance(stored, Value)
    return stored


# ── what is recorded ───────────────────────────────────────────────────────────────────────────────────────────────
def test_what_changes_nothing_is_not_recorded(node: Node) -> None:
    run(node, "hdel h a | srem s a | spop s | spop s 3 | smove s t a | sunionstore d s | sinterstore d s")
    assert events(node) == []
    run(node, "hset h a 1 | sadd s a b | sadd t a")
    before = events(node)
    run(node, "hsetnx h a 2 | hdel h x y | sadd s b a | srem s x y | spop s 0 | smove s t x | smove s s a")
    run(node, "sinterstore d s nothing | sdiffstore d t s | sunionstore d nothing | hincrby h a x | hincrbyfloat h a x")
    assert events(node) == before


def test_hash_counters_are_recorded_as_the_values_they_left(node: Node) -> None:
    assert run(node, "hincrby h n 5 | hincrby h n -7 | hsetnx h x 1") == [5, -2, 1]
    assert run(node, "hincrbyfloat h f 10.1 | hincrbyfloat h f 0.2") == [b"10.1", b"10.3"]
    assert events(node) == ["HSET h n 5", "HSET h n -2", "HSET h x 1", "HSET h f 10.1", "HSET h f 10.3"]


def test_hmset_is_recorded_as_hset(node: Node) -> None:
    assert run(node, "hmset h a 1 b 2 | hset h a 1 c 3 a 4") == ["OK", 1]
    assert events(node) == ["HSET h a 1 b 2", "HSET h a 1 c 3 a 4"]


def test_a_popped_member_is_recorded_by_name(node: Node) -> None:
    run(node, "sadd s a b c d e")
    one = node.run("spop", "s")
    several = node.run("spop", "s", 2)
    assert isinstance(one, bytes)
    assert isinstance(several, SetReply)
    assert events(node)[1:] == [f"SREM s {one.decode()}", f"SREM s {several[0].decode()} {several[1].decode()}"]


def test_popping_everything_removes_the_key_in_one_event(node: Node) -> None:
    run(node, "sadd s a b c | sadd t a")
    assert sorted(node.run("spop", "s", 9)) == [b"a", b"b", b"c"]
    assert node.run("spop", "t") == b"a"
    assert events(node)[2:] == ["DEL s", "SREM t a"]
    assert run(node, "exists s t") == [0]


def test_moving_a_member_is_one_event(node: Node) -> None:
    assert run(node, "sadd s a b | sadd t b | smove s t b | smove s u a | exists s") == [2, 1, 1, 1, 0]
    assert events(node)[2:] == ["SMOVE s t b", "SMOVE s u a"]


def test_stored_results_are_recorded_as_the_operation(node: Node) -> None:
    run(node, "sadd s a b | sadd t b c | set d x")
    assert run(node, "sunionstore d s t | sinterstore s s t | sdiffstore d s t") == [3, 1, 0]
    assert events(node)[3:] == ["SUNIONSTORE d s t", "SINTERSTORE s s t", "SDIFFSTORE d s t"]
    assert run(node, "exists d | smembers s") == [0, [b"b"]]


def test_a_store_that_only_removes_its_destination_is_recorded(node: Node) -> None:
    assert run(node, "set d x | sinterstore d nothing | exists d") == ["OK", 0, 0]
    assert events(node) == ["SET d x", "SINTERSTORE d nothing"]


def test_commands_of_a_foreign_log_apply_even_if_they_change_nothing(node: Node) -> None:
    from store.apply import apply

    db = node.keyspace.databases[0]
    missing = [(b"HDEL", b"h", b"a"), (b"SREM", b"s", b"a"), (b"SMOVE", b"s", b"t", b"a"), (b"SMOVE", b"s", b"s", b"a")]
    assert [apply(db, *event) for event in missing] == [0, 0, 0, 0]
    assert len(db) == 0


def test_replies_do_not_change_with_the_value_they_were_taken_from(node: Node) -> None:
    run(node, "hset h a 1 | sadd s 1 | multi | hgetall h | smembers s | hset h b 2 | sadd s 2")
    assert run(node, "exec")[0][:2] == [{b"a": b"1"}, [b"1"]]


# ── chance ─────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("size", [3, 50, 300])
def test_random_replies_are_members_and_different_unless_the_count_is_negative(node: Node, size: int) -> None:
    members = [b"m%d" % n for n in range(size)]
    node.run("sadd", "s", *members)
    node.run("hset", "h", *(part for name in members for part in (name, name.upper())))
    for command, key in (("srandmember", "s"), ("hrandfield", "h")):
        assert node.run(command, key) in members
        for count in (0, 1, 2, size // 2, size - 1, size, size + 5):
            chosen = node.run(command, key, count)
            assert len(chosen) == len(set(chosen)) == min(count, size)
            assert set(chosen) <= set(members)
        assert len(node.run(command, key, -3 * size)) == 3 * size
        assert len(set(node.run(command, key, -20 * size)) - set(members)) == 0
        # 40 draws of each member on average: the chance that one never comes is about 1e-17.
        assert len(set(node.run(command, key, -40 * size))) == size


def test_random_fields_come_with_their_values(node: Node) -> None:
    run(node, "hset h a 1 b 2 c 3")
    for count in (-9, 2, 3, 9):
        reply = node.run("hrandfield", "h", count, "withvalues")
        assert isinstance(reply, Pairs)
        assert set(zip(reply[::2], reply[1::2], strict=True)) <= {(b"a", b"1"), (b"b", b"2"), (b"c", b"3")}
        assert len(reply) == 2 * (9 if count < 0 else min(count, 3))


@pytest.mark.parametrize("command", ["srandmember s -10000001", "hrandfield h -10000001 withvalues"])
def test_a_reply_with_repetitions_has_a_largest_length(node: Node, command: str) -> None:
    run(node, "sadd s a | hset h a 1")
    reply = node.run(*command.split())
    assert isinstance(reply, ReplyError)
    assert reply.line == b"ERR value is out of range"


def test_a_big_set_can_be_popped_empty(node: Node) -> None:
    members = {b"m%d" % n for n in range(300)}
    node.run("sadd", "s", *members)
    popped = [node.run("spop", "s") for _ in range(200)]
    popped += node.run("spop", "s", 60)
    popped += node.run("spop", "s", 40)
    assert len(popped) == 300
    assert set(popped) == members
    assert node.run("exists", "s") == 0


# ── walks ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def walk(node: Node, *command: str | int) -> list[bytes]:
    """Scan with the command's cursor at place 2 until it is 0 again; return all that came."""
    found: list[bytes] = []
    cursor = b"0"
    while True:
        reply = node.run(command[0], command[1], cursor, *command[2:])
        assert isinstance(reply, list)
        cursor = reply[0]
        found += reply[1]
        if cursor == b"0":
            return found


def test_a_walk_through_a_big_collection_returns_each_member_once_in_steps_of_count(node: Node) -> None:
    members = [b"m%d" % n for n in range(600)]
    node.run("sadd", "s", *members)
    node.run("hset", "h", *(part for name in members for part in (name, name.upper())))
    assert sorted(walk(node, "sscan", "s")) == sorted(members)
    assert sorted(walk(node, "sscan", "s", "count", 7, "match", "m1?")) == [b"m1%d" % n for n in range(10)]
    pairs = walk(node, "hscan", "h", "count", 100)
    assert dict(zip(pairs[::2], pairs[1::2], strict=True)) == {name: name.upper() for name in members}
    first = node.run("sscan", "s", 0, "count", 50)
    assert (first[0], len(first[1])) == (b"550", 50)
    assert sorted(node.run("sscan", "s", 0, "count", 600)[1]) == sorted(members)


def test_a_small_collection_is_returned_whole_whatever_the_count(node: Node) -> None:
    run(node, "hset h a 1 b 2 c 3 | sadd s 3 1 2")
    assert node.run("hscan", "h", 0, "count", 1) == [b"0", [b"a", b"1", b"b", b"2", b"c", b"3"]]
    assert node.run("sscan", "s", 17, "count", 1) == [b"0", [b"1", b"2", b"3"]]


def test_a_walk_finds_what_stays_while_most_is_removed(node: Node) -> None:
    node.run("sadd", "s", "x", *range(1000))
    cursor, found = node.run("sscan", "s", 0)
    node.run("srem", "s", *range(100, 1000))
    node.run("sadd", "s", *range(2000, 2100))
    while cursor != b"0":
        cursor, step = node.run("sscan", "s", cursor)
        found += step
    assert {b"x", *(b"%d" % n for n in range(100))} <= set(found)


# ── encodings ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_encodings_follow_the_options(node: Node) -> None:
    run(node, "hset h a 1 | sadd s 1 2 3 | sadd t 1 a")
    assert [value(node, key).encoding() for key in (b"h", b"s", b"t")] == ["listpack", "intset", "hashtable"]
    node.run("sadd", "s", *range(600))
    node.run("hset", "h", "b", "x" * 65)
    assert [value(node, key).encoding() for key in (b"h", b"s")] == ["hashtable", "hashtable"]
    run(node, "sinterstore d s t | sunionstore e s t | hdel h b")
    assert [value(node, key).encoding() for key in (b"d", b"e", b"h")] == ["intset", "hashtable", "hashtable"]
