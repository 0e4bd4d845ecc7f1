"""Hash and set values against Python's dict and set, with and without an index."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from store.values.base import Limits
from store.values.hash import Hash
from store.values.packed import MOST_BYTES, MOST_ITEM
from store.values.set import Set
from store.values.set_algebra import common, difference, in_order, intersection, is_empty, union

NAMES = st.sampled_from([b"%d" % n for n in range(12)] + [b"a", b"b", b"", b"x" * 70])
TEXTS = st.binary(max_size=4) | st.just(b"y" * 65)
BURST = 70
"""Members put in at once: some such steps lead from a block to a table."""


class HashMachine(RuleBasedStateMachine):
    """Every mutator of Hash, mirrored on a dict; order of fields included."""

    def __init__(self) -> None:
        super().__init__()
        self.value = Hash()
        self.model: dict[bytes, bytes] = {}

    @rule(field=NAMES, text=TEXTS)
    def put(self, field: bytes, text: bytes) -> None:
        assert self.value.put(field, text) == (field not in self.model)
        self.model[field] = text

    @rule(number=st.integers(0, 9))
    def put_many(self, number: int) -> None:
        for place in range(number * BURST, (number + 1) * BURST):
            self.put(b"f%d" % place, b"%d" % place)

    @rule(field=NAMES, size=st.integers(254, 257))
    def put_long(self, field: bytes, size: int) -> None:
        self.put(field, b"z" * size)

    @rule(field=NAMES | st.just(b"f3"))
    def remove(self, field: bytes) -> None:
        assert self.value.remove(field) == (self.model.pop(field, None) is not None)

    @rule()
    def index(self) -> None:
        if self.value.table is not None:
            assert len(self.value.indexed()) == len(self.model)
        elif self.model:
            assert {self.value.member_at(number) for number in range(len(self.model))} == set(self.model)

    @rule()
    def copy(self) -> None:
        twin = self.value.copy()
        twin._check()
        twin.put(b"only here", b"")
        assert b"only here" not in self.value
        twin.remove(b"only here")
        assert list(twin.items()) == list(self.value.items())
        assert (twin.nbytes, twin.compact) == (self.value.nbytes, self.value.compact)

    @invariant()
    def agrees(self) -> None:
        self.value._check()
        assert list(self.value.items()) == list(self.model.items())
        assert list(self.value) == list(self.model)
        assert list(self.value.values()) == list(self.model.values())
        assert [self.value.get(name) for name in self.model] == list(self.model.values())
        assert all(name in self.value for name in self.model)
        assert len(self.value) == len(self.model)
        if (self.value.table is None) == (Hash(self.model).table is None):
            assert Hash(self.model).nbytes == self.value.nbytes


class SetMachine(RuleBasedStateMachine):
    """Every mutator of Set, mirrored on a set."""

    def __init__(self) -> None:
        super().__init__()
        self.value = Set()
        self.model: set[bytes] = set()

    @rule(member=NAMES)
    def add(self, member: bytes) -> None:
        assert self.value.add(member) == (member not in self.model)
        self.model.add(member)

    @rule(number=st.integers(0, 3))
    def add_many(self, number: int) -> None:
        for place in range(number * BURST, (number + 1) * BURST):
            self.add(b"%d" % place)

    @rule(member=st.integers(254, 257).map(lambda size: b"z" * size))
    def add_long(self, member: bytes) -> None:
        self.add(member)

    @rule(member=NAMES | st.just(b"33"))
    def remove(self, member: bytes) -> None:
        assert self.value.remove(member) == (member in self.model)
        self.model.discard(member)

    @rule()
    def index(self) -> None:
        if self.value.table is not None:
            assert len(self.value.indexed()) == len(self.model)
        elif self.model:
            assert {self.value.member_at(number) for number in range(len(self.model))} == set(self.model)

    @rule()
    def copy(self) -> None:
        twin = self.value.copy()
        twin._check()
        twin.add(b"only here")
        assert b"only here" not in self.value

    @invariant()
    def agrees(self) -> None:
        self.value._check()
        assert self.value.members() == self.model
        assert sorted(self.value) == sorted(self.model)
        assert len(self.value) == len(self.model)
        assert all(member in self.value for member in self.model)
        if (self.value.table is None) == (Set(self.model).table is None):
            assert Set(self.model).nbytes == self.value.nbytes


HashMachine.TestCase.settings = SetMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestHash = HashMachine.TestCase
TestSet = SetMachine.TestCase


def test_a_hash_leaves_the_listpack_by_count_or_by_length() -> None:
    limits = Limits()
    assert not Hash({b"%d" % n: b"y" * 64 for n in range(512)}).outgrown(limits)
    assert Hash({b"%d" % n: b"" for n in range(513)}).outgrown(limits)
    assert Hash({b"x" * 65: b""}).outgrown(limits)
    grown = Hash({b"x": b"y" * 65})
    grown.put(b"x", b"y")
    assert grown.outgrown(limits)  # as in Redis, there is no way back


def test_a_set_is_an_intset_while_all_members_are_integers_and_few() -> None:
    numbers = Set([b"10", b"9", b"-3"])
    assert (numbers.encoding(), numbers.ordered()) == ("intset", [b"-3", b"9", b"10"])
    numbers.add(b"01")
    numbers.remove(b"01")
    assert numbers.encoding() == "hashtable"
    assert not Set(b"%d" % n for n in range(512)).outgrown(Limits())
    assert Set(b"%d" % n for n in range(513)).outgrown(Limits())


@pytest.mark.parametrize("indexed", [False, True])
def test_dropping_frees_in_slices(indexed: bool) -> None:
    long = b"x" * (MOST_ITEM + 1)
    for value in (Hash({b"%d" % n: long for n in range(10)}), Set([long, *(b"%d" % n for n in range(9))])):
        if indexed:
            value.indexed()
        assert [value.drop(4), value.drop(4), value.drop(4)] == [False, False, True]


def test_what_is_in_a_block_is_freed_at_once() -> None:
    for value in (Hash({b"%d" % n: b"" for n in range(10)}), Set(b"%d" % n for n in range(10))):
        assert value.drop(4)
        assert len(value) == 0


def test_a_block_that_is_full_gives_way_to_a_table() -> None:
    count = MOST_BYTES // (2 * (MOST_ITEM + 1))
    wide = Hash({b"%0255d" % n: b"x" * MOST_ITEM for n in range(count)})
    assert wide.table is None
    for n in range(count + 1):
        wide.put(b"%0255d" % n, b"y" * MOST_ITEM)
    wide._check()
    assert wide.table is not None
    assert list(wide.values()) == [b"y" * MOST_ITEM] * (count + 1)


@given(st.lists(st.none() | st.sets(st.sampled_from([b"a", b"b", b"c", b"d"])), min_size=1, max_size=4))
def test_algebra_is_that_of_python_sets_and_changes_none_of_them(groups: list[set[bytes] | None]) -> None:
    sets = [None if group is None else Set(group) for group in groups]
    plain = [group or set() for group in groups]
    expected = {
        union: set.union(*plain),
        intersection: set.intersection(*plain),
        difference: set.difference(*plain),
    }
    for operation, result in expected.items():
        found = operation(sets)
        assert found == result
        assert is_empty(operation, sets) == (not result)
        found.add(b"never in the sets")
    assert sorted(common(sets)) == sorted(expected[intersection])
    assert [None if one is None else one.members() for one in sets] == groups


def test_results_come_in_the_order_of_an_intset_when_redis_would_build_one() -> None:
    assert in_order({b"10", b"9", b"-1"}, Limits()) == [b"-1", b"9", b"10"]
    assert sorted(in_order({b"10", b"9", b"a"}, Limits())) == [b"10", b"9", b"a"]
    limited = Limits(set_max_intset_entries=2)
    assert sorted(in_order({b"3", b"2", b"1"}, limited)) == [b"1", b"2", b"3"]
