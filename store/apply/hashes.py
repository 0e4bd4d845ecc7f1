"""Apply: events on hashes."""

from __future__ import annotations

from store.apply.table import applies
from store.database import Database
from store.notifications import HASH
from store.values.hash import Hash


@applies("HSET", "HMSET")
def apply_hset(db: Database, key: bytes, *pairs: bytes) -> int:
    """HSET key field value …; how many fields are new."""
    fields: Hash = db.open(key, Hash)
    created = 0
    for place in range(0, len(pairs), 2):
        created += fields.put(pairs[place], pairs[place + 1])
    db.edited(key, fields, HASH, b"hset", len(pairs) // 2)
    return created


@applies("HDEL")
def apply_hdel(db: Database, key: bytes, *names: bytes) -> int:
    """HDEL key field …; how many fields are gone, and with the last one the key."""
    if key not in db.entries:
        return 0
    fields = db.open(key, Hash)
    removed = sum(map(fields.remove, names))
    if removed:
        db.edited(key, fields, HASH, b"hdel", removed)
    return removed
