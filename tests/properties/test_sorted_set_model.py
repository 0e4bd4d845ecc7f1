"""Sorted set commands against a model that sorts everything anew each time."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kit.inprocess import Node

MEMBERS = st.sampled_from([b"a", b"b", b"c", b"aa", b"", b"\xff"])
SCORES = st.sampled_from([float("-inf"), -1.5, -0.0, 0.0, 0.1, 1.0, 2.0, 1e300, float("inf")])
Model = dict[bytes, float]
Step = Callable[[Node, Model, bytes, float], None]


def add(node: Node, model: Model, member: bytes, score: float) -> None:
    assert node.run("ZADD", "z", repr(score), member) == (member not in model)
    model[member] = score


def remove(node: Node, model: Model, member: bytes, _score: float) -> None:
    assert node.run("ZREM", "z", member) == (model.pop(member, None) is not None)


def raise_to(node: Node, model: Model, member: bytes, score: float) -> None:
    changed = node.run("ZADD", "z", "GT", "CH", repr(score), member)
    assert changed == (member not in model or score > model[member])
    model[member] = max(score, model.get(member, score))


def pop(node: Node, model: Model, _member: bytes, _score: float) -> None:
    expected = [min((score, member) for member, score in model.items())] if model else []
    assert node.run("ZPOPMIN", "z", 1) == [word for score, member in expected for word in (member, score)]
    for _, member in expected:
        del model[member]


def remove_below(node: Node, model: Model, _member: bytes, score: float) -> None:
    gone = [member for member, known in model.items() if known < score]
    assert node.run("ZREMRANGEBYSCORE", "z", "-inf", f"({score!r}") == len(gone)
    for member in gone:
        del model[member]


STEPS = st.tuples(st.sampled_from([add, add, add, remove, raise_to, pop, remove_below]), MEMBERS, SCORES)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=30), SCORES, SCORES, st.integers(-7, 7), st.integers(-7, 7))
def test_every_read_agrees_with_the_model(
    steps: list[tuple[Step, bytes, float]], low: float, high: float, start: int, stop: int
) -> None:
    node, model = Node(), Model()
    for step, member, score in steps:
        step(node, model, member, score)
    ordered = sorted((score, member) for member, score in model.items())
    with_scores = [word for score, member in ordered for word in (member, score)]
    assert node.run("ZRANGE", "z", 0, -1, "WITHSCORES") == with_scores
    between = [member for score, member in ordered if low <= score < high]
    assert node.run("ZRANGEBYSCORE", "z", repr(low), f"({high!r}") == between
    assert node.run("ZREVRANGEBYSCORE", "z", f"({high!r}", repr(low)) == between[::-1]
    assert node.run("ZCOUNT", "z", repr(low), f"({high!r}") == len(between)
    first, last = (place + len(ordered) if place < 0 else place for place in (start, stop))
    chosen = [member for place, (_, member) in enumerate(ordered) if first <= place <= last]
    assert node.run("ZRANGE", "z", start, stop) == chosen
    for place, (score, member) in enumerate(ordered):
        assert node.run("ZRANK", "z", member) == place
        assert node.run("ZREVRANK", "z", member) == len(ordered) - 1 - place
        assert node.run("ZSCORE", "z", member) == score
    node.check()
