"""The sorted set: members with scores, found by member, by score, by bytes and by rank.

Law: `order` holds exactly the pairs (score, member) of `scores`, ascending by score and then by the members' bytes, so
that a rank is a place in it and every range (of scores, of members, of ranks) is a slice. -0.0 is stored as 0.0; nan
never gets in.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from sortedcontainers import SortedList

from store.values.base import Limits, Value
from store.values.index import MemberIndex

Pair = tuple[float, bytes]

MEMBER_COST = 168
"""Bytes a member costs beside its name: table slot, the pair, the score, the object header (CPython 3.11, measured)."""
FEW = 1024
"""Members up to which a plain list keeps the order: less memory, and as fast. Beyond: a SortedList; it stays one."""


class LexBound:
    """An end of a range of members. `open`: the member is outside; `infinite`: before (-1) or after (1) all members."""

    __slots__ = ("infinite", "member", "open")

    def __init__(self, member: bytes = b"", open_: bool = True, infinite: int = 0) -> None:
        self.member = member
        self.open = open_
        self.infinite = infinite

    def allows_from(self, member: bytes) -> bool:
        """Tell whether member lies in the range that begins here."""
        if self.infinite:
            return self.infinite < 0
        return member > self.member if self.open else member >= self.member

    def allows_until(self, member: bytes) -> bool:
        """Tell whether member lies in the range that ends here."""
        if self.infinite:
            return self.infinite > 0
        return member < self.member if self.open else member <= self.member


class SortedSet(Value):
    """Members with scores. Ranks count from 0; spans are (start, stop) as of a slice, empty when start >= stop."""

    __slots__ = ("index", "longest", "order", "scores")
    kind: ClassVar[str] = "zset"

    def __init__(self, pairs: Iterable[tuple[bytes, float]] = ()) -> None:
        super().__init__()
        self.scores: dict[bytes, float] = {}
        self.order: Any = []  # list[Pair] or SortedList of them
        self.longest = 0  # bytes of the longest member there ever was
        self.index: MemberIndex | None = None  # for cursors, made by the first scan of a big set
        self.load(pairs)

    def load(self, pairs: Iterable[tuple[bytes, float]]) -> None:
        """Fill an empty sorted set from (member, score) pairs in any order; of equal members the last counts."""
        self.scores = {member: score + 0.0 for member, score in pairs}
        ordered = sorted((score, member) for member, score in self.scores.items())
        self.order = SortedList(ordered) if len(ordered) > FEW else ordered
        self.longest = max(map(len, self.scores), default=0)
        self.nbytes += sum(map(len, self.scores)) + MEMBER_COST * len(self.scores)

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────
    def __len__(self) -> int:
        return len(self.scores)

    def __contains__(self, member: bytes) -> bool:
        return member in self.scores

    def __iter__(self) -> Iterator[Pair]:
        """The pairs (score, member) in order."""
        return iter(self.order)

    def score(self, member: bytes) -> float | None:
        """The score of member, or None."""
        return self.scores.get(member)

    def rank(self, member: bytes) -> int | None:
        """The place of member in order, from 0, or None."""
        score = self.scores.get(member)
        return None if score is None else self._place((score, member))

    def slice(self, start: int, stop: int) -> list[Pair]:
        """The pairs with start <= rank < stop, in order."""
        return self.order[start:stop] if start < stop else []

    def backwards(self, start: int, stop: int) -> list[Pair]:
        """The pairs with start <= rank < stop, the last first."""
        pairs = self.slice(start, stop)
        pairs.reverse()
        return pairs

    def score_span(self, low: float, low_open: bool, high: float, high_open: bool) -> tuple[int, int]:
        """The ranks of the members with scores from low to high, either end excluded when open."""
        return self._below(low, low_open), self._below(high, not high_open)

    def lex_span(self, low: LexBound, high: LexBound, reverse: bool = False, skip: int = 0) -> tuple[int, int]:
        """The ranks of the members from low to high by bytes, where scores are equal; skip leaves out some first ones.

        With different scores Redis promises nothing; here it is what its small encoding gives: from the first member
        that fits one end, skip more, and on to the first that does not fit the other end.
        """
        order = self.order
        if not order or not low.allows_from(order[-1][1]) or not high.allows_until(order[0][1]):
            return 0, 0
        if order[0][0] != order[-1][0]:
            return self._lex_scan(low, high, reverse, skip)
        score = order[0][0]
        start = 0 if low.infinite else self._place((score, low.member + b"\0" if low.open else low.member))
        stop = len(order) if high.infinite else self._place((score, high.member if high.open else high.member + b"\0"))
        return (start, stop - skip) if reverse else (start + skip, stop)

    def _lex_scan(self, low: LexBound, high: LexBound, reverse: bool, skip: int) -> tuple[int, int]:
        order, size, step = self.order, len(self.order), -1 if reverse else 1
        begins, goes_on = (high.allows_until, low.allows_from) if reverse else (low.allows_from, high.allows_until)
        first = next(place for place in range(size)[::step] if begins(order[place][1]))
        if not goes_on(order[first][1]):
            return 0, 0
        start = stop = first + step * skip
        while 0 <= stop < size and goes_on(order[stop][1]):
            stop += step
        return (stop + 1, start + 1) if reverse else (start, stop)

    def _place(self, pair: tuple[object, ...]) -> int:
        """How many pairs are less than pair."""
        order = self.order
        return bisect_left(order, pair) if type(order) is list else order.bisect_left(pair)

    def _below(self, score: float, inclusive: bool) -> int:
        """How many members have a score below the given one, or up to it when inclusive."""
        if not inclusive:
            return self._place((score,))  # a shorter tuple comes before every pair with this score
        return len(self.scores) if score == math.inf else self._place((math.nextafter(score, math.inf),))

    def indexed(self) -> MemberIndex:
        """The members with places, for cursors; made on first use and kept up from then on."""
        if self.index is None:
            self.index = MemberIndex(self.scores)
        return self.index

    # ── changing: apply functions only ─────────────────────────────────────────────────────────────────────────────
    def add(self, member: bytes, score: float) -> bool:
        """Give member the score; True if it is new."""
        score += 0.0  # turns -0.0 into 0.0
        scores, order = self.scores, self.order
        old = scores.get(member)
        if old is not None:
            if old == score:
                return False
            self._take((old, member))
        else:
            self._joins(member)
        scores[member] = score
        if type(order) is list:
            insort(order, (score, member))
            if len(order) > FEW:
                self.order = SortedList(order)
        else:
            order.add((score, member))
        return old is None

    def remove(self, member: bytes) -> bool:
        """Take member out; True if it was there."""
        score = self.scores.pop(member, None)
        if score is None:
            return False
        self._take((score, member))
        self._left(member)
        return True

    def remove_span(self, start: int, stop: int) -> list[Pair]:
        """Take out the pairs with start <= rank < stop and return them in order."""
        gone = self.slice(start, stop)
        if gone:
            del self.order[start:stop]
            for _, member in gone:
                del self.scores[member]
                self._left(member)
        return gone

    def _take(self, pair: Pair) -> None:
        order = self.order
        if type(order) is list:
            del order[bisect_left(order, pair)]
        else:
            order.remove(pair)

    def _joins(self, member: bytes) -> None:
        size = len(member)
        self.nbytes += MEMBER_COST + size
        if size > self.longest:
            self.longest = size
        if self.index is not None:
            self.index.add(member)

    def _left(self, member: bytes) -> None:
        self.nbytes -= MEMBER_COST + len(member)
        if self.index is not None:
            self.index.discard(member)

    # ── what every value offers ────────────────────────────────────────────────────────────────────────────────────
    def outgrown(self, limits: Limits) -> bool:
        """Tell whether there are more or longer members than `zset-max-listpack-*` allows."""
        return len(self.scores) > limits.zset_max_listpack_entries or self.longest > limits.zset_max_listpack_value

    def encoding(self) -> str:
        """The name that OBJECT ENCODING answers."""
        return "listpack" if self.compact else "skiplist"

    def drop(self, count: int) -> bool:
        """Free up to count members of a value nobody refers to any more; True when nothing is left."""
        for _, member in self.order[-count:]:
            del self.scores[member]
        del self.order[-count:]
        if self.index is not None:
            self.index.drop(count)
        return not self.scores

    def copy(self) -> SortedSet:
        """An independent copy."""
        twin = SortedSet(self.scores.items())
        twin.compact, twin.longest = self.compact, self.longest
        return twin

    def _check(self) -> None:
        pairs = list(self.order)
        assert pairs == sorted(pairs)
        assert {member: score for score, member in pairs} == self.scores
        assert len(pairs) == len(self.scores)
        assert not any(math.isnan(score) for score in self.scores.values())
        assert type(self.order) is SortedList or len(self.order) <= FEW
        assert self.nbytes == 64 + sum(map(len, self.scores)) + MEMBER_COST * len(self.scores)
        assert self.longest >= max(map(len, self.scores), default=0)
        if self.index is not None:
            self.index._check(self.scores)
