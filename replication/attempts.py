"""When a replica tries again to reach its primary: at once, and after a loss with a growing, jittered delay.

Law: at most one attempt is planned or under way, and none once it was called off. Only what has proved itself is a success:
a link that comes up and fails again at once is tried at longer and longer delays, like one that does not come up.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine

from replication.tasks import begin

FIRST_DELAY, LONGEST_DELAY = 0.1, 1.0
"""Seconds between attempts: doubled each time, half of it at random."""
SLOW = 4
"""Attempts after which the delay has become the longest."""


class Attempts:
    """Plans attempts, each a run of `connect`. `count`: attempts since the last success."""

    def __init__(self, connect: Callable[[], Coroutine[object, object, None]]) -> None:
        self.count = 0
        self._reason = ""  # of the last failure
        self._connect = connect
        self._planned: asyncio.TimerHandle | None = None
        self._running: asyncio.Task[None] | None = None

    def soon(self) -> None:
        """Try as soon as the running turn has ended."""
        self._plan(0)

    def later(self) -> None:
        """Try again after a while, whatever was planned before."""
        self.cancel()
        longest = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(self.count, 10))
        self._plan(longest * random.uniform(0.5, 1))

    def _plan(self, delay: float) -> None:
        self._planned = asyncio.get_running_loop().call_later(delay, self._begin)

    def _begin(self) -> None:
        self.count += 1
        self._running = begin(self._connect(), lambda _: self.later())

    def worth_a_line(self, reason: str) -> bool:
        """Tell whether a failure is to be logged: one for another reason, the first ones, then one in twenty."""
        known, self._reason = self._reason == reason, reason
        return not known or self.count <= 3 or self.count % 20 == 0

    def succeeded(self) -> None:
        """Begin with short delays again after the next loss."""
        self.count = 0

    def slow_down(self) -> None:
        """Let the next delay be the longest: nothing is expected to change soon."""
        self.count = max(self.count, SLOW)

    def cancel(self) -> None:
        """Call off what is planned or under way."""
        if self._planned is not None:
            self._planned.cancel()
        running = self._running
        if running is not None and running is not asyncio.current_task(asyncio.get_running_loop()):
            running.cancel()
