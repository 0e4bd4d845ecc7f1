"""What a replica holds and its new primary does not: kept in a file of its own before it is given up.

    lost/<first offset, 20 digits>-<end>[-<number>].seg     a segment of the log (grammar: store/log/segment.py): header, frames

Law: the file is complete and durable before the events leave the log; its name stands in the server's log lines. No file takes
the place of another history's: that gets a number.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from replication.source import begin_at
from store.errors import CorruptLog
from store.log.memory import MemoryLog
from store.log.reader import LogCursor
from store.log.repair import LOST_DIRECTORY
from store.log.segment import HEADER_SIZE, decode_header, encode_header
from store.logfile import warn
from store.persistence.durable_files import write_durably

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from replication.off_loop import Check
    from replication.primary import Primary
    from store.log.frame import Frame


KEPT = "are kept in"
"""The words before the file's name in the log line."""


async def keep_lost_tail(primary: Primary, history_id: str, offset: int) -> Path | None:
    """Write what is held of our history from offset to its end into a file; return its path, None if nothing is held any more.

    Raises OSError, CorruptFile or OffsetNotInLog.
    """
    log = primary.engine.log
    end = log.offset
    begin, frames = _in_memory(log, offset) if isinstance(log, MemoryLog) else (offset, _from_disk(primary.directory, offset))
    parted = f"Our history parted from the master's at offset {offset}"
    if begin > offset:
        warn(f"{parted}: events up to {begin} are lost, as with appendonly no only the newest repl-backlog-size are held")
    if begin == end > offset:
        return None
    folder = Path(primary.directory) / LOST_DIRECTORY
    folder.mkdir(parents=True, exist_ok=True)
    path = _place(folder, f"{begin:020d}-{end}", history_id)
    written = await primary.off_loop.run(lambda check: _write(check, path, history_id, begin, frames))
    warn(f"{parted}: {written} bytes of events from {begin} up to {end} {KEPT} {path}")
    return path


def _in_memory(log: MemoryLog, offset: int) -> tuple[int, list[Frame]]:
    """Return what is held of history from offset on, and where that begins."""
    frames = log.tail.since(offset)
    if frames is not None:
        return offset, frames
    frames = log.tail.since(log.tail.first_offset) or []
    return (frames[0].offset if frames else log.offset), frames


def _place(folder: Path, name: str, history_id: str) -> Path:
    """Return a path that nothing has, or that has the same part of the same history from an earlier attempt."""
    path, number = folder / f"{name}.seg", 2
    while path.exists() and not _is_of(path, history_id):
        path, number = folder / f"{name}-{number}.seg", number + 1
    return path


def _is_of(path: Path, history_id: str) -> bool:
    with path.open("rb") as file:
        head = file.read(HEADER_SIZE)
    try:
        return decode_header(head, str(path)).history_id == history_id
    except CorruptLog:
        return False


def _write(check: Check, path: Path, history_id: str, offset: int, frames: Iterable[Frame]) -> int:
    def write(file: BinaryIO) -> int:
        size = 0
        file.write(encode_header(history_id, offset))
        for frame in frames:
            check()
            kept = begin_at(frame, offset)
            file.write(kept.raw)
            size += len(kept.payload)
        return size

    return write_durably(path, write)


def _from_disk(directory: str, offset: int) -> Iterator[Frame]:
    with LogCursor(directory, offset) as cursor:
        while (frame := cursor.next()) is not None:
            yield frame
