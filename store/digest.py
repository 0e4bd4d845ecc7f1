"""DEBUG DIGEST: a fingerprint of the data, the same as Redis computes (debug.c). What it leaves out, `proof` has.

    dataset  = for each database that has keys: mix its number, then xor the digest of every key
    key      = mix the name, mix the type's number, then its value; xor "!!expire!!" if it has a deadline
    mix(d,x) = sha1(d xor sha1(x))        order matters
    xor(d,x) = d xor sha1(x)              order does not

Strings, list members and a stream's ids, fields and values are mixed in; set members xored; hash fields and sorted-set
members each make a digest of their own (mix name, mix value or score as %.17g) that is xored. Modules' values, which
only their modules can read, are xored as their stored bytes: equal among Chronis nodes, not with Redis.
"""

from __future__ import annotations

from hashlib import sha1

from store.database import Database
from store.entry import Stored
from store.keyspace import Keyspace
from store.values.base import Value
from store.values.hash import Hash
from store.values.list import List
from store.values.opaque import OpaqueValue
from store.values.set import Set
from store.values.sorted_set import SortedSet
from store.values.stream import Stream
from store.values.stream_node import SEQUENCE

_STRING, _LIST, _SET, _ZSET, _HASH, _MODULE, _STREAM = range(7)


def digest(keyspace: Keyspace) -> bytes:
    """The digest of the whole keyspace, 40 hexadecimal digits; 40 zeros when it is empty."""
    total = 0
    for db in keyspace.databases:
        if not db.order:
            continue
        total = mix(total, db.index.to_bytes(4, "big"))
        for entry in db.order:
            total ^= sha(value_digest(mix(0, entry.key), entry.value, bool(entry.deadline)).to_bytes(20, "big"))
    return b"%040x" % total


def digest_value(db: Database, key: bytes, value: Stored) -> bytes:
    """The digest of one key's value and of its having a deadline (DEBUG DIGEST-VALUE), 40 hexadecimal digits."""
    entry = db.entries.get(key)
    return b"%040x" % value_digest(0, value, entry is not None and bool(entry.deadline))


def sha(data: bytes | bytearray) -> int:
    """SHA-1 as a number of 20 bytes, the most significant first."""
    return int.from_bytes(sha1(data, usedforsecurity=False).digest(), "big")


def mix(total: int, data: bytes | bytearray) -> int:
    """Add data to a digest, in order."""
    return sha((total ^ sha(data)).to_bytes(20, "big"))


def value_digest(total: int, value: Stored, expires: bool) -> int:
    """Add a value to a digest, and whether it has a deadline."""
    total = mix(total, _type_number(value).to_bytes(4, "big"))
    if isinstance(value, (bytes, bytearray)):
        total = mix(total, value)
    elif isinstance(value, List):
        for member in value:
            total = mix(total, member)
    elif isinstance(value, Set):
        for member in value:
            total ^= sha(member)
    elif isinstance(value, Hash):
        for field, content in value.items():
            total ^= _pair(field, content)
    elif isinstance(value, SortedSet):
        for score, member in value:
            total ^= _pair(member, b"%.17g" % score)
    elif isinstance(value, Stream):
        total = _stream(total, value)
    elif isinstance(value, OpaqueValue):
        total ^= sha(value.raw)
    return total ^ sha(b"!!expire!!") if expires else total


def _stream(total: int, stream: Stream) -> int:
    for number, fields in stream:
        total = mix(total, b"%d.%d" % (number >> 64, number & SEQUENCE))
        for part in fields:
            total = mix(total, part)
    return total


def _pair(first: bytes, second: bytes) -> int:
    return sha(mix(mix(0, first), second).to_bytes(20, "big"))


def _type_number(value: Stored) -> int:
    if not isinstance(value, Value):
        return _STRING
    for number, kind in ((_LIST, List), (_SET, Set), (_ZSET, SortedSet), (_HASH, Hash), (_STREAM, Stream)):
        if isinstance(value, kind):
            return number
    return _MODULE
