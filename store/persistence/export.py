"""The way out: what a redis-server 7.0 starts from, made of a Chronis data directory, as it is or as it was at a point.

    dump.rdb                          the state at that point                                    (export_rdb)
    appendonlydir/*.manifest          names the two files below                                  (export_aof)
    appendonlydir/*.1.base.rdb        the newest snapshot before that point, or an empty one
    appendonlydir/*.1.incr.aof        the events after it, with their times as `#TS:` annotations

Law: the data directory is only read (a server may be running on it); the target gets whole files or nothing. An export
at a point in the past does not carry the history id: what is written to it from there on is another history.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from store.errors import ConfigError
from store.events import decode_events, encode_select
from store.keyspace import Keyspace
from store.log import history
from store.log.frame import Frame
from store.log.reader import LogReader
from store.persistence.aof import Manifest, encode_manifest
from store.persistence.durable_files import sync_directory, write_durably
from store.persistence.offline import offline_engine
from store.persistence.recovery import Recovered, Until, last_offset, recovering
from store.rdb.writer import save, standard_aux
from store.steps import LoadFigures, Steps, drained

DUMP = "dump.rdb"
FOLDER = "appendonlydir"
BASE = "appendonly.aof.1.base.rdb"
INCREMENT = "appendonly.aof.1.incr.aof"
MANIFEST = "appendonly.aof.manifest"
_NO_WRITE = {b"PING", b"PUBLISH", b"SPUBLISH", b"REPLCONF"}
"""Events that change no data."""


Take = Callable[[Steps[Recovered], LoadFigures], Recovered]
"""Takes all steps of getting the state back, and may show how far they are."""


def at_once(steps: Steps[Recovered], figures: LoadFigures) -> Recovered:
    """Take them and show nothing."""
    return drained(steps)


@dataclass(slots=True)
class Exported:
    """What was written; `remarks`: lines for the operator."""

    path: Path
    keys: int
    size: int
    events: int = 0
    remarks: list[str] = field(default_factory=list)


def export_rdb(
    directory: Path, target: Path, until: Until | None = None, databases: int = 16, take: Take = at_once
) -> Exported:
    """Write the state of a data directory [at a point] as target/dump.rdb.

    Raise ConfigError when either directory won't do, CorruptFile or OffsetNotInLog when the state can't be recovered,
    and OSError.
    """
    _check(directory, target, DUMP)
    keyspace, found = _recovered(directory, until, databases, take)
    known = history.load(str(directory)) if until is None else None
    at_end = None if known is None else known.current
    aux = standard_aux(ctime=int(time.time()), history_id=at_end, offset=found.end.offset, stream_db=found.db_reached)
    report = save(keyspace, target / DUMP, aux=aux, extras=found.extras)
    return Exported(target / DUMP, report.keys, report.size, found.events, found.remarks)


def export_aof(
    directory: Path, target: Path, until: Until | None = None, databases: int = 16, take: Take = at_once
) -> Exported:
    """Write a data directory [up to a point] as target/appendonlydir; raises as `export_rdb` does."""
    _check(directory, target, FOLDER)
    keyspace, found = _recovered(directory, until, databases, take)
    folder = target / f"temp-{os.getpid()}-{FOLDER}"
    folder.mkdir(parents=True)
    try:
        _write_base(folder / BASE, found)
        events = write_durably(folder / INCREMENT, lambda file: write_events(file, directory, found, until or Until()))
        write_durably(folder / MANIFEST, lambda file: file.write(encode_manifest(Manifest(BASE, (INCREMENT,)))))
        size = sum(path.stat().st_size for path in folder.iterdir())
        os.rename(folder, target / FOLDER)
    except BaseException:
        shutil.rmtree(folder)
        raise
    sync_directory(target)
    keys = sum(len(db) for db in keyspace.databases)
    return Exported(target / FOLDER, keys, size, events, found.remarks)


def _check(directory: Path, target: Path, name: str) -> None:
    """Raise ConfigError unless directory is one of ours and target can take `name`."""
    if not (directory / "log").is_dir() and not (directory / "snapshots").is_dir():
        raise ConfigError(f"{directory} is not a data directory of Chronis: it has neither log/ nor snapshots/")
    target.mkdir(parents=True, exist_ok=True)
    if (target / name).exists():
        raise ConfigError(f"{target / name} exists already")


def _recovered(directory: Path, until: Until | None, databases: int, take: Take) -> tuple[Keyspace, Recovered]:
    engine = offline_engine(databases)
    figures = LoadFigures(piece=1 << 20)
    found = take(recovering(engine, str(directory), until, figures=figures), figures)
    if until is not None and until.unix_ms is not None and found.snapshot is None and not found.events:
        raise ConfigError(f"history in {directory} begins later: nothing is known of that time")
    if found.torn is not None:
        found.remarks.append(f"{found.torn}; it is left out")
    return engine.keyspace, found


def _write_base(path: Path, found: Recovered) -> None:
    """Copy the snapshot that recovery started from: it is an RDB file as it is."""
    if found.snapshot is None:
        save(Keyspace(1), path, aux=standard_aux(ctime=0, aof_base=True))
        return
    with open(found.snapshot, "rb") as source:
        write_durably(path, lambda file: shutil.copyfileobj(source, file, 1 << 20))


def write_events(file: BinaryIO, directory: Path, found: Recovered, until: Until) -> int:
    """Write the events after the snapshot of `found`, up to `until`, as an append-only file; return how many."""
    count = selected = dated = 0
    for seconds, db, event in events_after(str(directory), found.snapshot_offset, until):
        if seconds > dated:
            file.write(b"#TS:%d\r\n" % seconds)
            dated = seconds
        if db != selected:
            file.write(encode_select(db))
            selected = db
        file.write(event)
        count += 1
    return count


def events_after(directory: str, since: int, until: Until) -> Iterator[tuple[int, int, bytes]]:
    """Yield (unix seconds, database, bytes) of each event that changes data or marks a transaction."""
    for frame in LogReader(directory, since):
        if until.unix_ms is not None and frame.unix_ms > until.unix_ms:
            return
        yield from _changes(frame, since, last_offset(frame.offset, frame.payload, until))
        if until.offset is not None and frame.end >= until.offset:
            return


def _changes(frame: Frame, since: int, stop: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield the changes of one frame from the offset `since` on and before `stop`."""
    db, seconds = frame.db, frame.unix_ms // 1000
    events = list(decode_events(frame.payload))
    ends = [position for position, _ in events[1:]] + [len(frame.payload)]
    for (start, argv), end in zip(events, ends, strict=True):
        if frame.offset + start >= stop:
            return
        name = argv[0].upper()
        if name == b"SELECT":
            db = int(argv[1])
        elif name not in _NO_WRITE and frame.offset + start >= since:
            yield seconds, db, frame.payload[start:end]
