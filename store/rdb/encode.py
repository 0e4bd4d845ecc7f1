"""Values into RDB, in the forms redis-server 7.0 writes: compact blobs while a value is small, plain members beyond.

Law: what is written is read back by redis-server with the same content and, under the same thresholds, the same
encoding.
"""

from __future__ import annotations

from collections.abc import Iterable

from store.entry import Stored
from store.rdb import codes
from store.rdb.compact import encode_intset, encode_listpack
from store.rdb.put import put_double, put_length, put_string, put_strings
from store.rdb.put_listpack import cut_nodes, encode_packed, encode_packed_scores, encode_scores
from store.rdb.streams import put_stream
from store.values.base import Limits, Value
from store.values.hash import Hash
from store.values.list import List
from store.values.opaque import OpaqueValue
from store.values.set import Set
from store.values.sorted_set import SortedSet
from store.values.stream import Stream

LISTPACK_MOST = 1 << 30
"""Bytes beyond which Redis never lets a listpack grow, and from which a list member gets a node of its own."""
_NODE_BYTES = {-1: 4096, -2: 8192, -3: 16384, -4: 32768, -5: 65536}
_NODE_SAFETY = 8192
"""Bytes of a list node whose size is limited by a number of members."""


def type_of(value: Stored) -> int:
    """The type byte under which `put_value` writes a value."""
    if not isinstance(value, Value):
        return codes.STRING
    if isinstance(value, List):
        return codes.LIST_QUICKLIST_2
    if isinstance(value, OpaqueValue):
        return value.type_byte
    compact = value.compact and value.nbytes < LISTPACK_MOST
    if isinstance(value, Hash):
        return codes.HASH_LISTPACK if compact else codes.HASH
    if isinstance(value, Set):
        return codes.SET_INTSET if compact else codes.SET
    if isinstance(value, SortedSet):
        return codes.ZSET_LISTPACK if compact else codes.ZSET_2
    if isinstance(value, Stream):
        return codes.STREAM_LISTPACKS_2
    raise TypeError(f"{type(value).__name__} has no form in RDB")


def put_value(out: bytearray, value: Stored, limits: Limits, packing: bool) -> None:
    """Append a value (without its type); `packing`: compress strings by LZF where that helps."""
    if isinstance(value, (bytes, bytearray)):
        put_string(out, value, packing)
    elif isinstance(value, List):
        _put_list(out, value, limits.list_max_listpack_size, packing)
    elif isinstance(value, OpaqueValue):
        out += value.raw
    elif isinstance(value, Hash):
        _put_hash(out, value, packing)
    elif isinstance(value, Set):
        _put_set(out, value, packing)
    elif isinstance(value, SortedSet):
        _put_sorted_set(out, value, packing)
    elif isinstance(value, Stream):
        put_stream(out, value, packing)
    else:
        raise TypeError(f"{type(value).__name__} has no form in RDB")


def _put_hash(out: bytearray, value: Hash, packing: bool) -> None:
    if type_of(value) == codes.HASH_LISTPACK:
        flat = (part for pair in value.items() for part in pair)
        put_string(out, encode_packed(value) if value.table is None else encode_listpack(flat), packing)
        return
    put_length(out, len(value))
    put_strings(out, (part for pair in value.items() for part in pair), packing)


def _put_set(out: bytearray, value: Set, packing: bool) -> None:
    if type_of(value) == codes.SET_INTSET:
        put_string(out, encode_intset(value), packing)
        return
    put_length(out, len(value))
    put_strings(out, value, packing)


def _put_sorted_set(out: bytearray, value: SortedSet, packing: bool) -> None:
    if type_of(value) == codes.ZSET_LISTPACK:
        put_string(out, encode_packed_scores(value) if value.table is None else encode_scores(value), packing)
        return
    put_length(out, len(value))
    # Redis inserts at the head of its skip list in constant time when the highest score comes first.
    for score, member in value.backwards(0, len(value)):
        put_string(out, member, packing)
        put_double(out, score)


def _put_list(out: bytearray, value: List, fill: int, packing: bool) -> None:
    nodes = bytearray()
    count = 0
    for plain, content in _nodes(value, fill):
        count += 1
        put_length(nodes, codes.PLAIN_NODE if plain else codes.PACKED_NODE)
        put_string(nodes, content, packing)
    put_length(out, count)
    out += nodes


def _nodes(members: Iterable[bytes], fill: int) -> list[tuple[bool, bytes]]:
    """Cut a list into nodes as `list-max-listpack-size` says; (True, member) is a member too long for a listpack."""
    most_bytes = _NODE_SAFETY if fill >= 0 else _NODE_BYTES.get(fill, 65536)
    return cut_nodes(members, most_bytes, max(fill, 1) if fill >= 0 else 1 << 32, LISTPACK_MOST)
