"""Retention: how much of history is kept on disk.

Law: a segment goes only when it is sealed, the oldest, and covered by a snapshot: recovery never misses it. What goes
is the horizon of partial resync, change feeds and time travel, so both bounds are the operator's; 0 keeps all.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from store.log.disk import Disk
from store.log.frame import HEADER, HEADER_SIZE, BadFrame, decode_whole
from store.log.segment import HEADER_SIZE as SEGMENT_HEADER_SIZE
from store.log.segment import Segment, list_segments


@dataclass(frozen=True, slots=True)
class Dropped:
    """A segment that was removed: history [first_offset, end), `size` bytes of file."""

    path: str
    first_offset: int
    end: int
    size: int


def first_time(segment: Segment) -> int | None:
    """Return the time (unix ms) of the first frame of segment, None when it has no readable one."""
    with open(segment.path, "rb") as file:
        file.seek(SEGMENT_HEADER_SIZE)
        head = file.read(HEADER_SIZE)
        if len(head) < HEADER_SIZE:
            return None
        length, checksum = HEADER.unpack(head)
        body = file.read(length) if length <= segment.size else b""
    try:
        return decode_whole(head + body, checksum).unix_ms
    except BadFrame:
        return None


def droppable(
    segments: list[Segment], snapshot_offset: int, size: int = 0, age_ms: int = 0, now_ms: int = 0
) -> list[Dropped]:
    """Choose the oldest of segments that are beyond size bytes in all, or older than age_ms (0: no such bound).

    A segment ends where the next starts; it is covered when that is at or before snapshot_offset. It is as old as the
    first frame of the next, the earliest time known to be after all of its own.
    """
    total = sum(segment.size for segment in segments)
    chosen: list[Dropped] = []
    for segment, following in pairwise(segments):
        if following.first_offset > snapshot_offset:
            break
        too_large = 0 < size < total
        if not too_large and not _is_old(following, age_ms, now_ms):
            break
        chosen.append(Dropped(segment.path, segment.first_offset, following.first_offset, segment.size))
        total -= chosen[-1].size
    return chosen


def _is_old(following: Segment, age_ms: int, now_ms: int) -> bool:
    if age_ms <= 0:
        return False
    time = first_time(following)
    return time is not None and now_ms - time > age_ms


def drop(disk: Disk, directory: str, snapshot_offset: int, size: int, age_ms: int, now_ms: int) -> list[Dropped]:
    """Remove what droppable() chooses below data directory `directory`, oldest first; raises OSError.

    Names are removed in order, so a crash in between leaves a log without a gap.
    """
    chosen = droppable(list_segments(directory), snapshot_offset, size, age_ms, now_ms)
    for segment in chosen:
        disk.unlink(segment.path)
    return chosen
