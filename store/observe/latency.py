"""LATENCY: spikes by event, the last 160 a kind, above `latency-monitor-threshold` ms (latency.c 7.0)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.config.settings import Settings

KEPT = 160


class Series:
    """The samples of one event: (unix seconds, ms), newest last, and the largest ever seen in ms."""

    __slots__ = ("largest", "samples")

    def __init__(self) -> None:
        self.samples: deque[tuple[int, int]] = deque(maxlen=KEPT)
        self.largest = 0

    def add(self, second: int, ms: int) -> None:
        """Add a sample; within one second only the larger one is kept."""
        self.largest = max(self.largest, ms)
        if self.samples and self.samples[-1][0] == second:
            ms = max(ms, self.samples.pop()[1])
        self.samples.append((second, ms))


class Latency:
    """All series. Events, named as in Redis: command, fast-command, aof-write, expire-cycle, eviction-cycle."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.series: dict[bytes, Series] = {}

    def note(self, event: bytes, second: int, ms: int) -> None:
        """Add a sample if monitoring is on (threshold > 0) and ms reaches the threshold."""
        threshold = self.settings.latency_monitor_threshold
        if threshold and ms >= threshold:
            self.series.setdefault(event, Series()).add(second, ms)

    def reset(self, *events: bytes) -> int:
        """Forget the named series, or all; return how many there were."""
        names = [event for event in (events or list(self.series)) if event in self.series]
        for name in names:
            del self.series[name]
        return len(names)
