"""MULTI, EXEC, DISCARD, WATCH, UNWATCH (multi.c 7.0): queued commands run as one, their events become one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.commands.table import QUEUEING, command
from store.errors import ReplyError
from store.replies import NULL_ARRAY, OK
from store.tx import Tx

if TYPE_CHECKING:
    from store.client.session import Session

GROUP = "transactions"


@command("multi", "noscript loading stale fast allow_busy", since="1.2.0", group=GROUP)
def multi(tx: Tx) -> str:
    """Start a transaction: further commands are queued until EXEC."""
    session: Session = tx.session
    if session.transaction is not None:
        raise ReplyError("MULTI calls can not be nested")
    session.begin_transaction()
    return OK


@command("discard", "noscript loading stale fast allow_busy", since="2.0.0", group=GROUP)
def discard(tx: Tx) -> str:
    """Forget the queued commands and what was watched."""
    if tx.session.transaction is None:
        raise ReplyError("DISCARD without MULTI")
    tx.session.end_transaction()
    return OK


@command("watch", "noscript loading stale fast allow_busy", keys="RO @1:-1:1", since="2.2.0", group=GROUP)
def watch(tx: Tx, key: bytes, *keys: bytes) -> str:
    """Make the next EXEC fail if one of the keys changes before it."""
    if tx.session.conditions & QUEUEING:
        raise ReplyError("WATCH inside MULTI is not allowed")
    if not tx.session.watching.touched:
        for name in (key, *keys):
            tx.session.watching.watch(name)
    return OK


@command("unwatch", "noscript loading stale fast allow_busy", since="2.2.0", group=GROUP)
def unwatch(tx: Tx) -> str:
    """Forget what was watched."""
    tx.session.watching.forget()
    return OK


@command("exec", "noscript loading stale skip_slowlog", since="1.2.0", group=GROUP)
def exec_(tx: Tx) -> object:
    """Run the queued commands as one, unless a watched key changed."""
    session: Session = tx.session
    if session.transaction is None:
        raise ReplyError("EXEC without MULTI")
    queued, aborted, outdated = session.transaction, session.aborted, session.watching.outdated
    session.end_transaction()
    if aborted:
        raise ReplyError("Transaction discarded because of previous errors.", "EXECABORT")
    if outdated:
        return NULL_ARRAY
    return tx.engine.execute_queued(tx, queued)
