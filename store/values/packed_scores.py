"""Pairs (score, member) in a block, in ascending order: what a small sorted set is kept in.

    item = length score(8 bytes, a double) member           (see packed)

Law: as of `packed`; a member has up to MOST_MEMBER bytes. Scores are never nan.
"""

from __future__ import annotations

import struct

from store.values.packed import Packed

MOST_MEMBER = 247
_DOUBLE = struct.Struct("d")
_SCORE = _DOUBLE.size


class PackedScores(Packed):
    """Pairs in a block; who puts one in finds its place first."""

    __slots__ = ()

    def _where(self, member: bytes) -> int:
        """The place of a member, -1 if it is not there."""
        for place, item in enumerate(self._list):
            if item[_SCORE:] == member:
                return place
        return -1

    def _score(self, place: int) -> float:
        """The score at a place."""
        score: float = _DOUBLE.unpack_from(self._list[place])[0]
        return score

    def _seek(self, score: float, member: bytes, after: bool) -> int:
        """The place of the first pair that is not less than (score, member), or with `after` whose score is higher."""
        for place, item in enumerate(self._list):
            here = self._score(place)
            if here > score or (here == score and not after and item[_SCORE:] >= member):
                return place
        return self.count

    def _rank(self, place: int) -> int:
        """How many pairs there are before a place."""
        return place

    def _pairs(self, first: int, stop: int) -> list[tuple[float, bytes]]:
        """The pairs with first (not below 0) <= number < stop."""
        return [(_DOUBLE.unpack_from(item)[0], item[_SCORE:]) for item in self._list[first : max(first, stop)]]

    def _put(self, place: int, score: float, member: bytes) -> None:
        """Put a pair, which fits, before the one at a place."""
        if len(member) > MOST_MEMBER:
            raise ValueError("a member takes 247 bytes at most")
        self._splice(place, 0, [_DOUBLE.pack(score) + member])
