"""Pairs in order: against one sorted list, through splits, joins and cuts."""

from __future__ import annotations

import math
import random
from bisect import bisect_left, insort

import pytest

from store.values.ranking import LOAD, Pair, Ranking, in_order

SCORES = [-math.inf, -1.5, -0.0, 0.0, 0.5, 1.0, 1e300, math.inf]


def drawn(rng: random.Random, spread: int) -> Pair:
    return float(rng.randrange(spread)), b"%d" % rng.randrange(10_000)


def ranked(pairs: list[Pair]) -> Ranking:
    return Ranking([score for score, _ in pairs], [member for _, member in pairs])


@pytest.mark.parametrize("spread", [1, 3, 5000])
def test_scores_in_order_are_sorted_pairs(spread: int) -> None:
    rng = random.Random(spread)
    scores = {member: score - spread // 2 for score, member in (drawn(rng, spread) for _ in range(3000))}
    ordered, members = in_order(scores)
    assert list(zip(ordered, members, strict=True)) == sorted((score, member) for member, score in scores.items())
    assert in_order({}) == ([], [])


def test_a_copy_is_independent() -> None:
    model = sorted((float(n % 7), b"%d" % n) for n in range(3 * LOAD))
    ranking = ranked(model)
    twin = ranking.copy()
    ranking.cut(0, LOAD)
    twin.add(-1.0, b"first")
    twin._check()
    assert list(ranking) == model[LOAD:]
    assert list(twin) == [(-1.0, b"first"), *model]


@pytest.mark.parametrize("spread", [1, 3, 5000])
def test_it_is_the_sorted_list_through_splits_and_joins(spread: int) -> None:
    rng = random.Random(spread)
    ranking, model = Ranking(), list[Pair]()
    for growth, steps in ((0.9, 4000), (0.2, 3500), (0.7, 1500)):
        for step in range(steps):
            pair = drawn(rng, spread)
            place = bisect_left(model, pair)
            there = place < len(model) and model[place] == pair
            if rng.random() < growth and not there:
                ranking.add(*pair)
                model.insert(place, pair)
            elif model:
                gone = model.pop(min(place, len(model) - 1))
                ranking.remove(*gone)
            if step % 50 == 0 and model:  # keeps the tree in use, so that its upkeep is tested
                rank = rng.randrange(len(model))
                assert ranking.at(rank) == model[rank]
                assert ranking.place(*model[rank]) == rank
        ranking._check()
        assert list(ranking) == model


@pytest.mark.parametrize("size", [1, LOAD, 2 * LOAD + 1, 10 * LOAD])
def test_cuts_and_slices_are_those_of_a_list(size: int) -> None:
    rng = random.Random(size)
    model = sorted({drawn(rng, 50) for _ in range(size)})
    ranking = ranked(model)
    while model:
        start = rng.randrange(-1, len(model)) % len(model)
        stop = start + rng.choice((0, 1, 5, LOAD, 3 * LOAD))
        assert ranking.slice(start, stop) == model[start:stop]
        ranking.cut(start, stop)
        del model[start:stop]
        ranking._check()
        assert list(ranking) == model
    assert ranking.slice(0, 5) == []


def test_below_counts_scores_at_their_very_edge() -> None:
    model: list[Pair] = []
    for score in SCORES:
        for number in range(LOAD):
            insort(model, (score, b"%f%d" % (score, number)))
    ranking = ranked(model)
    for score in [*SCORES, -math.pi, 5e-324, -5e-324, 1.7e308]:
        assert ranking.below(score, False) == sum(known < score for known, _ in model)
        assert ranking.below(score, True) == sum(known <= score for known, _ in model)


def test_places_between_pairs_are_counted_too() -> None:
    model = sorted((float(n % 7), b"%d" % n) for n in range(3 * LOAD))
    ranking = ranked(model)
    for pair in [(-1.0, b""), (0.0, b""), (3.0, b"5"), (3.0, b"\xff"), (2.5, b"x"), (6.0, b"\xff"), (9.0, b"")]:
        assert ranking.place(*pair) == bisect_left(model, pair)
