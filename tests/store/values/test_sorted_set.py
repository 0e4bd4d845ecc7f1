"""The sorted set itself: order, ranks, spans and accounting, for few members and for many."""

from __future__ import annotations

import math
import random

import pytest

from store.values.base import Limits
from store.values.ranking import LOAD
from store.values.sorted_set import LexBound, SortedSet

MANY = 5 * LOAD
BEFORE_ALL, AFTER_ALL = LexBound(infinite=-1), LexBound(infinite=1)


def members(zset: SortedSet, span: tuple[int, int]) -> list[bytes]:
    return [member for _, member in zset.slice(*span)]


def test_equal_scores_are_ordered_by_bytes_and_both_zeros_are_one() -> None:
    zset = SortedSet([(b"b", 0.0), (b"a", -0.0), (b"B", 0.0), (b"", -1.0), (b"\xff", 0.0)])
    assert [member for _, member in zset] == [b"", b"B", b"a", b"b", b"\xff"]
    assert not zset.add(b"b", -0.0)
    assert math.copysign(1, zset.scores[b"a"]) == 1
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
    zset.indexed()
    for step in range(6000):
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
            assert zset.scores == model
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


@pytest.mark.parametrize("size", [10, MANY])
def test_it_is_freed_in_slices(size: int) -> None:
    zset = SortedSet((b"%d" % n, n) for n in range(size))
    zset.indexed()
    steps = 1
    while not zset.drop(4):
        steps += 1
        assert len(zset) == size - 4 * (steps - 1)
    assert steps == -(-size // 4)
