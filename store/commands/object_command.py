"""OBJECT and MEMORY USAGE: how a value is kept. Nothing here touches the access time that it may tell about."""

from __future__ import annotations

from store.commands.arguments import is_integer, parse_int
from store.commands.lookups import glance
from store.commands.table import command, container
from store.entry import Entry, Stored, cost_of
from store.errors import ReplyError, syntax_error
from store.eviction import lfu_counter
from store.tx import Tx
from store.values.base import Value

EMBEDDED = 44
"""Bytes up to which Redis keeps a string in one allocation with its header (`embstr`)."""
SHARED_INTEGERS = 10_000
"""Integers below this are one shared object in Redis; its REFCOUNT then answers the largest int."""
_SHARED_REFCOUNT = (1 << 31) - 1
_ADJUST = "Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."

container("OBJECT", "Look into how values are kept.", since="2.2.3", group="generic")


def encoding_of(value: Stored) -> str:
    """The name of a value's encoding, as OBJECT ENCODING answers it."""
    if isinstance(value, Value):
        return value.encoding()
    if isinstance(value, bytearray):
        return "raw"
    if len(value) <= 20 and is_integer(value):
        return "int"
    return "embstr" if len(value) <= EMBEDDED else "raw"


def _find(tx: Tx, key: bytes) -> Entry | None:
    return None if glance(tx.db, key, notify=False) is None else tx.db.entries[key]


@command(
    "OBJECT|ENCODING", "readonly", keys="RO @2", since="2.2.3", group="generic", complexity="O(1)",
    tips="nondeterministic_output",
)  # fmt: skip
def object_encoding(tx: Tx, key: bytes) -> bytes | None:
    """Answer the name of the form in which a value is kept."""
    entry = _find(tx, key)
    return None if entry is None else encoding_of(entry.value).encode()


@command(
    "OBJECT|REFCOUNT", "readonly", keys="RO @2", since="2.2.3", group="generic", complexity="O(1)",
    tips="nondeterministic_output",
)  # fmt: skip
def object_refcount(tx: Tx, key: bytes) -> int | None:
    """Answer how often a value is referred to: once, but for small integers."""
    entry = _find(tx, key)
    if entry is None:
        return None
    value = entry.value
    shares = not tx.engine.settings.maxmemory or tx.engine.settings.maxmemory_policy[-3:] not in ("lru", "lfu")
    small = isinstance(value, bytes) and len(value) <= 4 and is_integer(value) and 0 <= int(value) < SHARED_INTEGERS
    return _SHARED_REFCOUNT if shares and small else 1


@command(
    "OBJECT|IDLETIME", "readonly", keys="RO @2", since="2.2.3", group="generic", complexity="O(1)",
    tips="nondeterministic_output",
)  # fmt: skip
def object_idletime(tx: Tx, key: bytes) -> int | None:
    """Answer how many seconds ago a key was last used."""
    entry = _find(tx, key)
    if entry is None:
        return None
    if tx.keyspace.lfu is not None:
        raise ReplyError(f"An LFU maxmemory policy is selected, idle time not tracked. {_ADJUST}")
    return max(0, tx.keyspace.access_clock - entry.access)


@command(
    "OBJECT|FREQ", "readonly", keys="RO @2", since="4.0.0", group="generic", complexity="O(1)",
    tips="nondeterministic_output",
)  # fmt: skip
def object_freq(tx: Tx, key: bytes) -> int | None:
    """Answer how often a key was used lately, on a logarithmic scale up to 255."""
    entry = _find(tx, key)
    if entry is None:
        return None
    if tx.keyspace.lfu is None:
        raise ReplyError(f"An LFU maxmemory policy is not selected, access frequency not tracked. {_ADJUST}")
    return lfu_counter(entry.access, tx.keyspace.fresh_access >> 8, tx.engine.settings.lfu_decay_time)


@command("OBJECT|HELP", "loading stale", since="6.2.0", group="generic", complexity="O(1)")
def object_help(tx: Tx) -> list[str]:
    """List the subcommands of OBJECT."""
    return [
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ENCODING <key>",
        "    The form in which the value is kept.",
        "FREQ <key>",
        "    How often the key was used lately (LFU policies), logarithmic.",
        "IDLETIME <key>",
        "    Seconds since the key was last used (policies other than LFU).",
        "REFCOUNT <key>",
        "    How often the value is referred to.",
        "HELP",
        "    Print this help.",
    ]


@command("MEMORY|USAGE", "readonly", keys="RO @2", since="4.0.0", group="server", complexity="O(1)")
def memory_usage(tx: Tx, key: bytes, *options: bytes) -> int | None:
    """Estimate the bytes that a key and its value take; SAMPLES is accepted, but sizes are always known here."""
    rest = iter(options)
    for option in rest:
        if option.upper() != b"SAMPLES" or (samples := next(rest, None)) is None or parse_int(samples) < 0:
            raise syntax_error()
    entry = tx.db.live(key)
    return None if entry is None else cost_of(entry)
