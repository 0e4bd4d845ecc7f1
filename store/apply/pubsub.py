"""Apply: messages are events too, so that replicas and feeds deliver them in their place among the writes."""

from __future__ import annotations

from store.apply.table import applies
from store.database import Database


@applies("PUBLISH")
def apply_publish(db: Database, channel: bytes, message: bytes) -> int:
    """PUBLISH channel message; the number of local clients that received it."""
    deliver = db.keyspace.on_publish
    return deliver(channel, message, False) if deliver is not None else 0


@applies("SPUBLISH")
def apply_spublish(db: Database, channel: bytes, message: bytes) -> int:
    """SPUBLISH shard-channel message; the number of local clients that received it."""
    deliver = db.keyspace.on_publish
    return deliver(channel, message, True) if deliver is not None else 0
