"""Streams, as far as one must understand them to keep them: their nodes are checked entry by entry, and can be listed.

    node   = listpack: entries deleted fields field* 0 entry*          `fields`, `field`: the names most entries share
    entry  = flags ms sequence (value* | fields (field value)*) count  value*: flag SAME, as many as shared names
    count  = how many elements the entry has before this one

ms and sequence are relative to the node's id. Law: every count is right, or Malformed: a payload that is passed on to a
Redis must not be able to break it there.
"""

from __future__ import annotations

from collections.abc import Iterator

from store.rdb.compact import decode_listpack
from store.rdb.primitives import Cursor, Malformed

DELETED, SAME = 1, 2
Entry = tuple[int, int, list[bytes]]
"""ms, sequence, and field, value, field, value …"""


def read_node(cursor: Cursor) -> tuple[bytes, list[Entry]]:
    """Read one node; return its id (16 bytes) and the entries that are not deleted."""
    node_id = cursor.string()
    if len(node_id) != 16:
        raise Malformed(f"a stream node whose id has {len(node_id)} bytes")
    return node_id, decode_node(node_id, decode_listpack(cursor.string()))


def entries_of(raw: bytes) -> Iterator[Entry]:
    """Yield the entries of a stream in its RDB form, oldest first (nodes are stored in order)."""
    cursor = Cursor(raw, len(raw))
    for _ in range(cursor.count(18)):
        yield from read_node(cursor)[1]


def decode_node(node_id: bytes, elements: list[bytes]) -> list[Entry]:
    """Take the listpack of a node apart."""
    walk = _Walk(elements)
    total = walk.number() + walk.number()
    names = walk.take(walk.number())
    if not elements or walk.number() != 0:
        raise Malformed("a stream node whose first entry does not end with 0")
    base_ms, base_sequence = int.from_bytes(node_id[:8], "big"), int.from_bytes(node_id[8:], "big")
    found: list[Entry] = []
    for _ in range(total):
        start = walk.place
        flags = walk.number()
        ms, sequence = base_ms + walk.number(), base_sequence + walk.number()
        if flags & SAME:
            values = walk.take(len(names))
            pairs = [part for pair in zip(names, values, strict=True) for part in pair]
        else:
            pairs = walk.take(2 * walk.number())
        size = walk.place - start
        if walk.number() != size:
            raise Malformed("a stream entry that is longer or shorter than it says")
        if not flags & DELETED:
            found.append((ms, sequence, pairs))
    if walk.place != len(elements):
        raise Malformed("a stream node with more in it than its entries")
    return found


class _Walk:
    """Goes through the elements of a listpack; raises Malformed at its end and for numbers that are none."""

    def __init__(self, elements: list[bytes]) -> None:
        self.elements = elements
        self.place = 0

    def number(self) -> int:
        """The next element, which has to be a number."""
        (text,) = self.take(1)
        try:
            return int(text)
        except ValueError:
            raise Malformed(f"{text[:40]!r} where a stream node has a number") from None

    def take(self, count: int) -> list[bytes]:
        """The next count elements."""
        stop = self.place + count
        if count < 0 or stop > len(self.elements):
            raise Malformed(f"a stream node that ends {stop - len(self.elements)} elements too early")
        part = self.elements[self.place : stop]
        self.place = stop
        return part
