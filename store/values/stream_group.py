"""A consumer group of a stream: how far it has read, which entries are with whom and not yet acknowledged.

Law: every pending entry belongs to exactly one consumer, and the consumers' lists together are the group's list; ids are in
order in both. Only `Stream` changes these objects, since it accounts for their memory.
"""

from __future__ import annotations

from sortedcontainers import SortedDict

UNKNOWN = -1
"""Entries read, when it can't be told."""


class Pending:
    """One delivered entry. `time`: unix ms of the last delivery; `count`: how often it was delivered."""

    __slots__ = ("consumer", "count", "time")

    def __init__(self, consumer: Consumer, time: int, count: int) -> None:
        self.consumer = consumer
        self.time = time
        self.count = count


class Consumer:
    """A member of a group. `seen`: unix ms when it last read or claimed; `pending`: Pending by id, in order."""

    __slots__ = ("name", "pending", "seen")

    def __init__(self, name: bytes, seen: int = 0) -> None:
        self.name = name
        self.seen = seen
        self.pending: SortedDict = SortedDict()


class Group:
    """`last`: the id that was delivered last; `read`: entries read since the stream began, or UNKNOWN."""

    __slots__ = ("consumers", "last", "pending", "read")

    def __init__(self, last: int, read: int = UNKNOWN) -> None:
        self.last = last
        self.read = read
        self.pending: SortedDict = SortedDict()
        self.consumers: dict[bytes, Consumer] = {}

    def copy(self) -> Group:
        """An independent copy."""
        twin = Group(self.last, self.read)
        twin.consumers = {name: Consumer(name, consumer.seen) for name, consumer in self.consumers.items()}
        for number, pending in self.pending.items():
            consumer = twin.consumers[pending.consumer.name]
            twin.pending[number] = consumer.pending[number] = Pending(consumer, pending.time, pending.count)
        return twin

    def _check(self) -> None:
        together = 0
        for name, consumer in self.consumers.items():
            assert consumer.name == name
            together += len(consumer.pending)
            for number, pending in consumer.pending.items():
                assert self.pending[number] is pending
                assert pending.consumer is consumer
        assert together == len(self.pending)
        assert list(self.pending) == sorted(self.pending)
