"""Giving up the end of a log that goes on before it, as a replica does that was ahead of its new primary.

Law: names go last first, then the file that stays is cut: whatever stops that leaves a beginning of the same history.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

from store.errors import Unfinished
from store.log.disk import Disk
from store.log.segment import LogEnd, Segment, list_segments


@dataclass(frozen=True, slots=True)
class Cut:
    """What is left of a log: its segments, the bytes of all but the last, and a descriptor to append to that (-1: none)."""

    fd: int
    segments: list[Segment]
    sealed_bytes: int


def cut_files(disk: Disk, directory: str, end: LogEnd) -> Cut:
    """Cut the log below data directory `directory` at end, durably; return what is left.

    Raises OSError with the files as they were, or Unfinished when a part of them may be gone.
    """
    assert end.path is not None
    segments = list_segments(directory)
    number = 1 + [segment.path for segment in segments].index(end.path)
    before = {segment.path: segment.size for segment in segments}
    fd = disk.open(end.path, os.O_WRONLY | os.O_APPEND)
    try:
        for segment in reversed(segments[number:]):
            disk.unlink(segment.path)
        disk.ftruncate(fd, end.size)
        disk.fdatasync(fd)
        disk.sync_directory(os.path.dirname(end.path))
    except OSError as error:
        with contextlib.suppress(OSError):  # closed it is
            disk.close(fd)
        if not _have_sizes(before):
            raise Unfinished(f"cutting the log back to offset {end.offset} failed half-way: {error}") from error
        raise
    return Cut(fd, segments[:number], sum(before[segment.path] for segment in segments[: number - 1]))


def _have_sizes(files: dict[str, int]) -> bool:
    """Tell whether files are there with so many bytes each, for certain."""
    try:
        return all(os.stat(path).st_size == size for path, size in files.items())
    except OSError:
        return False
