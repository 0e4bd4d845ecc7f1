"""DEBUG about single keys: how a value is kept, its digest, the sizes behind it. Logically expired keys are shown too."""

from __future__ import annotations

import sys

from store.arguments import parse_int
from store.commands.object_command import encoding_of
from store.debugging.table import row
from store.digest import digest_value
from store.entry import Entry, new_entry
from store.errors import ReplyError, no_such_key
from store.rdb.dump import dump_value
from store.replies import Verbatim
from store.tx import Tx
from store.values.list import List

FOOTER_AND_TYPE = 11
"""Bytes of a DUMP payload that are not the value."""
HASHED = ("hashtable", "skiplist")


def _entry(tx: Tx, key: bytes) -> Entry:
    entry = tx.db.entries.get(key)
    if entry is None:
        raise no_such_key()
    return entry


def debug_object(tx: Tx, key: bytes) -> str:
    """How a key's value is kept: place, encoding, size in a snapshot, age."""
    entry = _entry(tx, key)
    value, clock = entry.value, tx.keyspace.access_clock
    size = len(dump_value(value, tx.keyspace.limits, tx.engine.settings.rdbcompression)) - FOOTER_AND_TYPE
    idle = max(0, clock - entry.access) if tx.keyspace.lfu is None else 0
    extra = _list_details(tx, value) if isinstance(value, List) else ""
    return (
        f"Value at:{id(entry):#x} refcount:1 encoding:{encoding_of(value)} serializedlength:{size} "
        f"lru:{entry.access & 0xFFFFFF} lru_seconds_idle:{idle}{extra}"
    )


def _list_details(tx: Tx, value: List) -> str:
    nodes = len(value.sizes())
    limit = tx.keyspace.limits.list_max_listpack_size
    size = sum(map(len, value)) + 2 * len(value)
    return (
        f" ql_nodes:{nodes} ql_avg_node:{len(value) / nodes:.2f} ql_listpack_max:{limit} ql_compressed:0 "
        f"ql_uncompressed_size:{size}"
    )


def debug_digest_value(tx: Tx, *keys: bytes) -> list[str]:
    """The digest of each key's value; zeros for a missing key."""
    digests = []
    for key in keys:
        entry = tx.db.entries.get(key)
        digests.append("0" * 40 if entry is None else digest_value(tx.db, key, entry.value).decode())
    return digests


def debug_sdslen(tx: Tx, key: bytes) -> str:
    """The lengths and costs in bytes of a key and of its string."""
    value = _entry(tx, key).value
    if not isinstance(value, (bytes, bytearray)) or encoding_of(value) == "int":
        raise ReplyError("Not an sds encoded string.")
    return (
        f"key_sds_len:{len(key)}, key_sds_avail:0, key_zmalloc: {sys.getsizeof(key)}, "
        f"val_sds_len:{len(value)}, val_sds_avail:0, val_zmalloc: {sys.getsizeof(value)}"
    )


def debug_listpack(tx: Tx, key: bytes) -> str:
    """Check that a key's value is in its small encoding."""
    if encoding_of(_entry(tx, key).value) != "listpack":
        raise ReplyError("Not a listpack encoded object.")
    return "There is no listpack structure to print: small values are kept like large ones"


def debug_quicklist(tx: Tx, key: bytes, _detail: bytes = b"0") -> str:
    """Check that a key's value is a list, and tell the sizes of its chunks."""
    value = _entry(tx, key).value
    if not isinstance(value, List):
        raise ReplyError("Not a quicklist encoded object.")
    return f"chunks of {' '.join(map(str, value.sizes()))} members"


def table_stats(title: str, elements: int) -> str:
    """Say about a table of elements what is known of it."""
    if not elements:
        return f"[{title}]\nNo stats available for empty dictionaries\n"
    size = 1 << max(2, (elements - 1).bit_length())
    return f"[{title}]\nHash table 0 stats (main hash table):\n table size: {size}\n number of elements: {elements}\n"


def debug_htstats(tx: Tx, number: bytes) -> Verbatim:
    """How many keys and deadlines a database has."""
    index = parse_int(number)
    if not 0 <= index < len(tx.keyspace.databases):
        raise ReplyError("Out of range database")
    db = tx.keyspace.databases[index]
    return Verbatim((table_stats("Dictionary HT", len(db)) + table_stats("Expires HT", db.expiring)).encode())


def debug_htstats_key(tx: Tx, key: bytes) -> Verbatim:
    """How many members a value has that is not in its small encoding."""
    value = _entry(tx, key).value
    if isinstance(value, (bytes, bytearray)) or encoding_of(value) not in HASHED:
        raise ReplyError("The value stored at the specified key is not represented using an hash table")
    return Verbatim(table_stats("Dictionary HT", len(value)).partition("\n")[2].encode())


def debug_structsize(_tx: Tx) -> bytes:
    """The sizes in bytes of the objects that data is made of."""
    sizes = {
        "bits": 64,
        "entry": sys.getsizeof(new_entry(b"", b"", 0, 0)),
        "bytes": sys.getsizeof(b""),
        "list": sys.getsizeof([]),
    }
    return "".join(f"{name}:{size} " for name, size in sizes.items()).encode()


ROWS = (
    row("digest-value", debug_digest_value, "<key> [<key> ...]"),
    row("htstats", debug_htstats, "<dbid>"),
    row("htstats-key", debug_htstats_key, "<key>"),
    row("listpack", debug_listpack, "<key>"),
    row("object", debug_object, "<key>"),
    row("quicklist", debug_quicklist, "<key> [<0|1>]"),
    row("sdslen", debug_sdslen, "<key>"),
    row("structsize", debug_structsize),
)
