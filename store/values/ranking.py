"""Pairs (score, member) in order, found by value and by rank in O(log n), at half the memory of one sorted list of tuples.

The pairs lie in chunks of up to 2 * LOAD: an array of scores beside a list of members. A search goes through the chunks' last
pairs, then through one array of doubles: few objects are touched, so a search among a million misses the cache a few times
only. How many pairs lie before a chunk is kept in a binary indexed tree (Fenwick 1994), made when a rank is first asked for.

Law: chunks are never empty, and `_last[k]` is the last pair of chunk k; `_tree` is None or right.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

Pair = tuple[float, bytes]
LOAD = 512


def in_order(scores: dict[bytes, float]) -> tuple[list[float], list[bytes]]:
    """The scores in ascending order, and their members, those with equal scores by their bytes.

    Sorted by the score alone first: a tuple for each pair would take three times as long.
    """
    members = sorted(scores, key=scores.__getitem__)
    ordered = [scores[member] for member in members]
    start, size = 0, len(members)
    while start < size:
        score, stop = ordered[start], start + 1
        while stop < size and ordered[stop] == score:
            stop += 1
        if stop - start > 1:
            members[start:stop] = sorted(members[start:stop])
        start = stop
    return ordered, members


class Ranking:
    """Pairs in ascending order, each once. Scores are floats but never nan; members are bytes."""

    __slots__ = ("_last", "_members", "_scores", "_size", "_tree")

    def __init__(self, scores: Sequence[float] = (), members: Sequence[bytes] = ()) -> None:
        """Take pairs that are in order already, each a score and the member at the same place: O(n)."""
        starts = range(0, len(members), LOAD)
        self._scores = [array("d", scores[start : start + LOAD]) for start in starts]
        self._members = [list(members[start : start + LOAD]) for start in starts]
        self._last: list[Pair] = [(known[-1], names[-1]) for known, names in zip(self._scores, self._members, strict=True)]
        self._size = len(members)
        self._tree: list[int] | None = None

    def copy(self) -> Ranking:
        """An independent copy."""
        twin = Ranking()
        twin._scores = [scores[:] for scores in self._scores]
        twin._members = [members[:] for members in self._members]
        twin._last, twin._size = self._last[:], self._size
        return twin

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Pair]:
        for scores, members in zip(self._scores, self._members, strict=True):
            yield from zip(scores, members, strict=True)

    # ── changing ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def add(self, score: float, member: bytes) -> None:
        """Put a pair in; it must not be there yet."""
        pair = (score, member)
        last = self._last
        chunk = bisect_left(last, pair)
        self._size += 1
        if chunk < len(last):
            place = self._within(chunk, score, member)
            self._scores[chunk].insert(place, score)
            self._members[chunk].insert(place, member)
        elif last:
            chunk -= 1
            self._scores[chunk].append(score)
            self._members[chunk].append(member)
            last[chunk] = pair
        else:
            self._scores, self._members, self._last, self._tree = [array("d", [score])], [[member]], [pair], None
            return
        if self._tree is not None:
            self._count(chunk, 1)
        if len(self._members[chunk]) > 2 * LOAD:
            self._split(chunk)

    def remove(self, score: float, member: bytes) -> None:
        """Take a pair out; it must be there."""
        chunk = bisect_left(self._last, (score, member))
        place = self._within(chunk, score, member)
        self._size -= 1
        if self._tree is not None:
            self._count(chunk, -1)
        self._delete(chunk, place, place + 1)

    def cut(self, start: int, stop: int) -> None:
        """Take out the pairs with start <= rank < stop."""
        stop = min(stop, self._size)
        while start < stop:
            chunk, place = self._find(stop - 1)
            first = max(0, place + 1 - (stop - start))
            gone = place + 1 - first
            stop -= gone
            self._size -= gone
            self._tree = None
            self._delete(chunk, first, place + 1)

    def _delete(self, chunk: int, start: int, stop: int) -> None:
        scores, members = self._scores[chunk], self._members[chunk]
        del scores[start:stop]
        del members[start:stop]
        if not members:
            del self._scores[chunk], self._members[chunk], self._last[chunk]
            self._tree = None
            return
        if start == len(members):
            self._last[chunk] = (scores[-1], members[-1])
        if len(members) < LOAD // 4 and len(self._last) > 1:
            self._merge(max(chunk - 1, 0))

    def _split(self, chunk: int) -> None:
        scores, members = self._scores[chunk], self._members[chunk]
        middle = len(members) // 2
        self._scores[chunk : chunk + 1] = [scores[:middle], scores[middle:]]
        self._members[chunk : chunk + 1] = [members[:middle], members[middle:]]
        self._last.insert(chunk, (scores[middle - 1], members[middle - 1]))
        self._tree = None

    def _merge(self, chunk: int) -> None:
        """Join a chunk with the next one."""
        self._scores[chunk].extend(self._scores.pop(chunk + 1))
        self._members[chunk].extend(self._members.pop(chunk + 1))
        del self._last[chunk]
        self._tree = None
        if len(self._members[chunk]) > 2 * LOAD:
            self._split(chunk)

    # ── searching ────────────────────────────────────────────────────────────────────────────────────────────────────
    def place(self, score: float, member: bytes) -> int:
        """How many pairs are less than (score, member)."""
        chunk = bisect_left(self._last, (score, member))
        if chunk == len(self._last):
            return self._size
        return self._before(chunk) + self._within(chunk, score, member)

    def below(self, score: float, inclusive: bool) -> int:
        """How many pairs have a score less than the given one, or up to it when inclusive."""
        if inclusive and score == math.inf:
            return self._size
        # A tuple of the score alone comes before every pair with this score.
        bound: tuple[float] = (math.nextafter(score, math.inf) if inclusive else score,)
        chunk = bisect_left(self._last, bound)
        if chunk == len(self._last):
            return self._size
        return self._before(chunk) + bisect_left(self._scores[chunk], bound[0])

    def _within(self, chunk: int, score: float, member: bytes) -> int:
        """How many pairs of a chunk are less than (score, member)."""
        scores, members = self._scores[chunk], self._members[chunk]
        if scores[0] == scores[-1] == score:
            return bisect_left(members, member)
        place = bisect_left(scores, score)
        if place == len(scores) or scores[place] != score or members[place] >= member:
            return place
        return bisect_left(members, member, place + 1, bisect_right(scores, score, place))

    def at(self, rank: int) -> Pair:
        """The pair at a rank, 0 <= rank < len."""
        chunk, place = self._find(rank)
        return self._scores[chunk][place], self._members[chunk][place]

    def slice(self, start: int, stop: int) -> list[Pair]:
        """The pairs with start <= rank < stop."""
        stop = min(stop, self._size)
        if start >= stop:
            return []
        chunk, place = self._find(start)
        pairs: list[Pair] = []
        while (left := stop - start - len(pairs)) > 0:
            part = slice(place, place + left)
            pairs += zip(self._scores[chunk][part], self._members[chunk][part], strict=True)
            chunk, place = chunk + 1, 0
        return pairs

    # ── ranks ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def _indexed(self) -> list[int]:
        """The tree: entry k (from 1) counts the pairs of chunks k - (k & -k) to k - 1."""
        tree = self._tree
        if tree is None:
            tree = self._tree = [0, *map(len, self._members)]
            for node in range(1, len(tree)):
                parent = node + (node & -node)
                if parent < len(tree):
                    tree[parent] += tree[node]
        return tree

    def _count(self, chunk: int, change: int) -> None:
        tree, node = self._indexed(), chunk + 1
        while node < len(tree):
            tree[node] += change
            node += node & -node

    def _before(self, chunk: int) -> int:
        """How many pairs lie in the chunks before this one."""
        if chunk == 0:
            return 0
        tree, count = self._indexed(), 0
        while chunk:
            count += tree[chunk]
            chunk &= chunk - 1
        return count

    def _find(self, rank: int) -> tuple[int, int]:
        """The chunk and place of a rank, 0 <= rank < len; at either end without the tree."""
        if rank < len(self._members[0]):
            return 0, rank
        tail = len(self._members[-1])
        if rank >= self._size - tail:
            return len(self._members) - 1, rank - (self._size - tail)
        tree = self._indexed()
        chunk, step = 0, 1 << len(tree).bit_length() - 1
        while step:
            if chunk + step < len(tree) and tree[chunk + step] <= rank:
                chunk += step
                rank -= tree[chunk]
            step >>= 1
        return chunk, rank

    def _check(self) -> None:
        sizes = [len(members) for members in self._members]
        assert sum(sizes) == self._size
        assert all(0 < size <= 2 * LOAD for size in sizes)
        assert [len(scores) for scores in self._scores] == sizes
        assert self._last == [(s[-1], m[-1]) for s, m in zip(self._scores, self._members, strict=True)]
        pairs = list(self)
        assert pairs == sorted(set(pairs))
        if self._tree is not None:
            kept, self._tree = self._tree, None
            assert kept == self._indexed()
