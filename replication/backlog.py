"""History that is kept for replicas that are behind, and how far behind each of them may be.

Law: memory holds the newest `repl-backlog-size` bytes of history, and beyond them only what a replica still needs; one that
needs more than `client-output-buffer-limit replica` allows is cut off. Source: networking.c 7.0, checkClientOutputBufferLimits
(the hard limit is never below the backlog, which is kept anyway; 0: no limit).

From a log on disk replicas that are behind are served at their own pace, at most a window waits in a connection. Retention leaves
what a running synchronization needs: as long as its snapshot is made and sent, and then unless what is missing grows, by more than
`log-retention-size`. Who takes nothing any more ends by `repl-timeout`: the disk is not filled for somebody who will never have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replication.peer import State
from store.client.output_limits import cut_off
from store.log.memory import MemoryLog
from store.logfile import notice, warn

if TYPE_CHECKING:
    from replication.feed import ReplicaFeed
    from replication.primary import Primary


class Backlog:
    """What one primary keeps: `judge` sees to a log in memory, and does nothing while it is on disk; `needed` is for that."""

    def __init__(self, primary: Primary) -> None:
        self.primary = primary
        self.engine = primary.engine
        self._over_since: dict[ReplicaFeed, int] = {}  # unix ms since when a replica is over the soft limit
        self._alone_since_ms = self.engine.clock.now_ms()
        self._freed = False

    def needed(self) -> int | None:
        """From where on replicas still need a log on disk; None: nowhere (`Saving.needed`)."""
        feeds = [feed for feed in self.primary.feeds.values() if _needs_history(feed)]
        return min((feed.peer.needs_from for feed in feeds if self._gets_nearer(feed)), default=None)

    def _gets_nearer(self, feed: ReplicaFeed) -> bool:
        """Tell whether a replica is not one that reads more slowly for good than history grows."""
        most = self.engine.settings.log_retention_size
        missing = self.primary.released - feed.peer.sent
        return not most or not feed.peer.following or missing <= feed.missed + most

    def judge(self) -> None:
        """Keep what the replicas need, and cut off those that need too much. To be called when history or replicas change."""
        log = self.engine.log
        if not isinstance(log, MemoryLog):
            return
        feeds = [feed for feed in self.primary.feeds.values() if _needs_history(feed)]
        fallen = [feed for feed in feeds if self._over(feed, log.written_offset)]
        self._over_since = {feed: since for feed, since in self._over_since.items() if feed in feeds}
        log.tail.keep_from(min((feed.peer.sent for feed in feeds if feed not in fallen), default=None))
        for feed in fallen:
            if feed.session not in self.primary.feeds:
                continue  # it went as another did, of which we were told
            warn(
                f"Replica {feed.peer.name} closed for overcoming of output buffer limits: "
                f"{_waiting(feed, log.written_offset)} bytes wait for it"
            )
            cut_off(feed.session)

    def _over(self, feed: ReplicaFeed, end: int) -> bool:
        """Tell whether a replica needs more than it may, at once (hard) or for longer than it may (soft)."""
        settings = self.engine.settings
        hard, soft, seconds = settings.output_limit("replica")
        size = _waiting(feed, end)
        if hard and size >= max(hard, settings.repl_backlog_size):
            return True
        if not soft or size < soft:
            self._over_since.pop(feed, None)
            return False
        now = self.engine.clock.now_ms()
        return now - self._over_since.setdefault(feed, now) > seconds * 1000

    def taken(self) -> None:
        """A replica has come."""
        self._freed = False

    def left(self) -> None:
        """A replica has gone."""
        if not self.primary.feeds:
            self._alone_since_ms = self.engine.clock.now_ms()
        self.judge()

    def every_second(self) -> None:
        """Judge by time too, and without replicas for repl-backlog-ttl seconds keep no history (0: for ever)."""
        self.judge()
        log, ttl = self.engine.log, self.engine.settings.repl_backlog_ttl
        if not isinstance(log, MemoryLog) or not self.engine.primary or self.primary.feeds or not ttl:
            return
        if log.offset > log.first_offset and self.engine.clock.now_ms() - self._alone_since_ms > ttl * 1000:
            if not self._freed:
                notice(f"Replication backlog freed after {ttl} seconds without connected replicas.")
            self._freed = True
            log.tail.forget()


def _needs_history(feed: ReplicaFeed) -> bool:
    transport = feed.session.transport
    is_there = transport is not None and not transport.is_closing()
    return is_there and feed.peer.state is not State.DELIVERED and not feed.peer.options.rdb_only


def _waiting(feed: ReplicaFeed, end: int) -> int:
    """Bytes that wait for a replica: history up to end that was not sent, and what its connection has not taken yet."""
    transport = feed.session.transport
    unsent = end - feed.peer.sent
    return unsent + (transport.get_write_buffer_size() if transport is not None and feed.peer.following else 0)
