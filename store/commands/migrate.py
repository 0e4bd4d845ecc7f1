"""MIGRATE: keys go to another server and leave this one when it has them (cluster.c 7.0).

Redis stands still meanwhile. Here only the client waits: the transfer runs beside other clients, a key that was changed before
the target confirmed it is sent again, and it is removed in the same step in which it was found unchanged. So it can't be part
of a transaction or script, where nothing may be waited for.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import hiredis

from store.commands.arguments import parse_int
from store.commands.table import command
from store.errors import ReplyError, syntax_error
from store.events import encode_event
from store.rdb import dump_value
from store.replies import OK
from store.resp.foreign import next_value
from store.tx import Tx

DEFAULT_TIMEOUT = 1.0
ATTEMPTS = 16
"""How often a key that keeps changing is sent before giving up."""


@dataclass
class Migration:
    """What MIGRATE was asked for; `timeout` in seconds of standing still."""

    host: str
    port: int
    db: bytes
    timeout: float
    keys: list[bytes]
    copy: bool = False
    replace: bool = False
    credentials: list[bytes] = field(default_factory=list)


@command(
    "MIGRATE",
    "write movablekeys",
    keys="RW access delete @3; RW access delete incomplete @KEYS+-2:-1",
    since="2.6.0",
    group="generic",
    acl="dangerous",
    tips="nondeterministic_output",
    complexity="O(size of the values)",
)
def migrate(tx: Tx, host: bytes, port: bytes, key: bytes, db: bytes, timeout: bytes, *options: bytes) -> object:
    """Move keys to another server, or copy them there."""
    wanted = parse(host, port, key, db, timeout, options)
    wanted.keys = [name for name in dict.fromkeys(wanted.keys) if tx.db.live(name) is not None]
    if not wanted.keys:
        return "NOKEY"
    refusal = ReplyError("MIGRATE waits for another server and can't be part of a transaction or script")
    reply = tx.block((), 0, lambda _tx, _key: None, refusal)
    if reply is refusal:
        raise refusal
    own = Tx(tx.engine, tx.session)  # the client may be unblocked and go to another database meanwhile
    own.db = tx.db
    task = asyncio.get_running_loop().create_task(_run(own, wanted))
    _RUNNING.add(task)
    task.add_done_callback(_RUNNING.discard)
    return reply


_RUNNING: set[asyncio.Task[None]] = set()
"""Transfers under way: the event loop itself keeps no reference to its tasks."""


def parse(host: bytes, port: bytes, key: bytes, db: bytes, timeout: bytes, options: tuple[bytes, ...]) -> Migration:
    """Read the arguments; raise ReplyError as Redis words it."""
    wanted = Migration(host.decode("utf-8", "surrogateescape"), 0, db, 0.0, [key])
    place = 0
    while place < len(options):
        word, left = options[place].upper(), len(options) - place - 1
        if word == b"COPY":
            wanted.copy = True
        elif word == b"REPLACE":
            wanted.replace = True
        elif word in (b"AUTH", b"AUTH2"):
            count = 1 if word == b"AUTH" else 2
            if left < count:
                raise syntax_error()
            wanted.credentials = list(options[place + 1 : place + 1 + count])
            place += count
        elif word == b"KEYS":
            if key:
                raise ReplyError("When using MIGRATE KEYS option, the key argument must be set to the empty string")
            wanted.keys = list(options[place + 1 :])
            break
        else:
            raise syntax_error()
        place += 1
    milliseconds, _ = parse_int(timeout), parse_int(db)
    wanted.timeout = milliseconds / 1000 if milliseconds > 0 else DEFAULT_TIMEOUT
    wanted.port = parse_int(port) if port.isdigit() else 0
    return wanted


async def _run(tx: Tx, wanted: Migration) -> None:
    """Transfer and answer the waiting client."""
    try:
        reply: object = await _transfer(tx, wanted)
    except (OSError, OverflowError, TimeoutError, asyncio.IncompleteReadError, hiredis.ProtocolError):
        reply = ReplyError("error or timeout writing to target instance", "IOERR")
    except ReplyError as error:
        reply = error
    engine = tx.engine
    if isinstance(reply, ReplyError):
        engine.stats.count_error(reply.code)
    if tx.session in engine.blocking.waiters:
        engine.blocking.release(tx.session, reply)
    engine.turn.schedule()


async def _transfer(tx: Tx, wanted: Migration) -> str:
    async with asyncio.timeout(wanted.timeout):
        target = Target(*await asyncio.open_connection(wanted.host, wanted.port))
    try:
        if wanted.credentials:
            await target.ask(wanted.timeout, b"AUTH", *wanted.credentials)
        await target.ask(wanted.timeout, b"SELECT", wanted.db)
        for key in wanted.keys:
            await _send(tx, target, wanted, key)
    finally:
        target.writer.close()
    return OK


async def _send(tx: Tx, target: Target, wanted: Migration, key: bytes) -> None:
    """Send one key until the target has what is here, then remove it here."""
    replace = wanted.replace
    for _ in range(ATTEMPTS):
        entry = tx.db.live(key)
        if entry is None:
            return
        value, deadline = dump_value(entry.value), entry.deadline
        options = [b"ABSTTL", *([b"REPLACE"] if replace else [])]
        await target.ask(wanted.timeout, b"RESTORE", key, b"%d" % deadline, value, *options)
        entry = tx.db.live(key)
        if wanted.copy:
            return
        if entry is not None and dump_value(entry.value) == value and entry.deadline == deadline:
            tx.delete(key)
            tx.engine.turn.schedule()
            return
        replace = True  # the target has an older value of ours
    raise ReplyError(f"the key {key!r} changes faster than it can be sent")


class Target:
    """The connection to the other server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._replies = hiredis.Reader()

    async def ask(self, timeout: float, *argv: bytes) -> object:
        """Send a command and return its reply; raise ReplyError for an error, else TimeoutError, OSError or ProtocolError."""
        self.writer.write(encode_event(*argv))
        while (reply := next_value(self._replies)) is False:
            async with asyncio.timeout(timeout):
                data = await self.reader.read(65536)
            if not data:
                raise asyncio.IncompleteReadError(b"", None)
            self._replies.feed(data)
        if isinstance(reply, hiredis.ReplyError):
            raise ReplyError(f"Target instance replied with error: {reply}")
        return reply
