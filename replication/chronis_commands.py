"""CHRONIS …: positions in history, replies that wait for replicas, digests. Nothing in Redis is like it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replication.assurance import TIMEOUT_MS
from replication.commands import replication_of
from replication.source import HistoryGone
from store.commands.arguments import parse_int
from store.commands.help import help_reply
from store.commands.table import command, container
from store.errors import ReplyError
from store.proof import key_digest
from store.replies import OK
from store.resp import encode
from store.tx import Tx

if TYPE_CHECKING:
    from replication.primary import Primary
    from store.slices import Steps

GROUP = "server"
AT_ONCE = 1 << 20
"""Bytes of history in one answer, about."""
PIECE = 8 * 1024
"""Bytes of it that are read at a time (two milliseconds, where all events are small)."""

container("chronis", "Positions in history, stronger promises and proofs of equality.", since="7.0.0", group=GROUP)


@command("chronis|offset", "stale fast noscript", since="7.0.0", group=GROUP)
def chronis_offset(tx: Tx) -> list[object]:
    """Tell the history id and the offset after this connection's last write (of everything, if it wrote nothing)."""
    history_id, offset = replication_of(tx).positions.last_write(tx)
    return [history_id.encode(), offset]


@command("chronis|waitoffset", "noscript", since="7.0.0", group=GROUP)
def chronis_waitoffset(tx: Tx, history_id: bytes, offset: bytes, timeout: bytes) -> object:
    """Wait until this server has applied an offset of a history; reply 1, or 0 after timeout ms (0: no limit)."""
    wanted, limit = parse_int(offset), parse_int(timeout, "timeout is not an integer or out of range")
    if limit < 0:
        raise ReplyError("timeout is negative")
    return replication_of(tx).positions.wait(tx, history_id.decode("ascii", "replace").lower(), wanted, limit)


@command("chronis|replyafter", "noscript loading stale fast", since="7.0.0", group=GROUP)
def chronis_replyafter(tx: Tx, replicas: bytes, timeout: bytes | None = None) -> str:
    """Hold this connection's replies to writes until so many replicas have them on disk; after timeout ms answer UNACKED."""
    count, limit = parse_int(replicas), TIMEOUT_MS if timeout is None else parse_int(timeout)
    if count < 0 or limit <= 0:
        raise ReplyError("replicas must not be negative, and the timeout must be positive")
    replication_of(tx).assurance.choose(tx.session, count, limit)
    return OK


@command("chronis|history", "admin noscript stale", since="7.0.0", group=GROUP)
def chronis_history(tx: Tx, history_id: bytes, offset: bytes) -> object:
    """Hand out the frames of a history after offset, about a MiB of them, as they are in the log; empty at its end.

    They are looked for and read in slices: after a restart the way to them begins at their segment's start.
    """
    primary, start = replication_of(tx).primary, parse_int(offset)
    name = history_id.decode("ascii", "replace")
    check_kept(primary, name, start)
    pieces = frames_after(primary, name, start)
    if tx.engine.slices.possible(tx):
        return tx.engine.slices.begin(tx, one_string(pieces, tx.session.resp))
    return b"".join(filter(None, pieces))


def check_kept(primary: Primary, name: str, start: int) -> None:
    """Raise ReplyError unless the log has the current history from an offset on."""
    log = primary.engine.log
    if name != primary.history.current or not log.first_offset <= start <= log.written_offset:
        raise ReplyError(f"offset {start} of history {name} is not here", "PARTED")


def frames_after(primary: Primary, name: str, start: int) -> Steps:
    """Yield frames in pieces, None after a stretch of the way to them; what is history may change in between."""
    reader, end, left = primary.history_from(start), primary.engine.log.written_offset, AT_ONCE
    try:
        while not reader.seek():
            yield None
            check_kept(primary, name, start)
        while left > 0 and (frames := reader.take(min(PIECE, left), end)):
            left -= sum(len(frame.payload) for frame in frames)
            yield b"".join([frame.raw for frame in frames])
            check_kept(primary, name, start)
    except HistoryGone as error:
        raise ReplyError(f"{error}", "PARTED") from error
    finally:
        reader.close()


def one_string(pieces: Steps, resp: int) -> Steps:
    """Make one reply of pieces: its length stands first, so it is sent when all of them are there."""
    kept: list[bytes] = []
    for piece in pieces:
        kept.append(piece or b"")
        yield None
    yield encode(b"".join(kept), resp)


@command("chronis|digest", "admin noscript", since="7.0.0", group=GROUP)
def chronis_digest(tx: Tx, offset: bytes | None = None) -> object:
    """Digest all data at the first end of a frame from offset on: history id, offset, digest, each database's own, the libraries'."""
    return replication_of(tx).digests.request(tx, None if offset is None else parse_int(offset))


@command("chronis|keydigests", "admin noscript", since="7.0.0", group=GROUP)
def chronis_keydigests(tx: Tx, key: bytes, *keys: bytes) -> list[bytes]:
    """Digest value and deadline of each key in the selected database, 40 hexadecimal digits; zeros for a missing key."""
    return [b"0" * 40 if tx.db.peek(name) is None else key_digest(tx.db, name) for name in (key, *keys)]


@command("chronis|help", "loading stale", since="7.0.0", group=GROUP)
def chronis_help(tx: Tx) -> list[str]:
    """Describe the subcommands."""
    return help_reply(
        "CHRONIS",
        "OFFSET",
        "    History id and offset after this connection's last write.",
        "WAITOFFSET <history-id> <offset> <timeout-ms>",
        "    Wait until this server has applied an offset: 1, or 0 when the time is up (0: no limit).",
        "REPLYAFTER <replicas> [<timeout-ms>]",
        "    Hold this connection's replies to writes until so many replicas have them in their logs on disk.",
        "DIGEST [<offset>]",
        "    The digest of all data at an offset, the same on every node that reached it.",
        "KEYDIGESTS <key> [<key> ...]",
        "    The digest of each key's value and deadline.",
        "HISTORY <history-id> <offset>",
        "    The frames of the log after an offset, about a MiB of them.",
    )
