"""The snapshot that a full synchronization starts from: the newest file that the log continues, or a new one.

Law: one snapshot serves any number of replicas, and the serving process does no more for them than to read a file.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from store import rdb
from store.keyspace import Keyspace
from store.persistence.recovery import snapshots
from store.persistence.snapshot_figures import SAVE

if TYPE_CHECKING:
    from replication.feed import ReplicaFeed
    from store.node import Node

SHORT_LOG = 64 << 20
"""Bytes of log up to which a log that begins at 0 is sent as it is, after an empty snapshot."""
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot at an offset: a file, or `data` if it is small."""

    offset: int
    path: Path | None = None
    data: bytes = b""


class Snapshots:
    """Finds snapshots for replicas and has them made."""

    def __init__(self, node: Node) -> None:
        self.node = node

    async def provide(self, feed: ReplicaFeed) -> Snapshot:
        """Return a snapshot that the log continues, waiting for one to be made; meanwhile the replica gets a sign of life.

        One that wants nothing but the snapshot, or came by the old SYNC and can't tell history from news (it knows no
        offsets), gets a fresh one. Raises OSError when none can be made.
        """
        options = feed.peer.options
        if options.functions_only:
            return self._empty(self.node.engine.keyspace.functions)
        fresh = options.rdb_only or not feed.peer.acknowledges
        self.node.engine.log.select_next()  # what follows the snapshot begins with its SELECT
        found = self._at_hand(fresh)
        if found is not None:
            return found
        least = self.node.engine.log.offset if fresh else 0
        return await self._made(feed, least)

    def _at_hand(self, fresh: bool) -> Snapshot | None:
        """A snapshot that is there already (fresh: of this very offset)."""
        log = self.node.engine.log
        kept = snapshots(self.node.persistence.directory.path)
        if kept and kept[0][0] >= (log.offset if fresh else log.first_offset):
            return Snapshot(*kept[0])
        history = self.node.persistence.history
        begins_empty = log.first_offset == 0 and history is not None and history.chain[0][1] == 0 and not kept
        if begins_empty and not fresh and log.offset <= SHORT_LOG:
            return self._empty({})
        return None

    def _empty(self, functions: dict[bytes, bytes]) -> Snapshot:
        """A snapshot at offset 0 without keys, with these function libraries."""
        history = self.node.persistence.history
        known = history.chain[0][0] if history is not None else None
        aux = rdb.standard_aux(ctime=int(time.time()), history_id=known)
        keyspace = Keyspace(1)
        keyspace.functions = functions
        return Snapshot(0, data=b"".join(rdb.encode_snapshot(keyspace, aux=aux)))

    async def _made(self, feed: ReplicaFeed, least: int) -> Snapshot:
        """Have a snapshot made, or wait for the one in the making if that will do."""
        saving = self.node.persistence.saving
        saving.schedule(SAVE)
        failures, life = saving.outcomes[SAVE].failures, time.monotonic()
        while True:
            await asyncio.sleep(POLL_SECONDS)
            log = self.node.engine.log
            kept = snapshots(self.node.persistence.directory.path)
            if saving.child is None and kept and kept[0][0] >= max(least, log.first_offset):
                return Snapshot(*kept[0])
            if saving.outcomes[SAVE].failures > failures:
                raise OSError("the snapshot could not be made")
            if saving.purpose is None:
                saving.schedule(SAVE)
            if time.monotonic() - life >= 1:
                life = time.monotonic()
                feed.write(b"\n")
