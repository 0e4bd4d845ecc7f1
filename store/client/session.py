"""One client: its connection, protocol state, selected database, transaction and output.

Law: requests run in the order they came; while the session is halted (blocked, postponed, closing) they queue up here.
Replies are collected in `out`, one item a reply, and leave when the turn ends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol, cast

from store.caller import Caller
from store.client import output_limits
from store.client.sockets import hang_up
from store.commands.table import FOLLOWING, NO_MULTI, QUEUEING, RESTRICTED, SUBSCRIBED, UNAUTHENTICATED, Command
from store.errors import ReplyError
from store.replies import NO_REPLY, Several
from store.resp.codec import Parser, encode
from store.tx import Tx

if TYPE_CHECKING:
    from store.acl import User
    from store.client.output import Output
    from store.client.tracking import Tracked
    from store.engine import Engine
    from store.keyspace import Place

Queued = tuple[Command, list[bytes]]
BACKLOG_LIMIT = 1024
"""Requests a halted session keeps; beyond it the connection is not read until they have run."""


class Feed(Protocol):
    """What streams history to a replica over the connection that asked for it."""

    def drained(self) -> None:
        """The connection takes more output again."""

    def replied(self, reply: object) -> None:
        """The replica sent a command that has a reply, which it must not."""

    def closed(self) -> None:
        """The connection is gone."""


class Session(Caller):
    """A client connection: an asyncio protocol. `conditions`: the bits of `gates` that hold for this client."""

    def __init__(self, engine: Engine, number: int) -> None:
        super().__init__()
        self.engine = engine
        self.number = number
        self.tx = Tx(engine, self)
        self.parser = Parser(engine.settings.proto_max_bulk_len)
        self.transport: asyncio.Transport | None = None
        self.resp = 2
        self.conditions = 0
        self.out: list[bytes] = []
        self.in_turn = False
        self.written: list[int] = []  # the places in `out` of replies to what did
        self.halted = False
        self.closing = False
        self.may_block = True
        self.backlog: deque[list[bytes]] = deque()
        self._reset_state()
        self.address: bytes = b""
        self.local_address: bytes = b""
        self.is_local = False
        self.is_unix = False
        self.fd = -1
        self.created_ms = self.active_ms = engine.clock.now_ms()
        self.user: User | None = None  # None: a primary, or the node itself, who may do everything
        self.authenticated = False
        self.tracking: Tracked | None = None  # client-side caching
        self.scripted = False  # it runs the commands of a script
        self.last_command: Command | None = None
        self.net_input = self.net_output = 0
        self.role = (
            "normal"  # normal, pubsub, replica or master: the class of CLIENT KILL TYPE and of the output limits
        )
        self.soft_limit_since = 0.0
        self.feed: Feed | None = None  # a replica's connection: what streams history to it
        self.no_evict = False
        self.library: dict[bytes, bytes] = {}  # lib-name and lib-ver, as the client told them
        self.enter()

    def _reset_state(self) -> None:
        self.name = b""
        self.transaction: list[Queued] | None = None
        self.aborted = False  # a command of the open transaction was refused
        self.watching: dict[Place, bool] = {}  # key -> was it missing or expired when it was watched
        self.touched = False  # a watched key changed
        self.muted = 0  # CLIENT REPLY: 0 on, 1 skip this, 2 skip next, 3 off
        self._subscriptions: dict[str, dict[bytes, None]] = {"channels": {}, "patterns": {}, "shard_channels": {}}

    # ── connection ─────────────────────────────────────────────────────────────────────────────────────────────────
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection in; the server has accepted it and decides about limits."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass
        # Slow readers are judged by client-output-buffer-limit; this is the largest number that uvloop takes.
        self.transport.set_write_buffer_limits(high=(1 << 31) - 1)
        self.engine.sessions[self.number] = self

    def data_received(self, data: bytes) -> None:
        """Parse and run what came; replies leave at the end of the turn."""
        size = len(data)
        self.net_input += size
        stats = self.engine.stats
        stats.net_input += size
        stats.reads += 1
        self.active_ms = self.engine.keyspace.now or self.created_ms
        self._run(self.parser.feed(data))

    def _run(self, requests: list[list[bytes]]) -> None:
        if self.halted:
            self._keep(requests)
            return
        engine, parser = self.engine, self.parser
        while True:
            for place, argv in enumerate(requests):
                engine.execute(self, argv)
                if self.halted:
                    self._keep(requests[place + 1 :])
                    return
            if parser.authenticated or not parser.pending:
                break
            requests = parser.take()
            if not requests:
                break
        self._check_parser()

    def _check_parser(self) -> None:
        parser = self.parser
        if parser.error is not None:
            self.reply(ReplyError(f"Protocol error: {parser.error}"))
            self.close_after_reply()
        elif parser.pending > self.engine.settings.client_query_buffer_limit:
            self.engine.stats.query_limit_disconnects += 1
            self.abort()

    def _keep(self, requests: list[list[bytes]]) -> None:
        self.backlog.extend(requests)
        if len(self.backlog) > BACKLOG_LIMIT and self.transport is not None and not self.closing:
            self.transport.pause_reading()

    def halt(self) -> None:
        """Stop running requests until `resume`."""
        self.halted = True

    def resume(self, first: list[bytes] | None = None) -> None:
        """Run the requests that queued up, `first` before them, after what runs now."""
        if first is not None:
            self.backlog.appendleft(first)
        self.halted = False
        if self.closing or not self.backlog:
            return
        self.halted = True
        asyncio.get_running_loop().call_soon(self._drain)

    def _drain(self) -> None:
        if self.closing:
            return
        self.halted = False
        requests, self.backlog = list(self.backlog), deque()
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()
        self._run(requests)

    def become_replica(self, feed: Feed) -> None:
        """Be the connection of a replica from now on: it gets no replies any more but what the feed writes."""
        self.role, self.feed, self.muted = "replica", feed, 3
        self.conditions |= FOLLOWING

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client wherever it is known."""
        self.closing = self.halted = True
        self._leave()

    def eof_received(self) -> bool:
        """The client has ended its side: close ours."""
        return False

    def pause_writing(self) -> None:
        """Nothing: slow readers are judged by client-output-buffer-limit, and a replica's feed looks for itself."""

    def resume_writing(self) -> None:
        """Tell a replica's feed that the replica has read on."""
        if self.feed is not None:
            self.feed.drained()

    def _leave(self) -> None:
        engine = self.engine
        if engine.sessions.get(self.number) is self:
            del engine.sessions[self.number]
        engine.blocking.forget(self)
        engine.bus.forget(self)
        engine.tracking.stop(self)
        if self.feed is not None:
            self.feed.closed()
        self.unwatch()
        self.backlog.clear()

    # ── output ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def reply(self, reply: object) -> None:
        """Add a reply to the turn's output, unless CLIENT REPLY says otherwise."""
        if reply is NO_REPLY:
            return
        if self.wrote:
            self.wrote = False
            self.write_offset = self.engine.log.offset
            if not self.muted:
                self.written.append(len(self.out))
        if self.muted and type(reply) is not Several:  # subscribers get their confirmations, muted or not
            self.muted = 1 if self.muted == 2 else 0 if self.muted == 1 else 3
            if self.feed is not None:
                self.feed.replied(reply)
            return
        self.out.append(encode(reply, self.resp))
        if not self.in_turn:
            self.engine.turn.join(self)

    def push(self, data: bytes) -> None:
        """Add an encoded message that is no reply (pub/sub, MONITOR)."""
        if self.halted and self.engine.slices.keeps(self, data):
            return  # not in the middle of a reply
        if not self.closing:
            self.out.append(data)
            self.engine.turn.join(self)

    def take_output(self) -> Output:
        """Hand over the turn's output."""
        output = self.out, self.written
        self.out, self.written = [], []
        return output

    def flush(self) -> None:
        """Send the turn's output."""
        data = b"".join(self.out)
        self.out, self.written = [], []
        self.send(data)

    def send(self, data: bytes) -> None:
        """Write to the socket and judge how much of it the client leaves unread."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        size = len(data)
        self.net_output += size
        stats = self.engine.stats
        stats.net_output += size
        if size:
            stats.writes += 1
            transport.write(data)
        if transport.get_write_buffer_size():
            output_limits.judge(self)
        if self.closing:
            transport.close()

    @property
    def output_pending(self) -> int:
        """Bytes of output that the client has not read yet."""
        unsent = self.transport.get_write_buffer_size() if self.transport is not None else 0
        kept = self.engine.slices.kept(self) if self.halted else 0
        return unsent + kept + sum(map(len, self.out))

    def close_after_reply(self) -> None:
        """Close the connection once its output has left; nothing more is run."""
        self.closing = self.halted = True
        self.backlog.clear()
        self.engine.turn.join(self)

    def abort(self) -> None:
        """Close the connection now, without sending what waits; from here on nobody knows the client any more."""
        self.closing = self.halted = True
        self._leave()
        self.out.clear()
        if self.transport is not None:
            if not self.transport.is_closing() and self.fd >= 0:
                hang_up(self.fd)
            self.transport.abort()

    # ── protocol state ─────────────────────────────────────────────────────────────────────────────────────────────
    def enter(self) -> None:
        """Be the default user, logged in if that needs no password."""
        users = self.engine.users
        self.user, self.authenticated = users.default, not users.auth_required
        self.refresh_permissions()

    def become(self, user: User | None) -> None:
        """Be logged in as user; None may do everything: the link to a primary."""
        self.user, self.authenticated = user, True
        self.refresh_permissions()

    def refresh_permissions(self) -> None:
        """Follow a change of the user: who has not logged in gets no further than AUTH, with the parser's stricter limits."""
        known = self.authenticated or not self.engine.users.auth_required
        free = self.user is None or self.user.unrestricted
        self.parser.authenticated = known
        self.conditions &= ~(UNAUTHENTICATED | RESTRICTED)
        self.conditions |= (0 if known else UNAUTHENTICATED) | (0 if free else RESTRICTED)

    def check_permissions(self, command: Command, argv: list[bytes]) -> object:
        """Ask the user's ACL; only called for users that may not do everything. Raise NOPERM if it says no."""
        self.engine.users.check(self, command, argv, "toplevel" if self.transaction is None else "multi")
        return None

    @property
    def reads_every_key(self) -> bool:
        """Tell whether the user may read any key there is: the patterns of SORT need that."""
        return self.user is None or self.user.reads_every_key("sort", "sort_ro")

    @property
    def subscribed(self) -> bool:
        """Tell whether the client listens to anything."""
        return bool(self.conditions & SUBSCRIBED)

    def subscriptions(self, kind: str) -> dict[bytes, None]:
        """The session's own table of subscriptions of a kind (see Bus)."""
        return self._subscriptions[kind]

    def count_subscriptions(self, *kinds: str) -> int:
        """How many subscriptions of these kinds the client has; sets the subscribed state of RESP2."""
        total = sum(map(len, self._subscriptions.values()))
        self.conditions = self.conditions | SUBSCRIBED if total else self.conditions & ~SUBSCRIBED
        self.role = "pubsub" if total else "normal"
        return sum(len(self._subscriptions[kind]) for kind in kinds)

    # ── transactions ───────────────────────────────────────────────────────────────────────────────────────────────
    def refused(self, command: Command | None, error: ReplyError) -> ReplyError:
        """Note that a request was not accepted: an open transaction can't be executed any more, EXEC ends it."""
        if self.transaction is None:
            return error
        if command is not None and command.name == "exec":
            self.end_transaction()
            return ReplyError(f"Transaction discarded because of: {error.code} {error.message}", "EXECABORT")
        self.aborted = True
        return error

    def begin_transaction(self) -> None:
        """Start queueing commands."""
        self.transaction = []
        self.aborted = False
        self.conditions |= QUEUEING | NO_MULTI

    def queue_command(self, command: Command, argv: list[bytes]) -> str:
        """Keep a command for EXEC."""
        if self.transaction is not None and not self.aborted:
            self.transaction.append((command, argv))
        return "QUEUED"

    def transaction_commands(self) -> list[Queued]:
        """What EXEC would run."""
        return self.transaction or []

    def end_transaction(self) -> None:
        """Leave the transaction, watching nothing."""
        self.transaction = None
        self.aborted = False
        self.conditions &= ~(QUEUEING | NO_MULTI)
        self.unwatch()

    def watch(self, key: bytes) -> None:
        """Let EXEC fail if key changes from now on."""
        place = (self.tx.db.index, key)
        if place in self.watching:
            return
        self.watching[place] = self.tx.db.live(key) is None
        self.engine.keyspace.watched.setdefault(place, []).append(self._touch)

    def _touch(self, place: Place) -> None:
        """A watched key was touched: a change, unless it was missing or expired before and is so now (multi.c 7.0)."""
        index, key = place
        if not (self.watching[place] and self.engine.keyspace.databases[index].live(key) is None):
            self.touched = True

    def unwatch(self) -> None:
        """Watch nothing any more."""
        watched = self.engine.keyspace.watched
        for place in self.watching:
            watched[place].remove(self._touch)
            if not watched[place]:
                del watched[place]
        self.watching.clear()
        self.touched = False

    @property
    def outdated(self) -> bool:
        """Tell whether a watched key changed, or expired since it was watched."""
        if self.touched or not self.watching:
            return self.touched
        databases = self.engine.keyspace.databases
        return any(
            not was_absent and databases[index].live(key) is None
            for (index, key), was_absent in self.watching.items()
        )
