"""The snapshot that a full synchronization starts from: the newest file that the log continues, or a new one.

Law: one snapshot serves any number of replicas, and the serving process does no more for them than to read a file.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from replication.peer import State
from replication.source import HistoryGone
from store import rdb
from store.keyspace import Keyspace
from store.log.memory import MemoryLog
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
        await self._gathered(feed)
        options, settings = feed.peer.options, self.node.engine.settings
        fresh = options.rdb_only or not feed.peer.acknowledges or settings.rdb_key_save_delay > 0  # who sets it waits for it
        self.node.engine.log.select_next()  # what follows the snapshot begins with its SELECT
        found = self._empty(self.node.engine.keyspace.functions) if options.functions_only else self._at_hand(fresh)
        if found is None:
            return await self._made(feed, self.node.engine.log.offset if fresh else 0)
        feed.announce(found.offset)
        return found

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

    async def _gathered(self, feed: ReplicaFeed) -> None:
        """Wait for other replicas to come, if that is configured: those who come together share a snapshot."""
        settings, begun, life = self.node.settings, time.monotonic(), time.monotonic()
        while settings.repl_diskless_sync and time.monotonic() - begun < settings.repl_diskless_sync_delay:
            waiting = sum(other.peer.state is State.WAITING for other in feed.primary.feeds.values())
            if 0 < settings.repl_diskless_sync_max_replicas <= waiting:
                return
            await asyncio.sleep(POLL_SECONDS)
            if time.monotonic() - life >= 1:
                life = time.monotonic()
                feed.write(b"\n")

    async def _made(self, feed: ReplicaFeed, least: int) -> Snapshot:
        """Have a snapshot made, or wait for the one in the making if that will do; its offset is told as soon as it is known."""
        saving = self.node.persistence.saving
        if saving.purpose is None:
            saving.schedule(SAVE)
        failures, life, offset, pause = saving.outcomes[SAVE].failures, time.monotonic(), -1, POLL_SECONDS / 64
        while True:
            pause = min(2 * pause, POLL_SECONDS)  # the child is there in a moment, and then the offset can be told
            await asyncio.sleep(pause)
            log, child = self.node.engine.log, saving.child
            if offset < 0 and child is not None and child.offset >= max(least, log.first_offset):
                offset = child.offset
                feed.announce(offset)
            kept = self._kept(max(least, log.first_offset), offset) if offset >= 0 or child is None else None
            if kept is not None:
                if offset < 0:
                    feed.announce(kept.offset)
                return kept
            if offset >= 0 and offset < log.first_offset:
                raise HistoryGone("what came after its snapshot is more than may be kept for it")
            if saving.outcomes[SAVE].failures > failures or (offset >= 0 and (child is None or child.offset != offset)):
                raise OSError("the snapshot could not be made")
            if saving.purpose is None:
                saving.schedule(SAVE)
            if time.monotonic() - life >= 1:
                life = time.monotonic()
                feed.write(b"\n")

    def _kept(self, least: int, offset: int) -> Snapshot | None:
        """The newest snapshot that is there, if it is of `offset` (or, not told yet, of `least` or later)."""
        kept = snapshots(self.node.persistence.directory.path)
        wanted = [found for found in kept if (found[0] == offset if offset >= 0 else found[0] >= least)]
        return Snapshot(*wanted[0]) if wanted else None

    def unwanted(self) -> None:
        """The last replica that waited for a snapshot has left: without save points nobody else wants it."""
        node = self.node
        if node.persistence.saving.purpose == SAVE and not node.settings.save and isinstance(node.engine.log, MemoryLog):
            node.persistence.saving.kill()
