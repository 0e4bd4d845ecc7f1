"""Snapshots while the server runs: SAVE, BGSAVE, when one is due, and what a finished one makes superfluous.

Law: the log is the database and a snapshot only a shortcut into it. So a snapshot that fails costs nothing but time, and
segments are dropped only when a finished snapshot covers them. With `appendonly no` snapshots are all there is on disk:
only then do save points and a failed snapshot matter as much as in Redis.

BGREWRITEAOF is a snapshot too: it is what lets old log go, as the rewrite of an AOF does in Redis.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from store import rdb
from store.commands.table import LOADING, POISONED
from store.config.options import OPTIONS
from store.log.history import History
from store.log.writer import LogWriter
from store.persistence.datadir import DataDirectory
from store.persistence.recovery import snapshots
from store.persistence.snapshot import Child, fork_writer, spawn_replay, write_snapshot
from store.persistence.snapshot_figures import REWRITE, SAVE, Figures, Outcome

if TYPE_CHECKING:
    from store.engine import Engine

Say = Callable[[str], None]

RETRY_SECONDS = 5
"""Seconds after a failed snapshot before a save point starts the next one (server.c 7.0: CONFIG_BGSAVE_RETRY_DELAY)."""
MISCONF = (
    "Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the "
    "data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails "
    "(stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error."
)


class Saving:
    """Makes the snapshots of one node. `history` and `extras` are set once the data directory has been opened."""

    def __init__(self, engine: Engine, directory: DataDirectory, warn: Say, notice: Say) -> None:
        self.engine = engine
        self.directory = directory
        self.warn = warn
        self.notice = notice
        self.history: History | None = None
        self.extras = rdb.Extras()
        self.child: Child | None = None
        self.purpose: str | None = None  # of the snapshot in the making, or about to be
        self.scheduled: list[str] = []  # purposes that wait for it to end
        self.figures = Figures(last_save=int(time.time()))
        self.outcomes = {SAVE: Outcome(), REWRITE: Outcome()}
        self.needed: Callable[[], int | None] = lambda: None  # from which offset on others still read the log
        self._dirty_at_start = 0
        engine.settings.on_change("stop-writes-on-bgsave-error", self._judge)

    @property
    def changes(self) -> int:
        """Changes since the last snapshot."""
        return self.engine.keyspace.dirty

    # ── at once ────────────────────────────────────────────────────────────────────────────────────────────────────
    def save(self) -> None:
        """Write a snapshot of the present state now, stopping everything else; not within a transaction. Raises OSError."""
        log, assured = self.engine.log, self.history
        assert assured is not None
        log.commit(self.engine.clock.now_ms())
        offset = log.offset
        self.figures.last_try = time.time()
        path = self.directory.snapshot_path(offset)
        try:
            self.figures.last_size = write_snapshot(self.engine, path, offset, assured.current, log.db, self.extras)
            self.directory.publish(path)
        except OSError as error:
            self.warn(f"Error trying to save the DB: {error}")
            raise  # only what fails in the background changes `ok`: here somebody is told (rdb.c 7.0)
        self.engine.keyspace.dirty = 0
        self._finished(SAVE, offset)

    def flushed(self) -> None:
        """FLUSHALL emptied everything: without a log on disk a snapshot has to say so, or the data would come back."""
        self.kill()
        if isinstance(self.engine.log, LogWriter) or not self.engine.settings.save:
            return
        asyncio.get_running_loop().call_soon(self._save_empty)

    def _save_empty(self) -> None:
        try:
            self.save()
        except OSError:
            self._failed(SAVE)  # nobody waits for this one

    # ── in the background ──────────────────────────────────────────────────────────────────────────────────────────
    def start(self, purpose: str = SAVE) -> None:
        """Begin a snapshot in a child process once the running turn is in the log; none may be in the making."""
        self.purpose = purpose
        asyncio.get_running_loop().call_soon(self._spawn)

    def schedule(self, purpose: str) -> None:
        """Begin a snapshot as soon as the one in the making has ended, or after the running transaction."""
        if self.purpose is None:
            self.start(purpose)
        elif purpose not in self.scheduled:
            self.scheduled.append(purpose)

    def _spawn(self) -> None:
        if self.purpose is None or self.child is not None:
            return  # it was killed before it began
        engine, log, assured = self.engine, self.engine.log, self.history
        assert assured is not None
        offset = log.offset
        path = self.directory.snapshot_path(offset)
        self._dirty_at_start = engine.keyspace.dirty
        self.figures.last_try = time.time()
        log.commit(engine.clock.now_ms())
        started = time.perf_counter_ns()
        try:
            if isinstance(log, LogWriter):
                self.child = spawn_replay(engine, self.directory.path, offset, path)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                self.child = fork_writer(engine, path, offset, assured.current, log.db, self.extras)
        except OSError as error:
            self.warn(f"Can't save in background: {error.strerror}")
            self._ended(ok=False)
            return
        self.figures.forks += 1
        self.figures.fork_microseconds = (time.perf_counter_ns() - started) // 1000
        self.notice(f"Background saving started by pid {self.child.pid}")

    def poll(self) -> None:
        """Look after the child; the timers call it ten times a second."""
        status = self.child.poll() if self.child is not None else None
        if self.child is None or status is None:
            return
        child, self.child = self.child, None
        if status:
            self.warn(f"Background saving failed with status {status}")
            self._ended(ok=False)
            return
        try:
            self.directory.publish(child.path)
            self.figures.last_size = child.path.stat().st_size
        except OSError as error:
            self.warn(f"Background saving succeeded, but its result can't be put in place: {error}")
            self._ended(ok=False)
            return
        self.notice("Background saving terminated with success")
        self.engine.keyspace.dirty -= self._dirty_at_start
        self.outcomes[self.purpose or SAVE].duration = int(time.time() - child.started)
        self._ended(ok=True, offset=child.offset)

    def _ended(self, ok: bool, offset: int = 0) -> None:
        """Note how the snapshot in the making ended, and begin the next one if one waits."""
        purpose, self.purpose = self.purpose or SAVE, None
        if ok:
            self._finished(purpose, offset)
        else:
            self._failed(purpose)
        if self.scheduled:
            self.start(self.scheduled.pop(0))

    def kill(self) -> None:
        """End a snapshot in the making: it is not wanted any more."""
        self.scheduled.clear()
        if self.child is not None:
            self.warn("Killing the child that is writing a snapshot")
            self.child.kill()
            self.child = None
        self.purpose = None

    # ── afterwards ─────────────────────────────────────────────────────────────────────────────────────────────────
    def _finished(self, purpose: str, offset: int) -> None:
        outcome = self.outcomes[purpose]
        outcome.ok, outcome.failures = True, 0
        outcome.count += 1
        self.figures.last_save, self.figures.last_offset = int(time.time()), offset
        self._judge()
        self._retain()

    def adopted(self, path: Path, offset: int) -> None:
        """Note that a snapshot came from elsewhere and is the newest now."""
        self.show(path)
        self.figures.last_save, self.figures.last_offset = int(time.time()), offset
        self.engine.keyspace.dirty = 0

    def show(self, path: Path) -> None:
        """Give the newest snapshot its second name; that this can't be costs nothing but a line in the log."""
        try:
            self.figures.last_size = path.stat().st_size
            self.directory.publish(path)
        except OSError as error:
            self.warn(f"{self.directory.dump} is not the newest snapshot, as it can't be replaced: {error}")

    def _failed(self, purpose: str) -> None:
        outcome = self.outcomes[purpose]
        outcome.ok = False
        outcome.failures += 1
        self._judge()

    def _judge(self) -> None:
        """Refuse writes after a failed snapshot if that is all that would survive, until one succeeds."""
        engine = self.engine
        if isinstance(engine.log, LogWriter):
            return
        settings = engine.settings
        refuse = not self.outcomes[SAVE].ok and settings.stop_writes_on_bgsave_error and bool(settings.save)
        engine.gates.set(POISONED, refuse)
        if refuse:
            engine.gates.disk_error = MISCONF

    def _retain(self) -> None:
        """Drop old segments, those that neither the older of the kept snapshots needs nor who reads the log (replicas)."""
        log, settings = self.engine.log, self.engine.settings
        kept = snapshots(self.directory.path)
        if isinstance(log, LogWriter) and kept:
            now, needed = self.engine.clock.now_ms(), self.needed()
            least = kept[-1][0] if needed is None else min(kept[-1][0], needed)
            dropped = log.retain(least, settings.log_retention_size, settings.log_retention_age * 1000, now)
            if dropped:
                self.notice(f"dropped {dropped} bytes of log; history starts at offset {log.first_offset}")

    # ── when one is due ────────────────────────────────────────────────────────────────────────────────────────────
    def check_due(self) -> None:
        """Start a snapshot when a save point or the size of the log asks for one; the timers call it every second."""
        if self.purpose is not None or self.history is None or self.engine.gates.closed & LOADING:
            return
        if self._save_point_reached():
            self.start(SAVE)
        elif self._log_is_long():
            self.start(REWRITE)

    def _save_point_reached(self) -> bool:
        now, figures = time.time(), self.figures
        if not self.outcomes[SAVE].ok and now - figures.last_try < RETRY_SECONDS:
            return False
        points = self.engine.settings.save
        if isinstance(self.engine.log, LogWriter) and points == OPTIONS["save"].default:
            return False  # every change is in the log: unless asked for, only its length calls for a snapshot
        return any(self.changes >= changes and now - figures.last_save > seconds for seconds, changes in points)

    def _log_is_long(self) -> bool:
        """More log since the last snapshot than 64 MiB and than the snapshot itself (auto-aof-rewrite-*)."""
        settings, figures = self.engine.settings, self.figures
        if not isinstance(self.engine.log, LogWriter) or not settings.auto_aof_rewrite_percentage:
            return False
        if not self.outcomes[REWRITE].ok and time.time() - figures.last_try < 60:
            return False
        least = max(settings.auto_aof_rewrite_min_size, figures.last_size * settings.auto_aof_rewrite_percentage // 100)
        return self.engine.log.offset - figures.last_offset > least
