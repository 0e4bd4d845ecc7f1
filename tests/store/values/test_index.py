"""Places of members: cursors that miss nothing while the collection changes, and choice that is fair."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.values.index import MemberIndex, scan_down

MEMBERS = st.integers(0, 40).map(lambda number: b"%d" % number)


@given(
    start=st.sets(MEMBERS, min_size=1),
    count=st.integers(1, 7),
    between=st.lists(st.lists(st.tuples(st.booleans(), MEMBERS), max_size=8), max_size=60),
)
def test_a_walk_returns_whatever_was_there_all_the_time(
    start: set[bytes], count: int, between: list[list[tuple[bool, bytes]]]
) -> None:
    members, index = set(start), MemberIndex(start)
    lasting, seen = set(start), set()
    cursor, steps = 0, iter(between)
    while True:
        cursor, found = index.scan(cursor, count)
        seen.update(found)
        assert len(found) <= count
        if not cursor:
            break
        for add, member in next(steps, []):
            if add and member not in members:
                members.add(member)
                index.add(member)
            elif not add and member in members:
                members.remove(member)
                index.discard(member)
                lasting.discard(member)
        index._check(members)
    assert lasting <= seen


def test_a_walk_without_changes_returns_each_member_once() -> None:
    index, found, cursor = MemberIndex(b"%d" % n for n in range(25)), [], 0
    for _ in range(3):
        cursor, step = index.scan(cursor, 10)
        found += step
    assert cursor == 0
    assert sorted(found, key=int) == [b"%d" % n for n in range(25)]


@pytest.mark.parametrize(
    ("cursor", "count", "step"),
    [(0, 2, (3, [3, 4])), (3, 2, (1, [1, 2])), (1, 2, (0, [0])), (99, 2, (3, [3, 4])), (0, 9, (0, [0, 1, 2, 3, 4]))],
)
def test_a_step_takes_what_is_below_the_cursor(cursor: int, count: int, step: tuple[int, list[int]]) -> None:
    assert scan_down(range(5)[:], cursor, count) == (step[0], range(step[1][0], step[1][-1] + 1))


def test_a_step_through_nothing_is_the_end() -> None:
    assert scan_down([], 0, 10) == (0, [])
    assert scan_down([], 7, 10) == (0, [])


def test_dropping_frees_in_slices() -> None:
    index = MemberIndex([b"a", b"b", b"c"])
    index.drop(2)
    assert len(index) == 1
    index.drop(2)
    assert len(index) == 0


@given(st.lists(st.tuples(st.booleans(), MEMBERS), max_size=300), st.sets(MEMBERS))
def test_places_of_members_that_left_are_found_again(steps: list[tuple[bool, bytes]], start: set[bytes]) -> None:
    members, index = set(start), MemberIndex(start)
    for add, member in steps:
        if add and member not in members:
            members.add(member)
            index.add(member)
        elif not add and member in members:
            members.remove(member)
            index.discard(member)
        index._check(members)
        assert len(index) == len(members)


def test_emptying_by_choice_takes_each_member_once() -> None:
    members = {b"%d" % n for n in range(200)}
    index, taken = MemberIndex(members), []
    while len(index):
        taken.append(index.choice())
        index.discard(taken[-1])
        index._check(members.difference(taken))
    assert len(taken) == 200


def test_every_member_can_be_chosen_and_samples_have_no_repetitions() -> None:
    index = MemberIndex(b"%d" % n for n in range(10))
    # 600 draws: the chance that one of ten members never comes is below 1e-26.
    assert len(Counter(index.choice() for _ in range(600))) == 10
    assert len(set(index.choices(600))) == 10
    assert len(set(index.sample(10))) == 10
    assert index.sample(0) == []


def test_members_that_left_are_neither_chosen_nor_returned() -> None:
    index = MemberIndex(b"%d" % n for n in range(100))
    left = {b"%d" % n for n in range(0, 100, 3)}
    for member in left:
        index.discard(member)
    stay = {b"%d" % n for n in range(100)} - left
    assert index.gone
    assert set(index.scan(0, 1000)[1]) == stay
    assert set(index.sample(len(stay))) == stay
    assert set(index.sample(10)) < stay
    assert set(index.choices(1000)) <= stay
