"""What the keyspace knows of a key. Compiled (entry.pyx) it offers the same in one piece of memory, key and short value included.

Law: `value` is replaced by `keep` only, so that whoever accounts memory asks `size_of` before and after. A value that is
`bytes` may be another object each time it is read.
"""

from __future__ import annotations

from store.values.base import Value

__all__ = ["ENTRY_COST", "Entry", "Stored", "collection", "cost_of", "keep", "key_of", "new_entry", "size_of", "value_of"]

Stored = bytes | bytearray | Value

_PLACES = 70
"""Bytes of a key's places in the table and in `order`."""
_ENTRY = 80
ENTRY_COST = _ENTRY + _PLACES + 33
"""Bytes that a key takes beside its name and its value (CPython 3.11, measured)."""
_BYTEARRAY = 80
"""Bytes of an empty bytearray."""


class Entry:
    """One key. `deadline`: unix ms when it expires, 0 = never; `access`: LRU seconds or LFU word; `slot`: place in `order`."""

    __slots__ = ("access", "deadline", "key", "slot", "value")

    key: bytes
    value: Stored
    deadline: int
    access: int
    slot: int


def new_entry(key: bytes, value: Stored, slot: int, access: int) -> Entry:
    """Make the entry of a key."""
    entry = Entry()
    entry.key = key
    entry.value = value
    entry.deadline = 0
    entry.access = access
    entry.slot = slot
    return entry


def key_of(entry: Entry) -> bytes:
    """The key of an entry: `entry.key` for compiled callers."""
    return entry.key


def value_of(entry: Entry) -> Stored:
    """The value of an entry: `entry.value` for compiled callers."""
    return entry.value


def collection(entry: Entry) -> Value | None:
    """The value of an entry unless it is a string."""
    value = entry.value
    return None if isinstance(value, (bytes, bytearray)) else value


def keep(entry: Entry, value: Stored) -> Value | None:
    """Replace the value of an entry; return the former one unless it was a string."""
    old = collection(entry)
    entry.value = value
    return old


def size_of(entry: Entry) -> int:
    """Bytes of an entry with its places, key and string; a collection accounts for itself."""
    return _ENTRY + _PLACES + _bytes_cost(entry.key) + _string_cost(entry.value)


def cost_of(entry: Entry) -> int:
    """Bytes that a key takes with all that it holds."""
    value = collection(entry)
    return size_of(entry) if value is None else size_of(entry) + value.nbytes


def _bytes_cost(text: bytes) -> int:
    return (len(text) + 33 + 15) & ~15


def _string_cost(value: Stored) -> int:
    if type(value) is bytes:
        return _bytes_cost(value)
    return _BYTEARRAY + len(value) if isinstance(value, bytearray) else 0
