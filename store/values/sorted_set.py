"""The sorted set: members with scores, found by member, by score, by bytes and by rank.

While it is small its pairs lie in a block (see `packed_scores`); with more than MOST_PAIRS, or a member that is too long for a
block, they go over to a table, and never back. `encoding` has nothing to do with it: that tells what Redis would have.

Law: the pairs (score, member) are kept ascending by score and then by the members' bytes, so that a rank is a place among
them and every range (of scores, of members, of ranks) is a slice. A table's `order` holds exactly the pairs of its `scores`.
-0.0 is stored as 0.0; nan never gets in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from store.values.base import Limits
from store.values.index import MemberIndex
from store.values.packed import MOST_BYTES
from store.values.packed_scores import MOST_MEMBER, PackedScores
from store.values.ranking import Pair, Ranking, in_order

MOST_PAIRS = 128
MEMBER_COST = 116
"""Bytes a member costs in a table beside its name: slot, score, place in the ranking, object header (CPython 3.11, measured)."""
TABLE_COST = 640
"""Bytes that a sorted set with a table costs without its members."""


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


class ScoreTable:
    """The members of a big sorted set. `longest`: bytes of the longest member there ever was; `index`: for cursors."""

    __slots__ = ("index", "longest", "order", "scores")

    def __init__(self, scores: dict[bytes, float], order: Ranking, longest: int) -> None:
        self.scores = scores
        self.order = order
        self.longest = longest
        self.index: MemberIndex | None = None


class SortedSet(PackedScores):
    """Members with scores. Ranks count from 0; spans are (start, stop) as of a slice, empty when start >= stop.

    `table`: None while the pairs are in the block.
    """

    __slots__ = ()
    kind = "zset"

    def __init__(self, pairs: Iterable[tuple[bytes, float]] = ()) -> None:
        super().__init__()
        self.table: ScoreTable | None = None
        if pairs:
            self.load(pairs)

    def load(self, pairs: Iterable[tuple[bytes, float]]) -> None:
        """Fill an empty sorted set from (member, score) pairs in any order; of equal members the last counts."""
        scores = {member: score + 0.0 for member, score in pairs}
        ordered, members = in_order(scores)
        size, longest = sum(map(len, members)), max(map(len, members), default=0)
        if len(members) <= MOST_PAIRS and longest <= MOST_MEMBER and 9 * len(members) + size <= MOST_BYTES:
            for score, member in zip(ordered, members, strict=True):
                self._put(self.used, score, member)
            self.longest = longest
        else:
            self._use_table(ScoreTable(scores, Ranking(ordered, members), longest))

    def _use_table(self, table: ScoreTable) -> None:
        self._release()
        self.table = table
        self.nbytes = TABLE_COST + sum(map(len, table.scores)) + MEMBER_COST * len(table.scores)

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────
    def __len__(self) -> int:
        return self.size()

    def size(self) -> int:
        """How many members there are."""
        table = self.table
        return self.count if table is None else len(table.scores)

    def __contains__(self, member: bytes) -> bool:
        return self.score(member) is not None

    def __iter__(self) -> Iterator[Pair]:
        """The pairs (score, member) in order; nothing may change meanwhile."""
        return iter(self._pairs(0, self.count) if self.table is None else self.table.order)

    def score(self, member: bytes) -> float | None:
        """The score of member, or None."""
        table = self.table
        if table is not None:
            return table.scores.get(member)
        place = self._where(member)
        return None if place < 0 else self._score(place)

    def scores(self) -> dict[bytes, float]:
        """The members with their scores, in no order, to be read only: the sorted set's own if it has a table."""
        if self.table is not None:
            return self.table.scores
        return {member: score for score, member in self._pairs(0, self.count)}

    def rank(self, member: bytes) -> int | None:
        """The place of member in order, from 0, or None."""
        if self.table is None:
            place = self._where(member)
            return None if place < 0 else self._rank(place)
        score = self.table.scores.get(member)
        return None if score is None else self.table.order.place(score, member)

    def at(self, rank: int) -> Pair:
        """The pair with a rank."""
        return self._pairs(rank, rank + 1)[0] if self.table is None else self.table.order.at(rank)

    def slice(self, start: int, stop: int) -> list[Pair]:
        """The pairs with start <= rank < stop, in order."""
        table = self.table
        return self._pairs(start, stop) if table is None else table.order.slice(start, stop)

    def backwards(self, start: int, stop: int) -> list[Pair]:
        """The pairs with start <= rank < stop, the last first."""
        pairs = self.slice(start, stop)
        pairs.reverse()
        return pairs

    def score_span(self, low: float, low_open: bool, high: float, high_open: bool) -> tuple[int, int]:
        """The ranks of the members with scores from low to high, either end excluded when open."""
        if self.table is None:
            return self._rank(self._seek(low, b"", low_open)), self._rank(self._seek(high, b"", not high_open))
        order = self.table.order
        return order.below(low, low_open), order.below(high, not high_open)

    def _below(self, score: float, member: bytes) -> int:
        """How many pairs are less than (score, member)."""
        if self.table is None:
            return self._rank(self._seek(score, member, False))
        return self.table.order.place(score, member)

    def lex_span(self, low: LexBound, high: LexBound, reverse: bool = False, skip: int = 0) -> tuple[int, int]:
        """The ranks of the members from low to high by bytes, where scores are equal; skip leaves out some first ones.

        With different scores Redis promises nothing; here it is what its small encoding gives: from the first member
        that fits one end, skip more, and on to the first that does not fit the other end.
        """
        size = len(self)
        if not size:
            return 0, 0
        (lowest, first), (highest, last) = self.at(0), self.at(size - 1)
        if not low.allows_from(last) or not high.allows_until(first):
            return 0, 0
        if lowest != highest:
            return self._lex_scan(low, high, reverse, skip)
        start = 0 if low.infinite else self._below(lowest, low.member + b"\0" if low.open else low.member)
        stop = size if high.infinite else self._below(lowest, high.member if high.open else high.member + b"\0")
        return (start, stop - skip) if reverse else (start + skip, stop)

    def _lex_scan(self, low: LexBound, high: LexBound, reverse: bool, skip: int) -> tuple[int, int]:
        members = [member for _, member in self]
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
        """The members of a table with places, for cursors; made on first use and kept up from then on."""
        table = self.table
        if table is None:
            raise TypeError("a sorted set without a table has no index: what it has is few enough")
        if table.index is None:
            table.index = MemberIndex(table.scores)
        return table.index

    # ── changing: apply functions only ─────────────────────────────────────────────────────────────────────────────
    def add(self, member: bytes, score: float) -> bool:
        """Give member the score; True if it is new."""
        score += 0.0  # turns -0.0 into 0.0
        table = self.table
        if table is None:
            place = self._where(member)
            if place >= 0:
                self._move(place, member, score)
                return False
            if self.count < MOST_PAIRS and len(member) <= MOST_MEMBER and self._fits(1, 8 + len(member)):
                self._put(self._seek(score, member, False), score, member)
                if len(member) > self.longest:
                    self.longest = len(member)
                return True
            table = ScoreTable(self.scores(), Ranking(*in_order(self.scores())), self.longest)
            self._use_table(table)
        return self._add(table, member, score)

    def _move(self, place: int, member: bytes, score: float) -> None:
        """Give the member at a place of the block the score."""
        if self._score(place) != score:
            self._delete(place, 1)
            self._put(self._seek(score, member, False), score, member)

    def _add(self, table: ScoreTable, member: bytes, score: float) -> bool:
        scores, order = table.scores, table.order
        old = scores.get(member)
        if old is None:
            self._joins(table, member)
        elif old == score:
            return False
        else:
            order.remove(old, member)
        scores[member] = score
        order.add(score, member)
        return old is None

    def remove(self, member: bytes) -> bool:
        """Take member out; True if it was there."""
        table = self.table
        if table is None:
            place = self._where(member)
            if place >= 0:
                self._delete(place, 1)
            return place >= 0
        score = table.scores.pop(member, None)
        if score is None:
            return False
        table.order.remove(score, member)
        self._left(table, member)
        return True

    def remove_span(self, start: int, stop: int) -> list[Pair]:
        """Take out the pairs with start <= rank < stop and return them in order."""
        gone = self.slice(start, stop)
        table = self.table
        if gone and table is None:
            self._delete(self._locate(start), len(gone))
        elif gone and table is not None:
            table.order.cut(start, stop)
            for _, member in gone:
                del table.scores[member]
                self._left(table, member)
        return gone

    def _joins(self, table: ScoreTable, member: bytes) -> None:
        size = len(member)
        self.nbytes += MEMBER_COST + size
        if size > table.longest:
            table.longest = size
        if table.index is not None:
            table.index.add(member)

    def _left(self, table: ScoreTable, member: bytes) -> None:
        self.nbytes -= MEMBER_COST + len(member)
        if table.index is not None:
            table.index.discard(member)

    # ── what every value offers ────────────────────────────────────────────────────────────────────────────────────
    def outgrown(self, limits: Limits) -> bool:
        """Tell whether there are more or longer members than `zset-max-listpack-*` allows."""
        longest = self.longest if self.table is None else self.table.longest
        return longest > limits.zset_max_listpack_value or len(self) > limits.zset_max_listpack_entries

    def encoding(self) -> str:
        """The name that OBJECT ENCODING answers."""
        return "listpack" if self.compact else "skiplist"

    def drop(self, count: int) -> bool:
        """Free up to count members (all that are in a block) of a value nobody refers to; True when nothing is left."""
        table = self.table
        if table is None:
            self._release()
            return True
        size = len(table.order)
        for _, member in table.order.slice(max(size - count, 0), size):
            del table.scores[member]
        table.order.cut(max(size - count, 0), size)
        if table.index is not None:
            table.index.drop(count)
        return not table.scores

    def copy(self) -> SortedSet:
        """An independent copy in the same encoding, without an index."""
        twin = SortedSet()
        twin._take_over(self)
        if self.table is not None:
            twin.table = ScoreTable(self.table.scores.copy(), self.table.order.copy(), self.table.longest)
        return twin

    def _check(self) -> None:
        self.check_packed()
        scores = self.scores()
        pairs = list(self)
        assert pairs == sorted((score, member) for member, score in scores.items())
        assert len(pairs) == len(self)
        assert not any(math.isnan(score) for score, _ in pairs)
        longest = max(map(len, scores), default=0)
        if self.table is None:
            assert self.count <= MOST_PAIRS
            assert self.longest >= longest
            return
        assert self.count == 0
        self.table.order._check()
        assert len(self.table.order) == len(scores)
        assert self.nbytes == TABLE_COST + sum(map(len, scores)) + MEMBER_COST * len(scores)
        assert self.table.longest >= longest
        if self.table.index is not None:
            self.table.index._check(scores)
