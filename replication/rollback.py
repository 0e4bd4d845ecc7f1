"""Going back in history: a replica that is ahead of its new primary rebuilds its state at the offset where they parted.

Law: the state at the offset is complete in memory before anything on disk is given up; then log, snapshots and keyspace
change in one turn. Old data is served meanwhile.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from store.log.reader import LogCursor
from store.log.segment import LogEnd
from store.log.writer import LogWriter
from store.logfile import notice
from store.persistence.offline import like, offline_engine
from store.persistence.recovery import Recovered, Until, recover

if TYPE_CHECKING:
    from store.engine import Engine
    from store.node import Node

_STEP = 10_000


async def roll_back(node: Node, offset: int) -> bool:
    """Make the state at offset that of this node; False if the log can't tell it (it is in memory, or offset is inside a frame).

    Raises CorruptFile, OffsetNotInLog, LogFailed or OSError with everything as it was.
    """
    engine = node.engine
    if not isinstance(engine.log, LogWriter) or engine.log.failed is not None:
        return False
    past = offline_engine(engine.settings.databases)
    past.keyspace.limits = like(engine.keyspace).limits
    found, end = await asyncio.to_thread(_rebuild, past, engine.log.directory, offset)
    if end is None:
        return False
    engine.turn.end()
    node.persistence.cut_back(end)
    engine.keyspace.adopt(past.keyspace)
    notice(f"Went back to offset {offset}: snapshot of {found.snapshot_offset} and {found.events} events after it")
    return True


def _rebuild(past: Engine, directory: str, offset: int) -> tuple[Recovered, LogEnd | None]:
    """Fill a fresh engine with the state at offset; return what was found and where the log is to end."""
    found = recover(past, directory, Until(offset=offset))
    with LogCursor(directory, offset) as cursor:
        while not cursor.skip(_STEP):
            continue
        if cursor.offset != offset:
            return found, None
        return found, LogEnd(offset, found.db_reached, cursor.path, cursor.position)
