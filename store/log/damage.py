"""The verdict on bytes of the log that are no frame, and what may be done about them at a start.

- torn tail: nothing valid after the bad bytes. A crash leaves a beginning of the last frame; a power loss
  also zeros or stale pages in its place. It may be cut, and `TornTail` tells what that takes away.
- damage in the middle: a later frame is intact. No crash does that, so nothing is cut: CorruptLog.

Law: when in doubt it is damage. Refusing to start costs an operator's minute, a wrong cut costs history.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from store.errors import CorruptLog
from store.log.disk import Disk
from store.log.frame import HEADER as FRAME_HEADER
from store.log.frame import HEADER_SIZE as FRAME_HEADER_SIZE
from store.log.frame import BadFrame, Frame, decode
from store.log.segment import HEADER_SIZE, Segment

# A frame starts, after its 8 bytes of header, with an array of five whose first element is an unsigned integer.
_BODY = re.compile(rb"\x95[\x00-\x7f\xcc-\xcf]")
_UINT_BYTES = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes at `position` of `segments[index]` that are not the frame of `offset`, which should start there.

    `misplaced`: they are an intact frame, but of another offset.
    """

    segments: list[Segment]
    index: int
    position: int
    offset: int
    reason: str
    misplaced: bool = False

    @property
    def path(self) -> str:
        """The file concerned."""
        return self.segments[self.index].path


class Unreadable(Exception):
    """The walk over the log can't go on; carries the Damage. It never leaves this package."""

    def __init__(self, damage: Damage) -> None:
        super().__init__(damage.reason)
        self.damage = damage


@dataclass(frozen=True, slots=True)
class TornTail:
    """The end of the last segment that is no frame, with nothing valid after it.

    `size` bytes from byte `position` of file `path` on; `complete`: a whole frame's bytes are there but damaged, so
    unlike a half-written one it may have been acknowledged or sent to a replica. `offset` is where history ends without
    it. `later` are segments after it that hold nothing (created just before the power went).
    """

    path: str
    position: int
    size: int
    offset: int
    complete: bool
    reason: str
    later: tuple[str, ...] = ()

    def __str__(self) -> str:
        what = "a whole but damaged frame" if self.complete else "an unfinished frame"
        more = f", and {len(self.later)} empty segment(s) after it" if self.later else ""
        return (
            f"{self.path}: the last {self.size} bytes, from byte {self.position} on, are {what} ({self.reason}){more}; "
            f"history ends at offset {self.offset}"
        )


def verdict(damage: Damage) -> TornTail:
    """Return the torn tail that damage is, or raise CorruptLog when an intact frame comes after it."""
    if damage.misplaced:
        raise corrupt(damage)
    after = frame_after(damage)
    if after is not None:
        raise corrupt(damage, f"; an intact frame of offset {after.offset} follows, so this is no torn tail")
    size = os.stat(damage.path).st_size - damage.position
    later = tuple(segment.path for segment in damage.segments[damage.index + 1 :])
    complete = _is_complete(damage, size)
    return TornTail(damage.path, damage.position, size, damage.offset, complete, damage.reason, later)


def corrupt(damage: Damage, more: str = "") -> CorruptLog:
    """Return the error that says what is damaged, and how to repair it."""
    directory = os.path.dirname(os.path.dirname(damage.path)) or "."
    text = f"{damage.reason}{more}. To repair: chronis check {directory} --repair"
    return CorruptLog(damage.path, damage.position, text)


def _is_complete(damage: Damage, size: int) -> bool:
    """Tell whether the bytes at damage have a plausible length and all the bytes it announces."""
    with open(damage.path, "rb") as file:
        file.seek(damage.position)
        head = file.read(FRAME_HEADER_SIZE)
    if damage.position < HEADER_SIZE or len(head) < FRAME_HEADER_SIZE:
        return False
    return 0 < int(FRAME_HEADER.unpack(head)[0]) <= size - FRAME_HEADER_SIZE


def frame_after(damage: Damage) -> Frame | None:
    """Find the first intact frame after damage, in its segment or a later one.

    In the same segment its offset has to be plausible: not before that of the damaged frame, and not further on than
    the bytes in between allow. (A value that imitates a frame can make a torn tail look like damage, not the reverse.)
    """
    for index in range(damage.index, len(damage.segments)):
        with open(damage.segments[index].path, "rb") as file:
            data = file.read()
        here = index == damage.index
        start = damage.position + 1 if here else 0
        found = scan(data, start, damage.offset, damage.position if here else None)
        if found is not None:
            return found[1]
    return None


def scan(data: bytes, start: int, offset: int, damaged: int | None) -> tuple[int, Frame] | None:
    """Return (position, frame) of the first intact frame in data from start on, of offset or later.

    Damage at position `damaged` bounds how far on its offset may be; None: no bound, other files are in between.
    """
    for match in _BODY.finditer(data, start + FRAME_HEADER_SIZE):
        position = match.start() - FRAME_HEADER_SIZE
        ahead = _offset_at(data, match.start() + 1) - offset
        if ahead < 0 or (damaged is not None and ahead > position - damaged):
            continue  # so that the checksum is taken of a few candidates only
        frame = _intact(data, position)
        if frame is not None:
            return position, frame
    return None


def _offset_at(data: bytes, position: int) -> int:
    """Return the msgpack unsigned integer at position of data."""
    first = data[position]
    if first < 0x80:
        return first
    return int.from_bytes(data[position + 1 : position + 1 + _UINT_BYTES[first]], "big")


def _intact(data: bytes, position: int) -> Frame | None:
    """Return the frame at position of data, None when there is no whole and intact one."""
    try:
        decoded = decode(data, position)
    except BadFrame:
        return None
    return None if decoded is None else decoded[0]


def cut(torn: TornTail, disk: Disk | None = None) -> None:
    """Cut a torn tail off, durably: the segment ends with its last whole frame, empty segments after it are gone.

    A segment whose header is torn holds nothing and is removed too. Raises OSError.
    """
    disk = disk or Disk()
    for path in reversed(torn.later):
        disk.unlink(path)
    if torn.position < HEADER_SIZE:
        disk.unlink(torn.path)
    else:
        truncate(disk, torn.path, torn.position)
    disk.sync_directory(os.path.dirname(torn.path))


def truncate(disk: Disk, path: str, size: int) -> None:
    """Cut file path to size bytes, durably; raises OSError."""
    fd = disk.open(path, os.O_WRONLY)
    try:
        disk.ftruncate(fd, size)
        disk.fdatasync(fd)
    finally:
        disk.close(fd)
