"""Sorting a step at a time: a sample cuts the items into buckets that are sorted one by one when their turn comes.

Law: what is yielded is the sorted order of all items; between two steps others may run. Costs about half as much again as
one sort. Many equal items share a bucket: they are no work to sort.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

STEP = 1000
"""Items a step puts into buckets; also what a bucket holds on average."""


def sorted_parts(items: list[Any], descending: bool = False) -> Iterator[list[Any]]:
    """Yield the items in order, part by part, empty parts while they are sorted in; items is used up."""
    sample: list[Any] = []
    for _ in range(len(items) // STEP):
        sample += random.choices(items, k=2)
        if len(sample) % 400 == 0:
            yield []
    sample.sort()
    cuts = sample[1::2]
    buckets: list[list[Any]] = [[] for _ in range(len(cuts) + 1)]
    while items:
        for item in items[-STEP:]:
            buckets[bisect_right(cuts, item)].append(item)
        del items[-STEP:]
        yield []
    if descending:
        buckets.reverse()
    for place, bucket in enumerate(buckets):
        bucket.sort(reverse=descending)
        yield bucket
        buckets[place] = []
