"""Getting back to where history ended: the newest valid snapshot, then the log after it.

The same code serves the start of a server, the child that makes snapshots, `chronis export` and point-in-time reads.
Law: nothing on disk is changed here. A torn tail is reported; the caller that is going to write cuts it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from store.errors import CorruptSnapshot
from store.events import decode_events, whole_until
from store.log.damage import TornTail
from store.log.frame import Stretch
from store.log.reader import LogReader, OffsetNotInLog
from store.log.segment import LogEnd, list_segments
from store.persistence.replay import Replay
from store.rdb.loading import loading
from store.rdb.report import Extras, RdbReport
from store.steps import STEP_EVENTS, LoadFigures, Steps, collector_at_rest, drained

if TYPE_CHECKING:
    from store.engine import Engine
    from store.keyspace import Keyspace
    from store.persistence.offline import Offline

    Home = Engine | Offline

Progress = Callable[[str], None]
PROGRESS_SECONDS = 2.0
SNAPSHOT_DIRECTORY = "snapshots"
NO_END = (1 << 63) - 1
"""An offset, or a time, that no history reaches."""


@dataclass(frozen=True)
class Until:
    """How far to recover: history offset and/or unix ms of the last frame wanted; None = to the end."""

    offset: int | None = None
    unix_ms: int | None = None


@dataclass
class Recovered:
    """What was found. `end`: where the log goes on; `remarks`: lines for the operator."""

    end: LogEnd = field(default_factory=lambda: LogEnd(0))
    snapshot: Path | None = None
    snapshot_offset: int = 0
    keys_loaded: int = 0
    events: int = 0
    unix_ms: int = 0
    torn: TornTail | None = None
    stranded: bool = False  # the log ends before the snapshot: its segments can't be gone on with
    db_reached: int = 0  # the database selected where recovery stopped
    offset_reached: int = 0  # history up to here is in the keyspace
    extras: Extras = field(default_factory=Extras)
    remarks: list[str] = field(default_factory=list)


def snapshots(directory: str | Path) -> list[tuple[int, Path]]:
    """The snapshots of a data directory with their offsets, newest first."""
    found = [(int(p.stem), p) for p in (Path(directory) / SNAPSHOT_DIRECTORY).glob("*.rdb") if p.stem.isdigit()]
    return sorted(found, reverse=True)


def recover(home: Home, directory: str, until: Until | None = None, progress: Progress | None = None) -> Recovered:
    """Fill home's empty keyspace from a data directory.

    Raise CorruptLog for damage that is not a torn tail, CorruptSnapshot when no snapshot that the log continues can be
    read, OffsetNotInLog when the log does not reach back to the snapshot.
    """
    return drained(recovering(home, directory, until, progress))


def recovering(
    home: Home,
    directory: str,
    until: Until | None = None,
    progress: Progress | None = None,
    figures: LoadFigures | None = None,
) -> Steps[Recovered]:
    """Recover as `recover` does, in steps, counting in figures."""
    with collector_at_rest():
        return (yield from _recovering(home, directory, until, progress, figures))


def _recovering(
    home: Home, directory: str, until: Until | None, progress: Progress | None, figures: LoadFigures | None
) -> Steps[Recovered]:
    until, figures = until or Until(), figures or LoadFigures(piece=1 << 20)
    say = progress or (lambda _: None)
    found = Recovered()
    db = yield from _load_snapshot(home.keyspace, directory, until, found, say, figures)
    found.offset_reached = found.snapshot_offset
    reader = LogReader(directory, found.snapshot_offset)
    replay = Replay(home, db)
    pace = _Pace(say, found.snapshot_offset, _log_bytes(directory))
    loaded = figures.loaded
    for stretches in reader.stretches():
        if not (yield from _take(replay, stretches, found, until)):
            break
        reached = found.offset_reached
        figures.loaded = loaded + reached - found.snapshot_offset
        pace.report(replay.events, reached)
        yield
    found.events, found.torn, found.end = replay.events, reader.torn, reader.end
    found.db_reached = replay.db.index
    if reader.end.offset < found.snapshot_offset:
        found.end, found.stranded = LogEnd(found.snapshot_offset, db), True
    for text, count in replay.refused.items():
        found.remarks.append(f"{count} commands of a Redis history were refused as they must have been there: {text}")
    return found


def _load_snapshot(
    keyspace: Keyspace, directory: str, until: Until, found: Recovered, say: Progress, figures: LoadFigures
) -> Steps[int]:
    """Load the newest snapshot that can be read and is not past `until`; return the database selected at its offset."""
    segments = list_segments(directory)
    first = segments[0].first_offset if segments else 0
    log_end = max((segment.first_offset + segment.size for segment in segments), default=0)
    broken: CorruptSnapshot | None = None
    for offset, path in snapshots(directory):
        if until.offset is not None and offset > until.offset:
            continue
        if segments and offset < first:
            break
        figures.total = path.stat().st_size + max(0, log_end - offset)
        figures.loaded = figures.keys = 0
        try:
            report: RdbReport = yield from loading(path, keyspace, figures)
        except CorruptSnapshot as error:
            broken = error
            _empty(keyspace)
            found.remarks.append(f"{error}; trying an older snapshot")
            continue
        if until.unix_ms is not None and (report.created or 0) * 1000 > until.unix_ms:
            _empty(keyspace)
            continue
        found.snapshot, found.snapshot_offset, found.keys_loaded, found.extras = (
            path,
            offset,
            report.keys,
            report.extras,
        )
        say(f"loaded {report.keys} keys from {path.name} (offset {offset}, {report.size} bytes)")
        return report.stream_db or 0
    if broken is not None and (first > 0 or not segments):
        raise broken
    if first > 0:
        raise OffsetNotInLog(f"the log of {directory} starts at offset {first} and no snapshot reaches it")
    figures.total, figures.loaded, figures.keys = log_end, 0, 0
    return 0


def _empty(keyspace: Keyspace) -> None:
    keyspace.clear()
    keyspace.functions = {}


def _torn(offset: int, stop: int) -> str:
    return f"offset {offset} is inside an event or a transaction: the state is that at offset {stop}"


def last_offset(offset: int, payload: bytes, until: Until) -> int:
    """Return the offset up to which a frame is wanted: its end, or before that the last where no transaction is torn."""
    if until.offset is None or until.offset >= offset + len(payload):
        return offset + len(payload)
    return offset + whole_until(payload, until.offset - offset)


def _take(replay: Replay, stretches: list[Stretch], found: Recovered, until: Until) -> Steps[bool]:
    """Apply frames, noting how far history has come; False when it is not wanted any further."""
    since, most = found.snapshot_offset, NO_END if until.offset is None else until.offset
    latest = NO_END if until.unix_ms is None else until.unix_ms
    place = 0
    while place < len(stretches):
        start, place = place, replay.run_stretches(stretches, place, since, most, latest)
        if place > start:
            offset, found.unix_ms, _, payload = stretches[place - 1]
            found.offset_reached = offset + len(payload)
        if found.offset_reached >= most:
            return False
        if place < len(stretches):
            if not (yield from _take_one(replay, stretches[place], found, until)):
                return False
            place += 1
    return True


def _take_one(replay: Replay, stretch: Stretch, found: Recovered, until: Until) -> Steps[bool]:
    """Apply what is wanted of one frame; False when no more is."""
    offset, unix_ms, _, payload = stretch
    if until.unix_ms is not None and unix_ms > until.unix_ms:
        return False
    stop = last_offset(offset, payload, until)
    yield from _apply(replay, stretch, found.snapshot_offset, stop)
    found.offset_reached = max(found.offset_reached, stop)
    if until.offset is not None and offset + len(payload) >= until.offset:
        if stop < until.offset:
            found.remarks.append(_torn(until.offset, stop))
        return False
    found.unix_ms = unix_ms
    return True


def _apply(replay: Replay, stretch: Stretch, since: int, stop: int) -> Steps[None]:
    """Apply the events of a frame from the offset `since` on, up to the offset `stop`."""
    offset, _, db, payload = stretch
    replay.select(db)
    for position, argv in decode_events(payload):
        at = offset + position
        if at >= stop:
            return
        if at >= since or argv[0] == b"SELECT":
            replay.run(argv)
            if replay.events % STEP_EVENTS == 0:
                yield


def _log_bytes(directory: str) -> int:
    segments = list_segments(directory)
    return sum(segment.size for segment in segments)


class _Pace:
    """Says every few seconds how far a replay has come."""

    def __init__(self, say: Progress, start: int, total: int) -> None:
        self._say = say
        self._start = start
        self._total = max(1, total)
        self._next = time.monotonic() + PROGRESS_SECONDS

    def report(self, events: int, offset: int) -> None:
        """Say it, if it is time."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + PROGRESS_SECONDS
            share = min(99, 100 * (offset - self._start) // self._total)
            self._say(f"replaying the log: {events} events, offset {offset}, {share} %")
