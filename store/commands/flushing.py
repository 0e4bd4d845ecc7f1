"""Commands on whole databases: empty, exchange, measure.

Law: emptying is one event, recorded even when there was nothing to remove: a replica that has drifted is emptied too.
"""

from __future__ import annotations

from store.commands.arguments import parse_int
from store.commands.table import command
from store.errors import ReplyError, syntax_error
from store.replies import OK
from store.tx import Tx

_INT_MIN, _INT_MAX = -(1 << 31), (1 << 31) - 1


def _check_mode(mode: tuple[bytes, ...]) -> None:
    """Both modes free memory in slices afterwards; the word is only checked and passed on to replicas."""
    if len(mode) > 1 or (mode and mode[0].upper() not in (b"SYNC", b"ASYNC")):
        raise syntax_error()


@command(
    "FLUSHDB", "write", since="1.0.0", group="server", acl="keyspace dangerous", complexity="O(keys)",
    tips="request_policy:all_shards response_policy:all_succeeded",
)  # fmt: skip
def flushdb(tx: Tx, *mode: bytes) -> str:
    """Remove every key of the selected database."""
    _check_mode(mode)
    tx.record(b"FLUSHDB", *mode)
    return OK


@command(
    "FLUSHALL", "write", since="1.0.0", group="server", acl="keyspace dangerous", complexity="O(keys)",
    tips="request_policy:all_shards response_policy:all_succeeded",
)  # fmt: skip
def flushall(tx: Tx, *mode: bytes) -> str:
    """Remove every key of every database."""
    _check_mode(mode)
    tx.record(b"FLUSHALL", *mode)
    if tx.engine.node is not None:
        tx.engine.node.persistence.saving.flushed()
    return OK


def _index(text: bytes, message: str) -> int:
    number = parse_int(text, message)
    if not _INT_MIN <= number <= _INT_MAX:
        raise ReplyError(message)
    return number


@command("SWAPDB", "write fast", since="4.0.0", group="server", acl="keyspace dangerous", complexity="O(clients)")
def swapdb(tx: Tx, index1: bytes, index2: bytes) -> str:
    """Exchange the contents of two databases."""
    first, second = _index(index1, "invalid first DB index"), _index(index2, "invalid second DB index")
    count = len(tx.keyspace.databases)
    if not (0 <= first < count and 0 <= second < count):
        raise ReplyError("DB index is out of range")
    tx.record(b"SWAPDB", b"%d" % first, b"%d" % second)
    return OK


@command(
    "DBSIZE", "readonly fast", since="1.0.0", group="server", acl="keyspace", complexity="O(1)",
    tips="request_policy:all_shards response_policy:agg_sum",
)  # fmt: skip
def dbsize(tx: Tx) -> int:
    """Count the keys of the selected database, those whose removal is due included."""
    return len(tx.db)
