"""Commands on lifetimes.

Law: what is recorded is `PEXPIREAT key unix-ms`, or the key's removal when that moment has passed already.
"""

from __future__ import annotations

from store.commands.deadlines import deadline_from
from store.commands.lookups import glance
from store.commands.table import command
from store.errors import ReplyError
from store.tx import Tx

_CONDITIONS = frozenset((b"NX", b"XX", b"GT", b"LT"))


def _parse_conditions(options: tuple[bytes, ...]) -> frozenset[bytes]:
    for option in options:
        if option.upper() not in _CONDITIONS:
            raise ReplyError(f"Unsupported option {option.decode('utf-8', 'surrogateescape')}")
    words = frozenset(option.upper() for option in options)
    if b"NX" in words and len(words) > 1:
        raise ReplyError("NX and XX, GT or LT options at the same time are not compatible")
    if b"GT" in words and b"LT" in words:
        raise ReplyError("GT and LT options at the same time are not compatible")
    return words


def _allowed(conditions: frozenset[bytes], current: int, deadline: int) -> bool:
    """Tell whether the conditions let deadline replace current (0: none, which is later than any)."""
    if b"NX" in conditions and current:
        return False
    if b"XX" in conditions and not current:
        return False
    if b"GT" in conditions and (not current or deadline <= current):
        return False
    return not (b"LT" in conditions and current and deadline >= current)


def _expire(tx: Tx, name: str, key: bytes, amount: bytes, options: tuple[bytes, ...], scale: int, base: int) -> int:
    conditions = _parse_conditions(options)
    deadline = deadline_from(name, amount, scale, base)
    if tx.db.get(key) is None or not _allowed(conditions, tx.db.entries[key].deadline, deadline):
        return 0
    if deadline <= tx.now:
        tx.delete(key)
    else:
        tx.record(b"PEXPIREAT", key, b"%d" % deadline)
    return 1


@command("EXPIRE", "write fast", keys="RW update @1", since="1.0.0", group="generic", complexity="O(1)")
def expire(tx: Tx, key: bytes, seconds: bytes, *conditions: bytes) -> int:
    """Let a key expire after some seconds."""
    return _expire(tx, "expire", key, seconds, conditions, 1000, tx.now)


@command("PEXPIRE", "write fast", keys="RW update @1", since="2.6.0", group="generic", complexity="O(1)")
def pexpire(tx: Tx, key: bytes, milliseconds: bytes, *conditions: bytes) -> int:
    """Let a key expire after some milliseconds."""
    return _expire(tx, "pexpire", key, milliseconds, conditions, 1, tx.now)


@command("EXPIREAT", "write fast", keys="RW update @1", since="1.2.0", group="generic", complexity="O(1)")
def expireat(tx: Tx, key: bytes, unix_time_seconds: bytes, *conditions: bytes) -> int:
    """Let a key expire at a unix time in seconds."""
    return _expire(tx, "expireat", key, unix_time_seconds, conditions, 1000, 0)


@command("PEXPIREAT", "write fast", keys="RW update @1", since="2.6.0", group="generic", complexity="O(1)")
def pexpireat(tx: Tx, key: bytes, unix_time_milliseconds: bytes, *conditions: bytes) -> int:
    """Let a key expire at a unix time in milliseconds."""
    return _expire(tx, "pexpireat", key, unix_time_milliseconds, conditions, 1, 0)


@command("PERSIST", "write fast", keys="RW update @1", since="2.2.0", group="generic", complexity="O(1)")
def persist(tx: Tx, key: bytes) -> int:
    """Let a key live on for ever."""
    if tx.db.get(key) is None or not tx.db.entries[key].deadline:
        return 0
    tx.record(b"PERSIST", key)
    return 1


def _deadline(tx: Tx, key: bytes) -> int:
    """The deadline of key in unix ms; -1 if it has none, -2 if it is missing."""
    if glance(tx.db, key) is None:
        return -2
    return tx.db.entries[key].deadline or -1


def _left(tx: Tx, key: bytes) -> int:
    """Milliseconds until key expires; -1 if it does not, -2 if it is missing."""
    deadline = _deadline(tx, key)
    return max(0, deadline - tx.now) if deadline > 0 else deadline


def _seconds(milliseconds: int) -> int:
    return (milliseconds + 500) // 1000 if milliseconds >= 0 else milliseconds


@command(
    "TTL", "readonly fast", keys="RO access @1", since="1.0.0", group="generic", complexity="O(1)",
    tips="nondeterministic_output",
)  # fmt: skip
def ttl(tx: Tx, key: bytes) -> int:
    """Answer how many seconds a key has to live; -1 without a limit, -2 if it is missing."""
    return _seconds(_left(tx, key))


@command(
    "PTTL", "readonly fast", keys="RO access @1", since="2.6.0", group="generic", complexity="O(1)",
    tips="nondeterministic_output",
)  # fmt: skip
def pttl(tx: Tx, key: bytes) -> int:
    """Answer how many milliseconds a key has to live; -1 without a limit, -2 if it is missing."""
    return _left(tx, key)


@command("EXPIRETIME", "readonly fast", keys="RO access @1", since="7.0.0", group="generic", complexity="O(1)")
def expiretime(tx: Tx, key: bytes) -> int:
    """Answer the unix time in seconds at which a key expires; -1 if it does not, -2 if it is missing."""
    return _seconds(_deadline(tx, key))


@command("PEXPIRETIME", "readonly fast", keys="RO access @1", since="7.0.0", group="generic", complexity="O(1)")
def pexpiretime(tx: Tx, key: bytes) -> int:
    """Answer the unix time in milliseconds at which a key expires; -1 if it does not, -2 if it is missing."""
    return _deadline(tx, key)
