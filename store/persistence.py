"""What stands between the engine and its data directory: start, snapshots and when they are due, retention, stop.

Law: the log is the database and a snapshot only a shortcut into it. So a snapshot that fails costs nothing but time, and
segments are dropped only when a finished snapshot covers them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from store import rdb
from store.config.options import OPTIONS
from store.datadir import DataDirectory
from store.errors import ConfigError, ReplyError
from store.log import history
from store.log.damage import cut
from store.log.history import History
from store.log.memory import MemoryLog
from store.log.repair import foreign_segments, set_aside
from store.log.segment import LogEnd, list_segments
from store.log.writer import LogWriter
from store.recovery import Recovered, recover, snapshots
from store.snapshot import Child, fork_writer, spawn_replay, write_snapshot

if TYPE_CHECKING:
    from store.engine import Engine

Say = Callable[[str], None]


class Persistence:
    """The disk side of one server. Times are unix seconds; `last_ok` is the outcome of the last BGSAVE."""

    def __init__(self, engine: Engine, warn: Say, notice: Say) -> None:
        self.engine = engine
        self.warn = warn
        self.notice = notice
        settings = engine.settings
        self.directory = DataDirectory(settings.dir, settings.dbfilename)
        self.history: History | None = None
        self.extras = rdb.Extras()
        self.recovered = Recovered()
        self.child: Child | None = None
        self.scheduled = False
        self.last_save = int(time.time())
        self.last_ok = True
        self.last_duration = -1
        self.last_try = 0.0
        self.saves = 0
        self.dirty_at_start = 0
        self.last_size = 0
        self.last_offset = 0

    # ── start and stop ─────────────────────────────────────────────────────────────────────────────────────────────
    def open(self) -> None:
        """Lock the directory, get the state back, and open the log (or keep one in memory with appendonly no).

        Raise ConfigError, CorruptLog or CorruptSnapshot with a line that tells the operator what to do.
        """
        settings = self.engine.settings
        self.directory.lock()
        self.directory.remove_leftovers()
        if self.directory.is_ours:
            self._recover()
        else:
            self._import_or_create()
        if settings.appendonly:
            self.engine.adopt_log(self._writer(self.recovered.end))
        else:
            self._use_memory(self.recovered.end)
        self.engine.keyspace.dirty = 0
        self.last_size = next((path.stat().st_size for _, path in snapshots(self.directory.path)), 0)
        self.last_offset = self.recovered.snapshot_offset

    def _recover(self) -> None:
        path = str(self.directory.path)
        known = history.load(path)
        if known is not None:
            self._set_aside([found.path for found in foreign_segments(path, known)], "are of another history")
        started = time.monotonic()
        found = self.recovered = recover(self.engine, path, progress=self.notice)
        self.extras = found.extras
        if found.torn is not None:
            cut(found.torn)
            self.warn(f"{found.torn}; it was cut off")
        if found.stranded:
            self._set_aside([segment.path for segment in list_segments(path)], "end before the newest snapshot")
        self.history = known or history.create(path, found.end.offset)
        doubt = self.history.doubt(found.end.offset) if known is not None else None
        if doubt is None and found.torn is not None and found.torn.complete:
            doubt = "the frame that was cut off may have reached a replica"
        if doubt is not None:
            self.history.renew(found.end.offset)
            self.warn(f"new history id {self.history.current} from offset {found.end.offset} on: {doubt}")
        for remark in (*found.remarks, self.directory.foreign_dump()):
            if remark:
                self.warn(remark)
        seconds = time.monotonic() - started
        self.notice(
            f"recovered {self._keys()} keys at offset {found.end.offset}: {found.events} events replayed in {seconds:.3f} seconds"
        )

    def _set_aside(self, segments: list[str], why: str) -> None:
        for path in set_aside(str(self.directory.path), segments):
            self.warn(f"a segment was moved to {path}: its events {why}")

    def _import_or_create(self) -> None:
        """Start from a Redis data directory if there is one, else empty; an import is written as a snapshot at once."""
        from store import importer

        path = str(self.directory.path)
        source = importer.find(self.directory.path, self.engine.settings)
        if source is None:
            self.history = history.create(path)
            return
        self.notice(f"importing {source}")
        report = source.load(self.engine)
        offset = report.offset or 0
        self.extras = report.extras
        for remark in report.remarks:
            self.warn(remark)
        self.history = history.create(path, offset, report.history_id)
        write_snapshot(self.engine, self.directory.snapshot_path(offset), offset, self.history.current, 0, self.extras)
        self.recovered = Recovered(
            end=LogEnd(offset), snapshot_offset=offset, keys_loaded=self._keys(), extras=self.extras
        )
        self.notice(f"imported {self._keys()} keys; the log starts at offset {offset}")

    def _writer(self, end: LogEnd) -> LogWriter:
        settings = self.engine.settings
        assert self.history is not None
        return LogWriter(
            str(self.directory.path),
            self.history,
            end,
            fsync=settings.appendfsync,
            segment_bytes=settings.log_segment_size,
        )

    def _use_memory(self, end: LogEnd) -> None:
        assert self.history is not None
        self.history.mark_running(volatile=True)
        self.engine.adopt_log(MemoryLog(end.offset, end.db, limit=self.engine.settings.repl_backlog_size))

    def close(self, save: bool) -> None:
        """Stop in order: end a running snapshot, save if asked, sync and close the log, let the directory go.

        Raise OSError or LogFailed when something could not be made durable.
        """
        if self.child is not None:
            self.child.kill()
            self.child = None
        if save:
            self.save()
        self.engine.log.commit(self.engine.clock.now_ms())
        self.engine.log.close()
        if save and self.history is not None and self.history.volatile:
            self.history.mark_clean(self.engine.log.offset)
        self.directory.unlock()

    def _keys(self) -> int:
        return sum(len(db) for db in self.engine.keyspace.databases)

    # ── snapshots ──────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def in_progress(self) -> bool:
        """Tell whether a child is writing a snapshot."""
        return self.child is not None

    @property
    def changes(self) -> int:
        """Changes since the last snapshot (INFO rdb_changes_since_last_save)."""
        return self.engine.keyspace.dirty

    def save(self) -> None:
        """Write a snapshot of the present state now, stopping everything else. Raises OSError."""
        log, assured = self.engine.log, self.history
        assert assured is not None
        offset = log.offset
        log.select_next()  # the file names no database that the stream had selected
        self.last_size = write_snapshot(
            self.engine, self.directory.snapshot_path(offset), offset, assured.current, 0, self.extras
        )
        self.last_try = time.time()
        self._finished(offset, 0)
        self.engine.keyspace.dirty = 0

    def start_background(self) -> None:
        """Begin a snapshot in a child process once the running turn is in the log; raise ReplyError while one is in the making."""
        if self.child is not None or self.scheduled:
            raise ReplyError("Background save already in progress")
        self.scheduled = True
        asyncio.get_running_loop().call_soon(self._spawn)

    def _spawn(self) -> None:
        self.scheduled = False
        engine, log, assured = self.engine, self.engine.log, self.history
        assert assured is not None
        offset = log.offset
        path = self.directory.snapshot_path(offset)
        self.dirty_at_start = engine.keyspace.dirty
        self.last_try = time.time()
        log.commit(engine.clock.now_ms())
        try:
            if isinstance(log, LogWriter):
                self.child = spawn_replay(engine, self.directory.path, offset, path)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                log.select_next()
                self.child = fork_writer(engine, path, offset, assured.current, 0, self.extras)
        except OSError as error:
            self.last_ok = False
            self.warn(f"Can't save in background: {error.strerror}")
            return
        self.notice(f"Background saving started by pid {self.child.pid}")

    def poll(self) -> None:
        """Look after the child; the timers call it ten times a second."""
        if self.child is None:
            return
        status = self.child.poll()
        if status is None:
            return
        child, self.child = self.child, None
        self.last_ok = status == 0
        if status:
            self.warn(f"Background saving failed with status {status}; the log is untouched and keeps everything")
            return
        self.notice("Background saving terminated with success")
        self.engine.keyspace.dirty -= self.dirty_at_start
        self.last_size = child.path.stat().st_size
        self._finished(child.offset, int(time.time() - child.started))

    def _finished(self, offset: int, duration: int) -> None:
        self.directory.publish(self.directory.snapshot_path(offset))
        self.last_save, self.last_ok, self.last_duration = int(time.time()), True, duration
        self.last_offset = offset
        self.saves += 1
        self._retain()

    def _retain(self) -> None:
        """Drop old segments, those that the older of the kept snapshots does not need."""
        log, settings = self.engine.log, self.engine.settings
        kept = snapshots(self.directory.path)
        if isinstance(log, LogWriter) and kept:
            dropped = log.retain(
                kept[-1][0], settings.log_retention_size, settings.log_retention_age * 1000, self.engine.clock.now_ms()
            )
            if dropped:
                self.notice(f"dropped {dropped} bytes of log; history starts at offset {log.first_offset}")

    def check_due(self) -> None:
        """Start a snapshot when a save point or the size of the log asks for one; the timers call it every second."""
        if self.child is not None or self.scheduled:
            return
        if self._save_point_reached() or self._log_is_long():
            self.start_background()

    def _save_point_reached(self) -> bool:
        now = time.time()
        if not self.last_ok and now - self.last_try < 5:
            return False
        points = self.engine.settings.save
        if isinstance(self.engine.log, LogWriter) and points == OPTIONS["save"].default:
            return False  # every change is in the log: unless asked for, only its length calls for a snapshot
        return any(self.changes >= changes and now - self.last_save > seconds for seconds, changes in points)

    def _log_is_long(self) -> bool:
        """More log since the last snapshot than 64 MiB and than the snapshot itself (auto-aof-rewrite-*)."""
        settings = self.engine.settings
        if not isinstance(self.engine.log, LogWriter) or not settings.auto_aof_rewrite_percentage:
            return False
        if not self.last_ok and time.time() - self.last_try < 60:
            return False
        least = max(settings.auto_aof_rewrite_min_size, self.last_size * settings.auto_aof_rewrite_percentage // 100)
        return self.engine.log.offset - self.last_offset > least

    # ── appendonly at run time ─────────────────────────────────────────────────────────────────────────────────────
    def switch_appendonly(self) -> None:
        """CONFIG SET appendonly: go on in the other kind of log, at the same offset, losing nothing.

        Raise ConfigError when the directory can't take it; then the log in use stays.
        """
        engine, log = self.engine, self.engine.log
        engine.log.commit(engine.clock.now_ms())
        try:
            if engine.settings.appendonly and not isinstance(log, LogWriter):
                self.save()
                self._forget_old_segments(log.offset)
                engine.adopt_log(self._writer(LogEnd(log.offset)))
            elif not engine.settings.appendonly and isinstance(log, LogWriter):
                log.close()
                self._use_memory(LogEnd(log.offset))
        except OSError as error:
            raise ConfigError(f"Unable to switch appendonly: {error.strerror}") from error

    def _forget_old_segments(self, offset: int) -> None:
        """Segments from before appendonly was off do not join the new log: a snapshot at offset is where history starts."""
        assert self.history is not None
        for path in (self.directory.path / "log").glob("*.seg"):
            path.unlink()
