"""A small language for logs in tests: write some, look at the files, read them back."""

from __future__ import annotations

from pathlib import Path

from store.events import decode_events, encode_event
from store.log import history as histories
from store.log.disk import Disk
from store.log.frame import Frame
from store.log.reader import LogReader
from store.log.segment import list_segments
from store.log.writer import LogWriter

NOW = 1_700_000_000_000


def command(text: str) -> bytes:
    """Return the event of a command given as words."""
    return encode_event(*text.encode().split())


def words(frames: list[Frame]) -> list[str]:
    """Return the commands of frames as words."""
    return [b" ".join(args).decode("latin-1") for frame in frames for _, args in decode_events(frame.payload)]


def new_log(directory: Path, disk: Disk | None = None, **options: object) -> LogWriter:
    """Open a new log below directory, or go on with the one there as recovery does."""
    found = histories.load(str(directory), disk)
    if found is None:
        found = histories.create(str(directory), disk=disk)
    reader = read(directory)
    assert reader.torn is None
    return LogWriter(str(directory), found, reader.end, disk=disk, **options)  # type: ignore[arg-type]


def read(directory: Path, since: int = 0) -> LogReader:
    """Walk a whole log."""
    reader = LogReader(str(directory), since)
    for _ in reader:
        pass
    return reader


def frames(directory: Path, since: int = 0) -> list[Frame]:
    """Return the frames of a log that ends well."""
    reader = LogReader(str(directory), since)
    found = list(reader)
    assert reader.torn is None
    return found


def turn(log: LogWriter, *commands: str, db: int = 0, now: int = NOW) -> bool:
    """Record commands as one turn."""
    for text in commands:
        log.append(command(text), db)
    return log.commit(now)


def files(directory: Path) -> list[str]:
    """Return the names of the segments, oldest first."""
    return [Path(segment.path).name for segment in list_segments(str(directory))]


