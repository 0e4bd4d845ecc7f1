"""The process that carries files to replicas by sendfile(2), so that the one that serves clients has nothing to do with it.

It is run by its path and uses nothing but the standard library, so it is there within some milliseconds and takes little memory.

Law: one slice at a time in turn, each only as far as the connection takes it, so that nobody waits for a replica that takes
nothing. When the channel ends, the server has: so does this, and not when a whole group is told to stop or to start anew
(SIGINT, SIGTERM, SIGHUP).

    order  = u8 kind | u64 number | u64 start | u64 end | u8 hurry
    report = u8 kind | u64 number | u64 value

    CARRY     send bytes start to end of a file; the file and the connection come along as descriptors
    CALL_OFF  send no more of it
    PACE      all that is not in a hurry sends at most `start` bytes a second together; 0: as fast as it is taken
    TAKEN     the connection has taken `value` more bytes
    ECHO      asked for, and given: a sign of life
    DONE      it has taken all
    FAILED    sending failed with errno `value`; 0: the file has ended before
"""

from __future__ import annotations

import array
import contextlib
import errno
import os
import select
import signal
import socket
import struct
import sys
import time
from dataclasses import dataclass

ORDER = struct.Struct("<BQQQ?")
REPORT = struct.Struct("<BQQ")
CARRY, CALL_OFF, PACE, ECHO, TAKEN, DONE, FAILED = range(7)

SLICE = 64 * 1024
"""Bytes sent at a time while there is a pace (some 30 microseconds of a processor on loopback, where the sender receives as well)."""
LARGE_SLICE = 256 * 1024
"""Bytes sent at a time while there is none."""
REST_SECONDS = 0.001
REPORT_SECONDS = 0.1
NICENESS = 10
"""As of the processes that make snapshots: of a busy processor it still gets a tenth, which is enough for a usual pace."""
TURN_NS = 100_000_000
"""What it asks of the scheduler for a turn, the most there is: whoever wakes up meanwhile and asks for less goes first."""
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}


@dataclass(slots=True)
class Errand:
    """A file on its way. Invariant: told <= position <= end, all in bytes of the file."""

    file: int
    connection: int
    position: int
    end: int
    hurry: bool
    told: int

    def close(self) -> None:
        """Let go of both."""
        os.close(self.file)
        os.close(self.connection)


class Allowance:
    """How much may leave: `rate` bytes a second, 0 for any number. What was not used is lost but for two rests' worth."""

    def __init__(self) -> None:
        self.rate = 0
        self._allowed = 0.0
        self._reckoned = time.monotonic()

    def rest(self) -> float:
        """Return the seconds until a slice may leave, 0 if it may now."""
        if not self.rate:
            return 0.0
        now = time.monotonic()
        passed, self._reckoned = now - self._reckoned, now
        self._allowed = min(self._allowed + passed * self.rate, 2 * REST_SECONDS * self.rate)
        return 0.0 if self._allowed >= 0 else max(REST_SECONDS, -self._allowed / self.rate)

    def used(self, size: int) -> None:
        """Count what has left; at no rate it is not owed later."""
        if self.rate:
            self._allowed -= size


class Rounds:
    """All errands of one server, whose orders come over a channel."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._errands: dict[int, Errand] = {}  # whose turn it is next comes first
        self._allowance = Allowance()
        self._orders = select.poll()
        self._orders.register(channel.fileno(), select.POLLIN)
        self._reported = 0.0  # when, in seconds of the monotonic clock

    def run(self) -> None:
        """Take orders and carry until the channel ends."""
        moved = False
        while True:
            while self._pause(moved):
                if not self._take_order():
                    return
                moved = True
            moved = self._round()
            if time.monotonic() - self._reported >= REPORT_SECONDS:
                self._tell_all()

    def _pause(self, moved: bool) -> bool:
        """Wait until something can be done or has to be told; moved: the last round could. Return whether there is an order."""
        rest, errands = self._allowance.rest(), self._errands.values()
        may_go_on = [errand.connection for errand in errands if errand.hurry or not rest]
        seconds: float | None = 0.0
        if not may_go_on or not moved:
            told = all(errand.told == errand.position for errand in errands)
            seconds = min([*([rest] if rest and errands else []), *([] if told else [REPORT_SECONDS])], default=None)
        room = self._orders
        if may_go_on and not moved:
            room = select.poll()
            room.register(self._channel.fileno(), select.POLLIN)
            for connection in may_go_on:
                room.register(connection, select.POLLOUT)
        found = room.poll(None if seconds is None else seconds * 1000)
        return any(fd == self._channel.fileno() for fd, _ in found)

    def _round(self) -> bool:
        """Send a slice of each errand that may go on; False if no connection took any."""
        moved = False
        for number, errand in list(self._errands.items()):
            if errand.hurry or not self._allowance.rest():
                moved = self._send(number, errand) or moved
        return moved

    def _take_order(self) -> bool:
        """Do as the server says; False when it has ended."""
        data, control, _, _ = self._channel.recvmsg(ORDER.size, socket.CMSG_SPACE(8), socket.MSG_WAITALL)
        files = array.array("i")
        for level, kind, body in control:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                files.frombytes(body[: len(body) - len(body) % files.itemsize])
        if len(data) < ORDER.size:
            return False
        kind, number, start, end, hurry = ORDER.unpack(data)
        if kind == PACE:
            self._allowance.rate = start
        elif kind == CALL_OFF:
            self._end(number)
        elif kind == ECHO:
            self._report(ECHO, number, start)
        elif len(files) == 2:
            self._errands[number] = Errand(files[0], files[1], start, end, hurry, start)
        else:  # there was no room for them here
            for file in files:
                os.close(file)
            self._report(FAILED, number, errno.EMFILE)
        return True

    def _send(self, number: int, errand: Errand) -> bool:
        """Send a slice of an errand, which then is the last in turn; False if the connection takes nothing now."""
        slice_size = SLICE if self._allowance.rate and not errand.hurry else LARGE_SLICE
        try:
            taken = os.sendfile(errand.connection, errand.file, errand.position, min(slice_size, errand.end - errand.position))
        except BlockingIOError:
            return False
        except OSError as error:
            self._fail(number, errand, error.errno or errno.EIO)
            return True
        if not taken:
            self._fail(number, errand, 0)
            return True
        errand.position += taken
        if not errand.hurry:
            self._allowance.used(taken)
        self._errands[number] = self._errands.pop(number)
        if errand.position == errand.end:
            self._tell(number, errand)
            self._report(DONE, number, 0)
            self._end(number)
        return True

    def _tell_all(self) -> None:
        """Let the server hear of what was taken since it did."""
        self._reported = time.monotonic()
        for number, errand in self._errands.items():
            self._tell(number, errand)

    def _tell(self, number: int, errand: Errand) -> None:
        if errand.position > errand.told:
            self._report(TAKEN, number, errand.position - errand.told)
            errand.told = errand.position

    def _fail(self, number: int, errand: Errand, reason: int) -> None:
        self._tell(number, errand)
        self._report(FAILED, number, reason)
        self._end(number)

    def _report(self, kind: int, number: int, value: int) -> None:
        self._channel.sendall(REPORT.pack(kind, number, value))

    def _end(self, number: int) -> None:
        errand = self._errands.pop(number, None)
        if errand is not None:
            errand.close()


def step_back() -> None:
    """Leave the processor to the server whenever that wants it. Linux takes the length of a turn into account since 6.12."""
    nice = os.nice(NICENESS)
    number = SCHED_SETATTR.get(os.uname().machine)
    if number is None or sys.platform != "linux":
        return
    with contextlib.suppress(ImportError, OSError):  # it is a wish: whatever does not know of it goes without
        import ctypes

        if os.sched_getscheduler(0) != os.SCHED_OTHER:
            return
        # struct sched_attr of sched_setattr(2): size, policy, flags, nice, priority, runtime, deadline, period, two clamps
        wish = struct.pack("=IIQiIQQQII", 56, os.SCHED_OTHER, 0, nice, 0, TURN_NS, 0, 0, 0, 0)
        ctypes.CDLL(None).syscall(number, 0, wish, 0)


def main(channel: int) -> None:
    """Carry what comes over a channel, a descriptor, until it ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the server may have replicas to wait for
    step_back()
    with socket.socket(fileno=channel) as orders, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        Rounds(orders).run()  # the server may end while something is said to it


if __name__ == "__main__":
    main(int(sys.argv[1]))
