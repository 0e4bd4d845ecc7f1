"""Carrying files to replicas, by a process of its own (courier_process): past the event loop, and past its interpreter's lock.

Law: the loop does nothing for a file on its way but to count it now and then. What is called off may still leave for as long as
the order takes: who appends other bytes to the file, or says something else over the connection, hangs the connection up before.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from replication import courier_process
from replication.courier_process import CALL_OFF, CARRY, DONE, ECHO, ORDER, PACE, REPORT, TAKEN
from replication.pace import Pace

IDLE_SECONDS = 10.0
"""How long the process is kept when there is nothing to carry."""
SILENT_TICKS = 100
"""How often it may be asked for a sign of life in vain (ten times a second): then it hangs, and another takes its place."""
RETRY_SECONDS = 10.0
"""How long after it could not be started, or failed, it gets no history, which the loop can send as well."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes `start` to `end` of an open file, by its descriptor."""

    file: int
    start: int
    end: int


class Courier:
    """The process and what it has been told to carry. It is started by the first errand, and ends by itself when this node does."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._errands: dict[int, _Errand] = {}
        self._numbers = itertools.count(1)
        self._heard = b""  # the beginning of a report
        self._rate = -1  # what the process knows of the pace
        self._unanswered = 0  # signs of life that it was asked for since it gave one
        self._used = 0.0  # when it last had something to carry, in seconds of the monotonic clock
        self._failed_at = -RETRY_SECONDS  # when it last could not be started, or failed
        self._killed: list[subprocess.Popen[bytes]] = []  # and not ended yet, as in the middle of reading a disk that hangs

    async def carry(self, piece: Piece, connection: int, count: Callable[[int], None], hurry: bool = False) -> None:
        """Send a piece over a socket that does not block, at the primary's pace unless in a hurry; `count`: told what was taken.

        Raises OSError: as sendfile(2) does, when the file ends before the piece, when the process can't be had or ends.
        """
        number, errand = next(self._numbers), _Errand(count, hurry)
        self._pace.carrying = self._pace.carrying or not hurry
        channel = self._running()
        self._judge_pace()  # before: it begins at once
        socket.send_fds(channel, [ORDER.pack(CARRY, number, piece.start, piece.end, hurry)], [piece.file, connection])
        self._errands[number] = errand
        try:
            await errand.done
        finally:
            del self._errands[number]
            self._used = time.monotonic()
            if errand.done.cancelled():
                self._order(CALL_OFF, number)

    def tick(self) -> None:
        """Ten times a second: tell how fast it may go; let the process end when it has had nothing to do for a while."""
        self._pace.carrying = any(not errand.hurry for errand in self._errands.values())
        self._killed = [process for process in self._killed if process.poll() is None]
        if self._channel is None:
            return
        if self._errands:
            self._judge_pace()
            if not self._unanswered:
                self._order(ECHO, 0)
            self._unanswered += 1
            if self._unanswered > SILENT_TICKS:
                self._lost("the courier does not answer any more")
        elif time.monotonic() - self._used > IDLE_SECONDS:
            self.close()

    @property
    def usable(self) -> bool:
        """Tell whether there is a process that works, or one can be had, as far as we know."""
        return time.monotonic() - self._failed_at > RETRY_SECONDS

    def close(self) -> None:
        """End the process; what it carries is called off."""
        self._lost("the courier is not wanted any more", failed=False)

    def _judge_pace(self) -> None:
        rate = self._pace.courier_rate
        if rate != self._rate:
            self._order(PACE, 0, rate)
            self._rate = rate

    # ── the process ────────────────────────────────────────────────────────────────────────────────────────────────
    def _running(self) -> socket.socket:
        """Return the channel to a process that runs. Raises OSError."""
        if self._process is not None and self._process.poll() is not None:
            self._lost("the courier has ended")
        return self._channel or self._started()

    def _order(self, kind: int, number: int, start: int = 0) -> None:
        """Give an order, if there is a process; one that takes none is of no use any more."""
        if self._channel is not None:
            try:
                self._channel.send(ORDER.pack(kind, number, start, 0, False))
            except OSError as error:
                self._lost(f"the courier takes no orders: {error.strerror}")

    def _started(self) -> socket.socket:
        """Start a process and return the channel to it. Raises OSError."""
        with contextlib.ExitStack() as stack:
            ours, theirs = map(stack.enter_context, socket.socketpair())
            # -P: the folder of that file is full of names that modules of the standard library might have
            command = [sys.executable or "python3", "-s", "-S", "-P", courier_process.__file__, str(theirs.fileno())]
            try:
                self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
            except OSError:
                self._failed_at = time.monotonic()
                raise
            ours.setblocking(False)
            stack.pop_all()
            theirs.close()
        self._channel, self._heard, self._rate, self._unanswered = ours, b"", -1, 0
        asyncio.get_running_loop().add_reader(ours, self._hear)
        return ours

    def _hear(self) -> None:
        """Take what the process reports."""
        assert self._channel is not None
        try:
            data = self._channel.recv(64 * 1024)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        if not data:
            self._lost("the courier has ended")
            return
        self._unanswered = 0
        data = self._heard + data
        whole = len(data) - len(data) % REPORT.size
        self._heard = data[whole:]
        for kind, number, value in REPORT.iter_unpack(data[:whole]):
            errand = self._errands.get(number)
            if errand is not None:  # else it was called off
                errand.report(kind, value)

    def _lost(self, why: str, failed: bool = True) -> None:
        """There is no process any more: whatever it carried has failed. failed: by its fault."""
        if failed:
            self._failed_at = time.monotonic()
        channel, process = self._channel, self._process
        self._channel = self._process = None
        if channel is not None:
            asyncio.get_running_loop().remove_reader(channel)
            channel.close()
        if process is not None:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
            self._killed.append(process)
        for errand in self._errands.values():
            errand.fail(OSError(why))


@dataclass
class _Errand:
    """A piece on its way, and who waits for it."""

    count: Callable[[int], None]
    hurry: bool
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def report(self, kind: int, value: int) -> None:
        """Take what the process says of it."""
        if kind == TAKEN:
            self.count(value)
        elif kind == DONE:
            if not self.done.done():
                self.done.set_result(None)
        else:
            self.fail(OSError(value, os.strerror(value)) if value else OSError("the file became shorter while it was sent"))

    def fail(self, error: OSError) -> None:
        """Have who waits hear of an error, if there still is somebody."""
        if not self.done.done():
            self.done.set_exception(error)
