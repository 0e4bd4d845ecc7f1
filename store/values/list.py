"""The list: byte strings in order, quick at both ends.

While it is small its members lie in a block (see `packed`); with more than MOST_MEMBERS, or one that is too long for a block, they
go over to chunks (see `chunks`), and never back.

Law: either form has the same members in the same order. A pair (chunk, place) from `positions` is good until the next change; of
a block the chunk is 0 and the place the position.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from store.values.chunks import Chunks
from store.values.packed import MOST_ITEM, Packed

MOST_MEMBERS = 64
"""A block's members become bytes anew for each reply, 16 ns each: what a range of a short list may cost more than in chunks."""


class List(Packed):
    """A list of byte strings. Positions count from 0; methods expect them in range, commands see to that.

    `table`: None while the members are in the block.
    """

    __slots__ = ()
    kind = "list"

    def __init__(self, members: Iterable[bytes] = ()) -> None:
        super().__init__()
        self.table: Chunks | None = None
        self.compact = False  # Redis 7.0 reports one encoding for every list, so there is nothing to outgrow
        if members:
            self._load(members if isinstance(members, list) else list(members))

    def _load(self, members: list[bytes]) -> None:
        if self._holds(members):
            self._fill(members)
        else:
            self.table = Chunks(members)
            self.nbytes = self.table.nbytes

    def _holds(self, members: Sequence[bytes]) -> bool:
        """Tell whether the block has room for more members."""
        if self.count + len(members) > MOST_MEMBERS:
            return False
        return max(map(len, members), default=0) <= MOST_ITEM and self._fits(len(members), sum(map(len, members)))

    def _use_chunks(self) -> Chunks:
        """Return the chunks; without any, make them of the block."""
        chunks = self.table
        if chunks is None:
            chunks = Chunks(self._items(0, self.count))
            self._release()
            self.table = chunks
        return chunks

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────
    def __len__(self) -> int:
        return self.size()

    def size(self) -> int:
        """How many members there are."""
        chunks = self.table
        return self.count if chunks is None else chunks.length

    def __contains__(self, member: bytes) -> bool:
        return self._find(member, 1) >= 0 if self.table is None else member in self.table

    def __iter__(self) -> Iterator[bytes]:
        """The members; nothing may change meanwhile."""
        return iter(self._items(0, self.count) if self.table is None else self.table)

    def __reversed__(self) -> Iterator[bytes]:
        return reversed(self._items(0, self.count) if self.table is None else self.table)

    def __getitem__(self, position: int) -> bytes:
        return self._item(self._locate(position)) if self.table is None else self.table[position]

    def span(self, start: int, stop: int) -> list[bytes]:
        """The members at start ≤ position < stop, both within the list, as a new list."""
        chunks = self.table
        return self._items(start, stop) if chunks is None else chunks.span(start, stop)

    def positions(self, member: bytes, reverse: bool = False, limit: int = 0) -> Iterator[tuple[int, int, int]]:
        """Yield (position, chunk, place) of each member equal to the one given, from the left or from the right.

        With a limit > 0 only the first (in reverse: last) so many members of the list are compared.
        """
        if self.table is not None:
            return self.table.positions(member, reverse, limit)
        places = self._places(member)
        if reverse:
            least = self.count - limit if limit else 0
            return iter([(place, 0, place) for place in reversed(places) if place >= least])
        return iter([(place, 0, place) for place in places if place < (limit or self.count)])

    def _places(self, member: bytes) -> list[int]:
        """The positions of a member in the block."""
        return [place for place, other in enumerate(self._items(0, self.count)) if other == member]

    def sizes(self) -> list[int]:
        """How many members each chunk has; a block counts as one."""
        return [self.count] if self.table is None else [len(chunk) for chunk in self.table.chunks]

    # ── changing: apply functions only ─────────────────────────────────────────────────────────────────────────────
    def push_right(self, members: Sequence[bytes]) -> None:
        """Append members in the order given."""
        chunks = self.table
        if chunks is None and self._holds(members):
            for member in members:
                self._append(member)
            return
        if chunks is None:
            chunks = self._use_chunks()
        chunks.push_right(members)
        self.nbytes = chunks.nbytes

    def push_left(self, members: Sequence[bytes]) -> None:
        """Put members before the first, one after the other: the last one given becomes the first of the list."""
        chunks = self.table
        if chunks is None and self._holds(members):
            for member in members:
                self._insert(0, member)
            return
        if chunks is None:
            chunks = self._use_chunks()
        chunks.push_left(members)
        self.nbytes = chunks.nbytes

    def pop_left(self, count: int = 1) -> list[bytes]:
        """Take up to count members from the left; return them from left to right."""
        chunks = self.table
        if chunks is None:
            taken = self._items(0, count)
            self._delete(0, len(taken))
            return taken
        taken = chunks.pop_left(count)
        self.nbytes = chunks.nbytes
        return taken

    def pop_right(self, count: int = 1) -> list[bytes]:
        """Take up to count members from the right; return them in the order taken, from right to left."""
        chunks = self.table
        if chunks is None:
            start = max(self.count - count, 0)
            taken = self._items(start, self.count)
            self._delete(self._locate(start), len(taken))
            taken.reverse()
            return taken
        taken = chunks.pop_right(count)
        self.nbytes = chunks.nbytes
        return taken

    def replace(self, position: int, member: bytes) -> None:
        """Put member in the place of the one at position."""
        if self.table is None and len(member) <= MOST_ITEM and self._fits(1, len(member)):
            self._replace(self._locate(position), 0, member)
            return
        chunks = self._use_chunks()
        chunks.replace(position, member)
        self.nbytes = chunks.nbytes

    def insert(self, number: int, place: int, member: bytes) -> None:
        """Put member into a chunk before place (up to its length)."""
        if self.table is None and self._holds((member,)):
            self._insert(self._locate(place), member)
            return
        if self.table is None:
            chunks = self._use_chunks()
            if place == chunks.length:
                chunks.push_right((member,))
            else:
                chunks.insert(*chunks.locate(place), member)
        else:
            chunks = self.table
            chunks.insert(number, place, member)
        self.nbytes = chunks.nbytes

    def remove(self, member: bytes, count: int) -> int:
        """Take out members equal to the one given, return how many: the first count, the last -count, or all with 0."""
        if self.table is not None:
            removed = self.table.remove(member, count)
            self.nbytes = self.table.nbytes
            return removed
        places = self._places(member)
        gone = places[:count] if count > 0 else places[count:]
        for place in reversed(gone):
            self._delete(self._locate(place), 1)
        return len(gone)

    def trim(self, start: int, stop: int) -> None:
        """Keep the members at start ≤ position < stop only; nothing stays when start ≥ stop."""
        if self.table is not None:
            self.table.trim(start, stop)
            self.nbytes = self.table.nbytes
        elif start >= stop:
            self._release()
        else:
            self.pop_right(self.count - stop)
            self.pop_left(start)

    # ── what every value offers ────────────────────────────────────────────────────────────────────────────────────
    def encoding(self) -> str:
        """`quicklist`, as every list of Redis 7.0."""
        return "quicklist"

    def drop(self, count: int) -> bool:
        """Free about count members (whole chunks, a whole block) of a list nobody refers to; True when nothing is left."""
        if self.table is None:
            self._release()
            return True
        return self.table.drop(count)

    def copy(self) -> List:
        """An independent copy; the members of chunks are immutable and shared."""
        other = List()
        other._take_over(self)
        if self.table is not None:
            other.table = self.table.copy()
        return other

    def _check(self) -> None:
        self.check_packed()
        assert not self.compact
        if self.table is None:
            assert self.count <= MOST_MEMBERS
            return
        self.table._check()
        assert self.count == 0
        assert self.nbytes == self.table.nbytes


def bounds(start: int, stop: int, length: int) -> tuple[int, int]:
    """Turn Redis's inclusive range, negative numbers counting from the end, into 0 ≤ first ≤ position < end ≤ length.

    An empty range is (0, 0).
    """
    first = max(start + length if start < 0 else start, 0)
    end = min(stop + length if stop < 0 else stop, length - 1) + 1
    if first >= end:
        return (0, 0)
    return (first, end)
