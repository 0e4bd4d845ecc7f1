"""Commands on the bits of strings: SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP, BITFIELD.

Law: BITFIELD is recorded as the SETs of its final values; BITOP as its own words, since history determines the result.
"""

from __future__ import annotations

from store.arguments import parse_int, parse_range
from store.commands.lookups import read_for_write, string_part
from store.commands.table import command
from store.errors import ReplyError, syntax_error, wrong_type
from store.tx import Tx
from store.values.base import Value
from store.values.bit_fields import FieldRun, read_offset, read_operations, run_operations
from store.values.bits import COMBINE, Bits, count_bits, find_bit, get_bit

BAD_BIT = "bit is not an integer or out of range"


@command("SETBIT", "write denyoom", keys="RW access update @1", since="2.2.0", group="bitmap", complexity="O(1)")
def setbit(tx: Tx, key: bytes, offset: bytes, bit: bytes) -> int:
    """Set or clear one bit of a string, which grows as needed; answer the bit that was there."""
    place = read_offset(offset, tx.longest)
    new = parse_range(bit, 0, 1, BAD_BIT)
    data = string_part(tx.db, key)
    old = 0 if data is None else get_bit(data, place)
    if data is None or len(data) <= place >> 3 or old != new:
        tx.record(b"SETBIT", key, offset, bit)
    return old


@command("GETBIT", "readonly fast", keys="RO access @1", since="2.2.0", group="bitmap", complexity="O(1)")
def getbit(tx: Tx, key: bytes, offset: bytes) -> int:
    """Answer one bit of a string; what lies beyond its end is 0."""
    place = read_offset(offset, tx.longest)
    data = string_part(tx.db, key)
    return 0 if data is None else get_bit(data, place)


# ── counting and finding ─────────────────────────────────────────────────────────────────────────────────────────────
@command("BITCOUNT", "readonly", keys="RO access @1", since="2.6.0", group="bitmap", complexity="O(N)")
def bitcount(tx: Tx, key: bytes, *limits: bytes) -> int:
    """Count the set bits of a string, or of its part from start to end, in bytes or (BIT) bits."""
    data = string_part(tx.db, key)
    if data is None:
        return 0
    if not limits:
        return count_bits(data, 0, len(data) * 8 - 1)
    if not 2 <= len(limits) <= 3:
        raise syntax_error()
    start, end = parse_int(limits[0]), parse_int(limits[1])
    if end < start < 0:
        return 0
    return count_bits(data, *_bit_range(data, start, end, len(limits) == 3 and _in_bits(limits[2])))


@command("BITPOS", "readonly", keys="RO access @1", since="2.8.7", group="bitmap", complexity="O(N)")
def bitpos(tx: Tx, key: bytes, bit: bytes, *limits: bytes) -> int:
    """Find the first bit that is 1 or 0 in a string, or in its part from start to end, in bytes or (BIT) bits."""
    wanted = parse_int(bit)
    if wanted not in (0, 1):
        raise ReplyError("The bit argument must be 1 or 0.")
    data = string_part(tx.db, key)
    if data is None:
        return -1 if wanted else 0
    if len(limits) > 3:
        raise syntax_error()
    start = parse_int(limits[0]) if limits else 0
    in_bits = len(limits) == 3 and _in_bits(limits[2])
    first, last = _bit_range(data, start, parse_int(limits[1]) if len(limits) > 1 else -1, in_bits)
    if first > last:
        return -1
    found = find_bit(data, wanted, first, last)
    if found is None and wanted == 0 and len(limits) < 2:
        return len(data) * 8  # without an end the string goes on with zeros
    return -1 if found is None else found


def _in_bits(word: bytes) -> bool:
    """Read BIT or BYTE."""
    unit = word.upper()
    if unit not in (b"BIT", b"BYTE"):
        raise syntax_error()
    return unit == b"BIT"


def _bit_range(data: Bits, start: int, end: int, in_bits: bool) -> tuple[int, int]:
    """The first and last bit that start and end mean; negative ones count from the end; empty if first > last."""
    size = len(data) * 8 if in_bits else len(data)
    first = max(start + size if start < 0 else start, 0)
    last = min(max(end + size if end < 0 else end, 0), size - 1)
    return (first, last) if in_bits or first > last else (first * 8, last * 8 + 7)


# ── combining ────────────────────────────────────────────────────────────────────────────────────────────────────────
@command("BITOP", "write denyoom", keys="OW update @2; RO access @3:-1", since="2.6.0", group="bitmap", complexity="O(N)")
def bitop(tx: Tx, operation: bytes, destination: bytes, key: bytes, *more: bytes) -> object:
    """Store AND, OR, XOR of strings, or NOT of one, in another key; answer its length in bytes."""
    if operation.upper() != b"NOT" and operation.upper() not in COMBINE:
        raise syntax_error()
    if operation.upper() == b"NOT" and more:
        raise ReplyError("BITOP NOT must be called with a single source key.")
    sources = [_source(tx, name) for name in (key, *more)]
    if not any(sources):
        tx.delete(destination)
        return 0
    return tx.record(b"BITOP", operation, destination, key, *more)


def _source(tx: Tx, key: bytes) -> Bits:
    value = read_for_write(tx, key)
    if isinstance(value, Value):
        raise wrong_type()
    return b"" if value is None else value


# ── integers in a string ─────────────────────────────────────────────────────────────────────────────────────────────
PER_FIELD = "O(1) an operation"


@command(
    "BITFIELD", "write denyoom", keys="RW access update variable_flags @1", since="3.2.0", group="bitmap",
    complexity=PER_FIELD,
)  # fmt: skip
def bitfield(tx: Tx, key: bytes, *words: bytes) -> list[int | None]:
    """Read, set and increment integers of any number of bits anywhere in a string; answer one result an operation."""
    operations = read_operations(words, tx.longest)
    if all(operation.action == b"GET" for operation in operations):
        return run_operations(operations, _source(tx, key)).replies
    data = string_part(tx.db, key)
    run = run_operations(operations, data or b"")
    if run.changed:
        tx.record(b"BITFIELD", key, *_outcome(run))
    return run.replies


def _outcome(run: FieldRun) -> list[bytes]:
    """What a run stored, as SETs; when its farthest integer could not be stored, the string still grows to hold it."""
    words: list[bytes] = []
    for operation, value in run.writes:
        words += (b"SET", operation.type, b"%d" % operation.offset, b"%d" % value)
    if run.size > len(run.data) and not any(place + 1 == run.size for place in run.patch):
        words += (b"SET", b"u8", b"%d" % (run.size * 8 - 8), b"0")
    return words


@command("BITFIELD_RO", "readonly fast", keys="RO access @1", since="6.0.0", group="bitmap", complexity=PER_FIELD)
def bitfield_ro(tx: Tx, key: bytes, *words: bytes) -> list[int | None]:
    """Read integers of any number of bits anywhere in a string."""
    operations = read_operations(words, tx.longest)
    if any(operation.action != b"GET" for operation in operations):
        raise ReplyError("BITFIELD_RO only supports the GET subcommand")
    return run_operations(operations, string_part(tx.db, key) or b"").replies
