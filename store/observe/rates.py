"""Rates over the last moments: the timers take a sample ten times a second, INFO shows the mean of the last sixteen.

The same samples tell for how long more memory has been used than `maxmemory` allows.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.engine import Engine

SAMPLES = 16
COUNTERS = ("commands", "net_input", "net_output", "net_repl_input", "net_repl_output")
"""The counters of Stats whose rates are kept."""


class Rates:
    """The last samples: (ms of the clock, counters)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._samples: deque[tuple[int, tuple[int, ...]]] = deque(maxlen=SAMPLES + 1)
        self._exceeded_since = 0

    def sample(self) -> None:
        """Take a sample; a CONFIG RESETSTAT in between starts anew."""
        engine = self.engine
        now = engine.clock.now_ms()
        counters = tuple(getattr(engine.stats, name) for name in COUNTERS)
        if self._samples and any(new < old for new, old in zip(counters, self._samples[-1][1], strict=True)):
            self._samples.clear()
        self._samples.append((now, counters))
        exceeded = 0 < engine.settings.maxmemory < engine.used_memory()
        if exceeded and not self._exceeded_since:
            self._exceeded_since = now
        elif not exceeded and self._exceeded_since:
            engine.stats.exceeded_ms += now - self._exceeded_since
            self._exceeded_since = 0

    def per_second(self, counter: str) -> float:
        """The rate of a counter over the samples that are kept."""
        if len(self._samples) < 2:
            return 0.0
        place = COUNTERS.index(counter)
        (start, first), (end, last) = self._samples[0], self._samples[-1]
        return 1000.0 * (last[place] - first[place]) / (end - start) if end > start else 0.0

    def exceeded_for_ms(self) -> int:
        """For how many ms more memory has been used than is allowed; 0 when it is not so."""
        return self.engine.clock.now_ms() - self._exceeded_since if self._exceeded_since else 0
