"""The block of small collections against a Python list, item by item."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from store.values.packed import EMPTY_COST, MOST_BYTES, MOST_ITEM, Packed, block

ITEMS = st.sampled_from([b"", b"a", b"b", b"ab", b"\0", b"\0\0", b"x" * 15, b"x" * 16, b"y" * 254, b"y" * MOST_ITEM])


class PackedMachine(RuleBasedStateMachine):
    """Every operation of a block, mirrored on a list."""

    def __init__(self) -> None:
        super().__init__()
        self.packed = Packed()
        self.model: list[bytes] = []

    @rule(item=ITEMS)
    def append(self, item: bytes) -> None:
        self.packed._append(item)
        self.model.append(item)

    @rule(first=ITEMS, second=ITEMS)
    def append_pair(self, first: bytes, second: bytes) -> None:
        self.packed._append_pair(first, second)
        self.model += [first, second]

    @rule(item=ITEMS, data=st.data())
    def insert(self, item: bytes, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.model)))
        self.packed._insert(self.packed._locate(number), item)
        self.model.insert(number, item)

    @precondition(lambda self: self.model)
    @rule(item=ITEMS, data=st.data())
    def replace(self, item: bytes, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.model) - 1))
        ahead = data.draw(st.integers(0, min(2, number)))
        assert self.packed._replace(self.packed._locate(number - ahead), ahead, item) == len(self.model[number])
        self.model[number] = item

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(self.model) - 1))
        number = data.draw(st.integers(1, len(self.model) - start))
        self.packed._delete(self.packed._locate(start), number)
        del self.model[start : start + number]

    @rule()
    def release(self) -> None:
        self.packed._release()
        self.model = []

    @rule()
    def copy(self) -> None:
        twin = Packed()
        twin._take_over(self.packed)
        twin.check_packed()
        twin._append(b"only here")
        assert twin._items(0, twin.count) == [*self.model, b"only here"]

    @rule()
    def fill(self) -> None:
        twin = Packed()
        twin._fill(self.model)
        twin.check_packed()
        assert (twin.used, twin.nbytes, twin._items(0, twin.count)) == (self.packed.used, self.packed.nbytes, self.model)

    @invariant()
    def agrees(self) -> None:
        self.packed.check_packed()
        count, used = len(self.model), len(self.model) + sum(map(len, self.model))
        assert (self.packed.count, self.packed.used, self.packed.nbytes) == (count, used, EMPTY_COST + block(used))
        assert self.packed._items(0, count) == self.model
        assert self.packed._items(1, count, 2) == self.model[1::2]
        assert self.packed._items(0, count, 2) == self.model[::2]
        if count % 2 == 0:
            assert self.packed._pairs_as_dict() == dict(zip(self.model[::2], self.model[1::2], strict=True))
        assert self.packed._items(count // 2, count + 5) == self.model[count // 2 :]
        assert self.packed._items(1, -1) == self.packed._items(count + 2, count + 5) == []
        assert [self.packed._item(self.packed._locate(number)) for number in range(count)] == self.model
        for item in {b"a", b"never there", b"x" * 300, *self.model}:
            firsts = self.model[::2]
            for step, among in ((1, self.model), (2, firsts)):
                place = self.packed._find(item, step)
                assert place == (self.packed._locate(step * among.index(item)) if item in among else -1)


PackedMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestPacked = PackedMachine.TestCase


def test_what_is_too_long_is_refused_and_changes_nothing() -> None:
    packed = Packed()
    packed._append(b"here")
    for refused in (
        lambda: packed._append(b"x" * (MOST_ITEM + 1)),
        lambda: packed._insert(0, b"x" * (MOST_ITEM + 1)),
        lambda: packed._append_pair(b"first", b"x" * (MOST_ITEM + 1)),
        lambda: packed._replace(0, 0, b"x" * (MOST_ITEM + 1)),
    ):
        with pytest.raises(ValueError, match="255 bytes"):
            refused()
    assert packed._items(0, packed.count) == [b"here"]
    packed.check_packed()


def test_a_block_says_how_much_fits_and_takes_no_more() -> None:
    packed = Packed()
    while packed._fits(1, MOST_ITEM):
        packed._append(b"x" * MOST_ITEM)
    left = MOST_BYTES - packed.used
    assert left == MOST_BYTES % (MOST_ITEM + 1)
    assert packed._fits(1, left - 1)
    assert not packed._fits(1, left)
    with pytest.raises(ValueError, match="no more"):
        packed._append(b"x" * left)
    packed.check_packed()
    packed._append(b"x" * (left - 1))
    assert packed.used == MOST_BYTES
