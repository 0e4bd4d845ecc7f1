"""Frames cut out of what was read of a segment, many at a time. Compiled (scan.pyx) it does the same without an object a field.

Law: a frame is taken only if its checksum holds, its fields are in order and it is the one that follows. Before any other it
stops: the caller then reads that one by itself (`LogCursor.step`), which says what is wrong with it.
"""

from __future__ import annotations

from crc32c import crc32c

from store.log.frame import HEADER, HEADER_SIZE, MIN_BODY, BadFrame, Frame, Stretch, decode_whole


def scan_frames(data: bytes, place: int, offset: int, since: int, most: int) -> tuple[list[Stretch], int, int]:
    """Take frames from place on, the first being that of offset; return them, and place and offset after them.

    Those that end at or before `since` are checked and left out. It ends after `most` bytes of data.
    """
    found: list[Stretch] = []
    until = min(len(data), place + most)
    while place < until:
        frame = _whole(data, place)
        if frame is None or frame.offset != offset:
            break
        place += HEADER_SIZE + HEADER.unpack_from(data, place)[0]
        offset = frame.end
        if offset > since:
            found.append((frame.offset, frame.unix_ms, frame.db, frame.payload))
    return found, place, offset


def _whole(data: bytes, place: int) -> Frame | None:
    """The frame at place, None if there is none that is whole and intact."""
    if len(data) - place < HEADER_SIZE:
        return None
    length, checksum = HEADER.unpack_from(data, place)
    stop = place + HEADER_SIZE + length
    if length < MIN_BODY or stop > len(data) or crc32c(data[place + HEADER_SIZE : stop]) != checksum:
        return None
    try:
        return decode_whole(data[place:stop], checksum)
    except BadFrame:
        return None  # the caller meets it again
