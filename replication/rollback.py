"""Going back in history: a replica that is ahead of its new primary rebuilds its state at the offset where they parted.

Law: the state at the offset is complete in memory before anything on disk is given up; then log, snapshots and keyspace
change in one turn. Old data is served meanwhile. Called off at any moment, it leaves everything as it was, and so does a
disk that fails, unless a part of the log is gone already: that ends the process, and the next start goes on from the rest.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from replication.lost import keep_lost_tail
from store.errors import CorruptFile, LogFailed
from store.log.reader import LogCursor, OffsetNotInLog
from store.log.segment import LogEnd, list_segments
from store.log.writer import LogWriter
from store.logfile import notice, warn
from store.persistence.offline import like, offline_engine
from store.persistence.recovery import Recovered, Until, recovering
from store.steps import drained

if TYPE_CHECKING:
    from replication.off_loop import Check
    from replication.primary import Primary
    from store.engine import Engine

_STEP = 10_000


async def go_back(primary: Primary, offset: int) -> bool:
    """Keep what is beyond offset in a file of its own, and go back to offset; False, and why is said, if that can't be."""
    try:
        await keep_lost_tail(primary, primary.history.current, offset)
        back = await roll_back(primary, offset)
    except (OSError, CorruptFile, OffsetNotInLog, LogFailed) as error:
        warn(f"Going back to offset {offset} failed: {error}")
        return False
    if back:
        primary.disconnect_all("history was rolled back")
    return back


async def roll_back(primary: Primary, offset: int) -> bool:
    """Make the state at offset that of this node; False if the log can't tell it (it is in memory, or offset is inside a frame).

    Raises CorruptFile, OffsetNotInLog, LogFailed or OSError with everything as it was, except that snapshots beyond offset
    may be gone, which the log makes up for; Unfinished ends the process.
    """
    engine, log = primary.engine, primary.engine.log
    if not isinstance(log, LogWriter) or log.failed is not None:
        return False
    past = offline_engine(engine.settings.databases)
    past.keyspace.limits = like(engine.keyspace).limits
    found, end = await primary.off_loop.run(lambda check: _rebuild(check, past, log.directory, offset))
    if end is None or not _still_holds(engine, log, found, end):
        return False
    engine.turn.end()
    primary.node.persistence.cut_back(end)
    engine.keyspace.adopt(past.keyspace)
    engine.local_keys.forget()
    primary.restart(offset, found.unix_ms)
    notice(f"Went back to offset {offset}: snapshot of {found.snapshot_offset} and {found.events} events after it")
    return True


def _rebuild(check: Check, past: Engine, directory: str, offset: int) -> tuple[Recovered, LogEnd | None]:
    """Fill a fresh engine with the state at offset; return what was found and where the log is to end."""
    found = drained(recovering(past, directory, Until(offset=offset)), check)
    with LogCursor(directory, offset) as cursor:
        while not cursor.skip(_STEP):
            check()
        if cursor.offset != offset:
            return found, None
        return found, LogEnd(offset, found.db_reached, cursor.path, cursor.position)


def _still_holds(engine: Engine, log: LogWriter, found: Recovered, end: LogEnd) -> bool:
    """Tell whether the files are still there that the state was rebuilt from, so that a restart rebuilds it too.

    Meanwhile appendonly may have been switched, or a snapshot beyond the offset have taken the place of an older one.
    """
    if engine.log is not log or log.failed is not None or end.path is None or not Path(end.path).exists():
        return False
    if found.snapshot is not None and not found.snapshot.exists():
        return False
    return list_segments(log.directory)[0].first_offset <= found.snapshot_offset
