"""What the keyspace knows of a key. Compiled (entry.pyx) it has the same fields, in less memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.keyspace import Stored


class Entry:
    """One key. `deadline`: unix ms when it expires, 0 = never; `access`: LRU seconds or LFU word; `slot`: place in `order`."""

    __slots__ = ("access", "deadline", "key", "slot", "value")

    def __init__(self, key: bytes, value: Stored, slot: int, access: int) -> None:
        self.key = key
        self.value = value
        self.deadline = 0
        self.access = access
        self.slot = slot
