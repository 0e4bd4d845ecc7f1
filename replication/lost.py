"""What a replica holds and its new primary does not: kept in a file of its own before it is given up.

    lost/<first offset, 20 digits>-<end>.seg      a segment of the log (grammar: store/log/segment.py): header, frames

Law: the file is complete and durable before the events leave the log; its name stands in the server's log lines.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from replication.source import begin_at
from store.log.memory import MemoryLog
from store.log.reader import LogCursor
from store.log.segment import encode_header
from store.logfile import warn
from store.persistence.durable_files import write_durably

if TYPE_CHECKING:
    from collections.abc import Iterator

    from store.engine import Engine
    from store.log.frame import Frame

LOST_DIRECTORY = "lost"


async def keep_lost_tail(engine: Engine, directory: str, history_id: str, offset: int) -> Path:
    """Write our history from offset to its end into a file; return its path. Raises OSError."""
    end = engine.log.offset
    path = Path(directory) / LOST_DIRECTORY / f"{offset:020d}-{end}.seg"
    path.parent.mkdir(parents=True, exist_ok=True)
    log = engine.log
    frames = log.tail.since(offset) or [] if isinstance(log, MemoryLog) else None
    written = await asyncio.to_thread(_write, path, directory, history_id, offset, frames)
    warn(
        f"Our history parted from the master's at offset {offset}: {written} bytes of events up to {end} were moved to {path}"
    )
    return path


def _write(path: Path, directory: str, history_id: str, offset: int, frames: list[Frame] | None) -> int:
    def write(file: BinaryIO) -> int:
        size = 0
        file.write(encode_header(history_id, offset))
        for frame in frames if frames is not None else _from_disk(directory, offset):
            kept = begin_at(frame, offset)
            file.write(kept.raw)
            size += len(kept.payload)
        return size

    return write_durably(path, write)


def _from_disk(directory: str, offset: int) -> Iterator[Frame]:
    with LogCursor(directory, offset) as cursor:
        while (frame := cursor.next()) is not None:
            yield frame
