"""Sorted set commands: what history says of them, and what no comparison with another server can show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.errors import ReplyError
from tests.kit.inprocess import Node, events


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    node.check()


def run(node: Node, *commands: str) -> list[object]:
    return [node.run(*command.split()) for command in commands]


def test_options_and_increments_are_recorded_as_final_scores(node: Node) -> None:
    run(node, "ZADD z 1 a 2 b", "ZADD z NX 5 a 3 c", "ZADD z XX GT CH 0 a 9 b 7 d", "ZADD z INCR 0.1 a")
    run(node, "ZINCRBY z 0.2 a")
    run(node, "ZADD z 3 c 4 d", "ZINCRBY z 1e30 e", "ZINCRBY z -inf f", "ZADD z 0x10 g")
    assert events(node) == [
        "ZADD z 1 a 2 b", "ZADD z 3 c", "ZADD z 9 b", "ZADD z 1.1 a", "ZADD z 1.3 a",
        "ZADD z 4 d", "ZADD z 1e+30 e", "ZADD z -inf f", "ZADD z 0x10 g",
    ]  # fmt: skip


def test_an_increment_is_recorded_to_the_last_bit(node: Node) -> None:
    run(node, "ZADD z 0.1 a", "ZINCRBY z 0.2 a")
    assert node.run("ZSCORE", "z", "a") == 0.1 + 0.2
    assert events(node)[-1] == "ZADD z 0.30000000000000004 a"


def test_what_changes_nothing_is_not_recorded(node: Node) -> None:
    run(node, "ZADD z 1 a", "ZADD y 5 q")
    before = len(events(node))
    replies = run(
        node, "ZADD z 1 a", "ZADD z XX 2 b", "ZADD x XX 2 b", "ZADD z NX INCR 2 a", "ZINCRBY z 0 a", "ZREM z b",
        "ZREMRANGEBYSCORE z 5 6", "ZREMRANGEBYRANK z 1 2", "ZREMRANGEBYLEX z [b +", "ZPOPMIN z 0", "ZPOPMIN x",
        "ZMPOP 1 x MIN", "ZUNIONSTORE d 1 x", "ZINTERSTORE d 2 z y", "ZDIFFSTORE d 2 z z", "ZRANGESTORE d z 5 6",
    )  # fmt: skip
    assert replies[:6] == [0, 0, 0, None, 1.0, 0]
    assert len(events(node)) == before


def test_an_error_has_recorded_nothing(node: Node) -> None:
    run(node, "ZADD z inf a", "SET s 1")
    before = len(events(node))
    for command in (
        "ZADD z 1 b x c", "ZADD z 1 b 2", "ZINCRBY z -inf a", "ZADD z INCR -inf a", "ZADD s 1 a", "ZUNIONSTORE d 2 z s",
        "ZUNIONSTORE d 1 z WEIGHTS x", "ZRANGESTORE d s 0 1", "ZRANGESTORE d z 0 1 WITHSCORES", "ZPOPMIN z -1",
    ):  # fmt: skip
        assert isinstance(node.run(*command.split()), ReplyError), command
    assert len(events(node)) == before


def test_pops_and_removals_are_recorded_as_what_went(node: Node) -> None:
    run(node, "ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", "ZPOPMIN z", "ZPOPMAX z 2", "ZMPOP 2 x z MIN COUNT 9")
    assert events(node)[1:] == ["ZPOPMIN z 1", "ZPOPMAX z 2", "ZPOPMIN z 3"]
    run(node, "ZADD z 1 a 2 b 3 c", "ZREM z a a q b")
    assert events(node)[-1] == "ZREM z a b"


def test_stored_results_are_recorded_as_asked_and_empty_ones_as_removal(node: Node) -> None:
    run(node, "ZADD z 1 a 2 b", "SET d x", "ZUNIONSTORE d 2 z x WEIGHTS 2 1")
    run(node, "ZRANGESTORE e z -inf (2 BYSCORE LIMIT 0 1")
    run(node, "ZINTERSTORE d 2 z x", "ZRANGESTORE e x 0 -1", "ZDIFFSTORE z 2 z x")
    assert events(node)[2:] == [
        "ZUNIONSTORE d 2 z x WEIGHTS 2 1", "ZRANGESTORE e z -inf (2 BYSCORE LIMIT 0 1", "DEL d", "DEL e",
        "ZDIFFSTORE z 2 z x",
    ]  # fmt: skip


def test_a_stored_result_loses_the_deadline_of_its_destination(node: Node) -> None:
    run(node, "ZADD z 1 a", "SET d x EX 100", "ZUNIONSTORE d 1 z")
    assert node.run("TTL", "d") == -1


def test_expired_inputs_are_not_there(node: Node) -> None:
    run(node, "ZADD z 1 a", "ZADD y 1 b", "PEXPIRE z 10")
    node.clock.advance(11)
    assert run(node, "ZUNIONSTORE d 2 z y", "ZRANGE d 0 -1", "EXISTS z") == [1, [b"b"], 0]


def test_a_set_counts_as_scores_of_one(node: Node) -> None:
    run(node, "SADD s a b", "ZADD z 5 b 7 c")
    assert node.run("ZUNION", 2, "s", "z", "WEIGHTS", 2, 1, "WITHSCORES") == [b"a", 2.0, b"b", 7.0, b"c", 7.0]
    assert node.run("ZINTER", 2, "s", "z", "WITHSCORES") == [b"b", 6.0]
    assert node.run("ZDIFF", 2, "s", "z", "WITHSCORES") == [b"a", 1.0]
    assert node.run("ZINTERCARD", 2, "s", "z") == 1
    assert node.run("ZINTERSTORE", "d", 3, "s", "s", "z") == 1
    assert node.run("ZSCORE", "d", "b") == 7.0


def scan_all(node: Node, *options: str) -> list[object]:
    cursor, found = b"0", list[object]()
    for _ in range(10_000):
        reply = node.run("ZSCAN", "z", cursor, *options)
        assert isinstance(reply, list)
        cursor, page = reply
        found += page[::2]
        if cursor == b"0":
            return found
    raise AssertionError("the scan does not end")


@pytest.mark.parametrize("size", [5, 128, 129, 3000])
def test_a_scan_finds_every_member(node: Node, size: int) -> None:
    node.run("ZADD", "z", *(word for n in range(size) for word in (n, f"m{n}")))
    assert sorted(map(str, scan_all(node))) == sorted(str(b"m%d" % n) for n in range(size))
    assert len(scan_all(node, "COUNT", "700", "MATCH", "m?")) == min(size, 10)


def test_a_scan_finds_what_stays_while_other_members_come_and_go(node: Node) -> None:
    node.run("ZADD", "z", *(word for n in range(1000) for word in (n, f"stays{n}")))
    cursor, found = b"0", set[object]()
    for step in range(1000):
        node.run("ZADD", "z", -step, f"comes{step}")
        node.run("ZREM", "z", f"comes{step - 3}")
        reply = node.run("ZSCAN", "z", cursor, "COUNT", 7)
        assert isinstance(reply, list)
        cursor, page = reply
        found.update(page[::2])
        if cursor == b"0":
            break
    assert cursor == b"0"
    assert {b"stays%d" % n for n in range(1000)} <= found


@pytest.mark.parametrize("size", [3, 2000])
def test_random_members_are_members(node: Node, size: int) -> None:
    node.run("ZADD", "z", *(word for n in range(size) for word in (n, f"m{n}")))
    everything = {b"m%d" % n: float(n) for n in range(size)}
    assert node.run("ZRANDMEMBER", "z") in everything
    different = node.run("ZRANDMEMBER", "z", 50)
    assert isinstance(different, list)
    assert len(different) == len(set(different)) == min(size, 50)
    repeated = node.run("ZRANDMEMBER", "z", -50, "WITHSCORES")
    assert isinstance(repeated, list)
    assert len(repeated) == 100
    assert all(everything[member] == score for member, score in zip(repeated[::2], repeated[1::2], strict=True))


def test_a_reply_of_endless_repetitions_is_refused(node: Node) -> None:
    node.run("ZADD", "z", 1, "a")
    assert isinstance(node.run("ZRANDMEMBER", "z", -(1 << 62)), ReplyError)


def test_every_random_member_comes_up(node: Node) -> None:
    node.run("ZADD", "z", *(word for n in range(8) for word in (n, f"m{n}")))
    drawn = node.run("ZRANDMEMBER", "z", -500)
    assert isinstance(drawn, list)
    assert len(set(drawn)) == 8  # misses one with a chance of 8 * (7/8) ** 500 < 1e-27
