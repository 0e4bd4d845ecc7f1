"""Places for the members of an unordered collection: cursors that need no memory on the server, and fair random choice.

A cursor tells how many members are still to come: the members before that place of `order` have not been returned. A
scan starts at the end and walks DOWN, so cursor 0 is both the start and the end of a full walk.

Law: a member only ever moves to a lower place (the last one fills the hole of one that was removed). So whatever is in
the collection during a whole walk is returned at least once, however the collection grows and shrinks meanwhile: what
was still to come moves down among what is still to come. What was returned may move down too and come again, as Redis
allows as well.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")

SWEEP = 4
"""Places looked at for each removal, for those of members that left."""


def scan_down(order: Sequence[T], cursor: int, count: int) -> tuple[int, Sequence[T]]:
    """Take up to count items below cursor (0 or beyond the end: from the end); return the next cursor and the items.

    The next cursor is 0 when nothing is left. `order` has to keep the law above (the keys of a database do as well).
    """
    stop = min(cursor, len(order)) or len(order)
    start = max(0, stop - count)
    return start, order[start:stop]


class MemberIndex:
    """Members at places, in no particular order. Built in O(n), 8 bytes a member; every later step is O(1).

    Where a member is, nobody knows: that table would cost more than the members, and a pause to build it. So the place of
    a member that left stays taken, and the member in `gone`, until `hand` comes by, which goes round from the end to the
    start, SWEEP places a removal. Invariants: `order` holds no member twice; `gone` is a part of it, the small one.
    """

    __slots__ = ("gone", "hand", "order")

    def __init__(self, members: Iterable[bytes] = ()) -> None:
        self.order: list[bytes] = list(members)
        self.gone: set[bytes] = set()
        self.hand = 0  # the next place to look at is the one before

    def __len__(self) -> int:
        return len(self.order) - len(self.gone)

    def add(self, member: bytes) -> None:
        """Give a place to a member that has none: its old one, if it is still there."""
        if member in self.gone:
            self.gone.remove(member)
        else:
            self.order.append(member)

    def discard(self, member: bytes) -> None:
        """Let go of a member that has a place; sweep a little."""
        self.gone.add(member)
        for _ in range(min(SWEEP, len(self.order))):
            size = len(self.order)
            self.hand = (self.hand if 0 < self.hand < size else size) - 1
            if self.order[self.hand] in self.gone:
                self._free(self.hand)

    def _free(self, place: int) -> None:
        """Give the place of a member that left to the last member."""
        self.gone.remove(self.order[place])
        last = self.order.pop()
        if place < len(self.order):
            self.order[place] = last

    def drop(self, count: int) -> None:
        """Forget some count members: the collection is being freed, nothing else will be asked any more."""
        del self.order[-count:]
        for _ in range(min(count, len(self.gone))):
            self.gone.pop()

    def scan(self, cursor: int, count: int) -> tuple[int, Sequence[bytes]]:
        """Return the next cursor and up to count members, as `scan_down` does."""
        following, found = scan_down(self.order, cursor, count)
        return following, [member for member in found if member not in self.gone] if self.gone else found

    def choice(self) -> bytes:
        """One member, each with the same chance; there must be one."""
        while True:
            place = int(random.random() * len(self.order))
            member = self.order[place]
            if member not in self.gone:
                return member
            self._free(place)

    def sample(self, count: int) -> list[bytes]:
        """Return count different members (0 <= count <= len), every selection with the same chance."""
        if 2 * count > len(self):
            return random.sample([member for member in self.order if member not in self.gone], count)
        chosen: dict[bytes, None] = {}
        while len(chosen) < count:
            chosen[self.choice()] = None
        return list(chosen)

    def choices(self, count: int) -> list[bytes]:
        """Return count members, each chosen anew: the same one may come several times."""
        return [self.choice() for _ in range(count)]

    def _check(self, members: Iterable[bytes]) -> None:
        placed = set(self.order)
        assert len(placed) == len(self.order)
        assert self.gone <= placed
        assert placed - self.gone == set(members)
        # A round of the hand takes 1/SWEEP removals of its length, and finds all that left before it began.
        assert len(self.gone) <= 2 * len(self.order) // SWEEP + 1
