"""Set commands on one set, and SMOVE; unions and their like are in `set_algebra`.

Law: a change is recorded with the members that were named or chosen (SPOP is SREM or DEL in history), and only if there
is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.commands.arguments import INT64_MAX, parse_range
from store.commands.sampling import parse_count, pick, pick_counted, pick_different
from store.commands.scanning import parse_cursor, parse_scan_options, scan_collection
from store.commands.table import command
from store.errors import syntax_error
from store.long_replies import SET as SET_FORM
from store.long_replies import answer, cut, is_long
from store.notifications import SET
from store.replies import SetReply
from store.values.set import Set

if TYPE_CHECKING:
    from store.tx import Tx

PER_MEMBER = "O(N) where N is the number of members named"
STEP = "O(1) for every call; O(N) for a whole walk until the cursor is 0 again, where N is the size of the collection"
CHOSEN = "O(N) where N is the number of members replied"


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────────
@command("SADD", "write denyoom fast", keys="RW insert @1", since="1.0.0", group="set", complexity=PER_MEMBER)
def sadd(tx: Tx, key: bytes, member: bytes, *more: bytes) -> object:
    """Add members to a set, which is made if it is missing; reply how many are new."""
    stored: Set | None = tx.db.typed(key, Set)
    if stored is not None and stored.has(member) and (not more or stored.has_all(more)):
        return 0
    return tx.enter((b"SADD", key, member, *more))


@command("SREM", "write fast", keys="RW delete @1", since="1.0.0", group="set", complexity=PER_MEMBER)
def srem(tx: Tx, key: bytes, member: bytes, *more: bytes) -> object:
    """Remove members from a set, and with the last one the set; reply how many there were."""
    stored = tx.db.set(key)
    if stored is None or (not stored.has(member) and not stored.has_any(more)):
        return 0
    return tx.record(b"SREM", key, member, *more)


@command("SMOVE", "write fast", keys="RW access delete @1; RW insert @2", since="1.0.0", group="set", complexity="O(1)")
def smove(tx: Tx, source: bytes, destination: bytes, member: bytes) -> int:
    """Move a member from one set to another; reply 1 if the first one had it."""
    origin = tx.db.set(source)
    if origin is None:
        return 0
    tx.db.set(destination)
    if member not in origin:
        return 0
    if source != destination:
        tx.record(b"SMOVE", source, destination, member)
    return 1


@command(
    "SPOP", "write fast", keys="RW access delete @1", since="1.0.0", group="set", tips="nondeterministic_output",
    complexity=CHOSEN,
)  # fmt: skip
def spop(tx: Tx, key: bytes, *options: bytes) -> object:
    """Remove a random member from a set and reply it, or with a count several different ones."""
    if options:
        return _pop_several(tx, key, options)
    stored: Set | None = tx.db.typed(key, Set)
    if stored is None:
        return None
    member = pick(stored)
    tx.enter_as(b"spop", (b"SREM", key, member))
    return member


def _pop_several(tx: Tx, key: bytes, options: tuple[bytes, ...]) -> SetReply:
    if len(options) > 1:
        raise syntax_error()
    count = parse_range(options[0], 0, INT64_MAX)
    stored = tx.db.set(key)
    if stored is None or not count:
        return SetReply()
    chosen = pick_different(stored, count)
    if count < len(stored):
        tx.record_as(b"spop", b"SREM", key, *chosen)
    else:
        # Emptied at once it leaves as DEL, however big it is; that event can't tell of a `spop`, so it is told here.
        tx.keyspace.notify(tx.db, SET, b"spop", key)
        tx.delete(key)
    return SetReply(chosen)


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────
@command("SISMEMBER", "readonly fast", keys="RO @1", since="1.0.0", group="set", complexity="O(1)")
def sismember(tx: Tx, key: bytes, member: bytes) -> int:
    """Tell whether a set has a member."""
    stored = tx.db.set(key)
    return int(stored is not None and stored.has(member))


@command("SMISMEMBER", "readonly fast", keys="RO access @1", since="6.2.0", group="set", complexity=PER_MEMBER)
def smismember(tx: Tx, key: bytes, member: bytes, *more: bytes) -> list[int]:
    """Tell of each of several members whether a set has it."""
    stored = tx.db.set(key)
    if stored is None:
        return [0] * (1 + len(more))
    return [int(stored.has(name)) for name in (member, *more)]


@command("SCARD", "readonly fast", keys="RO @1", since="1.0.0", group="set", complexity="O(1)")
def scard(tx: Tx, key: bytes) -> int:
    """Count the members of a set."""
    stored = tx.db.set(key)
    return 0 if stored is None else len(stored)


@command(
    "SMEMBERS", "readonly", keys="RO access @1", since="1.0.0", group="set", tips="nondeterministic_output_order",
    complexity="O(N) where N is the size of the set",
)  # fmt: skip
def smembers(tx: Tx, key: bytes) -> object:
    """Reply all members of a set."""
    stored = tx.db.set(key)
    if stored is not None and is_long(tx, len(stored)):
        return answer(tx, SET_FORM, cut(stored), (stored,), len(stored))
    return SetReply() if stored is None else SetReply(stored)


# ── sampling and scanning ──────────────────────────────────────────────────────────────────────────────────────────
@command(
    "SRANDMEMBER", "readonly", keys="RO access @1", since="1.0.0", group="set", tips="nondeterministic_output",
    complexity=CHOSEN,
)  # fmt: skip
def srandmember(tx: Tx, key: bytes, *options: bytes) -> object:
    """Reply a random member, or several different ones; with a negative count as many, each chosen anew."""
    if len(options) > 1:
        raise syntax_error()
    if not options:
        stored = tx.db.set(key)
        return None if stored is None else pick(stored)
    count = parse_count(options[0])
    stored = tx.db.set(key)
    return [] if stored is None else pick_counted(stored, count)


@command(
    "SSCAN", "readonly", keys="RO access @1", since="2.8.0", group="set", tips="nondeterministic_output",
    complexity=STEP,
)  # fmt: skip
def sscan(tx: Tx, key: bytes, cursor: bytes, *options: bytes) -> list[object]:
    """Walk through a set in steps; reply the next cursor, 0 at the end, and the members of this step."""
    place = parse_cursor(cursor)
    stored = tx.db.set(key)
    if stored is None:
        return [b"0", []]
    return list(scan_collection(stored, stored, place, parse_scan_options(options)))
