"""What stands between the engine and its data directory: start, stop, and going on with a log on disk or in memory.

Law: a directory has one owner; what recovery cut, set aside or doubted is said; nothing is written before it was all read.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from store import rdb
from store.errors import ConfigError, LogFailed
from store.expiry import overdue
from store.log import history
from store.log.damage import cut
from store.log.history import History
from store.log.memory import MemoryLog
from store.log.repair import foreign_segments, set_aside
from store.log.segment import LogEnd, list_segments
from store.log.syncer import PATIENCE
from store.log.writer import LogWriter
from store.persistence import replacement
from store.persistence.datadir import DataDirectory
from store.persistence.durable_files import sync_directory
from store.persistence.recovery import Recovered, recovering, snapshots
from store.persistence.saving import Saving
from store.persistence.snapshot import write_snapshot
from store.steps import STEP_BYTES, LoadFigures, Steps, drained, said

if TYPE_CHECKING:
    from store.engine import Engine

Say = Callable[[str], None]


class Persistence:
    """The disk side of one server. `saving`: its snapshots."""

    def __init__(self, engine: Engine, warn: Say, notice: Say) -> None:
        self.engine = engine
        self.warn = warn
        self.notice = notice
        settings = engine.settings
        self.directory = DataDirectory(settings.dir, settings.dbfilename)
        self.saving = Saving(engine, self.directory, warn, notice)
        self.recovered = Recovered()
        self.is_open = False  # the state is there, and the log takes events
        self.loading = LoadFigures(piece=min(STEP_BYTES, settings.loading_process_events_interval_bytes or STEP_BYTES))

    @property
    def history(self) -> History | None:
        """The chain of history ids, once the directory has been opened."""
        return self.saving.history

    @history.setter
    def history(self, history: History) -> None:
        self.saving.history = history

    @property
    def extras(self) -> rdb.Extras:
        """What snapshots carry beside the databases."""
        return self.saving.extras

    @extras.setter
    def extras(self, extras: rdb.Extras) -> None:
        self.saving.extras = extras

    # ── start and stop ─────────────────────────────────────────────────────────────────────────────────────────────
    def open(self) -> None:
        """Take the directory, get the state back, and open the log, all at once."""
        self.directory.lock()
        drained(self.opening())

    def opening(self) -> Steps[None]:
        """Get the state back in steps, and open the log (or keep one in memory with appendonly no).

        The directory has been locked. What is loaded is seen by nobody before it is all there. Raise ConfigError,
        CorruptLog or CorruptSnapshot with a line that tells the operator what to do.
        """
        settings = self.engine.settings
        interrupted = replacement.finish(self.directory.path)
        if interrupted is not None:
            self.notice(f"finished a synchronization that was interrupted: the state is that of offset {interrupted}")
        self.directory.remove_leftovers()
        if self.directory.is_ours:
            yield from self._recover()
        else:
            yield from self._import_or_create()
        if settings.appendonly:
            self.engine.adopt_log(self._writer(self.recovered.end))
        else:
            self._use_memory(self.recovered.end)
        self.engine.keyspace.dirty = 0
        figures = self.saving.figures
        figures.last_size = next((path.stat().st_size for _, path in snapshots(self.directory.path)), 0)
        figures.last_offset = self.recovered.snapshot_offset
        if self.engine.primary:  # else it is the primary that removes them
            now = self.engine.clock.now_ms()
            figures.keys_expired = sum(overdue(db, now, sys.maxsize) for db in self.engine.keyspace.databases)
        figures.keys_loaded = max(0, self.recovered.keys_loaded - figures.keys_expired)
        self.is_open = True

    def _recover(self) -> Steps[None]:
        path = str(self.directory.path)
        known = history.load(path)
        if known is not None:
            self._set_aside([found.path for found in foreign_segments(path, known)], "are of another history")
        started = time.monotonic()
        loaded = self._beside()
        found = self.recovered = yield from recovering(loaded, path, progress=self.notice, figures=self.loading)
        if found.torn is not None and not self.engine.settings.aof_load_truncated:
            raise ConfigError(f"{found.torn}; aof-load-truncated no: `chronis check --repair` cuts it off and keeps it in lost/")
        self.engine.keyspace.adopt(loaded.keyspace)
        self.extras = found.extras
        if found.torn is not None:
            cut(found.torn)
            self.warn(f"{found.torn}; it was cut off")
        if found.stranded:
            self._set_aside([segment.path for segment in list_segments(path)], "end before the newest snapshot")
        chain = self.history = known or history.create(path, found.end.offset)
        doubt = chain.doubt(found.end.offset) if known is not None else None
        if doubt is None and found.torn is not None and found.torn.complete:
            doubt = "the frame that was cut off may have reached a replica"
        if doubt is not None:
            chain.renew(found.end.offset)
            self.warn(f"new history id {chain.current} from offset {found.end.offset} on: {doubt}")
        for remark in (*found.remarks, self.directory.foreign_dump()):
            if remark:
                self.warn(remark)
        seconds = time.monotonic() - started
        self.notice(
            f"recovered {self._keys()} keys at offset {found.end.offset}: {found.events} events replayed in {seconds:.3f} seconds"
        )

    def _beside(self) -> Engine:
        """An engine with nobody connected, to be filled while ours answers."""
        from store.persistence.offline import like, offline_engine  # needs the engine, and the engine the commands

        return offline_engine(len(self.engine.keyspace.databases), like(self.engine.keyspace))

    def _say_import(self) -> None:
        """Tell how far an import is."""
        figures = self.loading
        done = f"{figures.loaded} of {figures.total} bytes ({figures.percent:.0f} %)"
        self.notice(f"importing: {done}, {figures.keys} keys, about {figures.seconds_left} seconds left")

    def _set_aside(self, segments: list[str], why: str) -> None:
        for path in set_aside(str(self.directory.path), segments):
            self.warn(f"a segment was moved to {path}: its events {why}")

    def _import_or_create(self) -> Steps[None]:
        """Start from a Redis data directory if there is one, else empty; an import is written as a snapshot at once."""
        from store.persistence import importer

        path = str(self.directory.path)
        source = importer.find(self.directory.path, self.engine.settings)
        if source is None:
            self.history = history.create(path)
            return
        self.notice(f"importing {source}")
        loaded = self._beside()
        report = yield from said(source.loading(loaded, self.loading), self._say_import)
        self.engine.keyspace.adopt(loaded.keyspace)
        offset = report.offset or 0
        self.extras = report.extras
        for remark in report.remarks:
            self.warn(remark)
        chain = self.history = history.create(path, offset, report.history_id)
        if chain.told and self.engine.primary:
            chain.renew(offset)  # where the data come from their history may go on; its replicas may go on here up to this offset
        write_snapshot(self.engine, self.directory.snapshot_path(offset), offset, chain.current, 0, self.extras)
        self.directory.publish(self.directory.snapshot_path(offset))
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
            patience=PATIENCE,
        )

    def _use_memory(self, end: LogEnd) -> None:
        assert self.history is not None
        self.history.mark_running(volatile=True)
        self.warn("appendonly no: the log is kept in memory, so what is written after the last snapshot is lost with the process")
        self.engine.adopt_log(MemoryLog(end.offset, end.db, limit=self.engine.settings.repl_backlog_size))

    def close(self) -> None:
        """Stop in order: end a running snapshot, sync and close the log, let the directory go.

        Raise OSError or LogFailed when something could not be made durable.
        """
        if not self.is_open:  # still loading: nothing is ours but the lock
            self.directory.unlock()
            return
        self.saving.kill()
        self.engine.log.commit(self.engine.clock.now_ms())
        self.engine.log.close()
        saved = self.saving.figures.last_offset == self.engine.log.offset
        if saved and self.history is not None and self.history.volatile:
            self.history.mark_clean(self.engine.log.offset)
        self.directory.unlock()

    def _keys(self) -> int:
        return sum(len(db) for db in self.engine.keyspace.databases)

    # ── following a primary ────────────────────────────────────────────────────────────────────────────────────────
    def replace_state(self, received: Path, history_id: str, offset: int, db: int, extras: rdb.Extras) -> None:
        """Make a received snapshot, complete and durable, the state of this directory; the log goes on at offset in db.

        Whoever holds the keyspace replaces it in the same turn. All that needs room on the disk comes first and can be undone.
        Raises OSError or LogFailed with everything as it was, or Unfinished: the process has to end.
        """
        assert self.history is not None
        self.saving.kill()
        self._answer_who_waits()
        directory = self.directory.path
        prepared = self.history.prepare_another(history_id, offset)
        final = replacement.begin(directory, received, history_id, offset)
        with replacement.without_way_back("replacing the state by the master's"):
            replacement.give_up_old(directory, final)
            self.history.become(prepared)
            self.engine.log.reset(offset, db)
            replacement.end(directory)
        self.extras = extras
        self.saving.adopted(final, offset)

    def cut_back(self, end: LogEnd) -> None:
        """Give up what history has after end, the end of one of its frames, and go on writing there.

        Whoever holds the keyspace replaces it in the same turn. A crash in between leaves a longer or shorter beginning of the
        same history, which the next start goes on from under a new id. Raises OSError or LogFailed with the log and its
        history as they were (it may have to be replayed from an older snapshot; and under a new id, where not even the
        history file can be written), or Unfinished: the process has to end.
        """
        history, log = self.history, self.engine.log
        assert history is not None
        assert isinstance(log, LogWriter)
        self.saving.kill()
        log.sync()
        prepared = history.prepare_until(end.offset)
        try:
            history.mark_doubtful()
            self._discard_after(end.offset)
            log.cut_back(end)
        except OSError:
            history.save()
            raise
        with replacement.without_way_back(f"going back to offset {end.offset}"):
            history.become(prepared)
        for _, path in snapshots(self.directory.path)[:1]:
            self.saving.show(path)

    def _answer_who_waits(self) -> None:
        """Sync what was recorded: whoever waits for that waits for an offset of the present history. Raises LogFailed."""
        log = self.engine.log
        if isinstance(log, LogWriter) and log.failed is None:
            log.sync()

    def _discard_after(self, offset: int) -> None:
        """Remove the snapshots after offset, durably: the log reaches back to one before it."""
        for place, path in snapshots(self.directory.path):
            if place > offset:
                self.directory.discard(path)
                sync_directory(path.parent)

    # ── appendonly at run time ─────────────────────────────────────────────────────────────────────────────────────
    def switch_appendonly(self) -> None:
        """CONFIG SET appendonly: go on in the other kind of log, at the same offset, losing nothing.

        Raise ConfigError when the directory can't take it; then the log in use stays.
        """
        engine, log = self.engine, self.engine.log
        engine.log.commit(engine.clock.now_ms())
        try:
            if engine.settings.appendonly and not isinstance(log, LogWriter):
                self.saving.save()
                self._forget_old_segments(log.offset)
                self._go_on(lambda: engine.adopt_log(self._writer(LogEnd(log.offset))))
            elif not engine.settings.appendonly and isinstance(log, LogWriter):
                log.sync()
                self._go_on(lambda: self._use_memory(LogEnd(log.offset)))
                with contextlib.suppress(OSError):  # closed it is, and all was synced before
                    log.release()
        except (OSError, LogFailed) as error:
            raise ConfigError(f"Unable to switch appendonly: {getattr(error, 'strerror', None) or error}") from error

    def _go_on(self, in_other_log: Callable[[], None]) -> None:
        """Go on in the other kind of log, or raise OSError with the history noting the kind that is in use."""
        assert self.history is not None
        volatile = self.history.volatile
        try:
            in_other_log()
        except OSError:
            self.history.mark_running(volatile)  # the file may say otherwise already
            raise

    def follow_names(self) -> None:
        """CONFIG SET dbfilename and dir: the next snapshot gets the new name; the directory itself stays where it is."""
        settings = self.engine.settings
        if os.path.realpath(settings.dir) != os.path.realpath(self.directory.path):
            raise ConfigError("the data directory can't be changed while the server runs on it")
        self.directory.dump_name = settings.dbfilename

    def _forget_old_segments(self, offset: int) -> None:
        """Segments from before appendonly was off do not join the new log: a snapshot at offset is where history starts."""
        assert self.history is not None
        for path in (self.directory.path / "log").glob("*.seg"):
            path.unlink()
