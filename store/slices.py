"""Long replies made in slices: a client that asks for a million members waits for them, the others hardly notice.

Law: a reply tells of one moment, that of its command. What it reads is pinned until it is complete; whoever is about to
change it has the reply completed first, in one go, as every reply once was. So a slice never sees a change, and no event
waits. The client's further requests queue up behind its reply, and messages to it are kept until the reply has ended.
"""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from store.client.output_limits import judge
from store.errors import ReplyError
from store.replies import NO_REPLY

if TYPE_CHECKING:
    import asyncio

    from store.client.session import Session
    from store.engine import Engine
    from store.key_walk import KeyWalk
    from store.tx import Tx
    from store.values.base import Value

SLICE = 0.001
"""Seconds of one slice."""
PAUSE = 0.001
"""Seconds until a client that reads slowly is looked at again."""
UNREAD = 1 << 20
"""Bytes of output not yet taken by the client at which its reply is not gone on with."""

Steps = Iterator[bytes | None]
"""Makes a reply: yields its bytes piece by piece, and None after a stretch of work that brought none."""


class Reading:
    """One reply in the making. `later`: messages to its client that came meanwhile, and their bytes."""

    def __init__(self, session: Session, steps: Steps, values: Sequence[Value], walk: KeyWalk | None) -> None:
        self.session = session
        self.steps = steps
        self.values = values
        self.walk = walk
        self.later: list[bytes] = []
        self.later_bytes = 0
        self.command = session.last_command

    def pin(self) -> None:
        """Be told before what is read changes."""
        for value in self.values:
            self.session.engine.keyspace.pin(value, self)
        if self.walk is not None:
            self.walk.begin(self)

    def unpin(self) -> None:
        """Let go of what was read; again and again does no harm."""
        values, self.values = self.values, ()
        for value in values:
            self.session.engine.keyspace.unpin(value, self)
        if self.walk is not None:
            self.walk.end()

    def finish(self) -> None:
        """Make the rest of the reply now: what it reads is about to change.

        An error is not raised here, in the midst of somebody's write, but when it is the reply's turn.
        """
        pieces: deque[bytes] = deque()
        error = None
        try:
            pieces.extend(piece for piece in self.steps if piece)
        except Exception as found:
            error = found
        self.steps = _kept(pieces, error)
        self.unpin()


def _kept(pieces: deque[bytes], error: Exception | None) -> Steps:
    while pieces:
        yield pieces.popleft()
    if error is not None:
        raise error


class Slices:
    """The replies in the making, a slice each in turn. Without a loop (tests, replay) none is ever made in slices."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.readings: deque[Reading] = deque()
        self._stalled = 0  # how many of them in a row could not be gone on with
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Use a loop for the slices."""
        self._loop = loop

    def possible(self, tx: Tx) -> bool:
        """Tell whether the running command may answer later: not in a transaction or script, nor with replies switched off."""
        session = tx.session
        alone = self.engine.depth == 1 and session.may_block and not session.muted and not session.wrote
        return alone and self._loop is not None

    def begin(self, tx: Tx, steps: Steps, values: Sequence[Value] = (), walk: KeyWalk | None = None) -> object:
        """Let the running command be answered by steps, which read these values or this walk; return its reply for now."""
        reading = Reading(tx.session, steps, tuple(dict.fromkeys(values)), walk)
        reading.pin()
        tx.session.halt()
        self.readings.append(reading)
        if len(self.readings) == 1:
            self._schedule(0)
        return NO_REPLY

    def keeps(self, session: Session, message: bytes) -> bool:
        """Keep a message to a session until its reply is complete; False if none is in the making."""
        for reading in self.readings:
            if reading.session is session:
                reading.later.append(message)
                reading.later_bytes += len(message)
                return True
        return False

    def kept(self, session: Session) -> int:
        """Bytes of the messages that are kept for a session: its output buffer's limits hold for them too."""
        return sum(reading.later_bytes for reading in self.readings if reading.session is session)

    def _schedule(self, delay: float) -> None:
        assert self._loop is not None
        if delay:
            self._loop.call_later(delay, self._slice)
        else:
            self._loop.call_soon(self._slice)

    def _slice(self) -> None:
        """Go on with the reply whose turn it is."""
        reading = self.readings[0]
        session = reading.session
        stalled = not session.closing and session.output_pending - reading.later_bytes > UNREAD
        if stalled:
            judge(session)  # messages that are kept for it grow while it reads nothing
        ended = True
        try:
            ended = session.closing or (not stalled and self._advance(reading))
        except BaseException:
            session.abort()  # half a reply was sent; the loop tells of the error, and the other replies go on
            raise
        finally:
            self._next(stalled, ended)
            if ended:
                self._end(reading)

    def _next(self, stalled: bool, ended: bool) -> None:
        """Let the reply after the first have its turn; the first comes again unless it has ended."""
        reading = self.readings.popleft()
        if not ended:
            self.readings.append(reading)
        self._stalled = self._stalled + 1 if stalled else 0
        idle = self._stalled >= len(self.readings)
        if self.readings:
            self._schedule(PAUSE if idle else 0)
        if idle:
            gc.enable()
        elif gc.isenabled():
            gc.disable()  # what is gathered has no cycles, and to look through all of it would be a pause

    def _advance(self, reading: Reading) -> bool:
        """Make as much of a reply as a slice allows; True when it is complete."""
        session, started = reading.session, time.perf_counter()
        ended = True
        try:
            for piece in reading.steps:
                if piece:
                    session.out.append(piece)
                if time.perf_counter() - started > SLICE:
                    ended = False
                    break
        except ReplyError as error:
            self._fail(reading, error)
        finally:
            if reading.command is not None:
                reading.command.nanoseconds += int((time.perf_counter() - started) * 1e9)
        if session.out:
            self.engine.turn.join(session)
        return ended

    def _fail(self, reading: Reading, error: ReplyError) -> None:
        self.engine.stats.count_error(error.code)
        if reading.command is not None:
            reading.command.failed += 1
        reading.session.reply(error)

    def _end(self, reading: Reading) -> None:
        """Let go of what was read; go on with the client's messages and requests."""
        reading.unpin()
        session = reading.session
        if session.closing:
            return
        for message in reading.later:
            session.push(message)
        session.resume()
