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


def scan_down(order: Sequence[T], cursor: int, count: int) -> tuple[int, Sequence[T]]:
    """Take up to count items below cursor (0 or beyond the end: from the end); return the next cursor and the items.

    The next cursor is 0 when nothing is left. `order` has to keep the law above (the keys of a database do as well).
    """
    stop = min(cursor, len(order)) or len(order)
    start = max(0, stop - count)
    return start, order[start:stop]


class MemberIndex:
    """Members at places 0 … n-1, in no particular order. Built in O(n); every later step is O(1).

    `places` is filled by the first removal only: a collection that is only scanned or sampled pays 8 bytes a member.
    """

    __slots__ = ("order", "places")

    def __init__(self, members: Iterable[bytes] = ()) -> None:
        self.order: list[bytes] = list(members)
        self.places: dict[bytes, int] | None = None

    def __len__(self) -> int:
        return len(self.order)

    def add(self, member: bytes) -> None:
        """Give a place to a member that has none."""
        if self.places is not None:
            self.places[member] = len(self.order)
        self.order.append(member)

    def discard(self, member: bytes) -> None:
        """Free the place of a member; the last member takes it. Raise KeyError if it has none."""
        if self.places is None:
            self.places = {known: place for place, known in enumerate(self.order)}
        place = self.places.pop(member)
        last = self.order.pop()
        if place < len(self.order):
            self.order[place] = last
            self.places[last] = place

    def drop(self, count: int) -> None:
        """Forget the last count members: the collection is being freed."""
        if count > 0:
            del self.order[-count:]
            self.places = None

    def scan(self, cursor: int, count: int) -> tuple[int, Sequence[bytes]]:
        """Return the next cursor and up to count members, as `scan_down` does."""
        return scan_down(self.order, cursor, count)

    def choice(self) -> bytes:
        """One member, each with the same chance; there must be one."""
        return self.order[random.randrange(len(self.order))]

    def sample(self, count: int) -> list[bytes]:
        """Return count different members (0 <= count <= len), every selection with the same chance."""
        return random.sample(self.order, count)

    def choices(self, count: int) -> list[bytes]:
        """Return count members, each chosen anew: the same one may come several times."""
        return random.choices(self.order, k=count)

    def _check(self, members: Iterable[bytes]) -> None:
        known = set(members)
        assert len(self.order) == len(known)
        assert set(self.order) == known
        if self.places is not None:
            assert len(self.places) == len(known)
            assert all(self.order[place] == member for member, place in self.places.items())
