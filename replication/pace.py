"""How fast snapshots and history leave for replicas that synchronize, and whose turn it is: history leaves in slices.

Law: of history one slice (SLICE bytes) leaves a turn of the loop, so that a client waits for one send(2) at most, however many
synchronize; files leave past the loop (courier). And while clients are served, both together take no more of the network and of
the machine than `repl-snapshot-rate`; half of it each while there is both.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.engine import Engine

SLICE = 16 * 1024
"""Bytes that the loop sends at a time (10 to 40 microseconds of send(2) on loopback, where the sender does the receiver's work)."""
REST_SECONDS = 0.001
BUSY_SECONDS = 0.1
"""How long after a command clients count as served, and after a slice the loop as sending history."""


class Pace:
    """Gives the feeds of a primary their turns, in the order in which they ask. `carrying`: so does a courier at this pace."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.carrying = False
        self._turns, self._rests = asyncio.Lock(), asyncio.Lock()
        self._allowed = 0.0  # bytes that may leave now
        self._reckoned = 0.0  # until when they were counted, in seconds of the monotonic clock
        self._claimed = 0.0  # when the loop last sent something at this pace
        self._commands, self._served = -1, 0.0

    async def turn(self, size: int, hurry: bool = False) -> None:
        """Wait until `size` bytes may be sent: for others' turns, before that for the rate, unless in a hurry."""
        if not hurry:
            async with self._rests:
                while (rest := self._claim(size)) > 0:  # noqa: ASYNC110 - nobody tells when: it is time that has to pass
                    await asyncio.sleep(rest)
        async with self._turns:
            await asyncio.sleep(0)

    def _claim(self, size: int) -> float:
        """Return 0 if `size` bytes may be sent now, which then count as sent, else the seconds to rest before asking again.

        Not 0 only while clients are served and what was sent is more than the rate allows.
        """
        now, rate = time.monotonic(), self._engine.settings.repl_snapshot_rate
        rate = _half(rate) if self.carrying else rate
        passed, self._reckoned = now - self._reckoned, now
        owed = max(self._allowed, -SLICE)  # what left while nobody was disturbed is forgotten
        self._allowed = min(owed + passed * rate, 2 * REST_SECONDS * rate)
        self._claimed = now
        if rate > 0 and self._allowed < 0 and self._serves(now):
            return max(REST_SECONDS, min(-self._allowed / rate, BUSY_SECONDS))
        self._allowed -= size
        return 0.0

    @property
    def courier_rate(self) -> int:
        """Bytes a second that a courier may send; 0: any number. It holds for a tenth of a second."""
        now, rate = time.monotonic(), self._engine.settings.repl_snapshot_rate
        if not self._serves(now):
            return 0
        return _half(rate) if now - self._claimed < BUSY_SECONDS else rate

    def _serves(self, now: float) -> bool:
        """Tell whether clients are served."""
        commands = self._engine.stats.commands
        if commands != self._commands:
            self._commands, self._served = commands, now
        return now - self._served < BUSY_SECONDS


def _half(rate: int) -> int:
    """Half a rate; none stays none."""
    return max(1, rate // 2) if rate else 0
