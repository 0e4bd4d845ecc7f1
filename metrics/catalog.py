"""Every metric, once: name, type, help, labels. Collectors, dashboards, alert rules and tests read this table.

Law: nothing is exposed that is not declared here, and what is declared is exposed. Names starting `redis_` are those of
redis_exporter, with its types, units and labels, so that dashboards and alerts written for it work unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram", "unknown"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One family. The name of a counter ends in `_total`; units are part of the name (`_bytes`, `_seconds`)."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


def _counter(name: str, help: str, *labels: str) -> Metric:
    return Metric(name, "counter", help, labels)


def _gauge(name: str, help: str, *labels: str) -> Metric:
    return Metric(name, "gauge", help, labels)


def _histogram(name: str, help: str, *labels: str) -> Metric:
    return Metric(name, "histogram", help, labels)


REPLICA = ("slave_ip", "slave_port", "slave_state")
PRIMARY = ("master_host", "master_port")

EXPORTER = (
    # Node
    _gauge("redis_up", "1 while the node answers a scrape."),
    _gauge(
        "redis_instance_info", "Facts about the node as labels; always 1.", "role", "redis_version", "redis_mode", "os",
        "maxmemory_policy", "tcp_port", "run_id", "process_id", "master_replid",
    ),
    _gauge("redis_uptime_in_seconds", "Seconds since the process started."),
    _gauge("redis_start_time_seconds", "Unix time at which the process started."),
    _gauge("redis_process_id", "Process id."),
    _gauge("redis_loading_dump_file", "1 while the data set is being loaded."),
    _counter("redis_cpu_sys_seconds_total", "CPU seconds spent in the kernel."),
    _counter("redis_cpu_user_seconds_total", "CPU seconds spent in user space."),
    _counter("redis_cpu_sys_children_seconds_total", "CPU seconds that ended child processes spent in the kernel."),
    _counter("redis_cpu_user_children_seconds_total", "CPU seconds that ended child processes spent in user space."),
    # Clients
    _gauge("redis_connected_clients", "Client connections, replicas left out."),
    _gauge("redis_blocked_clients", "Clients waiting in a blocking command."),
    _gauge("redis_tracking_clients", "Clients with client-side caching on."),
    _gauge("redis_pubsub_clients", "Clients in subscribed state."),
    _gauge("redis_pubsub_channels", "Channels with a subscriber."),
    _gauge("redis_pubsub_patterns", "Patterns with a subscriber."),
    _gauge("redis_max_clients", "Largest number of clients accepted."),
    _gauge("redis_config_maxclients", "Value of the option maxclients."),
    _counter("redis_connections_received_total", "Connections accepted, refused ones included."),
    _counter("redis_rejected_connections_total", "Connections refused: maxclients or protected mode."),
    _counter("redis_net_input_bytes_total", "Bytes read from clients and the primary."),
    _counter("redis_net_output_bytes_total", "Bytes written to clients and replicas."),
    _counter("redis_net_repl_input_bytes_total", "Bytes read from the primary."),
    _counter("redis_net_repl_output_bytes_total", "Bytes written to replicas."),
    # Commands
    _counter("redis_commands_processed_total", "Commands run."),
    _counter("redis_commands_total", "Calls of a command.", "cmd"),
    _counter("redis_commands_duration_seconds_total", "Seconds spent running a command.", "cmd"),
    _counter("redis_commands_failed_calls_total", "Calls that ran and answered with an error.", "cmd"),
    _counter("redis_commands_rejected_calls_total", "Calls refused before they ran.", "cmd"),
    _counter("redis_errors_total", "Error replies by their first word.", "err"),
    Metric("redis_total_error_replies", "unknown", "Error replies; a counter that redis_exporter names without _total."),
    _gauge("redis_slowlog_length", "Entries in the slow log."),
    _gauge("redis_slowlog_last_id", "Id of the newest entry of the slow log."),
    _gauge("redis_last_slow_execution_duration_seconds", "Duration of the newest entry of the slow log."),
    # Memory
    _gauge("redis_memory_used_bytes", "Bytes accounted to the data set and to clients."),
    _gauge("redis_memory_used_dataset_bytes", "Bytes accounted to the data set."),
    _gauge("redis_memory_used_rss_bytes", "Resident memory of the process."),
    _gauge("redis_memory_used_peak_bytes", "Largest value of redis_memory_used_bytes since the start."),
    _gauge("redis_memory_max_bytes", "Value of the option maxmemory; 0: no limit."),
    _gauge("redis_config_maxmemory", "Value of the option maxmemory; 0: no limit."),
    _gauge("redis_mem_fragmentation_ratio", "Resident memory over accounted memory."),
    _gauge("redis_mem_fragmentation_bytes", "Resident memory less accounted memory."),
    _gauge("redis_total_system_memory_bytes", "Memory of the machine."),
    _gauge("redis_lazyfree_pending_objects", "Removed values and databases whose memory is still being freed."),
    # Keys
    _counter("redis_keyspace_hits_total", "Lookups by reading commands that found their key."),
    _counter("redis_keyspace_misses_total", "Lookups by reading commands that found nothing."),
    _counter("redis_expired_keys_total", "Keys removed because their time had passed."),
    _gauge("redis_expired_time_cap_reached_total", "Expiry rounds cut short to serve clients."),
    _counter("redis_evicted_keys_total", "Keys removed to stay within maxmemory."),
    _gauge("redis_db_keys", "Keys in a database.", "db"),
    _gauge("redis_db_keys_expiring", "Keys with a time to live in a database.", "db"),
    _gauge("redis_db_avg_ttl_seconds", "Mean time to live in a database, from a sample.", "db"),
    # Replication
    _gauge("redis_connected_slaves", "Replicas of this node."),
    _gauge("redis_connected_slave_offset_bytes", "Offset a replica has acknowledged.", *REPLICA),
    _gauge("redis_connected_slave_lag_seconds", "Seconds since a replica's last acknowledgement.", *REPLICA),
    _gauge("redis_slave_info", "The node is a replica; facts as labels; always 1.", *PRIMARY, "read_only"),
    _gauge("redis_slave_repl_offset", "Offset this replica has reached.", *PRIMARY),
    _gauge("redis_slave_priority", "Priority in a failover; 0: never promoted.", *PRIMARY),
    _gauge("redis_master_repl_offset", "Offset of this node's history."),
    _gauge("redis_second_repl_offset", "Offset up to which the previous history id is valid; -1: none."),
    _gauge("redis_master_link_up", "1 while this replica follows its primary.", *PRIMARY),
    _gauge("redis_master_last_io_seconds_ago", "Seconds since the primary was last heard; -1: never.", *PRIMARY),
    _gauge("redis_master_sync_in_progress", "1 while this replica receives a full synchronization.", *PRIMARY),
    _gauge("redis_replica_resyncs_full", "Full synchronizations given to replicas."),
    _gauge("redis_replica_partial_resync_accepted", "Partial resynchronizations given to replicas."),
    _gauge("redis_replica_partial_resync_denied", "Partial resynchronizations asked for and not possible."),
    _gauge("redis_replication_backlog_bytes", "Value of the option repl-backlog-size."),
    _gauge("redis_repl_backlog_is_active", "1: history is kept for partial resynchronization."),
    _gauge("redis_repl_backlog_first_byte_offset", "Oldest offset from which a replica can resume."),
    _gauge("redis_repl_backlog_history_bytes", "Bytes of history from which a replica can resume."),
    # Disk
    _gauge("redis_rdb_last_save_timestamp_seconds", "Unix time of the newest snapshot."),
    _gauge("redis_rdb_last_bgsave_status", "1: the last snapshot succeeded."),
    _gauge("redis_rdb_last_bgsave_duration_sec", "Seconds the last snapshot took; -1: none yet."),
    _gauge("redis_rdb_current_bgsave_duration_sec", "Seconds the running snapshot has taken; -1: none runs."),
    _gauge("redis_rdb_bgsave_in_progress", "1 while a snapshot is being written."),
    _gauge("redis_rdb_changes_since_last_save", "Changes since the newest snapshot."),
    _gauge("redis_aof_enabled", "1: the log is on disk."),
    _gauge("redis_aof_last_write_status", "1: the last write to the log succeeded."),
    _gauge("redis_aof_current_size_bytes", "Bytes of log on disk."),
    _gauge("redis_aof_rewrite_in_progress", "Always 0: the log is never rewritten."),
)  # fmt: skip

OWN = (
    # Node
    _gauge("chronis_build_info", "Versions as labels; always 1.", "version", "python", "protocol"),
    _gauge("chronis_ready", "1: recovered, and writable or a replica in sync (what /readyz answers)."),
    _gauge("chronis_primary", "1: this node is a primary."),
    _counter("chronis_unexpected_errors_total", "Errors in the event loop that nothing handled."),
    # Log and durability
    _counter("chronis_log_events_total", "Events appended to history."),
    _counter("chronis_log_frames_total", "Frames written to the log."),
    _counter("chronis_log_written_bytes_total", "Bytes written to segments, frame headers included."),
    _gauge("chronis_log_offset_bytes", "Offset of history: its length in bytes."),
    _gauge("chronis_log_synced_offset_bytes", "Offset up to which history survives a power loss."),
    _gauge("chronis_log_unsynced_bytes", "History written and not yet synced."),
    _gauge("chronis_log_unsynced_age_seconds", "Age of the oldest event that a power loss would lose."),
    _histogram("chronis_log_fsync_seconds", "Duration of fsyncs of the log."),
    _counter("chronis_log_fsync_delayed_total", "Fsyncs that took longer than two seconds under everysec."),
    _gauge("chronis_log_failed", "1: the log can't be written or synced; writes are refused."),
    _gauge("chronis_log_segments", "Segment files on disk."),
    _gauge("chronis_log_retained_bytes", "Bytes of all segment files."),
    _gauge("chronis_log_first_offset_bytes", "Oldest offset still in the log."),
    _gauge("chronis_log_complete", "1: nothing has been dropped from this log since its history began here."),
    _gauge("chronis_resync_horizon_bytes", "History a returning replica may have missed and still resume."),
    _gauge("chronis_resync_horizon_seconds", "Time a replica may be away and still resume from the log."),
    _counter(
        "chronis_crc_failures_total", "Frames whose checksum or shape did not hold, read or received by this process."
    ),
    _gauge("chronis_history_id_changes", "History ids this data directory has had before the present one."),
    # Snapshots and recovery
    _counter(
        "chronis_snapshots_total",
        "Snapshots written since the start, by purpose: save, or rewrite to let log go.",
        "purpose",
    ),
    _gauge("chronis_snapshot_failures", "Snapshots of a purpose that failed in a row.", "purpose"),
    _gauge("chronis_snapshot_age_seconds", "Seconds since the newest snapshot."),
    _gauge(
        "chronis_snapshot_duration_seconds", "Seconds the last snapshot of a purpose took; -1: none yet.", "purpose"
    ),
    _gauge("chronis_snapshot_size_bytes", "Size of the newest snapshot."),
    _gauge("chronis_snapshot_offset_bytes", "Offset of the newest snapshot."),
    _gauge("chronis_recovery_events", "Events replayed at the start."),
    _gauge("chronis_recovery_torn_tail", "1: the log ended in a torn frame that was cut off at the start."),
    # Replication
    _gauge("chronis_replica_lag_bytes", "History a replica has not acknowledged.", *REPLICA),
    _gauge("chronis_replica_lag_events", "Events a replica has not acknowledged.", *REPLICA),
    _gauge("chronis_replica_lag_seconds", "Age of the oldest event a replica has not acknowledged.", *REPLICA),
    _gauge(
        "chronis_primary_link_down_seconds",
        "How long this replica has not followed its primary; 0 while it does.",
        *PRIMARY,
    ),
    _gauge("chronis_replicas_in_sync", "Replicas online and heard of within min-replicas-max-lag."),
    _counter(
        "chronis_syncs_total",
        "Synchronizations asked for by replicas: full, partial, partial but refused, or parted: told to go back.",
        "kind",
    ),
    _counter(
        "chronis_full_syncs_total",
        "Full synchronizations by why: new, unknown_history, parted, ahead, log_cut or sync_command.",
        "reason",
    ),
    # Clients and bus
    _gauge("chronis_clients", "Connections by class.", "class"),
    _gauge("chronis_output_queue_bytes", "Output not yet read by clients, by class.", "class"),
    _gauge("chronis_output_queue_max_bytes", "Longest output queue of one client, by class.", "class"),
    _counter("chronis_cut_off_total", "Clients closed for reading too slowly, by class.", "class"),
    _counter("chronis_messages_published_total", "Messages and notifications handed to the bus."),
    # Loop and latency
    _histogram("chronis_command_seconds", "Duration of a command from its lookup to its reply.", "cmd"),
    _histogram("chronis_turn_commands", "Commands run in one turn of the event loop: what one log write covers."),
    _histogram("chronis_loop_lag_seconds", "Lateness of the ten ticks a second: how long the loop was busy."),
    _histogram("chronis_gc_pause_seconds", "Pauses for garbage collection.", "generation"),
    _counter("chronis_scrapes_total", "Scrapes answered."),
    _gauge("chronis_scrape_step_seconds", "CPU time of the longest step of the scrape before: how long it held the loop."),
)

CATALOG: dict[str, Metric] = {metric.name: metric for metric in (*EXPORTER, *OWN)}
"""Every metric by name."""
