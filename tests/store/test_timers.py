"""What happens by time: slices of long work follow one another, never side by side."""

from __future__ import annotations

import asyncio

import pytest

from store import timers
from tests.kit.inprocess import Node


async def test_there_is_never_more_than_one_slice_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    node = Node()
    loop = asyncio.get_running_loop()
    clock = timers.Timers(node.engine, loop)
    waiting: list[object] = []
    monkeypatch.setattr(timers, "FREE_SECONDS", 1e-9)

    class Later:
        """A loop whose slices wait until the test runs them."""

        time = staticmethod(loop.time)

        def call_later(self, delay: float, function: object, *args: object) -> asyncio.TimerHandle:
            if delay == timers.PAUSE:
                waiting.append(function)
            return loop.call_later(3600, lambda: None)

    clock.loop = Later()  # type: ignore[assignment]  # what Timers uses of a loop
    node.run("RPUSH", "big", *[b"x"] * 100_000)
    node.run("DEL", "big")
    for _ in range(5):
        clock._tick()
    assert len(waiting) == 1
    while waiting:
        waiting.pop()()  # type: ignore[operator]  # the slice
    assert not node.keyspace.graveyard
    clock.stop()
