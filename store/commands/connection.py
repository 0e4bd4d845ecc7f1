"""Commands about the connection itself: PING, ECHO, SELECT, AUTH, HELLO, QUIT, RESET."""

from __future__ import annotations

from store.commands.arguments import parse_int
from store.commands.table import SUBSCRIBED, command
from store.errors import ReplyError, syntax_error
from store.replies import NO_REPLY, OK
from store.tx import Tx

GROUP = "connection"
REDIS_VERSION = "7.0.15"
"""The version whose behaviour is offered; client libraries gate features on it."""


@command("ping", "fast", since="1.0.0", group=GROUP, tips="request_policy:all_shards response_policy:all_succeeded")
def ping(tx: Tx, message: bytes | None = None, *excess: bytes) -> object:
    """Answer PONG, or the given message."""
    if excess:
        raise ReplyError("wrong number of arguments for 'ping' command")
    if tx.session.conditions & SUBSCRIBED and tx.session.resp == 2:
        return [b"pong", message or b""]
    return "PONG" if message is None else message


@command("echo", "loading stale fast", since="1.0.0", group=GROUP)
def echo(tx: Tx, message: bytes) -> bytes:
    """Answer the given message."""
    return message


@command("select", "loading stale fast", since="1.0.0", group=GROUP)
def select(tx: Tx, index: bytes) -> str:
    """Choose the database that the connection's further commands work on."""
    number = parse_int(index)
    if not 0 <= number < len(tx.keyspace.databases):
        raise ReplyError("DB index is out of range")
    tx.db = tx.keyspace.databases[number]
    return OK


@command("quit", "allow_busy noscript loading stale fast no_auth", since="1.0.0", group=GROUP)
def quit_(tx: Tx, *ignored: bytes) -> object:
    """Answer OK and close the connection."""
    tx.session.reply(OK)
    tx.session.close_after_reply()
    return NO_REPLY


@command("auth", "noscript loading stale fast no_auth sentinel allow_busy", since="1.0.0", group=GROUP)
def auth(tx: Tx, first: bytes, *rest: bytes) -> str:
    """Log in with a password, or a user name and password."""
    if len(rest) > 1:
        raise syntax_error()
    users = tx.engine.users
    if not rest and users.default.nopass:
        raise ReplyError(
            "AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
        )
    users.log_in(tx.session, first if rest else b"default", rest[0] if rest else first)
    return OK


@command("hello", "noscript loading stale fast no_auth sentinel allow_busy", since="6.0.0", group=GROUP)
def hello(tx: Tx, version: bytes | None = None, *options: bytes) -> dict[object, object]:
    """Choose the protocol version (2 or 3), optionally log in and set a name; describe the server."""
    session = tx.session
    protocol = session.resp
    if version is not None:
        protocol = parse_int(version, "Protocol version is not an integer or out of range")
        if protocol not in (2, 3):
            raise ReplyError("unsupported protocol version", "NOPROTO")
    credentials, name = _hello_options(options)
    if credentials is not None:
        tx.engine.users.log_in(session, *credentials, command=b"HELLO")
    if not session.authenticated:
        raise ReplyError(
            "HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option "
            "can be used to authenticate the client and select the RESP protocol version at the same time",
            "NOAUTH",
        )
    if name is not None:
        session.name = name
    session.resp = protocol
    return {
        b"server": b"redis", b"version": REDIS_VERSION.encode(), b"proto": protocol, b"id": session.number, b"mode": b"standalone",
        b"role": b"master" if tx.engine.primary else b"replica", b"modules": [],
    }  # fmt: skip


def _hello_options(options: tuple[bytes, ...]) -> tuple[tuple[bytes, bytes] | None, bytes | None]:
    credentials, name, place = None, None, 0
    while place < len(options):
        word, left = options[place].upper(), len(options) - place - 1
        if word == b"AUTH" and left >= 2:
            credentials = (options[place + 1], options[place + 2])
            place += 3
        elif word == b"SETNAME" and left >= 1:
            name = checked_name(options[place + 1])
            place += 2
        else:
            raise ReplyError(f"Syntax error in HELLO option '{options[place].decode('utf-8', 'surrogateescape')}'")
    return credentials, name


def checked_name(name: bytes) -> bytes:
    """Return a client name that has only printable characters without blanks; raise ReplyError otherwise."""
    if any(not 33 <= character <= 126 for character in name):
        raise ReplyError("Client names cannot contain spaces, newlines or special characters.")
    return name


@command("reset", "noscript loading stale fast no_auth allow_busy", since="6.2.0", group=GROUP)
def reset(tx: Tx) -> str:
    """Put the connection back into the state of a new one."""
    session = tx.session
    session.end_transaction()
    tx.engine.bus.forget(session)
    session.count_subscriptions()
    tx.db = tx.keyspace.databases[0]
    session.resp, session.muted, session.name, session.no_evict = 2, 0, b"", False
    tx.engine.tracking.stop(session)
    if tx.engine.turn.assurance is not None:
        tx.engine.turn.assurance.forget(session)
    session.enter()
    return "RESET"
