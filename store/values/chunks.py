"""What a long list is kept in: chunks of members, fast at both ends and tolerable in the middle.

Job: hold bytes in order; pushing and popping at an end moves at most one chunk's pointers, reaching a position is a
binary search over the chunks' first positions, searching runs at the speed of the interpreter's own list.
Invariants (`_check`): no chunk is empty or longer than CHUNK; `length` is the sum of their lengths; `nbytes` is BASE
plus MEMBER_COST and the length of each member; `starts`, when present, holds the position of each chunk's first member.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice

from store.primitives import total_length

CHUNK = 512
"""Members a chunk holds at most: a push at the left of a full one moves 4 KiB of pointers (about 0.1 µs)."""
BASE = 296
"""Bytes a list with chunks costs without its members: the list, this, the list of chunks and a chunk (CPython 3.11)."""
MEMBER_COST = 41
"""Bytes a member costs beside its own: the object header and the pointer in its chunk (CPython 3.11)."""


class Chunks:
    """A list of byte strings. Positions count from 0; methods expect them in range, commands see to that."""

    __slots__ = ("chunks", "length", "nbytes", "starts")

    def __init__(self, members: Iterable[bytes] = ()) -> None:
        self.nbytes = BASE
        self.chunks: list[list[bytes]] = []
        self.length = 0
        self.starts: list[int] | None = None
        if members:
            self.push_right(members if isinstance(members, (list, tuple)) else list(members))

    def __len__(self) -> int:
        return self.length

    def __contains__(self, member: object) -> bool:
        return any(member in chunk for chunk in self.chunks)

    def __iter__(self) -> Iterator[bytes]:
        return chain.from_iterable(self.chunks)

    def __reversed__(self) -> Iterator[bytes]:
        return chain.from_iterable(map(reversed, reversed(self.chunks)))

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────
    def locate(self, position: int) -> tuple[int, int]:
        """The chunk that holds position (0 ≤ position < length), and the place in it."""
        chunks = self.chunks
        if position < len(chunks[0]):
            return 0, position
        from_last = position - self.length + len(chunks[-1])
        if from_last >= 0:
            return len(chunks) - 1, from_last
        if self.starts is None:
            self.starts = list(accumulate(map(len, islice(chunks, len(chunks) - 1)), initial=0))
        number = bisect_right(self.starts, position) - 1
        return number, position - self.starts[number]

    def __getitem__(self, position: int) -> bytes:
        number, place = self.locate(position)
        return self.chunks[number][place]

    def span(self, start: int, stop: int) -> list[bytes]:
        """The members at start ≤ position < stop, both within the list, as a new list."""
        if start >= stop:
            return []
        first, low = self.locate(start)
        last, high = self.locate(stop - 1)
        chunks = self.chunks
        if first == last:
            return chunks[first][low : high + 1]
        found = chunks[first][low:]
        for chunk in islice(chunks, first + 1, last):
            found += chunk
        found += chunks[last][: high + 1]
        return found

    def positions(self, member: bytes, reverse: bool = False, limit: int = 0) -> Iterator[tuple[int, int, int]]:
        """Yield (position, chunk, place) of each member equal to the one given, from the left or from the right.

        With a limit > 0 only the first (in reverse: last) so many members of the list are compared.
        """
        if reverse:
            yield from self._positions_from_right(member, self.length - limit if limit else 0)
            return
        start, stop = 0, limit or self.length
        for number, chunk in enumerate(self.chunks):
            if start >= stop:
                return
            for place in _places(chunk, member):
                if start + place < stop:
                    yield start + place, number, place
            start += len(chunk)

    def _positions_from_right(self, member: bytes, least: int) -> Iterator[tuple[int, int, int]]:
        start = self.length
        for number in range(len(self.chunks) - 1, -1, -1):
            if start <= least:
                return
            chunk = self.chunks[number]
            start -= len(chunk)
            for place in reversed(list(_places(chunk, member))):
                if start + place >= least:
                    yield start + place, number, place

    # ── changing ───────────────────────────────────────────────────────────────────────────────────────────────────
    def push_right(self, members: Sequence[bytes]) -> None:
        """Append members in the order given."""
        count = len(members)
        self.length += count
        self.nbytes += total_length(members) + MEMBER_COST * count
        chunks = self.chunks
        last = chunks[-1] if chunks else None
        room = CHUNK - len(last) if last is not None else 0
        if last is not None and count == 1 and room:
            last.append(members[0])
            return
        if count <= room:
            chunks[-1].extend(members)
            return
        if room:
            chunks[-1].extend(members[:room])
        for place in range(room, count, CHUNK):
            chunks.append(list(members[place : place + CHUNK]))
        self.starts = None

    def push_left(self, members: Sequence[bytes]) -> None:
        """Put members before the first, one after the other: the last one given becomes the first of the list."""
        count = len(members)
        self.length += count
        self.nbytes += total_length(members) + MEMBER_COST * count
        self.starts = None
        chunks = self.chunks
        first = chunks[0] if chunks else None
        room = CHUNK - len(first) if first is not None else 0
        if first is not None and count == 1 and room:
            first.insert(0, members[0])
            return
        head = list(members[::-1])
        split = max(0, count - room)
        if split < count:
            chunks[0][:0] = head[split:]
        # The odd piece goes first: later pushes at the left fill it, and no push ever moves more than one chunk.
        odd = split % CHUNK
        pieces = [head[:odd]] if odd else []
        pieces += [head[place : place + CHUNK] for place in range(odd, split, CHUNK)]
        chunks[:0] = pieces

    def pop_left(self, count: int = 1) -> list[bytes]:
        """Take up to count members from the left; return them from left to right."""
        first = self.chunks[0] if self.length else None
        if first is not None and count == 1 and len(first) > 1:
            member = first.pop(0)
            self.length -= 1
            self.nbytes -= len(member) + MEMBER_COST
            self.starts = None
            return [member]
        taken = self.span(0, min(count, self.length))
        self._forget(taken)
        left, chunks, whole = len(taken), self.chunks, 0
        while left and left >= len(chunks[whole]):
            left -= len(chunks[whole])
            whole += 1
        del chunks[:whole]
        if left:
            del chunks[0][:left]
        self.starts = None
        return taken

    def pop_right(self, count: int = 1) -> list[bytes]:
        """Take up to count members from the right; return them in the order taken, from right to left."""
        last = self.chunks[-1] if self.length else None
        if last is not None and count == 1 and len(last) > 1:
            member = last.pop()
            self.length -= 1
            self.nbytes -= len(member) + MEMBER_COST
            return [member]
        taken = self.span(self.length - min(count, self.length), self.length)
        taken.reverse()
        self._forget(taken)
        left, chunks = len(taken), self.chunks
        while left and left >= len(chunks[-1]):
            left -= len(chunks[-1])
            chunks.pop()
            self.starts = None
        if left:
            del chunks[-1][-left:]
        return taken

    def replace(self, position: int, member: bytes) -> None:
        """Put member in the place of the one at position."""
        number, place = self.locate(position)
        chunk = self.chunks[number]
        self.nbytes += len(member) - len(chunk[place])
        chunk[place] = member

    def insert(self, number: int, place: int, member: bytes) -> None:
        """Put member into a chunk before place (up to its length); a chunk that grows too long is halved."""
        chunk = self.chunks[number]
        chunk.insert(place, member)
        self.length += 1
        self.nbytes += len(member) + MEMBER_COST
        self.starts = None
        if len(chunk) > CHUNK:
            half = len(chunk) // 2
            self.chunks.insert(number + 1, chunk[half:])
            del chunk[half:]

    def remove(self, member: bytes, count: int) -> int:
        """Take out members equal to the one given, return how many: the first count, the last -count, or all with 0."""
        wanted = left = abs(count) or self.length
        changed: set[int] = set()
        numbers = range(len(self.chunks))
        for number in reversed(numbers) if count < 0 else numbers:
            chunk = self.chunks[number]
            here = chunk.count(member)
            if not here:
                continue
            changed.add(number)
            if here <= left:
                self.chunks[number] = [other for other in chunk if other != member]
            else:
                places = list(_places(chunk, member))
                for place in reversed(places[-left:] if count < 0 else places[:left]):
                    del chunk[place]
            left -= min(here, left)
            if not left:
                break
        if changed:
            self._forget([member] * (wanted - left))
            self._tidy(changed)
        return wanted - left

    def trim(self, start: int, stop: int) -> None:
        """Keep the members at start ≤ position < stop only; nothing stays when start ≥ stop."""
        if start >= stop:
            self.chunks, self.length, self.nbytes, self.starts = [], 0, BASE, None
            return
        self.pop_right(self.length - stop)
        self.pop_left(start)

    def _forget(self, members: list[bytes]) -> None:
        self.length -= len(members)
        self.nbytes -= sum(map(len, members)) + MEMBER_COST * len(members)

    def _tidy(self, changed: set[int]) -> None:
        """Drop emptied chunks, and join a shrunken one to its left neighbour when both fit in half a chunk."""
        kept: list[list[bytes]] = []
        for number, chunk in enumerate(self.chunks):
            if number in changed and kept and len(kept[-1]) + len(chunk) <= CHUNK // 2:
                kept[-1] += chunk
            elif chunk:
                kept.append(chunk)
        self.chunks = kept
        self.starts = None

    # ── the keyspace's needs ───────────────────────────────────────────────────────────────────────────────────────
    def drop(self, count: int) -> bool:
        """Free about count members (whole chunks) of a list nobody refers to any more; True when nothing is left."""
        while self.chunks and count > 0:
            count -= len(self.chunks.pop())
        return not self.chunks

    def copy(self) -> Chunks:
        """An independent copy; the members themselves are immutable and shared."""
        other = Chunks()
        other.chunks = [chunk[:] for chunk in self.chunks]
        other.length, other.nbytes = self.length, self.nbytes
        return other

    def _check(self) -> None:
        assert all(0 < len(chunk) <= CHUNK for chunk in self.chunks)
        assert self.length == sum(map(len, self.chunks))
        assert self.nbytes == BASE + sum(len(member) + MEMBER_COST for member in self)
        if self.starts is not None:
            assert self.starts == [sum(map(len, self.chunks[:number])) for number in range(len(self.chunks))]


def _places(chunk: list[bytes], member: bytes) -> Iterator[int]:
    """Yield the places of member in a chunk."""
    place = -1
    for _ in range(chunk.count(member)):
        place = chunk.index(member, place + 1)
        yield place
