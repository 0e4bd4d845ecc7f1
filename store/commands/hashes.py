"""Hash commands.

Law: what is recorded is the outcome: HSET with final values (HMSET, HSETNX, HINCRBY, HINCRBYFLOAT are HSET in history),
HDEL only when a field goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.commands.arguments import INT64_MAX, INT64_MIN, parse_int
from store.commands.sampling import parse_count, pick, pick_counted
from store.commands.scanning import parse_cursor, parse_scan_options, scan_collection
from store.commands.table import command
from store.errors import ReplyError, not_a_float, syntax_error
from store.long_replies import ARRAY, MAP, answer, cut, is_long, pairs_of
from store.numbers import LongDouble, parse_long_double
from store.replies import OK, flat
from store.values.hash import Hash

if TYPE_CHECKING:
    from store.tx import Tx

PER_FIELD = "O(N) where N is the number of fields named"
WHOLE = "O(N) where N is the size of the hash"
STEP = "O(1) for every call; O(N) for a whole walk until the cursor is 0 again, where N is the size of the collection"
UNORDERED = "nondeterministic_output_order"


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _set_pairs(tx: Tx, name: str, key: bytes, pairs: tuple[bytes, ...]) -> object:
    if len(pairs) % 2:
        raise ReplyError(f"wrong number of arguments for '{name}' command")
    tx.db.typed(key, Hash)
    return tx.enter((b"HSET", key, *pairs))


@command("HSET", "write denyoom fast", keys="RW update @1", since="2.0.0", group="hash", complexity=PER_FIELD)
def hset(tx: Tx, key: bytes, field: bytes, value: bytes, *more: bytes) -> object:
    """Set fields of a hash to values, making the hash if it is missing; reply how many fields are new."""
    return _set_pairs(tx, "hset", key, (field, value, *more))


@command("HMSET", "write denyoom fast", keys="RW update @1", since="2.0.0", group="hash", complexity=PER_FIELD)
def hmset(tx: Tx, key: bytes, field: bytes, value: bytes, *more: bytes) -> str:
    """Set fields of a hash to values, as HSET does; reply OK."""
    _set_pairs(tx, "hmset", key, (field, value, *more))
    return OK


@command("HSETNX", "write denyoom fast", keys="RW insert @1", since="2.0.0", group="hash", complexity="O(1)")
def hsetnx(tx: Tx, key: bytes, field: bytes, value: bytes) -> int:
    """Set a field of a hash unless it exists; reply 1 if it was set."""
    stored = tx.db.hash(key)
    if stored is not None and field in stored:
        return 0
    tx.record(b"HSET", key, field, value)
    return 1


@command("HDEL", "write fast", keys="RW delete @1", since="2.0.0", group="hash", complexity=PER_FIELD)
def hdel(tx: Tx, key: bytes, field: bytes, *more: bytes) -> object:
    """Remove fields from a hash, and with the last field the hash; reply how many there were."""
    stored = tx.db.hash(key)
    if stored is None or (field not in stored and not stored.has_any(more)):
        return 0
    return tx.record(b"HDEL", key, field, *more)


@command("HINCRBY", "write denyoom fast", keys="RW access update @1", since="2.0.0", group="hash", complexity="O(1)")
def hincrby(tx: Tx, key: bytes, field: bytes, increment: bytes) -> int:
    """Add to the integer in a field, a missing one counting as 0; reply the sum."""
    step = parse_int(increment)
    stored = tx.db.hash(key)
    old = stored.get(field) if stored is not None else None
    total = step + (0 if old is None else parse_int(old, "hash value is not an integer"))
    if not INT64_MIN <= total <= INT64_MAX:
        raise ReplyError("increment or decrement would overflow")
    tx.record_as(b"hincrby", b"HSET", key, field, b"%d" % total)
    return total


@command(
    "HINCRBYFLOAT", "write denyoom fast", keys="RW access update @1", since="2.6.0", group="hash", complexity="O(1)"
)  # fmt: skip
def hincrbyfloat(tx: Tx, key: bytes, field: bytes, increment: bytes) -> bytes:
    """Add to the number in a field, a missing one counting as 0; reply the sum with up to 17 decimals."""
    step = _long_double(increment, not_a_float())
    if not step.finite:
        raise ReplyError("value is NaN or Infinity")
    stored = tx.db.hash(key)
    old = stored.get(field) if stored is not None else None
    total = step + (LongDouble(0) if old is None else _long_double(old, ReplyError("hash value is not a float")))
    if not total.finite:
        raise ReplyError("increment would produce NaN or Infinity")
    text = bytes(total)
    tx.record_as(b"hincrbyfloat", b"HSET", key, field, text)
    return text


def _long_double(text: bytes, otherwise: ReplyError) -> LongDouble:
    try:
        return parse_long_double(text)
    except ValueError:
        raise otherwise from None


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────
@command("HGET", "readonly fast", keys="RO access @1", since="2.0.0", group="hash", complexity="O(1)")
def hget(tx: Tx, key: bytes, field: bytes) -> bytes | None:
    """Reply the value of a field, or null."""
    stored: Hash | None = tx.db.typed(key, Hash)
    return None if stored is None else stored.get(field)


@command("HMGET", "readonly fast", keys="RO access @1", since="2.0.0", group="hash", complexity=PER_FIELD)
def hmget(tx: Tx, key: bytes, field: bytes, *more: bytes) -> list[bytes | None]:
    """Reply the values of fields, null for each that is missing."""
    stored = tx.db.hash(key)
    if stored is None:
        return [None] * (1 + len(more))
    return [stored.get(name) for name in (field, *more)]


@command("HGETALL", "readonly", keys="RO access @1", since="2.0.0", group="hash", tips=UNORDERED, complexity=WHOLE)
def hgetall(tx: Tx, key: bytes) -> object:
    """Reply all fields with their values."""
    stored = tx.db.hash(key)
    if stored is not None and is_long(tx, len(stored)):
        return answer(tx, MAP, pairs_of(stored), (stored,), 2 * len(stored))
    return {} if stored is None else stored.to_dict()


@command("HKEYS", "readonly", keys="RO access @1", since="2.0.0", group="hash", tips=UNORDERED, complexity=WHOLE)
def hkeys(tx: Tx, key: bytes) -> object:
    """Reply all fields."""
    stored = tx.db.hash(key)
    if stored is not None and is_long(tx, len(stored)):
        return answer(tx, ARRAY, cut(stored), (stored,), len(stored))
    return [] if stored is None else list(stored)


@command("HVALS", "readonly", keys="RO access @1", since="2.0.0", group="hash", tips=UNORDERED, complexity=WHOLE)
def hvals(tx: Tx, key: bytes) -> object:
    """Reply the values of all fields."""
    stored = tx.db.hash(key)
    if stored is not None and is_long(tx, len(stored)):
        return answer(tx, ARRAY, cut(stored.values()), (stored,), len(stored))
    return [] if stored is None else list(stored.values())


@command("HLEN", "readonly fast", keys="RO @1", since="2.0.0", group="hash", complexity="O(1)")
def hlen(tx: Tx, key: bytes) -> int:
    """Count the fields of a hash."""
    stored = tx.db.hash(key)
    return 0 if stored is None else len(stored)


@command("HSTRLEN", "readonly fast", keys="RO @1", since="3.2.0", group="hash", complexity="O(1)")
def hstrlen(tx: Tx, key: bytes, field: bytes) -> int:
    """Reply the bytes in the value of a field, 0 if it is missing."""
    stored = tx.db.hash(key)
    return 0 if stored is None else len(stored.get(field) or b"")


@command("HEXISTS", "readonly fast", keys="RO @1", since="2.0.0", group="hash", complexity="O(1)")
def hexists(tx: Tx, key: bytes, field: bytes) -> int:
    """Tell whether a hash has a field."""
    stored = tx.db.hash(key)
    return int(stored is not None and field in stored)


# ── sampling and scanning ──────────────────────────────────────────────────────────────────────────────────────────
@command(
    "HRANDFIELD", "readonly", keys="RO access @1", since="6.2.0", group="hash", tips="nondeterministic_output",
    complexity="O(N) where N is the number of fields replied",
)  # fmt: skip
def hrandfield(tx: Tx, key: bytes, *options: bytes) -> object:
    """Reply a random field, or several different ones; with a negative count as many, each chosen anew."""
    if not options:
        stored = tx.db.hash(key)
        return None if stored is None else pick(stored)
    count = parse_count(options[0])
    if len(options) > 2 or (len(options) == 2 and options[1].upper() != b"WITHVALUES"):
        raise syntax_error()
    if len(options) == 2 and abs(count) > INT64_MAX // 2:
        raise ReplyError("value is out of range")
    stored = tx.db.hash(key)
    if stored is None:
        return []
    chosen = pick_counted(stored, count)
    return chosen if len(options) == 1 else flat((field, stored.get(field)) for field in chosen)


@command(
    "HSCAN", "readonly", keys="RO access @1", since="2.8.0", group="hash", tips="nondeterministic_output",
    complexity=STEP,
)  # fmt: skip
def hscan(tx: Tx, key: bytes, cursor: bytes, *options: bytes) -> list[object]:
    """Walk through a hash in steps; reply the next cursor, 0 at the end, and this step's fields with their values."""
    place = parse_cursor(cursor)
    stored = tx.db.hash(key)
    if stored is None:
        return [b"0", []]
    following, found = scan_collection(stored, stored, place, parse_scan_options(options))
    return [following, [part for field in found for part in (field, stored.get(field))]]
