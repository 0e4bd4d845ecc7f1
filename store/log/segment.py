"""Segments: the files of the log, their names, headers and order (grammar: FORMAT.md).

    segment = header frame*
    header  = "CHRONLOG" | u32 version | 40 bytes history id | u64 first offset | u32 crc32c of the 60 bytes before it

A segment is named after the offset of its first event, 20 digits and `.seg`. Law: only the last segment grows; the end
of each is the first offset of the next, so a missing file shows as a gap.
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass

from crc32c import crc32c

from store.errors import CorruptLog

MAGIC = b"CHRONLOG"
VERSION = 1
LOG_DIRECTORY = "log"

_HEADER = struct.Struct("<8sI40sQ")
_CHECKSUM = struct.Struct("<I")
HEADER_SIZE = _HEADER.size + _CHECKSUM.size

_NAME = re.compile(r"([0-9]{20})\.seg")
_FIRST_OFFSET = re.compile(r"(\d{20})(?:-\d+){0,2}\.seg$")  # with an end, maybe a number too where a segment stands alone (lost/)
_ID = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of the log, known by its name: `first_offset` is the offset of its first event."""

    path: str
    first_offset: int

    @property
    def size(self) -> int:
        """The bytes the file has now; raises FileNotFoundError when retention has removed it."""
        return os.stat(self.path).st_size


@dataclass(frozen=True, slots=True)
class Header:
    """What the head of a segment says: the history id at its start and the offset of its first event."""

    history_id: str
    first_offset: int


@dataclass(frozen=True, slots=True)
class LogEnd:
    """Where the log ends: the offset after its last whole frame and the database selected there.

    `path` is the last segment and `size` its bytes up to that frame; path is None when no segment can be gone on with.
    """

    offset: int
    db: int = 0
    path: str | None = None
    size: int = 0


def is_history_id(text: str) -> bool:
    """Tell whether text has the form of a history id: 40 lower-case hexadecimal digits."""
    return _ID.fullmatch(text) is not None


def segment_path(directory: str, first_offset: int) -> str:
    """Return the path of the segment that starts at first_offset, below data directory `directory`."""
    return os.path.join(directory, LOG_DIRECTORY, f"{first_offset:020d}.seg")


def list_segments(directory: str) -> list[Segment]:
    """Return the segments below data directory `directory`, oldest first; none when there is no log yet."""
    folder = os.path.join(directory, LOG_DIRECTORY)
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    found = [(match, name) for name in names if (match := _NAME.fullmatch(name))]
    return sorted((Segment(os.path.join(folder, name), int(match[1])) for match, name in found), key=_first_offset)


def _first_offset(segment: Segment) -> int:
    return segment.first_offset


def segment_at(segments: list[Segment], offset: int) -> int | None:
    """Return the index of the segment that holds offset (the last that starts at or before it), or None."""
    index = None
    for number, segment in enumerate(segments):
        if segment.first_offset > offset:
            break
        index = number
    return index


def encode_header(history_id: str, first_offset: int) -> bytes:
    """Return the HEADER_SIZE bytes that start a segment; history_id is 40 hexadecimal digits."""
    if not is_history_id(history_id):
        raise ValueError(f"{history_id!r} is no history id")
    fields = _HEADER.pack(MAGIC, VERSION, history_id.encode(), first_offset)
    return fields + _CHECKSUM.pack(crc32c(fields))


def decode_header(data: bytes, path: str) -> Header:
    """Read the header of segment `path` from its first bytes; raises CorruptLog when it is none of this format and name."""
    header = read_header(data, path)
    named = _FIRST_OFFSET.match(os.path.basename(path))
    if named is None or int(named[1]) != header.first_offset:
        raise CorruptLog(path, 0, f"the header says first offset {header.first_offset}, the file name does not")
    return header


def read_header(data: bytes, path: str) -> Header:
    """Read the header of a segment whatever its file is called; raises CorruptLog when it is none of this format."""
    if len(data) < HEADER_SIZE:
        raise CorruptLog(path, len(data), f"the segment ends within its header of {HEADER_SIZE} bytes")
    magic, version, history_id, first_offset = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise CorruptLog(path, 0, "not a segment of the log: the magic is missing")
    if _CHECKSUM.unpack_from(data, _HEADER.size)[0] != crc32c(data[: _HEADER.size]):
        raise CorruptLog(path, 0, "the checksum of the segment header does not match its content")
    if version != VERSION:
        raise CorruptLog(path, len(MAGIC), f"format version {version}, this program reads version {VERSION}")
    return Header(history_id.decode("latin-1"), first_offset)
