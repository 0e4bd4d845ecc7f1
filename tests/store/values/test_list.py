"""The list value and its chunks against a plain Python list, so small that every edit meets their borders."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from store.values import chunks as chunks_module
from store.values import list as list_module
from store.values.chunks import BASE, CHUNK, MEMBER_COST, Chunks
from store.values.list import MOST_MEMBERS, List
from store.values.packed import EMPTY_COST, MOST_ITEM, block

MEMBERS = st.binary(max_size=3) | st.sampled_from([b"a", b"b", b"c"])
MANY = st.lists(MEMBERS, min_size=1, max_size=14)


class ChunksMachine(RuleBasedStateMachine):
    """Every mutator and reader of Chunks, mirrored on a Python list."""

    made: type[Chunks | List] = Chunks

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(chunks_module, "CHUNK", 4)
        self.patch.setattr(list_module, "MOST_MEMBERS", 12)
        self.value = self.made()
        self.model: list[bytes] = []

    def teardown(self) -> None:
        self.patch.undo()

    @initialize(members=st.lists(MEMBERS, max_size=20))
    def start(self, members: list[bytes]) -> None:
        self.value = self.made(members)
        self.model = members[:]

    @rule(members=MANY)
    def push_right(self, members: list[bytes]) -> None:
        self.value.push_right(members)
        self.model += members

    @rule(members=MANY)
    def push_left(self, members: list[bytes]) -> None:
        self.value.push_left(members)
        self.model = members[::-1] + self.model

    @rule(count=st.integers(1, 10))
    def pop_left(self, count: int) -> None:
        assert self.value.pop_left(count) == self.model[:count]
        del self.model[:count]

    @rule(count=st.integers(1, 10))
    def pop_right(self, count: int) -> None:
        assert self.value.pop_right(count) == self.model[::-1][:count]
        del self.model[-count:]

    @precondition(lambda self: self.model)
    @rule(data=st.data(), member=MEMBERS)
    def replace(self, data: st.DataObject, member: bytes) -> None:
        position = data.draw(st.integers(0, len(self.model) - 1))
        self.value.replace(position, member)
        self.model[position] = member

    @rule(pivot=MEMBERS, member=MEMBERS, after=st.booleans())
    def insert(self, pivot: bytes, member: bytes, after: bool) -> None:
        found = next(self.value.positions(pivot), None)
        assert (found is not None) == (pivot in self.model)
        if found is not None:
            assert found[0] == self.model.index(pivot)
            self.value.insert(found[1], found[2] + after, member)
            self.model.insert(found[0] + after, member)

    @rule(member=MEMBERS, count=st.integers(-4, 4))
    def remove(self, member: bytes, count: int) -> None:
        places = [place for place, other in enumerate(self.model) if other == member]
        gone = places if not count else places[:count] if count > 0 else places[count:]
        assert self.value.remove(member, count) == len(gone)
        self.model = [other for place, other in enumerate(self.model) if place not in gone]

    @rule(data=st.data())
    def trim(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(self.model)))
        stop = data.draw(st.integers(0, len(self.model)))
        self.value.trim(start, stop)
        self.model = self.model[start:stop]

    @rule(data=st.data(), member=MEMBERS, reverse=st.booleans(), limit=st.integers(0, 12))
    def read(self, data: st.DataObject, member: bytes, reverse: bool, limit: int) -> None:
        start = data.draw(st.integers(0, len(self.model)))
        stop = data.draw(st.integers(0, len(self.model)))
        assert self.value.span(start, stop) == self.model[start:stop]
        if start < len(self.model):
            assert self.value[start] == self.model[start]
        places = [place for place, other in enumerate(self.model) if other == member]
        if limit:
            seen = range(len(self.model))[-limit:] if reverse else range(len(self.model))[:limit]
            places = [place for place in places if place in seen]
        found = [position for position, _, _ in self.value.positions(member, reverse, limit)]
        assert found == (places[::-1] if reverse else places)
        assert list(reversed(self.value)) == self.model[::-1]

    @rule()
    def copy(self) -> None:
        old, self.value = self.value, self.value.copy()
        old.push_right([b"only the old one"])
        old.trim(0, 0)

    @invariant()
    def same(self) -> None:
        self.value._check()
        assert list(self.value) == self.model
        assert len(self.value) == len(self.model)


class ListMachine(ChunksMachine):
    """The same of List, which leaves its block on the way."""

    made = List

    @rule(left=st.booleans())
    def push_long(self, left: bool) -> None:
        long = b"x" * (MOST_ITEM + 1)
        (self.push_left if left else self.push_right)([long])

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def replace_by_long(self, data: st.DataObject) -> None:
        position = data.draw(st.integers(0, len(self.model) - 1))
        self.model[position] = b"x" * (MOST_ITEM + 1)
        self.value.replace(position, self.model[position])

    @rule(member=MEMBERS)
    def holds(self, member: bytes) -> None:
        assert (member in self.value) == (member in self.model)


TestChunksAgainstModel = ChunksMachine.TestCase
TestListAgainstModel = ListMachine.TestCase
TestChunksAgainstModel.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestListAgainstModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_a_list_counts_its_bytes_and_names() -> None:
    value = List([b"abc", b""])
    assert value.nbytes == EMPTY_COST + block(5)
    assert (value.kind, value.encoding()) == ("list", "quicklist")
    value.push_left([b"x"] * MOST_MEMBERS)
    assert value.nbytes == BASE + 3 + MOST_MEMBERS + (2 + MOST_MEMBERS) * MEMBER_COST


def test_pushes_at_both_ends_keep_chunks_full() -> None:
    value = Chunks()
    for number in range(5 * CHUNK):
        value.push_left([b"%d" % number])
        value.push_right([b"%d" % number])
    value._check()
    assert len(value.chunks) <= 11
    assert value[5 * CHUNK] == b"0"
    assert value[0] == value[value.length - 1] == b"%d" % (5 * CHUNK - 1)


def test_a_dead_list_is_freed_in_slices() -> None:
    value = List([b"x"] * (4 * CHUNK))
    assert List([b"x"] * MOST_MEMBERS).drop(1)
    slices = 1
    while not value.drop(CHUNK):
        slices += 1
    assert slices == 4


def test_one_member_left_of_many_chunks_is_one_chunk() -> None:
    value = Chunks([b"x", *[b"y"] * CHUNK] * 8)
    assert value.remove(b"y", 0) == 8 * CHUNK
    assert value.chunks == [[b"x"] * 8]
