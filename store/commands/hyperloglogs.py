"""HyperLogLog commands: PFADD, PFCOUNT, PFMERGE, and Redis's own for tests, PFDEBUG and PFSELFTEST.

Law: only elements that change a register are recorded. An event never depends on `hll-sparse-max-bytes`: where that would
give another encoding than its default, the whole string is recorded.
"""

from __future__ import annotations

import random

from store.commands.lookups import string_part
from store.commands.table import POISONED, command
from store.errors import ReplyError
from store.replies import OK
from store.tx import Tx
from store.values import hyperloglog
from store.values.bits import Bits
from store.values.hyperloglog import (
    REGISTERS,
    SPARSE_LIMIT,
    CorruptRegisters,
    is_sparse,
    locate,
    merge_into,
    raise_register,
)

_MANY = 32
"""Elements from which all registers are unpacked, to see which of them matter."""


def _read(tx: Tx, key: bytes) -> Bits | None:
    """The string at key, or None; raise ReplyError if it is no HyperLogLog."""
    data = string_part(tx.db, key)
    if data is not None and not hyperloglog.is_valid(data):
        raise ReplyError("Key is not a valid HyperLogLog string value.", "WRONGTYPE")
    return data


def _corrupt() -> ReplyError:
    return ReplyError("Corrupted HLL object detected", "INVALIDOBJ")


@command(
    "PFADD", "write denyoom fast", keys="RW insert @1", since="2.8.9", group="hyperloglog", complexity="O(1) an element"
)
def pfadd(tx: Tx, key: bytes, *elements: bytes) -> int:
    """Show elements to a HyperLogLog, made if it is missing; answer 1 if its estimate may have changed."""
    data = _read(tx, key)
    before = hyperloglog.empty() if data is None else data
    try:
        effective = _effective(before, elements)
        if data is not None and not effective:
            return 0
        special = _special_outcome(before, effective, _limit(tx))
    except CorruptRegisters:
        raise _corrupt() from None
    if special is None:
        tx.record(b"PFADD", key, *effective)
    else:
        tx.record_as(b"pfadd", b"SET", key, special, b"KEEPTTL")
    return 1


def _limit(tx: Tx) -> int:
    """Bytes up to which a HyperLogLog is sparse; replay from the log knows the default only."""
    return SPARSE_LIMIT if tx.replays else tx.engine.settings.hll_sparse_max_bytes


def _effective(data: Bits, elements: tuple[bytes, ...]) -> list[bytes]:
    """The elements that raise a register, one after the other."""
    if len(elements) < _MANY:
        after = bytearray(data)
        return [element for element in elements if raise_register(after, *locate(element))]
    registers = hyperloglog.registers_of(data)
    effective: list[bytes] = []
    for element in elements:
        index, value = locate(element)
        if registers[index] < value:
            registers[index] = value
            effective.append(element)
    return effective


def _special_outcome(data: Bits, effective: list[bytes], limit: int) -> bytes | None:
    """The string after a PFADD if a limit other than the default makes it another one than PFADD's apply would."""
    if limit == SPARSE_LIMIT:
        return None
    usual, after = bytearray(data), bytearray(data)
    for element in effective:
        raise_register(usual, *locate(element))
        raise_register(after, *locate(element), limit)
    hyperloglog.invalidate(after)
    return None if is_sparse(usual) == is_sparse(after) else bytes(after)


@command(
    "PFCOUNT", "readonly may_replicate", keys="RW access @1:-1", since="2.8.9", group="hyperloglog",
    complexity="O(N) for N keys",
)  # fmt: skip
def pfcount(tx: Tx, key: bytes, *more: bytes) -> int:
    """Estimate how many different elements one HyperLogLog, or several together, have seen."""
    try:
        if more:
            return hyperloglog.estimate_registers(hyperloglog.merged(_present(tx, (key, *more))))
        data = _read(tx, key)
        if data is None:
            return 0
        known = hyperloglog.cached(data)
        if known is not None:
            return known
        estimate = hyperloglog.estimate(data)
    except CorruptRegisters:
        raise _corrupt() from None
    # The estimate is kept in the value, which is a change: only where changes are made, or where a Redis primary made it.
    if tx.replays or (tx.engine.primary and not tx.engine.gates.writes_paused and not tx.engine.gates.closed & POISONED):
        tx.record(b"PFCOUNT", key)
    return estimate


def _present(tx: Tx, keys: tuple[bytes, ...]) -> list[Bits]:
    """The strings at those keys that exist; the first one that is no sound HyperLogLog is the error."""
    strings: list[Bits] = []
    for key in keys:
        data = _read(tx, key)
        if data is not None:
            if is_sparse(data):
                hyperloglog.registers_of(data)
            strings.append(data)
    return strings


@command(
    "PFMERGE", "write denyoom", keys="RW access insert @1; RO access @2:-1", since="2.8.9", group="hyperloglog",
    complexity="O(N) for N keys",
)  # fmt: skip
def pfmerge(tx: Tx, destination: bytes, *sources: bytes) -> str:
    """Make a HyperLogLog that has seen what several have; the destination, if it exists, is one of them."""
    before = tx.keyspace.counting
    tx.keyspace.counting = True  # Redis counts hits and misses here, the destination's too
    try:
        strings = _present(tx, (destination, *sources))
    except CorruptRegisters:
        raise _corrupt() from None
    finally:
        tx.keyspace.counting = before
    data, limit = tx.db.peek(destination), _limit(tx)
    assert data is None or isinstance(data, bytes | bytearray)
    after = merge_into(data, strings, limit)
    if limit == SPARSE_LIMIT or is_sparse(merge_into(data, strings)) == is_sparse(after):
        tx.record(b"PFMERGE", destination, *sources)
    else:
        tx.record_as(b"pfadd", b"SET", destination, bytes(after), b"KEEPTTL")
    return OK


# ── for tests ────────────────────────────────────────────────────────────────────────────────────────────────────────
@command("PFDEBUG", "write denyoom admin", keys="RW access @2", since="2.8.9", group="hyperloglog", complexity="O(1)")
def pfdebug(tx: Tx, subcommand: bytes, key: bytes) -> object:
    """Look into a HyperLogLog: its registers (GETREG), encoding, or sparse runs (DECODE); or make it dense (TODENSE)."""
    data = _read(tx, key)
    if data is None:
        raise ReplyError("The specified key does not exist")
    action = subcommand.upper()
    try:
        if action == b"GETREG":
            _make_dense(tx, key, data)
            return list(hyperloglog.registers_of(data))
        if action == b"TODENSE":
            return _make_dense(tx, key, data)
    except CorruptRegisters:
        raise _corrupt() from None
    if action == b"ENCODING":
        return "sparse" if is_sparse(data) else "dense"
    if action != b"DECODE":
        raise ReplyError(f"Unknown PFDEBUG subcommand '{subcommand.decode('utf-8', 'surrogateescape')}'")
    if not is_sparse(data):
        raise ReplyError("HLL encoding is not sparse")
    return hyperloglog.describe_runs(data)


def _make_dense(tx: Tx, key: bytes, data: Bits) -> int:
    if not is_sparse(data):
        return 0
    hyperloglog.registers_of(data)  # raises if it can't be made dense
    tx.record(b"PFDEBUG", b"TODENSE", key)
    return 1


@command("PFSELFTEST", "admin", since="2.8.9", group="hyperloglog", complexity="N/A")
def pfselftest(_tx: Tx) -> str:
    """Test packing, both encodings and the error of the estimate with random data; takes some tenths of a second."""
    registers = bytearray(random.randrange(64) for _ in range(REGISTERS))
    dense = hyperloglog.dense_of(hyperloglog.empty())
    for index, value in enumerate(registers):
        raise_register(dense, index, value)
    if hyperloglog.registers_of(dense) != registers:
        raise ReplyError("Registers differ from what they were set to", "TESTFAILED")
    _test_estimates()
    return OK


def _test_estimates() -> None:
    dense, sparse = hyperloglog.dense_of(hyperloglog.empty()), bytearray(hyperloglog.empty())
    for number in range(1, 10_001):
        register, value = locate(random.randbytes(16))
        raise_register(dense, register, value)
        raise_register(sparse, register, value)
        if number in (1, 10, 100, 1000, 10_000):
            found = hyperloglog.estimate(dense)
            if found != hyperloglog.estimate(sparse):
                raise ReplyError("dense/sparse disagree", "TESTFAILED")
            if abs(found - number) > 1 + number * 6 * 1.04 / 128:
                raise ReplyError(f"Too big error. card:{number} abserr:{abs(found - number)}", "TESTFAILED")
