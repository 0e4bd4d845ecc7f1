"""Rows of history: replication, the log and its durability, snapshots."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from metrics.families import Row
from metrics.observe import Histogram, Timeline
from store.log.frame import BadFrame
from store.log.syncer import BOUNDS
from store.log.writer import LogWriter
from store.persistence.snapshot_figures import SAVE
from store.topology import Leader, history_of

if TYPE_CHECKING:
    from store.node import Node


def replication_rows(node: Node, timeline: Timeline, now: float) -> Iterator[Row]:
    """This node's place: its replicas with how far behind they are, its primary if it has one."""
    engine, topology = node.engine, node.engine.topology
    offset = engine.log.offset
    followers = topology.followers
    yield "redis_connected_slaves", (), len(followers)
    yield "chronis_replicas_in_sync", (), topology.good_followers
    for follower in followers:
        label = (follower.ip, str(follower.port), follower.state)
        yield "redis_connected_slave_offset_bytes", label, follower.offset
        yield "redis_connected_slave_lag_seconds", label, follower.lag
        yield "chronis_replica_lag_bytes", label, max(0, offset - follower.offset)
        yield "chronis_replica_lag_events", label, timeline.events_after(follower.offset, engine.log.events)
        yield "chronis_replica_lag_seconds", label, timeline.age(follower.offset, now)
    yield "redis_master_repl_offset", (), offset
    yield "redis_second_repl_offset", (), history_of(engine)[2]
    yield "redis_replica_resyncs_full", (), topology.sync_full
    yield "redis_replica_partial_resync_accepted", (), topology.sync_partial_ok
    yield "redis_replica_partial_resync_denied", (), topology.sync_partial_err
    yield "chronis_syncs_total", ("full",), topology.sync_full
    yield "chronis_syncs_total", ("partial",), topology.sync_partial_ok
    yield "chronis_syncs_total", ("refused",), topology.sync_partial_err
    yield "chronis_syncs_total", ("parted",), topology.sync_parted
    for reason, count in topology.full_sync_reasons.items():
        yield "chronis_full_syncs_total", (reason,), count
    yield "redis_replication_backlog_bytes", (), engine.settings.repl_backlog_size
    if topology.leader is not None:
        yield from primary_rows(node, topology.leader)


def primary_rows(node: Node, leader: Leader) -> Iterator[Row]:
    """The link of a replica to its primary; `-1` where a fact is not known."""
    label = (leader.host, str(leader.port))
    settings = node.settings
    yield "redis_slave_info", (*label, str(int(settings.replica_read_only))), 1
    yield "redis_slave_repl_offset", label, leader.offset
    yield "redis_slave_priority", label, settings.replica_priority
    yield "redis_master_link_up", label, leader.up
    yield "redis_master_last_io_seconds_ago", label, number(leader.details.get("master_last_io_seconds_ago"), -1)
    down = 0 if leader.up else number(leader.details.get("master_link_down_since_seconds"), 0)
    yield "chronis_primary_link_down_seconds", label, max(0, down)
    yield "redis_master_sync_in_progress", label, leader.state == "sync"


def number(value: object, otherwise: float) -> float:
    """The value if it is a number, else what to show in its place."""
    return value if isinstance(value, int | float) else otherwise


def complete(node: Node) -> bool:
    """Tell whether the log has everything since history began here: then its age says nothing about what may be resumed."""
    history = node.persistence.history
    return history is not None and node.engine.log.first_offset <= history.chain[0][1]


def log_rows(node: Node, timeline: Timeline, now: float, history_began: float) -> Iterator[Row]:
    """The log: what was appended, how much of it is durable, how far back it reaches."""
    log = node.engine.log
    held = log.written_offset - log.first_offset
    plain = {
        "chronis_log_events_total": log.events,
        "chronis_log_offset_bytes": log.offset,
        "chronis_log_synced_offset_bytes": log.synced_offset,
        "chronis_log_unsynced_bytes": log.offset - log.synced_offset,
        "chronis_log_unsynced_age_seconds": timeline.age(log.synced_offset, now),
        "chronis_log_failed": log.failed is not None,
        "chronis_log_first_offset_bytes": log.first_offset,
        "chronis_log_complete": complete(node),
        "chronis_resync_horizon_bytes": held,
        "chronis_resync_horizon_seconds": max(0.0, now - history_began) if held else 0.0,
        "chronis_crc_failures_total": BadFrame.seen,
        "redis_repl_backlog_is_active": 1,
        "redis_repl_backlog_first_byte_offset": log.first_offset + 1,
        "redis_repl_backlog_history_bytes": held,
        "redis_aof_enabled": node.settings.appendonly,
        "redis_aof_last_write_status": log.failed is None,
        "redis_aof_rewrite_in_progress": 0,
    }
    for name, value in plain.items():
        yield name, (), value
    yield from disk_rows(log) if isinstance(log, LogWriter) else memory_only_rows()


def disk_rows(log: LogWriter) -> Iterator[Row]:
    """A log on disk: its files and fsyncs."""
    figures = log.statistics()
    yield "chronis_log_frames_total", (), figures.frames
    yield "chronis_log_written_bytes_total", (), figures.bytes_written
    yield "chronis_log_fsync_delayed_total", (), figures.delayed_fsync
    yield "chronis_log_segments", (), figures.segments
    yield "chronis_log_retained_bytes", (), figures.retained_bytes
    yield "redis_aof_current_size_bytes", (), figures.retained_bytes
    yield "chronis_log_fsync_seconds", (), Histogram(BOUNDS, list(figures.fsync.buckets), figures.fsync.seconds)


def memory_only_rows() -> Iterator[Row]:
    """A log in memory (appendonly no) has no files."""
    for name in ("chronis_log_segments", "chronis_log_retained_bytes", "redis_aof_current_size_bytes"):
        yield name, (), 0


def snapshot_rows(node: Node, now: float) -> Iterator[Row]:
    """Snapshots, the one in the making, and what the start recovered."""
    saving, recovered = node.persistence.saving, node.persistence.recovered
    figures, outcome = saving.figures, saving.outcomes[SAVE]
    plain = {
        "redis_rdb_last_save_timestamp_seconds": figures.last_save,
        "redis_rdb_last_bgsave_status": outcome.ok,
        "redis_rdb_last_bgsave_duration_sec": outcome.duration,
        "redis_rdb_current_bgsave_duration_sec": int(time.time() - saving.child.started)
        if saving.child is not None
        else -1,
        "redis_rdb_bgsave_in_progress": saving.purpose is not None,
        "redis_rdb_changes_since_last_save": saving.changes,
        "chronis_snapshot_age_seconds": max(0.0, now - figures.last_save),
        "chronis_snapshot_size_bytes": figures.last_size,
        "chronis_snapshot_offset_bytes": figures.last_offset,
        "chronis_recovery_events": recovered.events,
        "chronis_recovery_torn_tail": recovered.torn is not None,
        "chronis_history_id_changes": len(saving.history.chain) - 1 if saving.history is not None else 0,
    }
    for name, value in plain.items():
        yield name, (), value
    for purpose, made in saving.outcomes.items():
        yield "chronis_snapshots_total", (purpose,), made.count
        yield "chronis_snapshot_failures", (purpose,), made.failures
        yield "chronis_snapshot_duration_seconds", (purpose,), made.duration
