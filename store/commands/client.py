"""CLIENT: this connection: its id, name, replies, and what the client library tells about itself (networking.c 7.0)."""

from __future__ import annotations

from store.client.client_line import client_line
from store.commands.arguments import parse_int
from store.commands.connection import checked_name
from store.commands.help import help_reply
from store.commands.table import command, container
from store.errors import ReplyError, syntax_error
from store.pauses import Purpose
from store.replies import NO_REPLY, OK, Verbatim
from store.tx import Tx

GROUP = "connection"
_FLAGS, _ADMIN = "noscript loading stale", "admin noscript loading stale"
_LIBRARY = (b"lib-name", b"lib-ver")

container("CLIENT", "Look at and manage connections.", since="2.4.0", group=GROUP)


def switch(word: bytes) -> bool:
    """Read ON or OFF; raise ReplyError for anything else."""
    if word.lower() not in (b"on", b"off"):
        raise syntax_error()
    return word.lower() == b"on"


@command("CLIENT|ID", _FLAGS, since="5.0.0", group=GROUP, complexity="O(1)")
def client_id(tx: Tx) -> int:
    """Tell the number of this connection; later ones have greater numbers."""
    return tx.session.number


@command("CLIENT|INFO", _FLAGS, since="6.2.0", group=GROUP, tips="nondeterministic_output", complexity="O(1)")
def client_info(tx: Tx) -> Verbatim:
    """Describe this connection as CLIENT LIST does."""
    return Verbatim(client_line(tx.session, [b"client", b"info"]) + b"\n")


@command("CLIENT|SETNAME", _FLAGS, since="2.6.9", group=GROUP, complexity="O(1)")
def client_setname(tx: Tx, name: bytes) -> str:
    """Give this connection a name, which CLIENT LIST and SLOWLOG show; an empty one takes it away."""
    tx.session.name = checked_name(name)
    return OK


@command("CLIENT|GETNAME", _FLAGS, since="2.6.9", group=GROUP, complexity="O(1)")
def client_getname(tx: Tx) -> bytes | None:
    """Tell the name of this connection, if it has one."""
    return tx.session.name or None


@command("CLIENT|SETINFO", _FLAGS, since="7.2.0", group=GROUP, complexity="O(1)")
def client_setinfo(tx: Tx, attribute: bytes, value: bytes) -> str:
    """Keep the name (LIB-NAME) or version (LIB-VER) of the client library for CLIENT LIST."""
    field = attribute.lower()
    if field not in _LIBRARY:
        raise ReplyError(f"Unrecognized option '{attribute.decode('utf-8', 'surrogateescape')}'")
    if any(not 33 <= character <= 126 for character in value):
        raise ReplyError(f"{field.decode()} cannot contain spaces, newlines or special characters.")
    tx.session.library[field] = value
    return OK


@command("CLIENT|REPLY", _FLAGS, since="3.2.0", group=GROUP, complexity="O(1)")
def client_reply(tx: Tx, mode: bytes) -> object:
    """Switch the replies of this connection ON or OFF, or SKIP that of the next command."""
    session, word = tx.session, mode.lower()
    if word == b"on":
        session.muted = 0
        return OK
    if word == b"off":
        session.muted = 3
    elif word != b"skip":
        raise syntax_error()
    elif session.muted != 3:
        session.muted = 2
        return OK  # not sent: it is the first of the two that are left out
    return NO_REPLY


@command("CLIENT|NO-EVICT", _ADMIN, since="7.0.0", group=GROUP, complexity="O(1)")
def client_no_evict(tx: Tx, mode: bytes) -> str:
    """Spare this connection when clients are disconnected for their memory (`maxmemory-clients`)."""
    tx.session.no_evict = switch(mode)
    return OK


@command("CLIENT|UNBLOCK", _ADMIN, since="5.0.0", group=GROUP, complexity="O(1)")
def client_unblock(tx: Tx, number: bytes, reason: bytes = b"timeout", *excess: bytes) -> int:
    """End the wait of a blocked client, as by timeout or with an error; reply: 1 if it was waiting, else 0."""
    if excess:
        raise ReplyError("unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT HELP.")
    if reason.lower() not in (b"timeout", b"error"):
        raise ReplyError("CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    target = tx.engine.sessions.get(parse_int(number))
    return int(target is not None and tx.engine.blocking.timed_out(target, error=reason.lower() == b"error"))


# ── pause ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@command("CLIENT|PAUSE", _ADMIN, since="2.9.50", group=GROUP, complexity="O(1)")
def client_pause(tx: Tx, timeout: bytes, mode: bytes = b"all", *excess: bytes) -> str:
    """Hold back for so many milliseconds all commands of clients, or those that WRITE."""
    if excess:
        raise ReplyError("unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.")
    if mode.lower() not in (b"write", b"all"):
        raise ReplyError("CLIENT PAUSE mode must be WRITE or ALL")
    milliseconds = parse_int(timeout, "timeout is not an integer or out of range")
    if milliseconds < 0:
        raise ReplyError("timeout is negative")
    if milliseconds > (1 << 63) - 1 - tx.now:
        raise ReplyError("timeout is out of range")
    tx.engine.blocking.pauses.begin(Purpose.COMMAND, milliseconds, everything=mode.lower() == b"all")
    return OK


@command("CLIENT|UNPAUSE", _ADMIN, since="6.2.0", group=GROUP, complexity="O(paused clients)")
def client_unpause(tx: Tx) -> str:
    """End a pause before its time."""
    tx.engine.blocking.pauses.end(Purpose.COMMAND)
    return OK


@command("CLIENT|HELP", "loading stale", since="5.0.0", group=GROUP, complexity="O(1)")
def client_help(tx: Tx) -> list[str]:
    """Describe the subcommands."""
    return help_reply(
        "CLIENT",
        "CACHING (YES|NO)",
        "    Track the keys of the next command (OPTIN), or don't (OPTOUT).",
        "GETNAME",
        "    The name of this connection.",
        "GETREDIR",
        "    The id of the client that gets this one's invalidation messages.",
        "ID",
        "    The id of this connection.",
        "INFO",
        "    This connection as a line of CLIENT LIST.",
        "KILL <ip:port>",
        "    Close the connection from this address.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    Close the connections that fit all options: ID <id>, ADDR <ip:port>,",
        "    LADDR <ip:port>, TYPE (NORMAL|MASTER|REPLICA|PUBSUB), USER <name>,",
        "    SKIPME (YES|NO): spare this connection (default: yes).",
        "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB) | ID <id> [<id> ...]]",
        "    A line for each connection.",
        "NO-EVICT (ON|OFF)",
        "    Spare this connection when clients are closed for their memory.",
        "PAUSE <timeout> [WRITE|ALL]",
        "    Hold back commands, or those that write, for milliseconds.",
        "REPLY (ON|OFF|SKIP)",
        "    Send this connection's replies, don't, or leave out the next one.",
        "SETINFO (LIB-NAME|LIB-VER) <value>",
        "    Tell the name or version of the client library.",
        "SETNAME <name>",
        "    Give this connection a name.",
        "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
        "         [OPTIN] [OPTOUT] [NOLOOP]",
        "    Be told when keys change that this client may have cached.",
        "TRACKINGINFO",
        "    How this connection tracks keys.",
        "UNBLOCK <clientid> [TIMEOUT|ERROR]",
        "    End the wait of a blocked client.",
        "UNPAUSE",
        "    End a pause.",
    )
