"""INFO about what is on disk: persistence in Redis's terms (AOF: the log, RDB: snapshots), and the log in our own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from store.commands.table import ASYNC_LOADING, LOADING
from store.log.writer import LogWriter
from store.persistence.snapshot_figures import REWRITE, SAVE, Figures, Outcome
from store.topology import history_of

if TYPE_CHECKING:
    from store.engine import Engine
    from store.persistence.saving import Saving


def persistence(engine: Engine) -> dict[str, object]:
    """Loading, snapshots (rdb_*) and the log (aof_*)."""
    saving = engine.node.persistence.saving if engine.node is not None else None
    return {
        "loading": int(bool(engine.gates.closed & LOADING)),
        "async_loading": int(bool(engine.gates.closed & ASYNC_LOADING)),
        "current_cow_peak": 0,
        "current_cow_size": 0,
        "current_cow_size_age": 0,
        "current_fork_perc": 0.0,
        "current_save_keys_processed": 0,
        "current_save_keys_total": 0,
        **_snapshots(engine, saving),
        **_rewrites(engine, saving),
        "module_fork_in_progress": 0,
        "module_fork_last_cow_size": 0,
        **_log(engine, saving),
        **_loading(engine),
    }


def _loading(engine: Engine) -> dict[str, object]:
    figures = engine.loading
    if figures is None:
        return {}
    return {
        "loading_start_time": int(figures.started),
        "loading_total_bytes": figures.total,
        "loading_rdb_used_mem": 0,
        "loading_loaded_bytes": figures.loaded,
        "loading_loaded_perc": f"{figures.percent:.2f}",
        "loading_eta_seconds": figures.seconds_left,
    }


def _snapshots(engine: Engine, saving: Saving | None) -> dict[str, object]:
    figures, outcome, running = _of(saving, SAVE)
    return {
        "rdb_changes_since_last_save": engine.keyspace.dirty,
        "rdb_bgsave_in_progress": int(running >= 0),
        "rdb_last_save_time": figures.last_save,
        "rdb_last_bgsave_status": "ok" if outcome.ok else "err",
        "rdb_last_bgsave_time_sec": outcome.duration,
        "rdb_current_bgsave_time_sec": running,
        "rdb_saves": outcome.count,
        "rdb_last_cow_size": 0,
        "rdb_last_load_keys_expired": figures.keys_expired,
        "rdb_last_load_keys_loaded": figures.keys_loaded,
    }


def _rewrites(engine: Engine, saving: Saving | None) -> dict[str, object]:
    _, outcome, running = _of(saving, REWRITE)
    return {
        "aof_enabled": int(engine.settings.appendonly),
        "aof_rewrite_in_progress": int(running >= 0),
        "aof_rewrite_scheduled": int(saving is not None and REWRITE in saving.scheduled),
        "aof_last_rewrite_time_sec": outcome.duration,
        "aof_current_rewrite_time_sec": running,
        "aof_last_bgrewrite_status": "ok" if outcome.ok else "err",
        "aof_rewrites": outcome.count,
        "aof_rewrites_consecutive_failures": outcome.failures,
        "aof_last_write_status": "ok" if engine.log.failed is None else "err",
        "aof_last_cow_size": 0,
    }


def _of(saving: Saving | None, purpose: str) -> tuple[Figures, Outcome, int]:
    """The figures, the outcome of a purpose, and for how many seconds such a snapshot has been in the making (-1: none is)."""
    if saving is None:
        return Figures(), Outcome(), -1
    started = saving.child.started if saving.child is not None else time.time()
    running = int(time.time() - started) if saving.purpose == purpose else -1
    return saving.figures, saving.outcomes[purpose], running


def _log(engine: Engine, saving: Saving | None) -> dict[str, object]:
    log = engine.log
    if not isinstance(log, LogWriter):
        return {}
    statistics = log.statistics()
    return {
        "aof_current_size": statistics.retained_bytes,
        "aof_base_size": saving.figures.last_size if saving is not None else 0,
        "aof_pending_rewrite": int(saving is not None and REWRITE in saving.scheduled),
        "aof_buffer_length": log.offset - log.written_offset,
        "aof_pending_bio_fsync": int(log.fsync_in_flight),
        "aof_delayed_fsync": statistics.delayed_fsync,
    }


def chronis(engine: Engine) -> dict[str, object]:
    """The log in offsets and bytes of history; the horizon is what a replica may have missed and still resume."""
    log, (history, _, _) = engine.log, history_of(engine)
    fields: dict[str, object] = {
        "history_id": history,
        "log_offset": log.offset,
        "log_first_offset": log.first_offset,
        "log_written_offset": log.written_offset,
        "log_synced_offset": log.synced_offset,
        "log_unsynced_bytes": log.written_offset - log.synced_offset,
        "log_horizon_bytes": log.offset - log.first_offset,
        "log_events": log.events,
        "log_failed": int(log.failed is not None),
    }
    if isinstance(log, LogWriter):
        statistics = log.statistics()
        mean = 1000 * statistics.fsync.seconds / statistics.fsync.count if statistics.fsync.count else 0.0
        fields |= {
            "log_segments": statistics.segments,
            "log_bytes": statistics.retained_bytes,
            "log_frames": statistics.frames,
            "log_bytes_written": statistics.bytes_written,
            "log_fsyncs": statistics.fsync.count,
            "log_fsync_mean_milliseconds": mean,
            "log_fsync_p99_milliseconds": 1000 * statistics.fsync.quantile(0.99),
        }
    if engine.node is not None:
        fields["snapshot_offset"] = engine.node.persistence.saving.figures.last_offset
        fields["snapshot_bytes"] = engine.node.persistence.saving.figures.last_size
    return fields
