"""SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF, SHUTDOWN (rdb.c, aof.c, db.c 7.0): snapshots by hand, and the end of the node.

BGREWRITEAOF makes a snapshot too: with it the log before it is no longer needed, which is what a rewrite is for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.commands.table import command
from store.errors import ReplyError, syntax_error
from store.persistence.snapshot_figures import REWRITE, SAVE
from store.replies import NO_REPLY, OK
from store.tx import Tx

if TYPE_CHECKING:
    from store.node import Node
    from store.persistence.saving import Saving

GROUP = "server"
SHUTDOWN_WORDS = frozenset({"save", "nosave", "now", "force", "abort"})


def _node(tx: Tx) -> Node:
    node = tx.engine.node
    if node is None:
        raise ReplyError("This node has no data directory")
    return node


def _saving(tx: Tx) -> Saving:
    return _node(tx).persistence.saving


@command("SAVE", "admin noscript no_async_loading no_multi", since="1.0.0", group=GROUP, complexity="O(keys)")
def save(tx: Tx) -> str:
    """Write a snapshot while everybody waits."""
    saving = _saving(tx)
    if saving.purpose == SAVE:
        raise ReplyError("Background save already in progress")
    try:
        saving.save()
    except OSError as error:
        raise ReplyError("") from error  # Redis says no more than that; the server's log does
    return OK


@command("BGSAVE", "admin noscript no_async_loading", since="1.0.0", group=GROUP, complexity="O(1)")
def bgsave(tx: Tx, *options: bytes) -> str:
    """Let a child process write a snapshot."""
    if options and (len(options) > 1 or options[0].upper() != b"SCHEDULE"):
        raise syntax_error()
    saving = _saving(tx)
    if saving.purpose == SAVE:
        raise ReplyError("Background save already in progress")
    if saving.purpose is not None or tx.engine.depth > 1:
        if not options and tx.engine.depth <= 1:
            raise ReplyError(
                "Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule "
                "a BGSAVE whenever possible."
            )
        saving.schedule(SAVE)
        return "Background saving scheduled"
    saving.start(SAVE)
    return "Background saving started"


@command("BGREWRITEAOF", "admin noscript no_async_loading", since="1.0.0", group=GROUP, complexity="O(1)")
def bgrewriteaof(tx: Tx) -> str:
    """Let a child process write a snapshot, so that the log before it can go."""
    saving = _saving(tx)
    if saving.purpose == REWRITE:
        raise ReplyError("Background append only file rewriting already in progress")
    if saving.purpose is not None or tx.engine.depth > 1:
        saving.schedule(REWRITE)
        return "Background append only file rewriting scheduled"
    saving.start(REWRITE)
    return "Background append only file rewriting started"


@command(
    "LASTSAVE", "loading stale fast", since="1.0.0", group=GROUP, acl="admin dangerous", complexity="O(1)",
    tips="nondeterministic_output",
)  # fmt: skip
def lastsave(tx: Tx) -> int:
    """Tell the unix second of the last snapshot that succeeded."""
    return _saving(tx).figures.last_save


@command("SHUTDOWN", "admin noscript loading stale no_multi allow_busy", since="1.0.0", group=GROUP, complexity="O(keys)")
def shutdown(tx: Tx, *options: bytes) -> object:
    """End the node; the client hears of it only if that fails."""
    words = {option.decode("ascii", "replace").lower() for option in options}
    if not words <= SHUTDOWN_WORDS or {"save", "nosave"} <= words or ("abort" in words and len(words) > 1):
        raise syntax_error()
    ending = _node(tx).shutdown
    if "abort" in words:
        ending.abort()
        return OK
    if "now" not in words and not tx.session.may_block:
        raise ReplyError("SHUTDOWN without NOW or ABORT isn't allowed for DENY BLOCKING client")
    tx.engine.scripts.end_for_shutdown("nosave" in words)
    ending.requested(tx.session, words)
    return NO_REPLY
