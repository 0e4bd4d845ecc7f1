"""One client: its connection, protocol state, selected database, transaction and output.

Law: requests run in the order they came; while the session is halted (blocked, postponed, closing) they queue up here.
Replies are collected in `out` and leave when the turn ends, in their order: straight to the socket while the transport holds
nothing; what the socket does not take is the transport's, and so is all that follows until the transport has sent it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, cast

from store.caller import Caller
from store.client import output_limits
from store.client.sockets import hang_up
from store.client.watching import Watching
from store.commands.table import FOLLOWING, NO_MULTI, QUEUEING, RESTRICTED, SUBSCRIBED, UNAUTHENTICATED, Command
from store.errors import ReplyError
from store.replies import NO_REPLY, Several
from store.resp.codec import Parser
from store.resp.encoded import Encoded
from store.tx import Tx

if TYPE_CHECKING:
    from store.acl import User
    from store.client.feed import Feed
    from store.client.output import Output
    from store.client.tracking import Tracked
    from store.engine import Engine

Queued = tuple[Command, list[bytes]]
_IN_TRANSACTION = QUEUEING | NO_MULTI
BACKLOG_LIMIT = 1024
"""Requests a halted session keeps; beyond it the connection is not read until they have run."""
SMALL = 16 * 1024
"""Bytes of output that no limit looks at when they can be sent at once."""


class Session(Caller):
    """A client connection: an asyncio protocol. `conditions`: the bits of `gates` that hold for this client.

    `direct`: the transport is a plain socket, and nobody writes to it past `send`. `behind`: the transport was given output
    that it may not have sent yet. `muted`: CLIENT REPLY: 0 on, 1 skip this, 2 skip next, 3 off.
    """

    def __init__(self, engine: Engine, number: int) -> None:
        super().__init__()
        self.engine = engine
        self.number = number
        self.transport: asyncio.Transport | None = None
        self.fd = -1
        self.direct = self.behind = False
        self.resp = 2
        self.out = Encoded()
        self.in_turn = False
        self.halted = False
        self.closing = False
        self.tx = Tx(engine, self)
        self.parser = Parser(engine.settings.proto_max_bulk_len)
        self.conditions = 0
        self.may_block = True
        self.backlog: deque[list[bytes]] = deque()
        self._reset_state()
        self.address: bytes = b""
        self.local_address: bytes = b""
        self.is_local = False
        self.is_unix = False
        self.created_ms = self.active_ms = engine.clock.now_ms()
        self.user: User | None = None  # None: a primary, or the node itself, who may do everything
        self.authenticated = False
        self.tracking: Tracked | None = None  # client-side caching
        self.scripted = False  # it runs the commands of a script
        self.last_command: Command | None = None
        self.net_input = self.net_output = 0
        self.soft_limit_since = 0.0
        self.role = (
            "normal"  # normal, pubsub, replica or master: the class of CLIENT KILL TYPE and of the output limits
        )
        self.feed: Feed | None = None  # a replica's connection: what streams history to it
        self.watching = Watching(self)
        self.no_evict = False
        self.library: dict[bytes, bytes] = {}  # lib-name and lib-ver, as the client told them
        self.enter()

    def _reset_state(self) -> None:
        self.name = b""
        self.transaction: list[Queued] | None = None
        self.aborted = False  # a command of the open transaction was refused
        self.muted = 0
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
        self.parser.receive(data)
        self._run()

    def _run(self) -> None:
        """Run the requests that are there as a whole; once halted, keep them."""
        engine, parser = self.engine, self.parser
        while not self.halted:
            argv = parser.next()
            if argv is None:
                self._check_parser()
                return
            engine.execute(self, argv)
        self._keep()

    def _check_parser(self) -> None:
        parser = self.parser
        if parser.error is not None:
            self.reply(ReplyError(f"Protocol error: {parser.error}"))
            self.close_after_reply()
        elif parser.pending > self.engine.settings.client_query_buffer_limit:
            self.engine.stats.query_limit_disconnects += 1
            self.abort()

    def _keep(self) -> None:
        parser = self.parser
        while (argv := parser.next()) is not None:
            self.backlog.append(argv)
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
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()
        while self.backlog and not self.halted:
            self.engine.execute(self, self.backlog.popleft())
        self._run()

    def become_replica(self, feed: Feed) -> None:
        """Be the connection of a replica from now on: it gets no replies any more but what the feed writes."""
        self.role, self.feed, self.muted = "replica", feed, 3
        self.direct = False  # the feed writes to the transport
        self.conditions |= FOLLOWING

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client wherever it is known."""
        self.closing = self.halted = True
        self.direct = False  # the descriptor may soon be another's
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
        self.watching.forget()
        self.backlog.clear()

    # ── output ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def reply(self, reply: object) -> None:
        """Add a reply to the turn's output, unless CLIENT REPLY says otherwise."""
        if reply is NO_REPLY:
            return
        wrote, self.wrote = self.wrote, False
        if wrote:
            self.write_offset = self.engine.log.offset
        if self.muted and type(reply) is not Several:  # subscribers get their confirmations, muted or not
            self.muted = 1 if self.muted == 2 else 0 if self.muted == 1 else 3
            if self.feed is not None:
                self.feed.replied(reply)
            return
        if wrote and not self.muted:
            self.out.written(reply, self.resp)
        else:
            self.out.reply(reply, self.resp)
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
        places = self.out.places
        return self.out.take(), places

    def flush(self) -> None:
        """Send the turn's output."""
        out = self.out
        size = len(out)
        if self.direct and size and (not self.behind or self._caught_up()) and (size <= SMALL or not self._judged()):
            sent = out.send(self.fd)
            if sent:
                self._count(sent)
                out.drop(sent)
                if sent == size and not self.closing:
                    return
        self.send(out.take())

    def send(self, data: bytes) -> None:
        """Write to the transport and judge how much of it the client leaves unread."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if data:
            self._count(len(data))
            self.behind = True
            transport.write(data)
        if transport.get_write_buffer_size():
            self._judged()
        if self.closing:
            transport.close()

    def _count(self, size: int) -> None:
        """Account for bytes that leave."""
        stats = self.engine.stats
        self.net_output += size
        stats.net_output += size
        stats.writes += 1

    def _caught_up(self) -> bool:
        """Tell whether the transport has sent all that it was given."""
        if self.transport is None or self.transport.is_closing() or self.transport.get_write_buffer_size():
            return False
        self.behind = False
        self.soft_limit_since = 0.0
        return True

    def _judged(self) -> bool:
        """Close the connection if too much is left unread; tell whether it was."""
        return output_limits.judge(self)

    @property
    def output_pending(self) -> int:
        """Bytes of output that the client has not read yet."""
        unsent = self.transport.get_write_buffer_size() if self.transport is not None else 0
        kept = self.engine.slices.kept(self) if self.halted else 0
        return unsent + kept + len(self.out)

    def close_after_reply(self) -> None:
        """Close the connection once its output has left; nothing more is run."""
        self.closing = self.halted = True
        self.backlog.clear()
        self.engine.turn.join(self)

    def abort(self) -> None:
        """Close the connection now, without sending what waits; from here on nobody knows the client any more."""
        self.closing = self.halted = True
        self.direct = False
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
        self.conditions |= _IN_TRANSACTION

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
        self.conditions &= ~_IN_TRANSACTION
        self.watching.forget()
