"""Streams in RDB: read in both versions, written in the second, node by node as Redis does.

    stream   = length(nodes) (string(id) string(node))*
               length(entries) id(last) [id(first) id(deleted) length(added)] length(groups) group*
    group    = string(name) id(last) [length(read)] length pending* length(consumers) consumer*
    pending  = id i64 delivery time in ms, length(deliveries)
    consumer = string(name) i64(seen, ms) length id*                 the ids that are pending with it
    node     = listpack: entries deleted fields field* 0 entry*      `fields`, `field`: the names most entries share
    entry    = flags ms sequence (value* | fields (field value)*) count   value*: flag SAME, as many as shared names
    count    = how many elements the entry has before this one

An id is 16 bytes where it names a node or an entry that is pending, elsewhere length(ms) length(sequence); in a node, ms and
sequence are relative to the node's id. What stands in brackets is in STREAM_LISTPACKS_2 only.

Law: every count is right and ids ascend, or Malformed: what is accepted here may be passed on to a Redis.
"""

from __future__ import annotations

from collections.abc import Iterator

from store.rdb import codes
from store.rdb.compact import decode_listpack, encode_listpack
from store.rdb.primitives import Cursor, Malformed, put_length, put_string
from store.values.stream import Stream
from store.values.stream_group import Group
from store.values.stream_node import SEQUENCE, Fields, Node, make_id, signed

DELETED, SAME = 1, 2


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def read_stream(cursor: Cursor, type_byte: int) -> Stream:
    """Read a stream of either version."""
    stream = Stream()
    nodes = sorted((read_node(cursor) for _ in range(cursor.count(18))), key=lambda node: node.base)
    for node in nodes:
        if stream.bases and node.base <= max(stream.bases[-1], stream.nodes[-1].ids[-1]):
            raise Malformed("a stream node that is there twice, or reaches into the next")
        if node.live:
            stream.adopt(node)
    if cursor.length() and not nodes:
        raise Malformed("a stream that announces entries but has none")
    stream.last = _read_id(cursor)
    if stream.top() > stream.last:
        raise Malformed("a stream with an entry above its last id")
    second = type_byte == codes.STREAM_LISTPACKS_2
    if second:
        _read_id(cursor)  # of the first entry, which is there
        stream.max_deleted = _read_id(cursor)
        stream.added = cursor.length()
    else:
        stream.added = stream.length
    for _ in range(cursor.count(5)):
        _read_group(cursor, stream, second)
    return stream


def _read_id(cursor: Cursor) -> int:
    return make_id(cursor.length(), cursor.length())


def _read_raw_id(cursor: Cursor) -> int:
    return int.from_bytes(cursor.take(16), "big")


def _read_group(cursor: Cursor, stream: Stream, second: bool) -> None:
    """Read one consumer group with its pending entries and consumers."""
    name = cursor.string()
    if name in stream.groups:
        raise Malformed(f"a stream with two groups {name!r}")
    last = _read_id(cursor)
    read = cursor.length() if second else stream.distance(last)
    group = stream.create_group(name, last, signed(read))
    pending: dict[int, tuple[int, int]] = {}
    for _ in range(cursor.count(25)):
        number = _read_raw_id(cursor)
        if number in pending:
            raise Malformed("a pending entry that is there twice")
        pending[number] = cursor.integer(8), cursor.length()
    for _ in range(cursor.count(10)):
        _read_consumer(cursor, stream, group, pending)
    if len(group.pending) != len(pending):
        raise Malformed("a pending entry that no consumer has")


def _read_consumer(cursor: Cursor, stream: Stream, group: Group, pending: dict[int, tuple[int, int]]) -> None:
    name = cursor.string()
    if name in group.consumers:
        raise Malformed(f"a group with two consumers {name!r}")
    consumer = stream.create_consumer(group, name, cursor.integer(8))
    for _ in range(cursor.count(16)):
        number = _read_raw_id(cursor)
        if number not in pending:
            raise Malformed("a consumer's entry that its group does not know")
        if number in group.pending:
            raise Malformed("a pending entry that two consumers have")
        stream.claim(group, consumer, number, *pending[number])


def read_node(cursor: Cursor) -> Node:
    """Read one node, without the entries that are deleted."""
    text = cursor.string()
    if len(text) != 16:
        raise Malformed(f"a stream node whose id has {len(text)} bytes")
    return decode_node(int.from_bytes(text, "big"), decode_listpack(cursor.string()))


def decode_node(base: int, elements: list[bytes]) -> Node:
    """Take the listpack of a node apart."""
    walk = _Walk(elements)
    total = walk.number() + walk.number()
    names = tuple(walk.take(walk.number()))
    if not elements or walk.number() != 0:
        raise Malformed("a stream node whose first entry does not end with 0")
    node = Node(base, names)
    last = -1
    for _ in range(total):
        start = walk.place
        flags = walk.number()
        number = make_id((base >> 64) + walk.number() & SEQUENCE, (base & SEQUENCE) + walk.number() & SEQUENCE)
        fields = _with_names(names, walk.take(len(names))) if flags & SAME else tuple(walk.take(2 * walk.number()))
        size = walk.place - start
        if walk.number() != size:
            raise Malformed("a stream entry that is longer or shorter than it says")
        if number <= last or number < base:
            raise Malformed("a stream node whose ids do not ascend")
        last = number
        if not flags & DELETED:
            node.add(number, fields)
    if walk.place != len(elements):
        raise Malformed("a stream node with more in it than its entries")
    return node


def _with_names(names: Fields, values: list[bytes]) -> Fields:
    return tuple(part for pair in zip(names, values, strict=True) for part in pair)


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


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def put_stream(out: bytearray, stream: Stream, packing: bool) -> None:
    """Append a stream in the second version; `packing`: compress strings by LZF where that helps."""
    put_length(out, len(stream.nodes))
    for node in stream.nodes:
        put_string(out, node.base.to_bytes(16, "big"), packing)
        put_string(out, encode_listpack(_elements(node)), packing)
    put_length(out, stream.length)
    for number in (stream.last, stream.first(), stream.max_deleted):
        _put_id(out, number)
    put_length(out, stream.added & SEQUENCE)
    put_length(out, len(stream.groups))
    for name, group in sorted(stream.groups.items()):
        put_string(out, name, packing)
        _put_group(out, group, packing)


def _put_id(out: bytearray, number: int) -> None:
    put_length(out, number >> 64)
    put_length(out, number & SEQUENCE)


def _put_group(out: bytearray, group: Group, packing: bool) -> None:
    _put_id(out, group.last)
    put_length(out, group.read & SEQUENCE)  # UNKNOWN is -1
    put_length(out, len(group.pending))
    for number, pending in group.pending.items():
        out += number.to_bytes(16, "big")
        out += pending.time.to_bytes(8, "little", signed=True)
        put_length(out, pending.count)
    put_length(out, len(group.consumers))
    for name, consumer in sorted(group.consumers.items()):
        put_string(out, name, packing)
        out += consumer.seen.to_bytes(8, "little", signed=True)
        put_length(out, len(consumer.pending))
        for number in consumer.pending:
            out += number.to_bytes(16, "big")


def _elements(node: Node) -> Iterator[bytes]:
    """The elements of a node's listpack; deleted entries are left out."""
    names = node.names
    yield from (b"%d" % node.live, b"0", b"%d" % len(names), *names, b"0")
    for number, fields in zip(node.ids, node.entries, strict=True):
        if fields is None:
            continue
        same = fields[::2] == names
        parts = fields[1::2] if same else (b"%d" % (len(fields) // 2), *fields)
        yield b"%d" % (SAME if same else 0)
        yield b"%d" % signed((number >> 64) - (node.base >> 64))
        yield b"%d" % signed((number & SEQUENCE) - (node.base & SEQUENCE))
        yield from parts
        yield b"%d" % (3 + len(parts))
