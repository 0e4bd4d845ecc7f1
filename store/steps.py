"""Long work in bounded steps: a generator that yields after each, and what is told about a data set while it is loaded.

Law: between two steps everybody else may run, so whatever the work has done so far is nothing that they can see.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[None, None, T]
"""Work in steps; its value is the result."""
SLICE = 0.02
"""Seconds of steps after which the event loop runs."""
SAY_SECONDS = 2.0
"""Seconds between two lines about the same work."""
STEP_BYTES = 64 * 1024
"""Bytes of a file that are loaded in one step (about ten milliseconds)."""
STEP_EVENTS = 1024
"""Events or commands that are run in one step (a few milliseconds)."""


@dataclass(slots=True)
class LoadFigures:
    """How far loading is. `total`: bytes to load, as far as known; `keys`: read from RDB files; `piece`: bytes a step."""

    total: int = 0
    loaded: int = 0
    keys: int = 0
    piece: int = STEP_BYTES
    started: float = field(default_factory=time.time)

    @property
    def percent(self) -> float:
        """The share that is loaded."""
        return min(100.0, 100 * self.loaded / self.total) if self.total else 0.0

    @property
    def seconds_left(self) -> int:
        """How long it will take at the pace so far, 1 while nothing can be said (as Redis does)."""
        elapsed = time.time() - self.started
        return int(elapsed * max(0, self.total - self.loaded) / self.loaded) if self.loaded and elapsed > 1 else 1


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Let the garbage collector rest while data are loaded: they have no cycles, and it would look through them again and again.

    What is there in the end it never looks at any more (`gc.freeze`), or the first thing it did would be a long pause.
    """
    ran = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if ran:
            gc.freeze()
            gc.enable()


def drained(steps: Steps[T], between: Callable[[], None] | None = None) -> T:
    """Take all steps at once. between() is called after each; what it raises ends the work."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        if between is not None:
            try:
                between()
            except BaseException:
                steps.close()
                raise


def said(steps: Steps[T], say: Callable[[], None]) -> Steps[T]:
    """The same steps; say() is called every SAY_SECONDS between two of them, to tell an operator how far they are."""
    due = time.monotonic() + SAY_SECONDS
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        if time.monotonic() >= due:
            due = time.monotonic() + SAY_SECONDS
            say()
        yield


async def sliced(steps: Steps[T], stop: Callable[[], bool], pause: Callable[[], float]) -> T | None:
    """Take the steps while the event loop goes on in between; None if stop() became true.

    pause() is asked after each step for seconds to wait (option key-load-delay).
    """
    import asyncio  # here, as the child that makes snapshots does without, and starts the sooner

    until = time.monotonic() + SLICE
    while not stop():
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        seconds = pause()
        if seconds > 0 or time.monotonic() >= until:
            await asyncio.sleep(seconds)
            until = time.monotonic() + SLICE
    steps.close()
    return None
