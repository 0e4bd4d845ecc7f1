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
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        called_off = threading.Event()
        with contextlib.ExitStack() as stack:
            stack.enter_context(file)
            own = os.dup(connection)  # the number may stand for another connection once this one is closed
            stack.callback(os.close, own)
            held = stack.pop_all()

        def tell(step: Callable[..., None], *words: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the server has ended
                loop.call_soon_threadsafe(step, *words)

        def work() -> None:
            outcome: Exception | None = None
            try:
                with held:
                    self._send(file, size, own, called_off, lambda taken: tell(self._count, taken))
            except Exception as error:  # whatever it is: who waits hears of it
                outcome = error
            tell(_settle, done, outcome)

        try:
            threading.Thread(target=work, name="courier", daemon=True).start()
        except RuntimeError as error:
            held.close()
            raise OSError(str(error)) from error
        try:
            await done
        finally:
            called_off.set()

    def _send(
        self, file: BinaryIO, size: int, connection: int, called_off: threading.Event, count: Callable[[int], None]
    ) -> None:
        room = select.poll()
        room.register(connection, select.POLLOUT)
        sent = counted = 0
        told = time.monotonic()
        try:
            while sent < size and not called_off.is_set():
                if not room.poll(CHECK_SECONDS * 1000):
                    continue
                if not self._pace.one.acquire(timeout=CHECK_SECONDS):
                    continue
                try:
                    if called_off.is_set():
                        break
                    wanted = min(SLICE, size - sent)
                    if (rest := self._pace.claim(wanted)) > 0:
                        time.sleep(rest)  # for all: one asks for leave, the others wait for it
                        continue
                    taken = _send_some(connection, file.fileno(), sent, wanted)
                    self._pace.give_back(wanted - taken)
                    sent += taken
                finally:
                    self._pace.one.release()
                if (now := time.monotonic()) - told >= COUNT_SECONDS:
                    count(sent - counted)
                    counted, told = sent, now
        finally:
            count(sent - counted)


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
