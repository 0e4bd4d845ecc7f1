"""The stream: entries under ascending ids, and the consumer groups that read them.

Law: no entry's id is above `last`, the id given out last, and new ones are above it; a stream without entries is still a
stream. How entries are cut into nodes is a matter of layout: it decides what `~` trims, never what is stored.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from store.values.base import Limits, Value
from store.values.stream_group import UNKNOWN, Consumer, Group, Pending
from store.values.stream_node import MAX_ID, Fields, Node, signed

Entry = tuple[int, Fields]
"""An id, and field, value, field, value …"""

EMPTY_COST, ENTRY_COST, PAIR_COST = 700, 96, 49
GROUP_COST, CONSUMER_COST, PENDING_COST = 900, 700, 270
"""Bytes beside names and contents (CPython 3.11, measured); a field's name is mostly shared, so only its length counts."""


def cost_of_entry(fields: Fields) -> int:
    """Estimate the memory of an entry in bytes."""
    return ENTRY_COST + PAIR_COST * (len(fields) // 2) + sum(map(len, fields))


class Stream(Value):
    """Entries and groups. `added`: entries there ever were; `max_deleted`: the highest id taken out by XDEL, 0 = none."""

    __slots__ = ("added", "bases", "groups", "last", "length", "max_deleted", "nodes")
    kind = "stream"

    def __init__(self) -> None:
        super().__init__()
        self.nbytes = EMPTY_COST
        self.nodes: list[Node] = []
        self.bases: list[int] = []
        self.length = 0
        self.last = 0
        self.max_deleted = 0
        self.added = 0
        self.groups: dict[bytes, Group] = {}

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def __len__(self) -> int:
        """How many parts there are to free: never 0, because a stream without entries is not nothing."""
        return 1 + self.length

    def __iter__(self) -> Iterator[Entry]:
        return self.range(0, MAX_ID)

    def first(self) -> int:
        """The id of the first entry, 0 if there is none."""
        return self.nodes[0].first() if self.nodes else 0

    def top(self) -> int:
        """The id of the last entry, 0 if there is none (`last` may be higher: entries can be deleted)."""
        return self.nodes[-1].last() if self.nodes else 0

    def fields(self, number: int) -> Fields | None:
        """The content of the entry with an id, or None."""
        node = self._node_of(number)
        place = None if node is None else node.place(number)
        return None if node is None or place is None else node.entries[place]

    def range(self, start: int, stop: int) -> Iterator[Entry]:
        """The entries with start <= id <= stop, in order."""
        for place in range(max(bisect_right(self.bases, start) - 1, 0), len(self.nodes)):
            node = self.nodes[place]
            ids, entries = node.ids, node.entries
            for at in range(bisect_left(ids, start), len(ids)):
                if ids[at] > stop:
                    return
                fields = entries[at]
                if fields is not None:
                    yield ids[at], fields

    def backwards(self, start: int, stop: int) -> Iterator[Entry]:
        """The entries with start <= id <= stop, the last first."""
        for place in range(bisect_right(self.bases, stop) - 1, -1, -1):
            node = self.nodes[place]
            ids, entries = node.ids, node.entries
            for at in range(bisect_right(ids, stop) - 1, -1, -1):
                if ids[at] < start:
                    return
                fields = entries[at]
                if fields is not None:
                    yield ids[at], fields

    def below(self, number: int) -> int:
        """How many entries have ids below number."""
        place = max(bisect_right(self.bases, number) - 1, 0)
        return sum(node.live for node in self.nodes[:place]) + (self.nodes[place].below(number) if self.nodes else 0)

    def _node_of(self, number: int) -> Node | None:
        place = bisect_right(self.bases, number) - 1
        return self.nodes[place] if place >= 0 else None

    # ── counting what was read (t_stream.c 7.0: the lag of groups) ───────────────────────────────────────────────────
    def has_gap_after(self, number: int) -> bool:
        """Tell whether an entry from id number on may have been deleted out of the middle."""
        if not self.length or not self.max_deleted or self.first() > self.max_deleted:
            return False
        return number <= self.max_deleted

    def distance(self, number: int) -> int:
        """How many entries were added up to id number, or UNKNOWN."""
        if not self.added:
            return 0
        if number == self.last or (not self.length and number < self.last):
            return signed(self.added)
        if number > self.last:
            return UNKNOWN
        first = self.first()
        if not self.max_deleted or self.max_deleted < first:
            if number < first:
                return signed(self.added - self.length)
            if number == first:
                return signed(self.added - self.length + 1)
        return UNKNOWN

    # ── changing entries: apply functions only ───────────────────────────────────────────────────────────────────────
    def starts_node(self, fields: Fields, limits: Limits) -> bool:
        """Tell whether an entry with these fields would begin a new node."""
        if not self.nodes:
            return True
        growth = sum(map(len, fields))
        return self.nodes[-1].is_full(growth, limits.stream_node_max_bytes, limits.stream_node_max_entries)

    def append(self, number: int, fields: Fields, limits: Limits) -> None:
        """Add an entry; its id has to be above `last`."""
        if self.starts_node(fields, limits):
            self.nodes.append(Node(number, fields[::2]))
            self.bases.append(number)
        self.nodes[-1].add(number, fields)
        self.length += 1
        self.added += 1
        self.last = number
        self.nbytes += cost_of_entry(fields)

    def adopt(self, node: Node) -> None:
        """Take a node, filled elsewhere, as the last one; its ids have to be above all others. Counts nothing as added."""
        self.nodes.append(node)
        self.bases.append(node.base)
        self.length += node.live
        self.nbytes += sum(cost_of_entry(fields) for fields in node.entries if fields is not None)

    def delete(self, number: int) -> bool:
        """Take out the entry with an id; True if it was there."""
        at = bisect_right(self.bases, number) - 1
        place = self.nodes[at].place(number) if at >= 0 else None
        if place is None:
            return False
        self._erase(self.nodes[at], place)
        self.max_deleted = max(self.max_deleted, number)
        if not self.nodes[at].live:
            del self.nodes[at], self.bases[at]
        return True

    def trim(self, length: int) -> int:
        """Take out the first entries until length are left; return how many went."""
        before, whole = self.length, 0
        for node in self.nodes:
            if self.length <= length or self.length - node.live < length:
                break
            whole += 1
            self.length -= node.live
            self.nbytes -= sum(cost_of_entry(fields) for fields in node.entries if fields is not None)
        del self.nodes[:whole], self.bases[:whole]
        place = 0
        while self.length > length:
            if self.nodes[0].entries[place] is not None:
                self._erase(self.nodes[0], place)
            place += 1
        return before - self.length

    def _erase(self, node: Node, place: int) -> None:
        fields = node.entries[place]
        assert fields is not None
        node.entries[place] = None
        node.live -= 1
        self.length -= 1
        self.nbytes -= cost_of_entry(fields)

    # ── changing groups: apply functions only ────────────────────────────────────────────────────────────────────────
    def create_group(self, name: bytes, last: int, read: int) -> Group:
        """Add a group; there must be none of this name."""
        group = self.groups[name] = Group(last, read)
        self.nbytes += GROUP_COST + len(name)
        return group

    def destroy_group(self, name: bytes) -> bool:
        """Remove a group with its consumers and what is pending; True if it was there."""
        group = self.groups.pop(name, None)
        if group is None:
            return False
        self.nbytes -= GROUP_COST + len(name) + PENDING_COST * len(group.pending)
        self.nbytes -= sum(CONSUMER_COST + len(consumer) for consumer in group.consumers)
        return True

    def create_consumer(self, group: Group, name: bytes, seen: int = 0) -> Consumer:
        """Add a consumer to a group; there must be none of this name."""
        consumer = group.consumers[name] = Consumer(name, seen)
        self.nbytes += CONSUMER_COST + len(name)
        return consumer

    def delete_consumer(self, group: Group, name: bytes) -> int | None:
        """Remove a consumer; return how many entries were pending with it, which are gone too, or None without it."""
        consumer = group.consumers.pop(name, None)
        if consumer is None:
            return None
        for number in consumer.pending:
            del group.pending[number]
        self.nbytes -= CONSUMER_COST + len(name) + PENDING_COST * len(consumer.pending)
        return len(consumer.pending)

    def claim(self, group: Group, consumer: Consumer, number: int, time: int, count: int | None = None) -> None:
        """Make an entry pending with a consumer, whoever had it before; count None keeps the count it had, 1 for a new one."""
        pending = group.pending.get(number)
        if pending is None:
            pending = group.pending[number] = Pending(consumer, time, 1)
            consumer.pending[number] = pending
            self.nbytes += PENDING_COST
        elif pending.consumer is not consumer:
            del pending.consumer.pending[number]
            consumer.pending[number] = pending
            pending.consumer = consumer
        pending.time = time
        if count is not None:
            pending.count = count

    def acknowledge(self, group: Group, number: int) -> bool:
        """Take an entry off what is pending; True if it was."""
        pending = group.pending.pop(number, None)
        if pending is None:
            return False
        del pending.consumer.pending[number]
        self.nbytes -= PENDING_COST
        return True

    # ── what every value offers ──────────────────────────────────────────────────────────────────────────────────────
    def encoding(self) -> str:
        """The name that OBJECT ENCODING answers."""
        return "stream"

    def drop(self, count: int) -> bool:
        """Free up to about count entries of a value nobody refers to any more; True when nothing is left."""
        while self.nodes and count > 0:
            count -= len(self.nodes.pop().ids)
        while self.groups and count > 0:
            group = next(iter(self.groups.values()))
            while group.pending and count > 0:
                number, pending = group.pending.popitem()
                del pending.consumer.pending[number]
                count -= 1
            if not group.pending:
                del self.groups[next(iter(self.groups))]
        return not self.nodes and not self.groups

    def copy(self) -> Stream:
        """An independent copy."""
        twin = Stream()
        twin.nodes = [node.copy() for node in self.nodes]
        twin.bases = self.bases[:]
        twin.length, twin.last, twin.max_deleted, twin.added = self.length, self.last, self.max_deleted, self.added
        twin.groups = {name: group.copy() for name, group in self.groups.items()}
        twin.nbytes, twin.compact = self.nbytes, self.compact
        return twin

    def _check(self) -> None:
        assert self.bases == [node.base for node in self.nodes]
        for node in self.nodes:
            node._check()
        ids = [number for number, _ in self]
        assert ids == sorted(set(ids)) == [number for number, _ in self.backwards(0, MAX_ID)][::-1]
        assert len(ids) == self.length == sum(node.live for node in self.nodes)
        assert not ids or ids[-1] <= self.last
        total = EMPTY_COST + sum(cost_of_entry(fields) for _, fields in self)
        for name, group in self.groups.items():
            group._check()
            total += GROUP_COST + len(name) + PENDING_COST * len(group.pending)
            total += sum(CONSUMER_COST + len(consumer) for consumer in group.consumers)
        assert total == self.nbytes
