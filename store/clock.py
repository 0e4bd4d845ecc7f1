"""Time: one monotonic counter, tied to the wall clock by an offset, so that one reading serves both durations and deadlines."""

from __future__ import annotations

from collections.abc import Callable

from store.primitives import perf_counter_ns, time_ns


class Clock:
    """`ticks()`: monotonic nanoseconds; `wall_ms(ticks)`: the unix milliseconds of that moment. `source`: a test's own ticks."""

    __slots__ = ("offset", "source")

    def __init__(self) -> None:
        self.source: Callable[[], int] | None = None
        self.offset = 0
        self.refresh()

    def ticks(self) -> int:
        """Read the counter: nanoseconds from an unknown start."""
        return perf_counter_ns() if self.source is None else self.source()

    def refresh(self) -> None:
        """Follow the wall clock again (it may have been set); the engine does so ten times a second."""
        self.offset = time_ns() - self.ticks()

    def wall_ms(self, ticks: int) -> int:
        """Unix milliseconds at a reading of `ticks`."""
        return (ticks + self.offset) // 1_000_000

    def now_ms(self) -> int:
        """Unix milliseconds now."""
        return self.wall_ms(self.ticks())

    def now_us(self) -> int:
        """Unix microseconds now."""
        return (self.ticks() + self.offset) // 1000


class ManualClock(Clock):
    """A clock for tests that stands still until `advance`; starts at a fixed wall time."""

    __slots__ = ("_now",)

    def __init__(self, start_ms: int = 1_700_000_000_000) -> None:
        self._now = 0
        self.source = lambda: self._now
        self.offset = start_ms * 1_000_000

    def refresh(self) -> None:
        """Nothing to follow."""

    def advance(self, ms: float) -> None:
        """Let ms milliseconds pass."""
        self._now += int(ms * 1_000_000)
