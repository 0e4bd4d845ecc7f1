"""Keyspace notification classes: the letters of `notify-keyspace-events` and their bits (redis.conf 7.0)."""

from __future__ import annotations

from store.errors import ConfigError

KEYSPACE = 1 << 0
KEYEVENT = 1 << 1
GENERIC = 1 << 2
STRING = 1 << 3
LIST = 1 << 4
SET = 1 << 5
HASH = 1 << 6
ZSET = 1 << 7
EXPIRED = 1 << 8
EVICTED = 1 << 9
STREAM = 1 << 10
KEY_MISS = 1 << 11
MODULE = 1 << 13
NEW = 1 << 14
UNHEARD = 1 << 15
"""The class of what nobody can subscribe to: the first of two events that together do one thing."""
ALL = GENERIC | STRING | LIST | SET | HASH | ZSET | EXPIRED | EVICTED | STREAM | MODULE

_LETTERS = {
    "g": GENERIC, "$": STRING, "l": LIST, "s": SET, "h": HASH, "z": ZSET, "x": EXPIRED, "e": EVICTED, "t": STREAM,
    "d": MODULE,
}  # fmt: skip
_EXTRA = {"K": KEYSPACE, "E": KEYEVENT, "m": KEY_MISS, "n": NEW}


def parse_classes(text: str) -> int:
    """Read the letters of `notify-keyspace-events` into bits; raise ConfigError for an unknown letter."""
    bits = 0
    for letter in text:
        if letter == "A":
            bits |= ALL
        elif letter in _LETTERS:
            bits |= _LETTERS[letter]
        elif letter in _EXTRA:
            bits |= _EXTRA[letter]
        else:
            raise ConfigError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
    return bits
