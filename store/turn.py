"""The end of a loop turn: one log write for all commands that ran in it, then their replies.

Law: no reply leaves before the log write of what it saw; under `appendfsync always` not before the fsync that covers it.
Commands that wrote in a turn that could not be logged are answered with -MISCONF: the events are in memory and kept for the
log (they are written when there is room again), but nobody was told that they are safe.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from store.client.output import joined
from store.commands.table import POISONED
from store.errors import LogFailed, ReplyError
from store.primitives import bit_length
from store.resp import encode

if TYPE_CHECKING:
    from store.client.output import Output
    from store.client.session import Session
    from store.engine import Engine
    from store.log import EventLog

Held = tuple[int, list[tuple["Session", "Output"]]]


class Assurance(Protocol):
    """What holds replies back until replicas have their writes."""

    def before_commit(self, sessions: list[Session]) -> None:
        """The turn's frame is about to be written."""

    def forget(self, session: Session) -> None:
        """A connection is as new: what was chosen for it holds no more."""

    def takes(self, session: Session, output: Output) -> bool:
        """Take over a session's output if it has to wait; False: it may leave."""


def send(session: Session, data: bytes) -> None:
    """Send output the usual way."""
    session.send(data)


class Turn:
    """Collects the sessions with something to send. `buffered`: bytes of replies held back for an fsync.

    `batches`: turns by the bit length of the number of commands they ran.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.buffered = 0
        self.batches = [0] * 64
        self._commands = 0
        self.assurance: Assurance | None = None  # replies that wait for replicas, if any do
        self.last: Callable[[], None] | None = None  # records this turn's last event, if it is to have one
        self.send = send  # how output that was held leaves: past the event loop while a script holds that up
        self._sessions: list[Session] = []
        self._held: deque[Held] = deque()
        self._scheduled = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = self.end  # bound once: the loop gets it every turn
        self.watch(engine.log)

    def watch(self, log: EventLog) -> None:
        """Hear from a log when its events are durable, and when it fails."""
        log.on_synced(self._synced)
        log.on_failed(self._failed)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Use a loop for the ends of turns; without one the owner calls `end` itself (tests)."""
        self._loop = loop

    def join(self, session: Session) -> None:
        """Have session's output sent at the end of this turn."""
        if not session.in_turn:
            session.in_turn = True
            self._sessions.append(session)
            self.schedule()

    def schedule(self) -> None:
        """Make sure that this turn has an end (events may be recorded with no client involved)."""
        if not self._scheduled and self._loop is not None:
            self._scheduled = True
            self._loop.call_soon(self._ending)

    def end(self) -> None:
        """Write the turn's events, then let its replies go or hold them for the fsync."""
        self._scheduled = False
        engine, log = self.engine, self.engine.log
        engine.tracking.end_turn()
        self._count()
        sessions, self._sessions = self._sessions, []
        if self.assurance is not None:
            self.assurance.before_commit(sessions)
        if self.last is not None:
            last, self.last = self.last, None
            last()
        written = self._commit(log)
        hold = engine.settings.appendfsync == "always" and (log.synced_offset < log.offset or bool(self._held))
        if not written:
            self.poison()
        if hold and written:
            self._hold(log.offset, sessions)
            return
        for session in sessions:
            session.in_turn = False
            if written and self.assurance is None:
                session.flush()
            else:
                self._deliver(session, session.take_output(), refuse=not written)

    def end_before(self, mark: int) -> None:
        """Write and answer all that came before a mark: what runs since then holds up the loop, and its events stay together.

        Replies to writes that have to wait for replicas stay where they are: replicas can't answer now. So does the output of
        subscribers if something was recorded since mark: it may be a message of that.
        """
        log = self.engine.log
        told = log.mark() > mark
        written = self._commit(log, mark)
        if not written:
            self.poison()
        assured, sessions = self.assurance is not None, self._sessions
        self._sessions = [session for session in sessions if (told and session.subscribed) or (assured and session.out.places)]
        leaving = [session for session in sessions if session not in self._sessions]
        if written and self.engine.settings.appendfsync == "always" and (log.synced_offset < log.written_offset or self._held):
            self._hold(log.written_offset, leaving)
            return
        for session in leaving:
            session.in_turn = False
            self._deliver(session, session.take_output(), refuse=not written)

    def _deliver(self, session: Session, output: Output, refuse: bool) -> None:
        """Let output go, unless it has to wait for replicas; refuse: with errors where a command wrote."""
        if refuse:
            output = joined(output, self.refusal(session)), []
        if self.assurance is None or not self.assurance.takes(session, output):
            self.send(session, joined(output))

    def _commit(self, log: EventLog, before: int | None = None) -> bool:
        """Write the turn's events, or those before a mark; LATENCY hears when that takes long."""
        clock = self.engine.clock
        started = clock.now_ms()
        written = log.commit(started, before)
        if self.engine.settings.latency_monitor_threshold:
            self.engine.latency.note(b"aof-write", started // 1000, clock.now_ms() - started)
        return written

    def _count(self) -> None:
        """Add this turn to `batches`; after CONFIG RESETSTAT the count of commands may be lower than before."""
        commands = self.engine.stats.commands
        self.batches[bit_length(max(0, commands - self._commands))] += 1
        self._commands = commands

    def _hold(self, offset: int, sessions: list[Session]) -> None:
        batch = []
        for session in sessions:
            session.in_turn = False
            output = session.take_output()
            self.buffered += len(output[0])
            batch.append((session, output))
        self._held.append((offset, batch))
        if self.engine.log.failed is not None:
            self._release(offset, refuse=True)

    def _synced(self, offset: int) -> None:
        self._release(offset, refuse=False)

    def _failed(self, error: LogFailed) -> None:
        self.poison()
        self._release(self.engine.log.offset, refuse=True)

    def _release(self, offset: int, refuse: bool) -> None:
        while self._held and self._held[0][0] <= offset:
            _, batch = self._held.popleft()
            for session, output in batch:
                self.buffered -= len(output[0])
                self._deliver(session, output, refuse)

    def rewrite_held(self, rewritten: Callable[[Session, Output], Output]) -> None:
        """Let other output leave in place of what waits for an fsync."""
        before, self.buffered = self._held, 0
        self._held = deque()
        for offset, batch in before:
            kept = [(session, rewritten(session, output)) for session, output in batch]
            self.buffered += sum(len(output[0]) for _, output in kept)
            self._held.append((offset, kept))

    def poison(self) -> None:
        """Refuse writes until the log works again."""
        gates, error = self.engine.gates, self.engine.log.failed
        gates.set(POISONED, error is not None)
        if error is not None:
            gates.disk_error = f"Errors writing to the AOF file: {error}"

    def refusal(self, session: Session) -> bytes:
        """The reply in place of one whose write could not be logged."""
        return encode(ReplyError(self.engine.gates.disk_error, "MISCONF"), session.resp)
