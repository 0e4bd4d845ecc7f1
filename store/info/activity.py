"""INFO about what was done: counters, commands, errors, latencies, and the keys there are."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

from store.expiry import overdue

if TYPE_CHECKING:
    from store.commands.table import Command
    from store.database import Database
    from store.engine import Engine

TTL_SAMPLES = 64
"""Deadlines looked at for `avg_ttl`."""


def stats(engine: Engine) -> dict[str, object]:
    """Counters since the start or CONFIG RESETSTAT; rates over the last 1.6 seconds."""
    counted, rates = engine.stats, engine.rates
    return {
        "total_connections_received": counted.connections,
        "total_commands_processed": counted.commands,
        "instantaneous_ops_per_sec": int(rates.per_second("commands")),
        "total_net_input_bytes": counted.net_input + counted.net_repl_input,
        "total_net_output_bytes": counted.net_output + counted.net_repl_output,
        "total_net_repl_input_bytes": counted.net_repl_input,
        "total_net_repl_output_bytes": counted.net_repl_output,
        "instantaneous_input_kbps": (rates.per_second("net_input") + rates.per_second("net_repl_input")) / 1024,
        "instantaneous_output_kbps": (rates.per_second("net_output") + rates.per_second("net_repl_output")) / 1024,
        "instantaneous_input_repl_kbps": rates.per_second("net_repl_input") / 1024,
        "instantaneous_output_repl_kbps": rates.per_second("net_repl_output") / 1024,
        "rejected_connections": counted.rejected,
        "sync_full": engine.topology.sync_full,
        "sync_partial_ok": engine.topology.sync_partial_ok,
        "sync_partial_err": engine.topology.sync_partial_err,
        **_removed(engine),
        "keyspace_hits": engine.keyspace.hits,
        "keyspace_misses": engine.keyspace.misses,
        "pubsub_channels": len(engine.bus.channels),
        "pubsub_patterns": len(engine.bus.patterns),
        "pubsubshard_channels": len(engine.bus.shard_channels),
        **_absent(engine),
        "tracking_total_keys": len(engine.tracking.keys),
        "tracking_total_items": engine.tracking.items,
        "tracking_total_prefixes": len(engine.tracking.prefixes),
        "unexpected_error_replies": counted.unexpected_errors,
        "total_error_replies": counted.total_error_replies,
        "dump_payload_sanitizations": 0,
        "total_reads_processed": counted.reads,
        "total_writes_processed": counted.writes,
        "io_threaded_reads_processed": 0,
        "io_threaded_writes_processed": 0,
        "reply_buffer_shrinks": 0,
        "reply_buffer_expands": 0,
    }


def _removed(engine: Engine) -> dict[str, object]:
    counted = engine.stats
    expiring = sum(db.expiring for db in engine.keyspace.databases)
    stale = sum(overdue(db, engine.clock.now_ms()) for db in engine.keyspace.databases)
    return {
        "expired_keys": counted.expired,
        "expired_stale_perc": 100.0 * stale / expiring if expiring else 0.0,
        "expired_time_cap_reached_count": counted.active_expire_cycles_cut,
        "expire_cycle_cpu_milliseconds": int(counted.expire_seconds * 1000),
        "evicted_keys": counted.evicted,
        "evicted_clients": counted.evicted_clients,
        "total_eviction_exceeded_time": counted.exceeded_ms,
        "current_eviction_exceeded_time": engine.rates.exceeded_for_ms(),
    }


def _absent(engine: Engine) -> dict[str, object]:
    """Forks, and fields of what Chronis has no need of: migration sockets, replicas' own expiry, defragmentation."""
    figures = engine.node.persistence.saving.figures if engine.node is not None else None
    return {
        "latest_fork_usec": figures.fork_microseconds if figures is not None else 0,
        "total_forks": figures.forks if figures is not None else 0,
        "migrate_cached_sockets": 0,
        "slave_expires_tracked_keys": 0,
        "active_defrag_hits": 0,
        "active_defrag_misses": 0,
        "active_defrag_key_hits": 0,
        "active_defrag_key_misses": 0,
        "total_active_defrag_time": 0,
        "current_active_defrag_time": 0,
    }


def all_commands(engine: Engine) -> Iterator[Command]:
    """Every command of a node, subcommands after their container."""
    for command in engine.commands.values():
        yield command
        yield from command.subcommands.values()


def commandstats(engine: Engine) -> dict[str, object]:
    """Calls, time and failures of each command that was called."""
    fields: dict[str, object] = {}
    for command in all_commands(engine):
        if command.calls or command.failed or command.rejected:
            microseconds = command.nanoseconds // 1000
            mean = microseconds / command.calls if command.calls else 0.0
            fields[f"cmdstat_{command.name}"] = (
                f"calls={command.calls},usec={microseconds},usec_per_call={mean:.2f},"
                f"rejected_calls={command.rejected},failed_calls={command.failed}"
            )
    return fields


def errorstats(engine: Engine) -> dict[str, object]:
    """Error replies by their first word."""
    return {f"errorstat_{code}": f"count={count}" for code, count in sorted(engine.stats.errors.items())}


def latencystats(engine: Engine) -> dict[str, object]:
    """Percentiles of each command's duration in microseconds, rounded up to the next power of two of nanoseconds."""
    fields: dict[str, object] = {}
    settings = engine.settings
    if not settings.latency_tracking:
        return fields
    for command in all_commands(engine):
        if any(command.buckets):
            fields[f"latency_percentiles_usec_{command.name}"] = ",".join(
                f"p{percent:.10g}={percentile(command.buckets, percent) / 1000:.3f}"
                for percent in settings.latency_tracking_info_percentiles
            )
    return fields


def percentile(buckets: list[int], percent: float) -> int:
    """The nanoseconds that `percent` of the calls stayed below, from counts by bit length of their nanoseconds."""
    wanted = max(1.0, sum(buckets) * percent / 100)
    seen = 0
    for bits, count in enumerate(buckets):
        seen += count
        if seen >= wanted:
            return (1 << bits) - 1
    return (1 << len(buckets)) - 1


def keyspace(engine: Engine) -> dict[str, object]:
    """Keys, keys with a deadline and their mean time to live in ms, of each database that has any."""
    now = engine.clock.now_ms()
    return {
        f"db{db.index}": f"keys={len(db)},expires={db.expiring},avg_ttl={average_ttl(db, now)}"
        for db in engine.keyspace.databases
        if len(db)
    }


def average_ttl(db: Database, now: int) -> int:
    """The mean of ms left over some random keys with a deadline."""
    drawn = random.sample(db.deadlines, min(TTL_SAMPLES, len(db.deadlines)))
    left = [deadline - now for deadline, key in drawn if key in db.entries and db.entries[key].deadline == deadline]
    return max(0, sum(left) // len(left)) if left else 0
