"""Pauses of clients: by CLIENT PAUSE, while replicas are waited for in a SHUTDOWN, during a FAILOVER; each has an end of its own.

Law: what holds is the strictest of the pauses in force, and the end of one never ends another (networking.c of Redis 7.0).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from store.commands.table import PAUSED

if TYPE_CHECKING:
    from store.gates import Gates

UNTIL_ENDED = math.inf
"""As a timeout: the pause ends only by `end`."""


class Purpose(Enum):
    """What clients are paused for."""

    COMMAND = "CLIENT PAUSE"
    SHUTDOWN = "SHUTDOWN"
    FAILOVER = "FAILOVER"


class Pause(NamedTuple):
    """One pause: the loop's time at which it ends, and whether it holds all commands or only those that write."""

    until: float
    everything: bool


class Pauses:
    """The pauses of a node, at most one a purpose. `released` is called when something that was held back may run."""

    def __init__(self, gates: Gates, released: Callable[[], None]) -> None:
        self._gates = gates
        self._released = released
        self._held: dict[Purpose, Pause] = {}
        self._everything = False
        self._timer: asyncio.TimerHandle | None = None

    def hold(self, writes: bool) -> bool:
        """Tell whether a command, which writes or does not, is held back."""
        return bool(self._held) and (self._everything or writes)

    def begin(self, purpose: Purpose, timeout_ms: float, everything: bool) -> None:
        """Hold commands back for timeout_ms: all, or those that write. A longer or stricter pause for this purpose stays."""
        self._judge()
        until, before = asyncio.get_running_loop().time() + timeout_ms / 1000, self._held.get(purpose)
        if before is not None:
            until, everything = max(until, before.until), everything or before.everything
        self._held[purpose] = Pause(until, everything)
        self._judge()

    def end(self, purpose: Purpose) -> None:
        """End the pause for a purpose, if there is one."""
        if self._held.pop(purpose, None) is not None:
            self._judge()

    def _judge(self) -> None:
        """Let the gates follow the pauses in force; run what was postponed if fewer commands are held back than before."""
        paused, everything = self._gates.writes_paused, self._everything
        now = asyncio.get_running_loop().time()
        self._held = {purpose: pause for purpose, pause in self._held.items() if pause.until > now}
        self._everything = any(pause.everything for pause in self._held.values())
        self._gates.writes_paused = bool(self._held)
        self._gates.set(PAUSED, bool(self._held))
        self._plan(now)
        if (paused and not self._held) or (everything and not self._everything):
            self._released()

    def _plan(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        first = min((pause.until for pause in self._held.values()), default=math.inf)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(first - now, self._judge) if first < math.inf else None
