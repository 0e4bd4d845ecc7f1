"""A client as one line of CLIENT LIST: `field=value` with blanks between (networking.c 7.0, catClientInfoString).

Sizes are bytes. Fields for buffers that Redis has and we don't (qbuf-free, rbs, rbp, obl) are 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.client.session import Session

SESSION_COST = 4096
"""Bytes that a connection costs beside its buffers: session, parser, transport (CPython 3.11 with uvloop, measured)."""


def client_line(session: Session, argv: list[bytes] | None = None) -> bytes:
    """Describe a client; argv is the request that it is running, if it is the one who asks."""
    now = session.engine.clock.now_ms()
    arguments, queued = sum(map(len, argv or ())), queued_bytes(session)
    unread, pending = session.output_pending, session.parser.pending + (request_size(argv) if argv else 0)
    tracking = session.tracking
    fields: dict[bytes, bytes | int] = {
        b"id": session.number, b"addr": session.address, b"laddr": session.local_address, b"fd": session.fd, b"name": session.name,
        b"age": (now - session.created_ms) // 1000, b"idle": (now - session.active_ms) // 1000, b"flags": flags(session),
        b"db": session.tx.db.index, b"sub": len(session.subscriptions("channels")),
        b"psub": len(session.subscriptions("patterns")), b"ssub": len(session.subscriptions("shard_channels")),
        b"multi": -1 if session.transaction is None else len(session.transaction), b"qbuf": pending, b"qbuf-free": 0,
        b"argv-mem": arguments, b"multi-mem": queued, b"rbs": 0, b"rbp": 0, b"obl": 0, b"oll": int(unread > 0), b"omem": unread,
        b"tot-mem": SESSION_COST + pending + arguments + queued + unread, b"events": events(session),
        b"cmd": session.last_command.name.encode() if session.last_command is not None else b"NULL",
        b"user": session.user.name if session.user is not None else b"(superuser)",
        b"redir": -1 if tracking is None else tracking.redirect, b"resp": session.resp, **session.library,
    }  # fmt: skip
    return b" ".join(
        b"%b=%b" % (name, value if isinstance(value, bytes) else b"%d" % value) for name, value in fields.items()
    )


def flags(session: Session) -> bytes:
    """The letters for what holds of a client, in Redis's order; N if nothing does."""
    engine, tracking = session.engine, session.tracking
    monitor = session in engine.monitors
    letters = (
        (b"O", monitor), (b"S", session.role == "replica" and not monitor), (b"M", session.role == "master"),
        (b"P", session.subscribed), (b"x", session.transaction is not None), (b"b", engine.blocking.holds(session)),
        (b"t", tracking is not None), (b"R", tracking is not None and tracking.broken),
        (b"B", tracking is not None and tracking.broadcast), (b"d", session.watching.touched), (b"c", session.closing),
        (b"U", session.is_unix), (b"e", session.no_evict),
    )  # fmt: skip
    return b"".join(letter for letter, holds in letters if holds) or b"N"


def events(session: Session) -> bytes:
    """What the event loop waits for: r to read from the client, w to write to it."""
    transport = session.transport
    if transport is None or transport.is_closing():
        return b""
    return (b"r" if transport.is_reading() else b"") + (b"w" if transport.get_write_buffer_size() else b"")


def queued_bytes(session: Session) -> int:
    """Bytes of the arguments that a transaction has queued."""
    return sum(len(argument) for _, argv in session.transaction or () for argument in argv)


def request_size(argv: list[bytes]) -> int:
    """The size of a request on the wire, as a RESP array of bulk strings."""
    return len(b"*%d\r\n" % len(argv)) + sum(len(b"$%d\r\n\r\n" % len(argument)) + len(argument) for argument in argv)
