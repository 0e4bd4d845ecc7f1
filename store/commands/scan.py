"""Commands that look for keys: KEYS, SCAN, RANDOMKEY.

Law: they show no key that is logically expired; SCAN and RANDOMKEY also have it removed, as an event of its own, where
this node may do that. KEYS only looks: it may meet a million of them.
"""

from __future__ import annotations

import random

from store.commands.lookups import type_name
from store.commands.scanning import parse_cursor, parse_scan_options
from store.commands.table import command
from store.entry import Entry
from store.glob import compile_glob
from store.key_walk import KeyWalk
from store.long_replies import ARRAY, answer, is_long, keys_of
from store.tx import Tx
from store.values.index import scan_down

RANDOM_ATTEMPTS = 100
"""Draws of RANDOMKEY among keys that are expired but may not be removed here, before it takes any that is alive."""


@command(
    "KEYS", "readonly", since="1.0.0", group="generic", acl="dangerous", complexity="O(keys of the database)",
    tips="request_policy:all_shards nondeterministic_output_order",
)  # fmt: skip
def keys(tx: Tx, pattern: bytes) -> object:
    """List all keys that match a pattern."""
    now = tx.now
    if is_long(tx, len(tx.db)):
        walk = KeyWalk(tx.db)
        return answer(tx, ARRAY, keys_of(walk, now, None if pattern == b"*" else compile_glob(pattern)), walk=walk)
    entries = [entry for entry in tx.db.order if not 0 < entry.deadline <= now]
    if pattern == b"*":
        return [entry.key for entry in entries]
    matches = compile_glob(pattern)
    return [entry.key for entry in entries if matches(entry.key)]


def _drop_expired(tx: Tx, entries: list[Entry]) -> list[Entry]:
    """The entries that are alive; the others are removed if this node may."""
    now = tx.now
    expired = [entry.key for entry in entries if 0 < entry.deadline <= now]
    if not expired:
        return entries
    tx.engine.expire_keys(tx, expired)
    return [entry for entry in entries if not 0 < entry.deadline <= now]


@command(
    "SCAN", "readonly", since="2.8.0", group="generic", complexity="O(COUNT)",
    tips="nondeterministic_output request_policy:special",
)  # fmt: skip
def scan(tx: Tx, cursor: bytes, *options: bytes) -> list[object]:
    """Walk through the keys in steps; answer the next cursor (0 at the end) and the keys of this step."""
    position = parse_cursor(cursor)
    wanted = parse_scan_options(options, typed=True)
    following, entries = scan_down(tx.db.order, position, wanted.count)
    found = list(entries) if wanted.matches is None else [entry for entry in entries if wanted.matches(entry.key)]
    found = _drop_expired(tx, found)
    if wanted.type is not None:
        found = [entry for entry in found if type_name(entry.value).lower().encode() == wanted.type]
    return [b"%d" % following, [entry.key for entry in found]]


@command(
    "RANDOMKEY", "readonly", since="1.0.0", group="generic", complexity="O(1)",
    tips="request_policy:all_shards nondeterministic_output",
)  # fmt: skip
def randomkey(tx: Tx) -> bytes | None:
    """Answer a key chosen by chance; null when there is none."""
    order = tx.db.order
    for _ in range(RANDOM_ATTEMPTS):
        if not order:
            return None
        entry = order[random.randrange(len(order))]
        if _drop_expired(tx, [entry]):
            return entry.key
    # All but hopeless: as in Redis, a key that is expired is better than none when nothing else is left.
    return next((other.key for other in order if not 0 < other.deadline <= tx.now), entry.key)
