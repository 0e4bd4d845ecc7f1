"""Reading history back for a replica that is behind: the newest from memory, what is older from the log on disk.

Law: what comes from a disk is read by a thread before the loop takes it, or not read here at all (`piece`). Only what may leave
is read (`upto`), and only whole frames but for the first, which starts at the offset asked for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from replication.courier import Piece
from store.errors import CorruptLog
from store.events import selected_db
from store.log.frame import Frame
from store.log.memory import FrameTail, MemoryLog
from store.log.reader import LogCursor, OffsetNotInLog
from store.log.writer import LogWriter

if TYPE_CHECKING:
    from store.engine import Engine


SKIP = 200
"""Frames that `seek` passes over at a time (some 0.4 ms)."""


LEAST_PIECE = 64 * 1024
"""Bytes of a file that are worth a courier's errand."""
PIECE = 4 << 20
"""Bytes of history in a piece, about, where places in the log are known: what comes after it may be in more of a hurry."""


class HistoryGone(Exception):
    """The offset a replica needs is not in the log any more: it has to synchronize anew."""


def begin_at(frame: Frame, offset: int) -> Frame:
    """Return the part of a frame from offset on, which is an event's first byte (a frame's own start changes nothing)."""
    if offset <= frame.offset:
        return frame
    cut = offset - frame.offset
    db = selected_db(frame.payload[:cut], frame.db)
    return Frame(offset, frame.unix_ms, db, None, frame.payload[cut:])


class HistoryReader:
    """Hands out the frames from an offset on, slice by slice. `offset`: where the next slice starts."""

    def __init__(self, engine: Engine, directory: str, offset: int, recent: Callable[[], FrameTail]) -> None:
        self.engine = engine
        self.directory = directory
        self.offset = offset
        self._recent = recent  # the newest history: asked for anew each time, as the log may be replaced meanwhile
        self._cursor: LogCursor | None = None
        self._log = engine.log  # whose files the cursor has open
        self._ahead: deque[Frame] = deque()  # read, but not handed out yet

    async def read_ahead(self) -> None:
        """Have a thread bring what take() reads from disk next into memory, so that the loop does not wait for the disk."""
        if self._cursor is not None and not self._ahead and self._cursor.wants_ahead:
            await asyncio.to_thread(self._cursor.read_ahead)

    def take(self, size: int, upto: int) -> list[Frame]:
        """Return the next frames, about size bytes of them, none that ends after offset upto; raise HistoryGone."""
        frames: list[Frame] = []
        while size > 0 and (frame := self._peek()) is not None and frame.end <= upto:
            self._ahead.popleft()
            if not (frame.offset <= self.offset < frame.end):
                raise HistoryGone(f"the frame at {frame.offset} is not what follows at offset {self.offset}")
            try:
                frames.append(begin_at(frame, self.offset))
            except CorruptLog as error:  # two histories under one id
                raise HistoryGone(f"offset {self.offset} is within an event") from error
            self.offset = frame.end
            size -= len(frame.payload)
        return frames

    def _peek(self) -> Frame | None:
        """The next frame, None if there is none yet."""
        if not self._ahead:
            try:
                self._read()
            except (OffsetNotInLog, CorruptLog, OSError) as error:
                raise HistoryGone(str(error)) from error
        return self._ahead[0] if self._ahead else None

    def _read(self) -> None:
        log = self.engine.log
        if self.offset >= log.written_offset:
            return
        found = self._recent().since(self.offset)
        if found:
            self._ahead.extend(found)
            self.close()  # memory may move on past this reader: then it reads on from disk where it is, not where it was there
            return
        if isinstance(log, MemoryLog):
            raise OffsetNotInLog(f"offset {self.offset} is not in memory any more")
        frame = self._opened().next()
        if frame is not None:
            self._ahead.append(frame)

    def seek(self) -> bool:
        """Come a bounded way nearer to the offset on disk; True when it is reached. Raise HistoryGone."""
        log = self.engine.log
        if isinstance(log, MemoryLog) or self.offset >= log.written_offset or self._recent().since(self.offset):
            return True
        try:
            return self._opened().skip(SKIP)
        except (OffsetNotInLog, CorruptLog, OSError) as error:
            raise HistoryGone(str(error)) from error

    def piece(self, upto: int) -> Piece | None:
        """Hand out the next frames as what they are in the log's file, unread, to its end or up to about offset upto.

        None: it is little, or not on disk from the start of a frame on; the open file is closed by what is handed out next.
        The frames' checksums and offsets are for their receiver to look at. Raises HistoryGone. Without known places it is a segment.
        """
        log = self.engine.log
        if self._ahead or not isinstance(log, LogWriter) or self._recent().since(self.offset) is not None:
            return None
        last = log.place_before(min(upto, self.offset + PIECE))
        if last is None or last.offset <= self.offset:
            last = log.place_before(upto)
        if last is None or last.offset <= self.offset:
            return None
        try:
            cursor = self._opened()
            span = cursor.pass_by(last, LEAST_PIECE) if cursor.offset == self.offset else None
        except (OffsetNotInLog, CorruptLog, OSError) as error:
            raise HistoryGone(str(error)) from error
        if span is None:
            return None
        self.offset = cursor.offset
        return Piece(*span)

    def _opened(self) -> LogCursor:
        log = self.engine.log
        if log is not self._log:  # it was switched off and on again: its files are others
            self.close()
            self._log = log
        if self._cursor is None:
            near = log.place_before(self.offset) if isinstance(log, LogWriter) else None
            self._cursor = LogCursor(self.directory, self.offset, near)
        return self._cursor

    def close(self) -> None:
        """Close the open file; reading on opens another."""
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None
