"""The table of keys and its entries against a dict: whatever the hashes, keys are found, counted and placed."""

from __future__ import annotations

import random
import sys

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from store.entry import ENTRY_COST, collection, cost_of, keep, new_entry, size_of, value_of
from store.table import Table
from store.values.set import Set

EVERY_BIT = -1
PLAIN = hasattr(Table, "__slots__")
SPREADS = [EVERY_BIT, 0, 0xF, 0xF << 60, 0xFF00_0000_0000_0003, 0xFFF << 44]
"""Which bits of a hash count: none at all, a few that choose a shard, a few that choose a place in it."""
KEYS = st.one_of(st.binary(max_size=3), st.binary(min_size=40, max_size=60), st.integers(0, 400).map(b"key:%d".__mod__))
VALUES = st.one_of(st.binary(max_size=8), st.binary(max_size=100), st.binary(min_size=200, max_size=700))


class TableAndDict(RuleBasedStateMachine):
    """Every step is taken on both."""

    known = Bundle("known")

    @initialize(spread=st.sampled_from(SPREADS))
    def begin(self, spread: int) -> None:
        self.table, self.model = Table(spread), dict[bytes, bytes]()

    def put(self, key: bytes, value: bytes) -> None:
        entry = self.table.get(key)
        if entry is None:
            entry = self.table.add(key, value, len(key))
            assert (entry.key, entry.deadline, entry.access) == (key, 0, len(key))
        else:
            assert keep(entry, value) is None
        self.model[key] = value

    @rule(target=known, key=KEYS, value=VALUES)
    def one(self, key: bytes, value: bytes) -> bytes:
        self.put(key, value)
        return key

    @rule(start=st.integers(0, 400), count=st.integers(0, 300), value=VALUES)
    def many(self, start: int, count: int, value: bytes) -> None:
        for number in range(start, start + count):
            self.put(b"key:%d" % number, value)

    @rule(key=st.one_of(known, KEYS))
    def remove(self, key: bytes) -> None:
        entry = self.table.remove(key)
        assert (None if entry is None else entry.value) == self.model.pop(key, None)

    @rule(start=st.integers(0, 400), count=st.integers(0, 500))
    def remove_many(self, start: int, count: int) -> None:
        for number in range(start, start + count):
            self.remove(b"key:%d" % number)

    @rule(key=st.one_of(known, KEYS))
    def look(self, key: bytes) -> None:
        entry = self.table.get(key)
        assert (None if entry is None else (entry.key, entry.value)) == ((key, self.model[key]) if key in self.model else None)
        assert (key in self.table) == (key in self.model)

    @invariant()
    def agree(self) -> None:
        self.table._check()
        assert {entry.key: entry.value for entry in self.table.order} == self.model
        assert len(self.table) == len(self.model) == len(set(self.table))


TestTableAndDict = TableAndDict.TestCase
TestTableAndDict.settings = settings(max_examples=80, stateful_step_count=15, deadline=None)


@pytest.mark.parametrize("spread", [EVERY_BIT, 0xFFF0_0000_0000_0000, 0xFFFF])
def test_many_keys_come_and_go_and_the_memory_with_them(spread: int) -> None:
    table, chance, count = Table(spread), random.Random(7), 40_000 if spread == EVERY_BIT else 9000
    empty = sys.getsizeof(table)
    names = [b"%d" % chance.getrandbits(40) for _ in range(count)]
    for name in names:
        table.add(name, name, 0)
    table._check()
    full = sys.getsizeof(table)
    for name in names[100:]:
        entry = table.remove(name)
        assert entry is not None
        assert entry.value == name
        if len(table) in (count // 2, count // 16):
            table._check()
    table._check()
    assert [entry.value for entry in table.order] == list(map(value_of, map(table.__getitem__, table)))
    assert sys.getsizeof(table) - empty < (full - empty) / 10 or PLAIN  # a dict keeps what it has
    for name in names[:100]:
        table.remove(name)
    table._check()
    assert sys.getsizeof(table) < empty + 500 or PLAIN


def test_a_dead_table_is_taken_apart_in_slices() -> None:
    table = Table()
    for number in range(30_000):
        table.add(b"%d" % number, b"v", 0)
    gone: set[bytes] = set()
    while table:
        gone.update(entry.key for entry in table.drop(999))
        assert len(table) + len(gone) == 30_000
    assert table.drop(1) == []


def test_what_a_key_is_said_to_cost_is_what_it_takes() -> None:
    table = Table()
    for number in range(30_000):
        table.add(b"key:%d" % number, b"%010d" % number, 0)
    held = [(entry, entry.key, entry.value) if PLAIN else (entry,) for entry in table.order]
    measured = sys.getsizeof(table) + sum((sys.getsizeof(part) + 15) & ~15 for parts in held for part in parts)
    said = sum(map(cost_of, table.order))
    assert 0.85 < measured / said < 1.15
    beside = said - sum(len(entry.key) + len(entry.value) for entry in table.order)
    assert beside / len(table) == pytest.approx(ENTRY_COST, rel=0.25)


def test_an_entry_holds_whatever_is_put_into_it() -> None:
    strings = [b"", b"1", b"0" * 20, bytes(64), bytes(65), b"x" * 255, b"y" * 256, b"z" * 1000, bytearray(b"edited")]
    for key in (b"", b"k", b"key" * 7, bytes(300)):
        for first in [*strings, Set()]:
            entry = new_entry(key, first, 3, 99)
            for value in [*strings, Set(), *reversed(strings)]:
                before = entry.value
                old = keep(entry, value)
                assert old is (before if isinstance(before, Set) else None)
                assert (entry.key, value_of(entry), entry.slot, entry.access) == (key, value, 3, 99)
                assert type(entry.value) is type(value)
                assert collection(entry) is (value if isinstance(value, Set) else None)
                assert cost_of(entry) - size_of(entry) == (value.nbytes if isinstance(value, Set) else 0)
                assert size_of(entry) >= len(key) + (0 if isinstance(value, Set) else len(value))


def test_an_entry_lets_go_of_what_it_held() -> None:
    value, entry = Set(), new_entry(b"k", b"", 0, 0)
    before = sys.getrefcount(value)
    keep(entry, value)
    assert sys.getrefcount(value) == before + 1
    keep(entry, b"v")
    assert sys.getrefcount(value) == before
    keep(entry, value)
    del entry
    assert sys.getrefcount(value) == before


def test_a_table_outlives_a_lack_of_memory() -> None:
    memory = pytest.importorskip("_testcapi", reason="the interpreter's own test module makes allocations fail")
    table, chance, failed = Table(), random.Random(3), 0
    names = [b"%d" % chance.getrandbits(40) for _ in range(20_000)]
    for step, name in enumerate([*names, *names]):
        change = (lambda name=name: table.add(name, name, 0)) if step < len(names) else (lambda name=name: table.remove(name))
        if step % 3 == 1:
            memory.set_nomemory(step % 5, step % 5 + 1 + step % 3)
            try:
                change()
            except MemoryError:
                failed += 1
            finally:
                memory.remove_mem_hooks()
        if (name in table) != (step < len(names)):
            change()
        if step % 2000 < 2:
            table._check()
    assert not table
    assert failed
