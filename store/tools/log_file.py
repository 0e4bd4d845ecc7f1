"""Events of a file that stands alone: a segment, or the bytes that a repair cut out of one (`lost/`).

Law: every whole, intact frame is shown, whatever stands around it; every other byte is named.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from store.errors import CorruptLog
from store.log.damage import scan
from store.log.frame import BadFrame, Frame, decode
from store.log.segment import HEADER_SIZE, MAGIC, read_header
from store.tools.log_events import Selection, show_frame

_NAME = re.compile(r"(\d{20})(?:-\d+){0,2}\.seg(?:\.from-byte-(\d+))?(?:\.\d+)?")


@dataclass(slots=True)
class _Walk:
    """The way through a file's bytes.

    `offset` is where history stands; until a frame has told it, the least that the first frame can have, and `anchor` the
    position of that offset (before the file's first byte, where that was cut out of a segment), None if nothing tells.
    `known`: a frame or the header has told the offset. `whole`: every byte so far could be read.
    """

    path: Path
    data: bytes
    position: int = 0
    offset: int = 0
    anchor: int | None = None
    known: bool = False
    whole: bool = True

    def next(self) -> Frame | None:
        """Return the next intact frame, None at the end; say what stands before it."""
        if self.position >= len(self.data):
            return None
        try:
            decoded, reason = decode(self.data, self.position), ""
        except BadFrame as error:
            decoded, reason = None, str(error)
        return self._skip(reason) if decoded is None else self._take(*decoded)

    def _skip(self, reason: str) -> Frame | None:
        """Go on with the next intact frame after bytes that are none; no reason: they say that they are longer than the file."""
        found = scan(self.data, self.position + 1, self.offset, self.position if self.known else self.anchor)
        start = self.position
        if found is None:
            self.position = len(self.data)
            self.unread(start, self.position, reason or "the file ends within a frame")
            return None
        position, frame = found
        lost = f", offsets {self.offset} to {frame.offset}," if self.known else ""
        self.unread(start, position, reason or "no frame is that long", lost)
        self.offset = frame.offset
        self.position = position
        return self._take(frame, position + len(frame.raw))

    def _take(self, frame: Frame, after: int) -> Frame:
        if self.known and frame.offset != self.offset:
            self.note(f"byte {self.position}: history stood at offset {self.offset} and goes on at {frame.offset}")
        self.position, self.offset, self.known = after, frame.end, True
        return frame

    def unread(self, start: int, end: int, reason: str, lost: str = "") -> None:
        """Name bytes that can't be read, and which history that was as far as it is known."""
        self.whole = False
        self.note(f"bytes {start} to {end} ({end - start}){lost} can't be read: {reason}")

    def note(self, text: str) -> None:
        """Say something about the file, after the events before it."""
        sys.stdout.flush()
        print(f"note: {self.path}, {text}", file=sys.stderr)


def show_file(path: Path, selection: Selection, form: str) -> bool:
    """Print the wanted events of a file that stands alone, name what can't be read; tell whether that was nothing.

    Raises CorruptLog for a file with neither header nor frame, or of a format version that is not known; OSError.
    """
    walk = _begin(path, path.read_bytes())
    while (frame := walk.next()) is not None:
        start = walk.position - len(frame.raw)
        try:
            if not show_frame(frame, selection, form):
                break
        except CorruptLog as error:
            reason = f"the frame is intact, but at byte {error.position} of its payload there is {error.reason}"
            walk.unread(start, walk.position, reason)
    if not walk.known:
        raise CorruptLog(str(path), 0, "there is no whole frame of a log in it")
    return walk.whole


def _begin(path: Path, data: bytes) -> _Walk:
    """Start after the header, or where there is none with what the name tells of the offset."""
    walk = _Walk(path, data)
    named = _NAME.fullmatch(path.name)
    if named is not None:
        walk.offset, walk.anchor = int(named[1]), -int(named[2] or 0)
    if not data.startswith(MAGIC) and (named is None or int(named[2] or 0)):
        return walk
    try:
        header = read_header(data[:HEADER_SIZE], str(path))
        walk.position, walk.offset, walk.known = HEADER_SIZE, header.first_offset, True
    except CorruptLog as error:
        if error.position or not data:  # a version that is not known, or not even a header: nothing follows
            raise
        walk.position = min(HEADER_SIZE, len(data))
        walk.unread(0, walk.position, error.reason)
    return walk
