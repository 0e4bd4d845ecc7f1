"""Reading history back: frames in order from an offset on.

`LogCursor` walks the log of a running server (partial resync, feeds, --follow); `LogReader` is the walk of recovery,
which ends with a verdict on the tail. Law: what is yielded is history, whole, in order, without a gap: checksum and
offset of every frame are checked (of what is passed by, as bytes for another to look at, only that no segment is missing).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from store.errors import CorruptLog
from store.events import selected_db
from store.log.damage import Damage, TornTail, Unreadable, corrupt, verdict
from store.log.frame import HEADER as FRAME_HEADER
from store.log.frame import HEADER_SIZE as FRAME_HEADER_SIZE
from store.log.frame import OFFSET_SPACE, BadFrame, Frame, Stretch, check_length, decode_whole, offset_at_start
from store.log.scan import scan_frames
from store.log.segment import HEADER_SIZE, LogEnd, decode_header, list_segments, segment_at

_BUFFER = 256 * 1024
_AHEAD = 1 << 20
_NEAR = 256 * 1024
"""Bytes before the end of what was read ahead at which more is wanted."""
_AT_ONCE = 64 * 1024
"""Bytes of frames that are taken at a time where many are wanted (about a thousand small events)."""


class OffsetNotInLog(LookupError):
    """The offset asked for is before the oldest segment: retention has dropped it, or there is no log."""


class Place(NamedTuple):
    """Where a frame starts: its segment's first offset, its byte in that file, its own offset."""

    segment: int
    position: int
    offset: int


class LogCursor:
    """Walk the frames of a log from an offset on, across segments; at the end of a live log, come back later.

    The first frame is the one that holds `since`: it may start before it. `offset` is where the next frame starts,
    `path` and `position` (bytes) where it is or will be. Close it, or use it in a with statement.
    """

    def __init__(self, directory: str, since: int = 0, near: Place | None = None) -> None:
        """Find the segment of `since`; raises OffsetNotInLog when it is before the oldest, or there is none.

        near: a place at or before `since`, as the writer remembers it; else the walk starts with the segment.
        """
        self.directory = directory
        segments = list_segments(directory)
        index = segment_at(segments, since)
        if index is None:
            raise OffsetNotInLog(f"offset {since} is not in the log of {directory}")
        self._segments = segments
        self._index = index
        self._since = since
        self._file: BinaryIO | None = None
        self.position = 0
        self.offset = segments[index].first_offset
        self.last: Frame | None = None
        self._ahead, self._ahead_at = b"", 0  # what `stretches` has read, and from which position of the file
        self._warm = 0  # up to which position the system has the file in memory, as far as we know
        if near is not None and near.segment == self.offset and self._open() is not None:
            self.position, self.offset = near.position, near.offset

    @property
    def wants_ahead(self) -> bool:
        """Tell whether what comes next may have to come from the disk."""
        return self._file is not None and self._warm - self.position < _NEAR

    def read_ahead(self) -> None:
        """Bring a MiB from the position on into the system's memory. For a thread: it changes nothing that next() uses."""
        file, position = self._file, self.position
        if file is not None:
            os.pread(file.fileno(), _AHEAD, position)
            self._warm = position + _AHEAD

    def skip(self, frames: int) -> bool:
        """Go towards `since` over at most so many frames, looking only at their offsets; True when it is reached."""
        file = self._open()
        if file is None:
            return True
        for _ in range(frames):
            file.seek(self.position)
            head = file.read(FRAME_HEADER_SIZE)
            if len(head) < FRAME_HEADER_SIZE:
                return True
            length, _ = FRAME_HEADER.unpack(head)
            file.seek(self.position + FRAME_HEADER_SIZE + length)
            following = offset_at_start(file.read(FRAME_HEADER_SIZE + OFFSET_SPACE))
            if following is None or following > self._since:
                return True  # next() reads what is here, and finds out about damage
            self.position, self.offset = self.position + FRAME_HEADER_SIZE + length, following
        return False

    def pass_by(self, last: Place, least: int) -> tuple[int, int, int] | None:
        """Go on to the end of this segment's frames, or to `last` if that is here; return the open file, and from where to where.

        None, having gone nowhere, for less than so many bytes. The file stays open until this cursor reads on.
        """
        file = self._open()
        if file is None:
            return None
        start = self.position
        if last.segment == self._first_offset:
            end, offset = last.position, last.offset
        else:
            end, offset = os.fstat(file.fileno()).st_size, self._following()
        if end - start < least:
            return None
        self.position, self.offset = end, offset
        return file.fileno(), start, end

    def _following(self) -> int:
        """Return the first offset of the segment after this one; raises OffsetNotInLog when one of them has gone."""
        starts = [found.first_offset for found in list_segments(self.directory)]
        if self._first_offset not in starts[:-1]:
            raise OffsetNotInLog(f"{self.path}, or the segment after it, is not there any more")
        return starts[starts.index(self._first_offset) + 1]

    @property
    def path(self) -> str:
        """The segment that is being read."""
        return self._segments[self._index].path

    def next(self) -> Frame | None:
        """Return the next frame, None when the log ends here for now; raises CorruptLog for anything that is no frame.

        A frame that is half there counts as not there yet: its writer may be about to finish it.
        """
        try:
            return self.step()
        except Unreadable as error:
            raise corrupt(error.damage) from error

    def step(self) -> Frame | None:
        """Do what next() does, raising the internal Unreadable instead."""
        while True:
            frame = self._read()
            if frame is None:
                if self._advance():
                    continue
                return None
            if frame.end > self._since:
                return frame

    def stretches(self) -> list[Stretch]:
        """Take the next frames like step(), those that compiled code understands many at a time; [] when the log ends here."""
        while True:
            found, position, offset = self._scanned()
            if position == self.position:
                frame = self.step()
                return [] if frame is None else [(frame.offset, frame.unix_ms, frame.db, frame.payload)]
            self.position, self.offset = position, offset
            if found:
                self.last = Frame(*found[-1][:3], None, found[-1][3])
                return found

    def _scanned(self) -> tuple[list[Stretch], int, int]:
        """Cut frames out of what was read ahead, or of what follows in the file; with the position and offset after them."""
        file = self._open()
        if file is None:
            return [], self.position, self.offset
        place = self.position - self._ahead_at
        if not _holds_frame(self._ahead, place):
            file.seek(self.position)
            self._ahead, self._ahead_at, place = file.read(_AHEAD), self.position, 0
        found, after, offset = scan_frames(self._ahead, place, self.offset, self._since, _AT_ONCE)
        return found, self._ahead_at + after, offset

    def _read(self) -> Frame | None:
        """Read the frame at `position`, None when the file ends before it does."""
        file = self._open()
        if file is None:
            return None
        file.seek(self.position)
        head = file.read(FRAME_HEADER_SIZE)
        if len(head) < FRAME_HEADER_SIZE:
            return None
        length, checksum = FRAME_HEADER.unpack(head)
        try:
            check_length(length)
            # Asked before reading: a damaged length must not make us reserve up to 4 GiB.
            if os.fstat(file.fileno()).st_size < self.position + FRAME_HEADER_SIZE + length:
                return None
            frame = decode_whole(head + file.read(length), checksum)
        except BadFrame as error:
            raise Unreadable(self._damage(str(error))) from error
        if frame.offset != self.offset:
            text = f"the frame is of offset {frame.offset}, history is at {self.offset}"
            raise Unreadable(self._damage(text, misplaced=True))
        self.position += FRAME_HEADER_SIZE + length
        self.offset = frame.end
        self.last = frame
        return frame

    def _open(self) -> BinaryIO | None:
        """Return the open file of the current segment, None while its header is not written yet."""
        if self._file is not None:
            return self._file
        try:
            file = open(self.path, "rb", buffering=_BUFFER)  # noqa: SIM115 - kept open while the cursor walks it
        except FileNotFoundError as error:
            raise OffsetNotInLog(f"{self.path} was dropped by retention") from error
        try:
            head = file.read(HEADER_SIZE)
            if len(head) < HEADER_SIZE:
                file.close()
                return None
            decode_header(head, self.path)
        except CorruptLog as error:
            file.close()
            raise Unreadable(self._damage(error.reason)) from error
        self._file, self.position, self._ahead, self._warm = file, HEADER_SIZE, b"", 0
        return file

    def _advance(self) -> bool:
        """Go to the segment that starts where this one ends; False when there is none yet."""
        following = [found for found in list_segments(self.directory) if found.first_offset > self._first_offset]
        if not following:
            return False
        if self._read_again():
            return True
        self._segments = [*self._segments[: self._index + 1], *following]
        if self._file is None or os.fstat(self._file.fileno()).st_size != self.position:
            raise Unreadable(self._damage("the segment ends within a frame"))
        if following[0].first_offset != self.offset:
            raise Unreadable(self._damage(f"the next segment starts at offset {following[0].first_offset}"))
        self.close()
        self._index += 1
        self.position = 0
        return True

    @property
    def _first_offset(self) -> int:
        return self._segments[self._index].first_offset

    def _read_again(self) -> bool:
        """Tell whether a whole frame is here after all: the writer may have added it before it rolled the segment."""
        if self._file is None:
            return self._open() is not None
        size = os.fstat(self._file.fileno()).st_size
        self._file.seek(self.position)
        head = self._file.read(FRAME_HEADER_SIZE)
        if len(head) < FRAME_HEADER_SIZE:
            return False
        return self.position + FRAME_HEADER_SIZE + int(FRAME_HEADER.unpack(head)[0]) <= size

    def damage_here(self) -> Damage | None:
        """Describe what follows the last frame when step() returned None, None when nothing follows."""
        size = os.stat(self.path).st_size
        if self._file is not None and size == self.position:
            return None
        what = "the segment ends within its header" if self._file is None else "the file ends within the frame"
        return self._damage(what)

    def _damage(self, reason: str, misplaced: bool = False) -> Damage:
        return Damage(self._segments, self._index, self.position, self.offset, reason, misplaced)

    def close(self) -> None:
        """Close the open file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> LogCursor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _holds_frame(data: bytes, place: int) -> bool:
    """Tell whether a frame at place is all in data, as far as its length tells."""
    if place < 0 or len(data) - place < FRAME_HEADER_SIZE:
        return False
    return place + FRAME_HEADER_SIZE + int(FRAME_HEADER.unpack_from(data, place)[0]) <= len(data)


class LogReader:
    """Iterate over the frames of a log that nobody writes, from an offset to its end; then see `torn` and `end`.

    Iterating raises CorruptLog for damage that is not a torn tail, and OffsetNotInLog when the log does not reach back
    to `since`. A log without segments has no frames and ends at `since`; one that ends before `since` (it was lost, or
    kept in memory, and a snapshot is newer) has no frames either, and `end.offset` tells.
    """

    def __init__(self, directory: str, since: int = 0) -> None:
        self.directory = directory
        self.since = since
        self.torn: TornTail | None = None
        self.end = LogEnd(since)

    def __iter__(self) -> Iterator[Frame]:
        if not list_segments(self.directory):
            return
        with LogCursor(self.directory, self.since) as cursor:
            damage: Damage | None = None
            try:
                while (frame := cursor.step()) is not None:
                    yield frame
            except Unreadable as error:
                damage = error.damage
            self._ended(cursor, damage)

    def stretches(self) -> Iterator[list[Stretch]]:
        """Iterate as over the reader itself, over many frames at a time and without their origins: what replay needs."""
        if not list_segments(self.directory):
            return
        with LogCursor(self.directory, self.since) as cursor:
            damage: Damage | None = None
            try:
                while found := cursor.stretches():
                    yield found
            except Unreadable as error:
                damage = error.damage
            self._ended(cursor, damage)

    def _ended(self, cursor: LogCursor, damage: Damage | None) -> None:
        damage = damage or cursor.damage_here()
        if damage is not None:
            self.torn = verdict(damage)
        self._set_end(cursor)

    def _set_end(self, cursor: LogCursor) -> None:
        last, torn = cursor.last, self.torn
        db = 0 if last is None else selected_db(last.payload, last.db)
        if torn is not None and torn.position < HEADER_SIZE:
            self.end = LogEnd(cursor.offset, db)  # the segment itself goes: go on with a new one
        else:
            self.end = LogEnd(cursor.offset, db, cursor.path, cursor.position)
