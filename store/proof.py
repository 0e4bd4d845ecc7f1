"""Proof of equality: a digest of all that history decides, the same on two nodes exactly when they hold the same.

DEBUG DIGEST is Redis's and leaves out when keys expire, what consumer groups know, a stream's counters and the function
libraries. Here they are part of it: deadlines are absolute and come with the events, like everything else.

    whole    = mix of the libraries' digest, then of each database that has keys: number, keys, digest
    database = xor of its keys' digests
    key      = mix of name, value, deadline                 values as in DEBUG DIGEST, but for streams
    stream   = entries (id, how many fields and values, these), last id, entries ever added, highest id deleted, xor of its groups
    group    = name, last id delivered, entries read, what is pending in order of ids, xor of its consumers
    consumer = name, when it was seen last

What a node knows for itself is no part of it: access times, how values are laid out in memory.
"""

from __future__ import annotations

from typing import NamedTuple

from store.database import Database
from store.digest import mix, sha, value_digest
from store.entry import Entry
from store.keyspace import Keyspace
from store.values.stream import Stream
from store.values.stream_group import Group


class Proof(NamedTuple):
    """Digests, 40 hexadecimal digits each: of everything, each database that has keys (its number, keys, digest), of libraries."""

    total: str
    databases: list[tuple[int, int, str]]
    libraries: str


def prove(keyspace: Keyspace) -> Proof:
    """Digest the whole state."""
    libraries = 0
    for name, code in keyspace.functions.items():
        libraries ^= _joined(name, code)
    databases = [(db.index, len(db.order), _database(db)) for db in keyspace.databases if db.order]
    total = mix(0, b"%040x" % libraries)
    for number, keys, content in databases:
        total = mix(total, b"%d %d %s" % (number, keys, content.encode()))
    return Proof(f"{total:040x}", databases, f"{libraries:040x}")


def key_digest(db: Database, key: bytes) -> bytes:
    """Digest one key that is there: name, value and deadline; 40 hexadecimal digits."""
    return b"%040x" % _key(db.entries[key])


def _database(db: Database) -> str:
    total = 0
    for entry in db.order:
        total ^= _key(entry)
    return f"{total:040x}"


def _key(entry: Entry) -> int:
    value, total = entry.value, mix(0, entry.key)
    total = _stream(total, value) if isinstance(value, Stream) else value_digest(total, value, False)
    return _final(mix(total, b"%d" % entry.deadline))


def _stream(total: int, stream: Stream) -> int:
    total = mix(total, b"stream")
    for number, fields in stream:
        total = mix(total, b"%d %d" % (number, len(fields)))
        for part in fields:
            total = mix(total, part)
    total = mix(total, b"%d %d %d" % (stream.last, stream.added, stream.max_deleted))
    groups = 0
    for name, group in stream.groups.items():
        groups ^= _group(name, group)
    return mix(total, b"%040x" % groups)


def _group(name: bytes, group: Group) -> int:
    total = mix(mix(0, name), b"%d %d" % (group.last, group.read))
    for number, pending in group.pending.items():
        total = mix(mix(total, b"%d %d %d" % (number, pending.time, pending.count)), pending.consumer.name)
    consumers = 0
    for consumer in group.consumers.values():
        consumers ^= _joined(consumer.name, b"%d" % consumer.seen)
    return _final(mix(total, b"%040x" % consumers))


def _joined(first: bytes, second: bytes) -> int:
    """Digest two strings; which ends where matters."""
    return _final(mix(mix(0, first), second))


def _final(total: int) -> int:
    return sha(total.to_bytes(20, "big"))
