"""The replica's side: the connection to the primary, what is sent and received over it, and the next attempt when it is lost.

Law: what is served stays what it is until a received snapshot is complete, checked and durable; then all changes in one turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from replication.acknowledgements import Acknowledgements
from replication.ahead import AheadOfLog
from replication.arrival import Arrival
from replication.attempts import Attempts
from replication.connection import PrimaryConnection
from replication.follower import Follower
from replication.installation import settle
from replication.link import Drop, Event, Identity, Instruction, Link, Send, State, Unexpected
from replication.messages import Continue, FullResync, Parted
from replication.rollback import go_back
from replication.staleness import heartbeat_wanted
from replication.stream import BadStream
from replication.tasks import begin
from store.errors import CorruptSnapshot, LogFailed
from store.events import encode_event
from store.logfile import notice, warn

if TYPE_CHECKING:
    from replication.peer import Peer
    from replication.primary import Primary
    from store.node import Node

_LONGEST_LINE = 4096


class Replica:
    """This node as the replica of host:port. `error`: why the link is down; times in unix ms."""

    def __init__(
        self, node: Node, primary: Primary, host: str, port: int, changed: Callable[[], None], applied: Callable[[int], None]
    ) -> None:
        self.node = node
        self.engine = node.engine
        self.primary = primary  # our own replicas
        self.host = host
        self.port = port
        self.link = Link()
        self.error = ""
        self.takes_over = False
        self._followed = False  # it has accepted us as its replica
        self.answered: Callable[[Continue | FullResync | Parted], bool] = lambda answer: True  # asked whether we go on with it
        self.refused: Callable[[str], None] = notice  # told why PSYNC was refused
        self.down_since_ms = 0
        self.follower: Follower | None = None
        self.arrival: Arrival | None = None
        self.connection: PrimaryConnection | None = None
        self._changed = changed  # called when the link has come up or gone down
        self._applied = applied  # called with the offset after each piece of history
        self._attempts = Attempts(self._connect)
        self._begun_at = 0  # the offset at which history began to be followed
        self._seconds_up = 0
        self._seconds_in_vain = 0  # listened without hearing anything
        self._line = b""
        self._asked_position: tuple[str, int] | None = None
        self._stopped = False
        self._next_step: asyncio.Handle | None = None  # more of what was received is to be applied
        self._task: asyncio.Task[None] | None = None
        self.acknowledgements = Acknowledgements(self.engine, self._send, partial(heartbeat_wanted, primary))
        self._ahead = AheadOfLog(self.engine)

    # ── coming and going ───────────────────────────────────────────────────────────────────────────────────────────
    def start(self) -> None:
        """Try to connect as soon as the running turn has ended."""
        notice(f"Connecting to MASTER {self.host}:{self.port}")
        self._attempts.soon()

    def stop(self) -> None:
        """Give the link up for good; what was received by now is still applied."""
        if self._stopped:
            return
        self._stopped = True
        if self.follower is not None:
            self.follower.drain()
        self.acknowledgements.close()
        self._attempts.cancel()
        self._end_work()
        self._stop_following()
        self._close("not wanted any more")

    async def _connect(self) -> None:
        self.link.receive(Event.ATTEMPT)
        settings, loop = self.engine.settings, asyncio.get_running_loop()
        own = (settings.bind_source_addr, 0) if settings.bind_source_addr else None
        made = PrimaryConnection(self, self.node.server.next_number())  # a Session has a protocol's methods
        try:
            async with asyncio.timeout(settings.repl_timeout):
                await loop.create_connection(lambda: cast(asyncio.Protocol, made), self.host, self.port, local_addr=own)
        except (OSError, ValueError) as error:  # TimeoutError, which says nothing; a name that nobody can have
            self._down(f"Error condition on socket for SYNC: {getattr(error, 'strerror', None) or str(error) or 'timeout'}")

    def opened(self, connection: PrimaryConnection) -> None:
        """The connection is there: begin the handshake, unless it is not wanted any more."""
        if self._stopped:
            connection.abort()
            return
        self.connection = connection
        connection.active_ms = self.engine.clock.now_ms()
        self._seconds_in_vain = 0
        self._line = b""
        self._run(self.link.opened(self._identity()))

    def _identity(self, position: bool = True) -> Identity:
        settings, history = self.engine.settings, self.primary.history
        offset = self.engine.log.offset
        self._asked_position = (history.current, offset) if position and self.has_history else None
        return Identity(
            port=settings.replica_announce_port or settings.port,
            ip=settings.replica_announce_ip,
            user=settings.masteruser.encode(),
            password=settings.masterauth,
            returns=self._followed,
            takes_over=self.takes_over,
            position=self._asked_position,
        )

    def disconnected(self, connection: PrimaryConnection, reason: str) -> None:
        """The connection is gone: apply what had come before."""
        if connection is self.connection:
            try:
                while self.follower is not None and not self.engine.gates.writes_paused and self.follower.step():
                    continue
            except BadStream as error:
                reason = f"What came from the master can't be used: {error}"
            self._down(reason)

    def _close(self, reason: str) -> None:
        """Close the connection, if there is one."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.reason = reason
            connection.abort()

    def _send(self, data: bytes) -> None:
        if self.connection is not None:
            self.connection.write(data)

    def drop(self, reason: str, no_hurry: bool = False) -> None:
        """Close the link because of what came over it, and try again later (no_hurry: as late as ever)."""
        self._down(reason, True, no_hurry)

    def _fault(self, error: Exception) -> None:
        self.drop(f"Synchronizing failed: {error!r}")

    def _down(self, reason: str, refused: bool = False, no_hurry: bool = False) -> None:
        """The link is down: keep what is served, and try again after a while. `refused`: by us."""
        self._close(reason)
        was_up = self.link.state is State.CONNECTED
        if was_up and self.engine.log.offset > self._begun_at:
            self._attempts.succeeded()
        if no_hurry:
            self._attempts.slow_down()
        self._say(reason, was_up, refused)
        self._end_work()
        self.link.receive(Event.LOST)
        self._stop_following()
        self.error = reason
        if was_up:
            self.down_since_ms = self.engine.clock.now_ms()
            self._changed()
        if not self._stopped:
            self._attempts.later()

    def _say(self, reason: str, was_up: bool, refused: bool) -> None:
        """Log why the link is down, if that is news: always when it was said that a snapshot is on its way."""
        if not self._attempts.worth_a_line(reason) and self.arrival is None:
            return
        if refused:
            warn(reason)
        if self.arrival is not None:
            warn(f"Internal error in RDB reading offset {self.arrival.loader.position}: the transfer broke off: {reason}")
        notice(f"Connection with master lost: {reason}" if was_up else f"Link to master {self.host}:{self.port} is down: {reason}")

    def _end_work(self) -> None:
        """Call off what we do for a synchronization: nothing of it stays."""
        if self._task is not None and self._task is not asyncio.current_task(asyncio.get_running_loop()):
            self._task.cancel()
        if self.arrival is not None:
            self.arrival.give_up()
            self.arrival = None

    def _stop_following(self) -> None:
        """Forget what was received and not applied."""
        self.follower = None
        self.acknowledgements.end()
        if self._next_step is not None:
            self._next_step.cancel()
            self._next_step = None

    # ── what comes in ──────────────────────────────────────────────────────────────────────────────────────────────
    def received(self, connection: PrimaryConnection, data: bytes) -> None:
        """Take bytes from the primary, by the state of the link."""
        if connection is not self.connection:
            return
        self._seconds_in_vain = 0
        try:
            self._received(data)
        except (BadStream, CorruptSnapshot, Unexpected) as error:
            self.drop(f"What came from the master can't be used: {error}")
        except OSError as error:
            self.drop(f"What came from the master can't be stored: {error}")

    def _received(self, data: bytes) -> None:
        while data and self.connection is not None:
            if self.follower is not None:
                self.follower.receive(data)
                if self._next_step is None:
                    self._go_on()
                return
            if self.arrival is not None:
                if self.arrival.receive(data):
                    self._task = begin(self._settle(self.arrival), self._fault)
                self._read_or_rest()
                return
            line, end, data = (self._line + data).partition(b"\n")
            self._line = b"" if end else line
            if end:
                self._run(self.link.line(line.removesuffix(b"\r")))
            elif len(line) > _LONGEST_LINE:
                raise BadStream("an answer without end")

    def _go_on(self) -> None:
        """Apply a step's worth of what was received; clients have their turn before the next."""
        self._next_step = None
        if self.follower is None:
            return
        try:
            more = self.follower.step()
        except BadStream as error:
            self.drop(f"What came from the master can't be used: {error}")
            return
        if more:
            self._next_step = asyncio.get_running_loop().call_soon(self._go_on)
        self._read_or_rest()

    def _read_or_rest(self) -> None:
        """Read on, or leave what comes in the network for a while."""
        transport = self.connection.transport if self.connection is not None else None
        if transport is None or transport.is_closing():
            return
        if not self._takes_more:
            transport.pause_reading()
        elif not transport.is_reading():
            transport.resume_reading()

    @property
    def _takes_more(self) -> bool:
        """Not while much waits to be applied (not: to be completed) or to be on the disk, or our log fails and is far behind."""
        if self.arrival is not None:
            return self.arrival.takes_more
        if self.follower is None:
            return True
        waiting = self._next_step is not None or self.engine.gates.writes_paused
        return not self._ahead.too_far and not (waiting and self.follower.holds_much)

    def _run(self, instructions: Sequence[Instruction]) -> None:
        for instruction in instructions:
            match instruction:
                case Send(words):
                    self._send(encode_event(*words))
                case Drop(reason, refused):
                    self.drop(reason)
                    if refused:
                        self.refused(reason)
                case Continue() | FullResync() | Parted() if not self.answered(instruction):
                    return
                case Continue():
                    self._continue(instruction)
                case FullResync():
                    self._begin_transfer(instruction)
                case Parted(offset):
                    self._task = begin(self._give_up_tail(offset), self._fault)
        for remark in self.link.remarks:
            notice(remark)
        self.link.remarks.clear()

    # ── going on ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _continue(self, answer: Continue) -> None:
        """History goes on where we are, maybe under a new id."""
        history, log = self.primary.history, self.engine.log
        if answer.history_id is not None and answer.history_id != history.current:
            notice(f"Master replication ID changed to {answer.history_id}")
            history.renew(log.offset, answer.history_id)
            self.primary.disconnect_all("the history id changed")
        notice("MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.")
        notice("Successful partial resynchronization with master.")
        self._connected(answer.framed)

    def _connected(self, framed: bool) -> None:
        """The link is up: follow."""
        self.follower = Follower(self.engine, framed, self._applied, self.acknowledgements)
        self._begun_at, self._seconds_up = self.engine.log.offset, 0
        self.error, self.down_since_ms = "", 0
        self._followed = self.primary.follows_on = True
        self.primary.history.mark_told()
        if self.connection is not None:
            self.connection.listed()
        self._changed()
        self.acknowledgements.begin()

    async def _give_up_tail(self, offset: int) -> None:
        """Go back to where the primary parted from our history and ask again; ask for everything if we can't."""
        back = await go_back(self.primary, offset)
        self._run(self.link.went_back(self._identity(position=back)))

    # ── a full synchronization ─────────────────────────────────────────────────────────────────────────────────────
    def _begin_transfer(self, answer: FullResync) -> None:
        notice(f"Full resync from master: {answer.history_id}:{answer.offset}")
        if self._asked_position is not None:
            history_id, offset = self._asked_position
            notice(f"Discarding our state once the new one is here: offset {offset} of history {history_id}")
        directory, current = self.node.persistence.directory.path, self.primary.history.current
        self.arrival = Arrival(self.engine, directory, answer, current, self._read_or_rest)
        notice("MASTER <-> REPLICA sync: Loading DB in memory, as it arrives")

    async def _settle(self, arrival: Arrival) -> None:
        """The snapshot is complete: let it be the state once it is durable, and go on with what came after it."""
        try:
            await settle(self.primary, arrival)
        except (OSError, LogFailed) as error:
            self.drop(f"Storing the snapshot failed: {error}")
            return
        self.arrival = None
        self.link.receive(Event.LOADED)
        self._connected(arrival.answer.framed)
        self._read_or_rest()
        if self.connection is not None:
            self.received(self.connection, arrival.reader.rest)

    # ── by time ────────────────────────────────────────────────────────────────────────────────────────────────────
    def tick(self) -> None:
        """Ten times a second: go on with what was received while writes paused."""
        if self.follower is not None and self._next_step is None:
            self._go_on()

    def every_second(self) -> None:
        """Acknowledge, show that we live; give up a link on which we listened for repl-timeout in vain."""
        self.acknowledgements.send()
        if self.connection is None:
            return
        self._read_or_rest()
        if self.up:
            self._seconds_up += 1
            if self._seconds_up > 1:
                self._attempts.succeeded()
        self._ahead.remind()
        self.connection.write(self.link.sign_of_life)
        if not self._busy:
            self._seconds_in_vain += 1
            if self._seconds_in_vain > self.engine.settings.repl_timeout:
                self.drop(self.link.silence)

    @property
    def _busy(self) -> bool:
        """Tell whether it is us who works, or does not read: then a silent primary means nothing."""
        if self._task is not None and not self._task.done():
            return True
        complete = self.arrival is not None and self.arrival.reader.done
        return not self._takes_more and not complete

    @property
    def silent_seconds(self) -> int:
        """Seconds since something came from the primary, -1 without a connection."""
        if self.connection is None:
            return -1
        return max(0, self.engine.clock.now_ms() - self.connection.active_ms) // 1000

    def follows(self, peer: Peer) -> bool:
        """Tell whether a node that asks to follow this one is the one that this one follows."""
        address = self.connection.address.decode() if self.connection is not None else ""
        return peer.options.port == self.port and peer.ip in (self.host, address.rpartition(":")[0].strip("[]"))

    @property
    def has_history(self) -> bool:
        """Tell whether there is anything that a primary could go on from."""
        return self.engine.log.offset > 0 or self.primary.follows_on

    @property
    def state(self) -> State:
        """The link's state; a connection that is closed by the primary is none, whether or not that has come through here."""
        lost = self.link.state is State.CONNECTED and (self.connection is None or self.connection.ended)
        return State.WAITING if lost else self.link.state

    @property
    def up(self) -> bool:
        """Tell whether history is being followed."""
        return self.state is State.CONNECTED
