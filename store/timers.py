"""What happens by time: the engine's ticks, each short, none of it on the hot path."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from store import eviction, expiry
from store.client.output_limits import judge

if TYPE_CHECKING:
    from store.engine import Engine

TICK = 0.1
PAUSE = 0.001
"""Seconds between two slices, in which everybody else is served."""
FREE_SECONDS = 0.001
"""Seconds of freeing dead values in one slice."""
FREE_BATCH = 250
"""Members freed between two looks at the clock."""


class Timers:
    """Runs `tick` ten times a second and slices of long work in between while there is some.

    `every_tick`, `every_second`: functions added by their owners (children, save points), called at that pace.
    """

    def __init__(self, engine: Engine, loop: asyncio.AbstractEventLoop) -> None:
        self.engine = engine
        self.loop = loop
        self.every_tick: list[Callable[[], None]] = []
        self.every_second: list[Callable[[], None]] = []
        self._count = 0
        self._handle: asyncio.TimerHandle | None = loop.call_later(TICK, self._tick)
        self._slicing = False
        self._expected = loop.time() + TICK
        self.paused = False  # DEBUG PAUSE-CRON
        self.lag = 0.0  # seconds by which the last tick came late

    def stop(self) -> None:
        """End the ticks."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _tick(self) -> None:
        now = self.loop.time()
        self.lag = max(0.0, now - self._expected)
        self._expected = now + TICK
        self._handle = self.loop.call_later(TICK, self._tick)
        engine = self.engine
        engine.clock.refresh()
        if self.paused:
            return
        eviction.tick(engine)
        engine.log.tick()
        engine.rates.sample()
        if not self._slicing:  # else a slice is on its way already
            self._slice()
        for function in self.every_tick:
            function()
        self._count += 1
        if self._count % 10 == 0:
            self._second()

    def _second(self) -> None:
        engine = self.engine
        if engine.log.failed is not None:
            engine.log.retry()
            engine.turn.poison()
        engine.stats.peak_memory = max(engine.stats.peak_memory, engine.used_memory())
        self._clients()
        for function in self.every_second:
            function()

    def _clients(self) -> None:
        """Close idle clients (`timeout`) and those over their soft output limit."""
        idle = self.engine.settings.timeout * 1000
        now = self.engine.clock.now_ms()
        for session in list(self.engine.sessions.values()):
            if session.transport is None:
                continue
            if session.soft_limit_since:
                judge(session)
            if idle and session.role == "normal" and not session.halted and now - session.active_ms > idle:
                session.abort()

    def _slice(self) -> None:
        """Do a slice of expiry, of eviction and of freeing; come back soon if there is more."""
        self._slicing = False
        more = self.engine.expiring_actively and expiry.expire_due(self.engine)
        more |= eviction.make_room(self.engine) is eviction.Room.COMING
        self.engine.blocking.serve()
        self.engine.turn.schedule()
        if self._free() or more:
            self._slicing = True
            self.loop.call_later(PAUSE, self._slice)

    def _free(self) -> bool:
        """Free dead values for a slice; True if there are more."""
        keyspace, stop = self.engine.keyspace, time.perf_counter() + FREE_SECONDS
        while not keyspace.free_slice(FREE_BATCH) and time.perf_counter() < stop:
            pass
        return bool(keyspace.graveyard)
