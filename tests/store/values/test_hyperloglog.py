"""HyperLogLog strings: hashing, both encodings against plain registers, and the error of the estimate."""

from __future__ import annotations

import random

import pytest

from store.values.hyperloglog import (
    DENSE_SIZE,
    REGISTERS,
    CorruptRegisters,
    cached,
    dense_of,
    describe_runs,
    empty,
    estimate,
    estimate_registers,
    invalidate,
    is_sparse,
    is_valid,
    locate,
    merge_into,
    murmur,
    raise_register,
    registers_of,
    remember,
)


def test_the_hash_is_murmur() -> None:
    assert murmur(b"", 0) == 0
    assert murmur(b"hello", 0) == 0x1E68D17C457BF117  # reference values of MurmurHash64A
    assert murmur(b"hello world", 0) == 0xD3BA2368A832AFCE


@pytest.mark.parametrize("seed", range(3))
def test_sparse_and_dense_hold_the_same_registers(seed: int) -> None:
    rng = random.Random(seed)
    sparse, dense, model = bytearray(empty()), dense_of(empty()), bytearray(REGISTERS)
    centre = rng.randrange(REGISTERS)
    for step in range(1500):
        near = (centre + rng.randrange(60)) % REGISTERS  # neighbours make runs that have to be split and joined
        index, value = rng.choice((near, near, rng.randrange(REGISTERS))), rng.choice((1, 1, 2, rng.randrange(1, 33)))
        higher = value > model[index]
        assert raise_register(sparse, index, value, 1 << 20) == higher
        assert raise_register(dense, index, value) == higher
        model[index] = max(model[index], value)
        if step % 100 == 0:
            assert registers_of(sparse) == registers_of(dense) == model
            assert estimate(sparse) == estimate(dense) == estimate_registers(model)
    assert is_sparse(sparse)
    assert dense_of(sparse)[16:] == dense[16:]


@pytest.mark.parametrize("seed", range(3))
def test_every_register_is_its_own(seed: int) -> None:
    rng = random.Random(seed)
    model = bytearray(rng.randrange(64) for _ in range(REGISTERS))
    dense = dense_of(empty())
    for index in rng.sample(range(REGISTERS), REGISTERS):
        raise_register(dense, index, model[index])
    assert registers_of(dense) == model
    assert len(dense) == DENSE_SIZE


def test_a_string_becomes_dense_when_it_outgrows_the_limit_or_a_value_does_not_fit() -> None:
    data = bytearray(empty())
    number = 0
    while is_sparse(data):
        assert len(data) <= 100
        raise_register(data, *locate(b"%d" % number), 100)
        number += 1
    assert len(data) == DENSE_SIZE
    large = bytearray(empty())
    assert raise_register(large, 5, 33)
    assert not is_sparse(large)
    assert registers_of(large)[5] == 33


@pytest.mark.parametrize("count", [0, 1, 10, 1000, 30_000])
def test_the_estimate_is_near(count: int) -> None:
    data = bytearray(empty())
    for number in range(count):
        raise_register(data, *locate(b"element:%d" % number))
    assert abs(estimate(data) - count) <= 0.03 * count


def test_an_estimate_is_kept_until_it_is_out_of_date() -> None:
    data = bytearray(empty())
    assert cached(data) == 0
    remember(data, 1234)
    assert cached(data) == 1234
    invalidate(data)
    assert cached(data) is None
    raise_register(data, 1, 1)
    assert cached(data) is None


def test_a_merge_has_seen_everything() -> None:
    strings = []
    for start in (0, 500, 900):
        data = bytearray(empty())
        for number in range(start, start + 600):
            raise_register(data, *locate(b"%d" % number))
        strings.append(data)
    together = merge_into(None, strings)
    expected = bytearray(map(max, *map(registers_of, strings)))
    assert registers_of(together) == expected
    assert is_sparse(merge_into(None, strings, 1 << 20))
    assert registers_of(merge_into(strings[0], [*strings, dense_of(empty())])) == expected


@pytest.mark.parametrize(
    "runs", [b"", b"\x00", b"\x7f\xfe", b"\x7f\xff\x00", b"\x7f\xff\x80", b"\x7f", b"\xff" * 4097, b"\x7f\xff" * 2]
)
def test_runs_that_are_not_all_registers_are_refused(runs: bytes) -> None:
    data = empty()[:16] + runs
    assert is_valid(data)
    with pytest.raises(CorruptRegisters):
        estimate(data)


def test_a_missing_register_is_refused_and_changes_nothing() -> None:
    data = bytearray(empty()[:16] + b"\x3f")
    before = bytes(data)
    with pytest.raises(CorruptRegisters):
        raise_register(data, 64, 1)
    assert data == before


def test_runs_are_described() -> None:
    data = bytearray(empty())
    assert describe_runs(data) == b"Z:16384"
    for index in (100, 101, 102, 103, 104, 110):
        raise_register(data, index, 3)
    assert describe_runs(data) == b"Z:100 v:3,4 v:3,1 z:5 v:3,1 Z:16273"
