"""Carrying a snapshot's file to a replica: sendfile(2) in a thread of its own, past the event loop, at the primary's pace.

Law: the loop does nothing for a file on its way but to count it now and then, so clients are served meanwhile by another core.
The thread has the connection and the file by descriptors of its own, which it closes when called off: after CHECK_SECONDS, or
the slice that it is sending.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from replication.pace import SLICE, Pace

CHECK_SECONDS = 0.1
"""How long the thread waits for a connection that takes nothing before it looks whether it is still wanted."""
COUNT_SECONDS = 0.1
"""How often at most the loop hears what was taken."""


class Courier:
    """Files on their way over one connection, one after the other. `count(bytes)`, called by the loop: what it has taken."""

    def __init__(self, pace: Pace, count: Callable[[int], None]) -> None:
        self._pace, self._count = pace, count

    async def carry(self, file: BinaryIO, size: int, connection: int) -> None:
        """Send the first `size` bytes of a file over a socket that does not block; cancelled, no slice more. Closes the file.

        Raises OSError: as sendfile(2) does, when the file is shorter, and when no thread can be had.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(file)
            own = os.dup(connection)  # the number may stand for another connection once this one is closed
            stack.callback(os.close, own)
            errand = _Errand(file, size, own, stack.pop_all())
        try:
            threading.Thread(target=self._run, args=(errand,), name="courier", daemon=True).start()
        except RuntimeError as error:
            errand.held.close()
            raise OSError(str(error)) from error
        try:
            await errand.done
        finally:
            errand.called_off.set()

    # ── in the thread ──────────────────────────────────────────────────────────────────────────────────────────────
    def _run(self, errand: _Errand) -> None:
        outcome: Exception | None = None
        try:
            with errand.held:
                self._send(errand)
        except Exception as error:  # whatever it is: who waits hears of it
            outcome = error
        errand.tell(_settle, errand.done, outcome)

    def _send(self, errand: _Errand) -> None:
        room = select.poll()
        room.register(errand.connection, select.POLLOUT)
        sent = counted = 0
        told = time.monotonic()
        try:
            while sent < errand.size and not errand.called_off.is_set():
                sent += self._slice(errand, sent, room)
                if sent > counted and (now := time.monotonic()) - told >= COUNT_SECONDS:
                    errand.tell(self._count, sent - counted)
                    counted, told = sent, now
        finally:
            errand.tell(self._count, sent - counted)

    def _slice(self, errand: _Errand, sent: int, room: select.poll) -> int:
        """Send the slice at `sent` and return its bytes; 0: there is no room, it is another's turn, or it is too soon for anybody."""
        if not room.poll(CHECK_SECONDS * 1000) or not self._pace.one.acquire(timeout=CHECK_SECONDS):
            return 0
        try:
            wanted = min(SLICE, errand.size - sent)
            if errand.called_off.is_set():
                return 0
            if (rest := self._pace.claim(wanted)) > 0:
                errand.called_off.wait(rest)  # for all: one asks for leave, the others wait for it
                return 0
            taken = _send_some(errand.connection, errand.file.fileno(), sent, wanted)
            self._pace.give_back(wanted - taken)
            return taken
        finally:
            self._pace.one.release()


@dataclass
class _Errand:
    """A file that has to go over a connection, both held until the thread ends, and who waits for it."""

    file: BinaryIO
    size: int
    connection: int
    held: contextlib.ExitStack
    called_off: threading.Event = field(default_factory=threading.Event)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    done: asyncio.Future[None] = field(init=False)

    def __post_init__(self) -> None:
        self.done = self.loop.create_future()

    def tell(self, step: Callable[..., None], *words: object) -> None:
        """Have the loop take a step; by any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server has ended
            self.loop.call_soon_threadsafe(step, *words)


def _send_some(connection: int, file: int, offset: int, size: int) -> int:
    """Return how many bytes of a file the socket took; 0: it is full after all. Raises OSError when the file ends before that."""
    try:
        taken = os.sendfile(connection, file, offset, size)
    except BlockingIOError:
        return 0
    if not taken:
        raise OSError(f"the snapshot became shorter while it was sent: {offset} bytes")
    return taken


def _settle(done: asyncio.Future[None], outcome: Exception | None) -> None:
    """Have who waits go on, if there still is somebody."""
    if done.done():
        return
    if outcome is None:
        done.set_result(None)
    else:
        done.set_exception(outcome)
