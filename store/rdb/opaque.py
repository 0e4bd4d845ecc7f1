"""Values that are kept as their bytes: this reads through them to find where they end, and checks what can be checked.

    stream   = length(nodes) (string(16 bytes) string(listpack))*
               length(entries) id(last) [id(first) id(deleted) length(added)] length(groups) group*
    group    = string(name) id [length(read)] length pending* length(consumers) consumer*
    pending  = 16 bytes, i64 delivery time in ms, length(deliveries)
    consumer = string(name) i64(seen, ms) length (16 bytes)*
    id       = length(ms) length(sequence)
    module   = length(type id) part* length(0)
    part     = length(1|2) length | length(3) f32 | length(4) f64 | length(5) string

What stands in brackets is in STREAM_LISTPACKS_2 only.
"""

from __future__ import annotations

from store.rdb import codes
from store.rdb.primitives import Cursor, Malformed
from store.rdb.streams import read_node
from store.values.opaque import OpaqueValue

_NAME_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def read_stream(cursor: Cursor, type_byte: int) -> OpaqueValue:
    """Read a stream of either version."""
    start = cursor.pos
    nodes: set[bytes] = set()
    for _ in range(cursor.count(18)):
        node_id, _ = read_node(cursor)
        if node_id in nodes:
            raise Malformed("a stream node that is there twice")
        nodes.add(node_id)
    if cursor.length() and not nodes:
        raise Malformed("a stream that announces entries but has none")
    second = type_byte == codes.STREAM_LISTPACKS_2
    _lengths(cursor, 7 if second else 2)
    groups: set[bytes] = set()
    for _ in range(cursor.count(5)):
        _read_group(cursor, groups, second)
    return OpaqueValue("stream", type_byte, cursor.data[start : cursor.pos])


def _lengths(cursor: Cursor, count: int) -> None:
    for _ in range(count):
        cursor.length()


def _read_group(cursor: Cursor, groups: set[bytes], second: bool) -> None:
    """Read one consumer group with its pending entries and consumers."""
    name = cursor.string()
    if name in groups:
        raise Malformed(f"a stream with two groups {name!r}")
    groups.add(name)
    _lengths(cursor, 3 if second else 2)
    pending: set[bytes] = set()
    for _ in range(cursor.count(25)):
        _add_entry(pending, cursor.take(16))
        cursor.take(8)
        cursor.length()
    consumers: set[bytes] = set()
    unowned = set(pending)
    for _ in range(cursor.count(10)):
        consumer = cursor.string()
        if consumer in consumers:
            raise Malformed(f"a group with two consumers {consumer!r}")
        consumers.add(consumer)
        cursor.take(8)
        owned: set[bytes] = set()
        for _ in range(cursor.count(16)):
            _add_entry(owned, cursor.take(16))
        if not owned <= pending:
            raise Malformed("a consumer's entry that its group does not know")
        unowned -= owned
    if unowned:
        raise Malformed("a pending entry that no consumer has")


def _add_entry(entries: set[bytes], entry: bytes) -> None:
    """Add a pending entry's id; raise Malformed if it is there."""
    if entry in entries:
        raise Malformed("a pending entry that is there twice")
    entries.add(entry)


def read_module(cursor: Cursor) -> OpaqueValue:
    """Read a module's value, without the module."""
    start = cursor.pos
    name = module_name(cursor.length())
    skip_module_parts(cursor)
    return OpaqueValue(name, codes.MODULE_2, cursor.data[start : cursor.pos])


def skip_module_parts(cursor: Cursor) -> None:
    """Read the parts of a module's data up to and with the end mark."""
    while (part := cursor.length()) != codes.MODULE_EOF:
        if part in (codes.MODULE_SINT, codes.MODULE_UINT):
            cursor.length()
        elif part == codes.MODULE_STRING:
            cursor.string()
        elif part in (codes.MODULE_FLOAT, codes.MODULE_DOUBLE):
            cursor.take(4 if part == codes.MODULE_FLOAT else 8)
        else:
            raise Malformed(f"unknown part {part} of a module's data")


def module_name(type_id: int) -> str:
    """The name of a module type: nine letters of 6 bits each, above the 10 bits of its version."""
    return "".join(_NAME_LETTERS[type_id >> shift & 63] for shift in range(58, 9, -6))
