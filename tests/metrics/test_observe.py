"""Timelines and observations."""

from __future__ import annotations

import gc

from metrics.observe import Observer, Timeline
from store.node import Node


def test_age_is_the_time_since_history_went_beyond_an_offset() -> None:
    line = Timeline()
    line.mark(100.0, 10, 1)
    line.mark(101.0, 20, 3)
    line.mark(105.0, 20, 3)  # nothing new
    line.mark(106.0, 50, 9)
    assert line.age(50, 110.0) == 0.0
    assert line.age(20, 110.0) == 4.0
    assert line.age(10, 110.0) == 9.0
    assert line.age(15, 110.0) == 9.0
    assert line.events_after(20, 9) == 6
    assert line.events_after(50, 9) == 0


def test_a_timeline_is_bounded_and_starts_anew_when_history_goes_back() -> None:
    line = Timeline(limit=10)
    for n in range(1, 100):
        line.mark(float(n), n, n)
    assert len(line._offsets) < 20
    assert line.age(0, 99.0) == 99.0 - line._times[0]
    line.mark(200.0, 5, 100)
    assert line._offsets == [5]


async def test_collections_are_measured_until_stopped(node: Node) -> None:
    observer = Observer(node.engine)
    observer.start()
    gc.collect()
    seen = sum(observer.pauses[2].counts)
    assert seen >= 1
    observer.stop()
    gc.collect()
    assert sum(observer.pauses[2].counts) == seen


async def test_ticks_are_observed(node: Node) -> None:
    observer = Observer(node.engine)
    observer.tick()
    assert sum(observer.lag.counts) == 1
