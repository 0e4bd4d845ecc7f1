"""What no counter of the store tells: lateness of the loop, garbage collection, and how old a given offset is.

Law: nothing here runs on the path of a command. `Observer.tick` runs ten times a second with the node's timers, the
collector's callback only when Python collects garbage.
"""

from __future__ import annotations

import gc
import time
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.engine import Engine

LAG_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Upper bounds in seconds of the histograms of loop lag and of pauses."""
MARKS = 36_000
"""Marks a timeline keeps at least: an hour of ticks."""


class Histogram:
    """Counts by upper bound; one more count for what is beyond the last. `sum` is in the unit of the bounds."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...], counts: list[int] | None = None, sum: float = 0.0) -> None:
        self.bounds = bounds
        self.counts = counts if counts is not None else [0] * (len(bounds) + 1)
        self.sum = sum

    def add(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def cumulative(self) -> list[tuple[float, int]]:
        """Return (upper bound, observations up to it) pairs, the last bound infinite."""
        total, pairs = 0, []
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            total += count
            pairs.append((bound, total))
        return pairs


class Timeline:
    """When history passed which offset: marks (seconds, offset, events) in rising order, a bounded number of them."""

    def __init__(self, limit: int = MARKS) -> None:
        self._limit = limit
        self._times: list[float] = []
        self._offsets: list[int] = []
        self._events: list[int] = []

    def mark(self, now: float, offset: int, events: int) -> None:
        """Note that history reaches offset at now; a history that went back (full sync) starts the timeline anew."""
        if self._offsets and offset < self._offsets[-1]:
            self.__init__(self._limit)  # type: ignore[misc]  # back to empty, as at the start
        if self._offsets and offset == self._offsets[-1]:
            return
        self._times.append(now)
        self._offsets.append(offset)
        self._events.append(events)
        if len(self._times) >= 2 * self._limit:
            for marks in (self._times, self._offsets, self._events):
                del marks[: self._limit]

    def age(self, offset: int, now: float) -> float:
        """Seconds since history first went beyond offset, within a tick; 0 if it has not. At most as far as marks reach."""
        place = bisect_right(self._offsets, offset)
        return now - self._times[place] if place < len(self._times) else 0.0

    def events_after(self, offset: int, events: int) -> int:
        """Events between offset and the present count of events, within a tick."""
        if not self._offsets or offset >= self._offsets[-1]:
            return 0
        place = bisect_right(self._offsets, offset)
        return events - (self._events[place - 1] if place else self._events[0])


class Observer:
    """The measurements of one node. `start` and `stop` put it into the garbage collector's callbacks and take it out."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.lag = Histogram(LAG_BOUNDS)
        self.pauses = tuple(Histogram(LAG_BOUNDS) for _ in range(3))
        self.timeline = Timeline()
        self._pause_started = 0.0

    def start(self) -> None:
        """Begin to measure; the node must have its timers."""
        node = self.engine.node
        assert node is not None
        assert node.timers is not None
        node.timers.every_tick.append(self.tick)
        gc.callbacks.append(self._collected)

    def stop(self) -> None:
        """Measure no more."""
        if self._collected in gc.callbacks:
            gc.callbacks.remove(self._collected)

    def tick(self) -> None:
        """Take a tick's lateness and mark where history is."""
        engine = self.engine
        if engine.node is not None and engine.node.timers is not None:
            self.lag.add(engine.node.timers.lag)
        self.timeline.mark(time.time(), engine.log.written_offset, engine.log.events)

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._pause_started = time.perf_counter()
        else:
            self.pauses[info["generation"]].add(time.perf_counter() - self._pause_started)
