"""Long work with files, in a thread beside the event loop: one piece at a time, ended when nobody waits for it any more.

Law: a thread can't be cancelled, so the work itself asks whether it is still wanted, at least once a second of what it does;
the next piece begins only when the one before has ended, so however often it is tried they never pile up.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar, cast

T = TypeVar("T")
Check = Callable[[], None]
"""Raises NotWanted once the work has been called off."""


class NotWanted(Exception):
    """Raised within work that nobody waits for any more."""


class OffLoop:
    """Runs work in threads, one after the other."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()

    async def run(self, work: Callable[[Check], T]) -> T:
        """Return what work(check) returns, or raise what it raises; cancelled, have it end at its next check."""
        await self._one.acquire()
        called_off = threading.Event()

        def check() -> None:
            if called_off.is_set():
                raise NotWanted

        def piece() -> T | None:
            try:
                return work(check)
            except NotWanted:
                return None  # nobody is there to take it, nor an exception, which asyncio would complain about

        running = asyncio.get_running_loop().run_in_executor(None, piece)
        running.add_done_callback(lambda _: self._one.release())
        try:
            return cast(T, await asyncio.shield(running))
        finally:
            called_off.set()
