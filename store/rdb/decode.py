"""Values out of RDB: one function a type, in a table.

    STRING = string                            SET_INTSET      = string(intset)
    LIST   = length string*                    SET_LISTPACK    = string(listpack)
    SET    = length string*                    LIST_ZIPLIST    = string(ziplist)
    HASH   = length (string string)*           LIST_QUICKLIST  = length string(ziplist)*
    ZSET   = length (string ascii-double)*     LIST_QUICKLIST_2 = length node*
    ZSET_2 = length (string binary-double)*    node            = length(1) string | length(2) string(listpack)
    HASH_ZIPMAP, HASH_ZIPLIST, HASH_LISTPACK   = string(blob of field value …)
    ZSET_ZIPLIST, ZSET_LISTPACK                = string(blob of member score …)

Streams have a grammar of their own (`streams`), modules' values are kept as they are (`opaque`). Law: a value is made
whole or not at all; equal members, scores that are no numbers and blobs that contradict themselves raise Malformed, and a collection
without members raises EmptyValue (Redis once wrote such; its readers leave them out).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from store.entry import Stored
from store.rdb import codes
from store.rdb.compact import decode_intset, decode_listpack
from store.rdb.legacy import decode_ziplist, decode_zipmap
from store.rdb.opaque import read_module
from store.rdb.primitives import Cursor, Malformed
from store.rdb.streams import read_stream
from store.values.hash import Hash
from store.values.list import List
from store.values.set import Set
from store.values.sorted_set import SortedSet

T = TypeVar("T")
_DOUBLE = struct.Struct("<d")
_INFINITY = {253: math.nan, 254: math.inf, 255: -math.inf}


class EmptyValue(Exception):
    """A collection without members."""


def read_value(cursor: Cursor, type_byte: int) -> Stored:
    """Read the value of a type; raise Malformed (also for an unknown type), Underflow or EmptyValue."""
    reader = READERS.get(type_byte)
    if reader is None:
        raise Malformed(f"unknown type {type_byte} of a value")
    return reader(cursor)


def _count(cursor: Cursor, least: int = 1) -> int:
    """Read the number of members; none raises EmptyValue."""
    number = cursor.count(least)
    if not number:
        raise EmptyValue
    return number


def _some(entries: list[T]) -> list[T]:
    if not entries:
        raise EmptyValue
    return entries


def _list(cursor: Cursor) -> List:
    return List(cursor.strings(_count(cursor)))


def _list_ziplist(cursor: Cursor) -> List:
    return List(_some(decode_ziplist(cursor.string())))


def _list_quicklist(cursor: Cursor) -> List:
    members: list[bytes] = []
    for _ in range(_count(cursor)):
        blob = cursor.string()
        members += decode_ziplist(blob)
    return List(_some(members))


def _list_quicklist_2(cursor: Cursor) -> List:
    members: list[bytes] = []
    for _ in range(_count(cursor, 2)):
        form = cursor.length()
        blob = cursor.string()
        if not blob or form not in (codes.PLAIN_NODE, codes.PACKED_NODE):
            raise Malformed(f"a node of a list in form {form} with {len(blob)} bytes")
        if form == codes.PLAIN_NODE:
            members.append(blob)
        else:
            members += decode_listpack(blob)
    return List(_some(members))


def _set_of(members: list[bytes]) -> Set:
    made = Set(_some(members))
    if len(made) != len(members):
        raise Malformed("a set with equal members")
    return made


def _set(cursor: Cursor) -> Set:
    return _set_of(cursor.strings(_count(cursor)))


def _set_intset(cursor: Cursor) -> Set:
    return _set_of(decode_intset(cursor.string()))


def _set_listpack(cursor: Cursor) -> Set:
    return _set_of(decode_listpack(cursor.string()))


def _paired(flat: list[bytes]) -> dict[bytes, bytes]:
    """The pairs of a flat list; equal firsts or a first without its second raise Malformed."""
    if len(flat) % 2:
        raise Malformed("a field without its value")
    pairs = dict(zip(flat[::2], flat[1::2], strict=True))
    if 2 * len(pairs) != len(flat):
        raise Malformed("equal fields")
    return pairs


def _hash(cursor: Cursor) -> Hash:
    return Hash(_paired(cursor.strings(2 * _count(cursor, 2))))


def _hash_zipmap(cursor: Cursor) -> Hash:
    return Hash(_paired(decode_zipmap(cursor.string())))


def _hash_ziplist(cursor: Cursor) -> Hash:
    return Hash(_paired(_some(decode_ziplist(cursor.string()))))


def _hash_listpack(cursor: Cursor) -> Hash:
    return Hash(_paired(_some(decode_listpack(cursor.string()))))


def _sorted_set(members: list[bytes], scores: list[float]) -> SortedSet:
    pairs = dict(zip(members, scores, strict=True))
    if len(pairs) != len(members):
        raise Malformed("a sorted set with equal members")
    if any(map(math.isnan, scores)):
        raise Malformed("a sorted set with a score that is not a number")
    return SortedSet(pairs.items())


def _zset(cursor: Cursor) -> SortedSet:
    members: list[bytes] = []
    scores: list[float] = []
    for _ in range(_count(cursor, 2)):
        members.append(cursor.string())
        size = cursor.byte()
        special = _INFINITY.get(size)
        scores.append(parse_score(cursor.take(size)) if special is None else special)
    return _sorted_set(members, scores)


def _zset_2(cursor: Cursor) -> SortedSet:
    members: list[bytes] = []
    scores: list[float] = []
    for _ in range(_count(cursor, 9)):
        members.append(cursor.string())
        start = cursor.pos
        if start + 8 > len(cursor.data):
            cursor.missing(start + 8)
        cursor.pos = start + 8
        scores.append(_DOUBLE.unpack_from(cursor.data, start)[0])
    return _sorted_set(members, scores)


def _zset_blob(flat: list[bytes]) -> SortedSet:
    if len(_some(flat)) % 2:
        raise Malformed("a member without its score")
    return _sorted_set(flat[::2], [parse_score(text) for text in flat[1::2]])


def _zset_ziplist(cursor: Cursor) -> SortedSet:
    return _zset_blob(decode_ziplist(cursor.string()))


def _zset_listpack(cursor: Cursor) -> SortedSet:
    return _zset_blob(decode_listpack(cursor.string()))


def parse_score(text: bytes) -> float:
    """Read a score that is stored as text; raise Malformed for anything but a number or an infinity."""
    try:
        if b"_" in text:  # Python's digit groups are not C's
            raise ValueError
        return float(text)
    except ValueError:
        raise Malformed(f"a score {text[:40]!r}") from None


READERS: dict[int, Callable[[Cursor], Stored]] = {
    codes.STRING: Cursor.string, codes.LIST: _list, codes.SET: _set, codes.ZSET: _zset, codes.HASH: _hash,
    codes.ZSET_2: _zset_2, codes.MODULE_2: read_module,
    codes.HASH_ZIPMAP: _hash_zipmap, codes.LIST_ZIPLIST: _list_ziplist, codes.SET_INTSET: _set_intset,
    codes.ZSET_ZIPLIST: _zset_ziplist, codes.HASH_ZIPLIST: _hash_ziplist, codes.LIST_QUICKLIST: _list_quicklist,
    codes.HASH_LISTPACK: _hash_listpack, codes.ZSET_LISTPACK: _zset_listpack, codes.LIST_QUICKLIST_2: _list_quicklist_2,
    codes.SET_LISTPACK: _set_listpack,
    codes.STREAM_LISTPACKS: partial(read_stream, type_byte=codes.STREAM_LISTPACKS),
    codes.STREAM_LISTPACKS_2: partial(read_stream, type_byte=codes.STREAM_LISTPACKS_2),
}  # fmt: skip
