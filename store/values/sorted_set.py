"""The sorted set: members with scores, found by member, by score, by bytes and by rank.

Law: `order` holds exactly the pairs (score, member) of `scores`, ascending by score and then by the members' bytes, so
that a rank is a place in it and every range (of scores, of members, of ranks) is a slice. -0.0 is stored as 0.0; nan
never gets in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from store.values.base import Limits, Value
from store.values.index import MemberIndex
from store.values.ranking import Pair, Ranking

MEMBER_COST = 116
"""Bytes a member costs beside its name: table slot, score, place in the ranking, object header (CPython 3.11, measured)."""
EMPTY_COST = 640
"""Bytes a sorted set costs without its members."""


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
    kind = "zset"

    def __init__(self, pairs: Iterable[tuple[bytes, float]] = ()) -> None:
        super().__init__()
        self.nbytes = EMPTY_COST
        self.scores: dict[bytes, float] = {}
        self.order = Ranking()
        self.longest = 0  # bytes of the longest member there ever was
        self.index: MemberIndex | None = None  # for cursors, made by the first scan of a big set
        self.load(pairs)

    def load(self, pairs: Iterable[tuple[bytes, float]]) -> None:
        """Fill an empty sorted set from (member, score) pairs in any order; of equal members the last counts."""
        self.scores = {member: score + 0.0 for member, score in pairs}
        self.order = Ranking(sorted((score, member) for member, score in self.scores.items()))
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
        return None if score is None else self.order.place(score, member)

    def slice(self, start: int, stop: int) -> list[Pair]:
        """The pairs with start <= rank < stop, in order."""
        return self.order.slice(start, stop)

    def backwards(self, start: int, stop: int) -> list[Pair]:
        """The pairs with start <= rank < stop, the last first."""
        pairs = self.slice(start, stop)
        pairs.reverse()
        return pairs

    def score_span(self, low: float, low_open: bool, high: float, high_open: bool) -> tuple[int, int]:
        """The ranks of the members with scores from low to high, either end excluded when open."""
        return self.order.below(low, low_open), self.order.below(high, not high_open)

    def lex_span(self, low: LexBound, high: LexBound, reverse: bool = False, skip: int = 0) -> tuple[int, int]:
        """The ranks of the members from low to high by bytes, where scores are equal; skip leaves out some first ones.

        With different scores Redis promises nothing; here it is what its small encoding gives: from the first member
        that fits one end, skip more, and on to the first that does not fit the other end.
        """
        size = len(self.order)
        if not size:
            return 0, 0
        (lowest, first), (highest, last) = self.order.at(0), self.order.at(size - 1)
        if not low.allows_from(last) or not high.allows_until(first):
            return 0, 0
        if lowest != highest:
            return self._lex_scan(low, high, reverse, skip)
        start = 0 if low.infinite else self.order.place(lowest, low.member + b"\0" if low.open else low.member)
        stop = size if high.infinite else self.order.place(lowest, high.member if high.open else high.member + b"\0")
        return (start, stop - skip) if reverse else (start + skip, stop)

    def _lex_scan(self, low: LexBound, high: LexBound, reverse: bool, skip: int) -> tuple[int, int]:
        members = [member for _, member in self.order]
        size, step = len(members), -1 if reverse else 1
        begins, goes_on = (high.allows_until, low.allows_from) if reverse else (low.allows_from, high.allows_until)
        first = next(place for place in range(size)[::step] if begins(members[place]))
        if not goes_on(members[first]):
            return 0, 0
        start = stop = first + step * skip
        while 0 <= stop < size and goes_on(members[stop]):
            stop += step
        return (stop + 1, start + 1) if reverse else (start, stop)

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
        if old is None:
            self._joins(member)
        elif old == score:
            return False
        else:
            order.remove(old, member)
        scores[member] = score
        order.add(score, member)
        return old is None

    def remove(self, member: bytes) -> bool:
        """Take member out; True if it was there."""
        score = self.scores.pop(member, None)
        if score is None:
            return False
        self.order.remove(score, member)
        self._left(member)
        return True

    def remove_span(self, start: int, stop: int) -> list[Pair]:
        """Take out the pairs with start <= rank < stop and return them in order."""
        gone = self.slice(start, stop)
        if gone:
            self.order.cut(start, stop)
            for _, member in gone:
                del self.scores[member]
                self._left(member)
        return gone

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
        size = len(self.order)
        for _, member in self.order.slice(max(size - count, 0), size):
            del self.scores[member]
        self.order.cut(max(size - count, 0), size)
        if self.index is not None:
            self.index.drop(count)
        return not self.scores

    def copy(self) -> SortedSet:
        """An independent copy."""
        twin = SortedSet(self.scores.items())
        twin.compact, twin.longest = self.compact, self.longest
        return twin

    def _check(self) -> None:
        self.order._check()
        assert {member: score for score, member in self.order} == self.scores
        assert len(self.order) == len(self.scores)
        assert not any(math.isnan(score) for score in self.scores.values())
        assert self.nbytes == EMPTY_COST + sum(map(len, self.scores)) + MEMBER_COST * len(self.scores)
        assert self.longest >= max(map(len, self.scores), default=0)
        if self.index is not None:
            self.index._check(self.scores)
