"""The sorted set itself: order, ranks, spans and accounting, for few members and for many."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from store.values.base import Limits
from store.values.packed_scores import MOST_MEMBER
from store.values.ranking import LOAD
from store.values.sorted_set import MOST_PAIRS, LexBound, SortedSet

MANY = 5 * LOAD
BEFORE_ALL, AFTER_ALL = LexBound(infinite=-1), LexBound(infinite=1)


def members(zset: SortedSet, span: tuple[int, int]) -> list[bytes]:
    return [member for _, member in zset.slice(*span)]


def test_equal_scores_are_ordered_by_bytes_and_both_zeros_are_one() -> None:
    zset = SortedSet([(b"b", 0.0), (b"a", -0.0), (b"B", 0.0), (b"", -1.0), (b"\xff", 0.0)])
    assert [member for _, member in zset] == [b"", b"B", b"a", b"b", b"\xff"]
    assert not zset.add(b"b", -0.0)
    assert math.copysign(1, zset.scores()[b"a"]) == 1
    zset._check()


@pytest.mark.parametrize("size", [0, 1, 30, MANY])
def test_ranks_are_places_in_the_order(size: int) -> None:
    zset = SortedSet((b"%d" % n, n // 3) for n in range(size))
    ordered = sorted((float(n // 3), b"%d" % n) for n in range(size))
    assert list(zset) == ordered
    assert [zset.rank(member) for _, member in ordered] == list(range(size))
    assert zset.rank(b"none") is None
    assert zset.slice(2, 5) == ordered[2:5]
    assert zset.backwards(2, 5) == ordered[2:5][::-1]
    assert zset.slice(5, 2) == []


def test_a_score_span_leaves_open_ends_out() -> None:
    zset = SortedSet([(b"a", -math.inf), (b"b", 1.0), (b"c", 1.0), (b"d", 2.0), (b"e", math.inf)])
    assert members(zset, zset.score_span(1, False, 2, False)) == [b"b", b"c", b"d"]
    assert members(zset, zset.score_span(1, True, 2, False)) == [b"d"]
    assert members(zset, zset.score_span(1, False, 2, True)) == [b"b", b"c"]
    assert members(zset, zset.score_span(-math.inf, True, math.inf, True)) == [b"b", b"c", b"d"]
    assert members(zset, zset.score_span(-math.inf, False, math.inf, False)) == [b"a", b"b", b"c", b"d", b"e"]
    assert members(zset, zset.score_span(2, False, 1, False)) == []
    assert members(zset, zset.score_span(math.inf, True, math.inf, False)) == []


def test_a_lex_span_compares_bytes() -> None:
    zset = SortedSet((member, 0.0) for member in (b"", b"a", b"aa", b"a\x00", b"b", b"\xff"))
    assert members(zset, zset.lex_span(BEFORE_ALL, AFTER_ALL)) == [b"", b"a", b"a\x00", b"aa", b"b", b"\xff"]
    assert members(zset, zset.lex_span(LexBound(b"a"), AFTER_ALL)) == [b"a\x00", b"aa", b"b", b"\xff"]
    assert members(zset, zset.lex_span(LexBound(b"a", False), LexBound(b"b"))) == [b"a", b"a\x00", b"aa"]
    assert members(zset, zset.lex_span(LexBound(b"a", False), LexBound(b"b", False))) == [b"a", b"a\x00", b"aa", b"b"]
    assert members(zset, zset.lex_span(LexBound(b"b"), LexBound(b"a"))) == []
    assert members(zset, zset.lex_span(AFTER_ALL, BEFORE_ALL)) == []
    assert members(SortedSet(), SortedSet().lex_span(BEFORE_ALL, AFTER_ALL)) == []


def test_a_random_life_keeps_every_invariant() -> None:
    rng = random.Random(7)
    zset, model = SortedSet(), dict[bytes, float]()
    for step in range(6000):
        if step == 500:
            zset.indexed()
        member, score = b"m%d" % rng.randrange(2500), rng.randrange(-40, 40) / 4
        if rng.random() < 0.8:
            assert zset.add(member, score) == (member not in model)
            model[member] = score
        elif rng.random() < 0.98:
            assert zset.remove(member) == (member in model)
            model.pop(member, None)
        else:
            start = rng.randrange(len(zset) + 1)
            for _, gone in zset.remove_span(start, start + 5):
                del model[gone]
        if step % 1000 == 999:
            zset._check()
            assert zset.scores() == model
    assert len(zset) > 2 * LOAD


def test_limits_decide_when_it_is_big() -> None:
    limits = Limits(zset_max_listpack_entries=3, zset_max_listpack_value=4)
    assert not SortedSet((b"%d" % n, 0) for n in range(3)).outgrown(limits)
    assert SortedSet((b"%d" % n, 0) for n in range(4)).outgrown(limits)
    assert SortedSet([(b"12345", 0)]).outgrown(limits)


def test_a_copy_is_independent() -> None:
    zset = SortedSet((b"%d" % n, n) for n in range(MANY))
    twin = zset.copy()
    zset.remove(b"7")
    zset.add(b"8", -1)
    twin._check()
    assert list(twin) == [(float(n), b"%d" % n) for n in range(MANY)]


def test_what_is_in_a_block_is_freed_at_once() -> None:
    zset = SortedSet((b"%d" % n, n) for n in range(10))
    assert zset.drop(4)
    assert len(zset) == 0


@pytest.mark.parametrize("size", [MOST_PAIRS + 1, MANY])
def test_it_is_freed_in_slices(size: int) -> None:
    zset = SortedSet((b"%d" % n, n) for n in range(size))
    zset.indexed()
    steps = 1
    while not zset.drop(4):
        steps += 1
        assert len(zset) == size - 4 * (steps - 1)
    assert steps == -(-size // 4)


MEMBERS = st.sampled_from([b"", b"a", b"ab", b"b", b"\xff", b"m3", b"x" * (MOST_MEMBER - 1), b"x" * MOST_MEMBER])
SCORES = st.sampled_from([-math.inf, -1.5, -0.0, 0.0, 1.0, 3.0, 1e300, math.inf])
BURST = 50


class SortedSetMachine(RuleBasedStateMachine):
    """Every operation of a sorted set, mirrored on a dict that is sorted anew each time; a block may become a table."""

    def __init__(self) -> None:
        super().__init__()
        self.zset = SortedSet()
        self.model: dict[bytes, float] = {}

    @rule(member=MEMBERS, score=SCORES)
    def add(self, member: bytes, score: float) -> None:
        assert self.zset.add(member, score) == (member not in self.model)
        self.model[member] = score

    @rule(start=st.integers(0, 3))
    def add_many(self, start: int) -> None:
        for place in range(start * BURST, (start + 1) * BURST):
            self.add(b"m%d" % place, float(place % 7))

    @rule(score=SCORES)
    def add_long(self, score: float) -> None:
        self.add(b"x" * (MOST_MEMBER + 1), score)

    @rule(member=MEMBERS)
    def remove(self, member: bytes) -> None:
        assert self.zset.remove(member) == (self.model.pop(member, None) is not None)

    @rule(start=st.integers(0, 60), length=st.integers(0, 30) | st.just(-100))
    def remove_span(self, start: int, length: int) -> None:
        gone = sorted((score, member) for member, score in self.model.items())[start : start + max(length, 0)]
        assert self.zset.remove_span(start, start + length) == gone
        for _, member in gone:
            del self.model[member]

    @rule()
    def copy(self) -> None:
        twin = self.zset.copy()
        twin._check()
        twin.add(b"only here", 1.0)
        assert b"only here" not in self.zset
        twin.remove(b"only here")
        assert (list(twin), twin.compact) == (list(self.zset), self.zset.compact)

    @invariant()
    def agrees(self) -> None:
        self.zset._check()
        ordered = sorted((score, member) for member, score in self.model.items())
        assert list(self.zset) == ordered
        assert self.zset.scores() == self.model
        for rank, (score, member) in list(enumerate(ordered))[::9]:
            assert (self.zset.rank(member), self.zset.score(member), self.zset.at(rank)) == (rank, score, (score, member))
        assert self.zset.rank(b"none") is self.zset.score(b"none") is None
        assert self.zset.slice(2, 5) == ordered[2:5]
        assert self.zset.slice(1, -1) == self.zset.slice(300, 400) == []

    @invariant()
    def spans_are_those_of_the_order(self) -> None:
        ordered = sorted((score, member) for member, score in self.model.items())
        for low in (-math.inf, 0.0, 1.0):
            for is_open in (False, True):
                span = self.zset.score_span(low, is_open, 3.0, is_open)
                wanted = [pair for pair in ordered if (low < pair[0] < 3.0 if is_open else low <= pair[0] <= 3.0)]
                assert self.zset.slice(*span) == wanted


SortedSetMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25)
TestSortedSet = SortedSetMachine.TestCase
