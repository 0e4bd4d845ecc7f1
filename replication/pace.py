"""Whose turn it is among the replicas that synchronize, and how fast: snapshots and history leave in slices.

Law: of history one slice (SLICE bytes) leaves a turn of the loop, of snapshots one at a time past the loop (see courier), so that a
client waits for two send(2) at most, however many synchronize. And while clients are served, both together take no more of the
network and of the machine than `repl-snapshot-rate`.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.engine import Engine

SLICE = 16 * 1024
"""Bytes that are sent at a time (10 to 40 microseconds of send(2) on loopback, where the sender does the receiver's work)."""
REST_SECONDS = 0.001
BUSY_SECONDS = 0.1
"""How long after a command clients count as served."""


class Pace:
    """Gives the feeds of a primary their turns: history in the order in which it asks, couriers as they come."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turns, self._rests = asyncio.Lock(), asyncio.Lock()
        self.one = threading.Lock()  # held by the courier that sends a slice or rests before it
        self._counting = threading.Lock()
        self._allowed = 0.0  # bytes that may leave now
        self._reckoned = 0.0  # until when they were counted, in seconds of the monotonic clock
        self._commands, self._served = -1, 0.0

    async def turn(self, size: int, hurry: bool = False) -> None:
        """Wait until `size` bytes may be sent: for others' turns, before that for the rate, unless in a hurry."""
        if not hurry:
            async with self._rests:
                while (rest := self.claim(size)) > 0:  # noqa: ASYNC110 - nobody tells when: it is time that has to pass
                    await asyncio.sleep(rest)
        async with self._turns:
            await asyncio.sleep(0)

    def claim(self, size: int) -> float:
        """Return 0 if `size` bytes may be sent now, which then count as sent, else the seconds to rest before asking again.

        It may be called by any thread. Not 0 only while clients are served and what was sent is more than the rate allows.
        """
        with self._counting:
            rate, now = self._engine.settings.repl_snapshot_rate, time.monotonic()
            passed, self._reckoned = now - self._reckoned, now
            owed = max(self._allowed, -SLICE)  # what left while nobody was disturbed is forgotten
            self._allowed = min(owed + passed * rate, 2 * REST_SECONDS * rate)
            commands = self._engine.stats.commands
            if commands != self._commands:
                self._commands, self._served = commands, now
            if rate > 0 and self._allowed < 0 and now - self._served < BUSY_SECONDS:
                return max(REST_SECONDS, min(-self._allowed / rate, BUSY_SECONDS))
            self._allowed -= size
            return 0.0

    def give_back(self, size: int) -> None:
        """Count bytes that were claimed as not sent."""
        with self._counting:
            self._allowed += size
