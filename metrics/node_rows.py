"""Rows of the node itself: process, clients, commands, memory, keys, event loop."""

from __future__ import annotations

import os
import platform
import random
import resource
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from metrics.families import Row
from metrics.observe import Histogram, Observer
from metrics.readiness import is_loading
from store import __version__
from store.commands.connection import REDIS_VERSION
from store.commands.table import Command
from store.resp import IMPLEMENTATION
from store.topology import history_of

if TYPE_CHECKING:
    from store.database import Database
    from store.engine import Engine
    from store.node import Node

COMMAND_BITS = range(10, 31)
"""Buckets of command durations that are exposed: 2^10 ns (1 µs) to 2^30 ns (1.07 s), each twice the one before."""
TURN_BITS = range(14)
"""Buckets of turn sizes that are exposed: up to 0, 1, 3, 7, … 8191 commands."""
TTL_SAMPLE = 16
"""Keys of a database from whose deadlines the mean time to live is estimated."""


def node_rows(node: Node, now: float, ready: bool) -> Iterator[Row]:
    """Process and identity."""
    engine = node.engine
    started = engine.stats.started_ms / 1000
    role = "slave" if engine.topology.leader is not None else "master"
    yield "redis_up", (), 1
    yield (
        "redis_instance_info",
        (
            role, REDIS_VERSION, "standalone", _system(), engine.settings.maxmemory_policy, str(node.server.port), node.run_id,
            str(os.getpid()), history_of(engine)[0],
        ),
        1,
    )  # fmt: skip
    yield "redis_uptime_in_seconds", (), max(0, int(now - started))
    yield "redis_start_time_seconds", (), started
    yield "redis_process_id", (), os.getpid()
    yield "redis_loading_dump_file", (), is_loading(node)
    yield "chronis_build_info", (__version__, platform.python_version(), IMPLEMENTATION), 1
    yield "chronis_ready", (), ready
    yield "chronis_primary", (), role == "master"
    for who, infix in ((resource.RUSAGE_SELF, ""), (resource.RUSAGE_CHILDREN, "_children")):
        usage = resource.getrusage(who)
        yield f"redis_cpu_sys{infix}_seconds_total", (), usage.ru_stime
        yield f"redis_cpu_user{infix}_seconds_total", (), usage.ru_utime


@cache
def _system() -> str:
    return " ".join((platform.system(), platform.release(), platform.machine()))


def stats_rows(engine: Engine) -> Iterator[Row]:
    """Counters of clients, commands and keys, and what is set about them."""
    stats, keyspace, bus, slowlog = engine.stats, engine.keyspace, engine.bus, engine.slowlog
    newest = slowlog.entries[0] if slowlog.entries else None
    plain = {
        "redis_blocked_clients": engine.blocking.clients,
        "redis_tracking_clients": engine.tracking.clients,
        "redis_pubsub_channels": len(bus.channels),
        "redis_pubsub_patterns": len(bus.patterns),
        "redis_max_clients": engine.settings.maxclients,
        "redis_config_maxclients": engine.settings.maxclients,
        "redis_connections_received_total": stats.connections,
        "redis_rejected_connections_total": stats.rejected,
        "redis_net_input_bytes_total": stats.net_input + stats.net_repl_input,
        "redis_net_output_bytes_total": stats.net_output + stats.net_repl_output,
        "redis_net_repl_input_bytes_total": stats.net_repl_input,
        "redis_net_repl_output_bytes_total": stats.net_repl_output,
        "redis_commands_processed_total": stats.commands,
        "redis_total_error_replies": stats.total_error_replies,
        "redis_slowlog_length": len(slowlog.entries),
        "redis_slowlog_last_id": newest.number if newest is not None else 0,
        "redis_last_slow_execution_duration_seconds": newest.microseconds / 1e6 if newest is not None else 0,
        "redis_keyspace_hits_total": keyspace.hits,
        "redis_keyspace_misses_total": keyspace.misses,
        "redis_expired_keys_total": stats.expired,
        "redis_expired_time_cap_reached_total": stats.active_expire_cycles_cut,
        "redis_evicted_keys_total": stats.evicted,
        "chronis_unexpected_errors_total": stats.unexpected_errors,
        "chronis_messages_published_total": bus.messages,
    }
    for name, value in plain.items():
        yield name, (), value
    for code, count in stats.errors.items():
        yield "redis_errors_total", (code,), count


def command_rows(commands: Iterable[Command]) -> Iterator[Row]:
    """Calls, time and failures of those commands that were called."""
    for command in commands:
        label = (command.name,)
        if command.calls:
            yield "redis_commands_total", label, command.calls
            yield "redis_commands_duration_seconds_total", label, command.nanoseconds / 1e9
            yield (
                "chronis_command_seconds",
                label,
                powers_of_two(command.buckets, COMMAND_BITS, command.nanoseconds / 1e9, 1e9),
            )
        if command.calls or command.rejected:
            yield "redis_commands_failed_calls_total", label, command.failed
            yield "redis_commands_rejected_calls_total", label, command.rejected


def powers_of_two(buckets: list[int], bits: range, total: float, scale: float) -> Histogram:
    """Turn counts by bit length into a histogram: those of up to n bits are the observations below 2^n / scale."""
    counts = [sum(buckets[: bits[0] + 1]), *buckets[bits[0] + 1 : bits[-1] + 1], sum(buckets[bits[-1] + 1 :])]
    return Histogram(tuple((1 << n) / scale for n in bits), counts, total)


def memory_rows(engine: Engine) -> Iterator[Row]:
    """Memory of the data set, the process and the machine."""
    used, resident = engine.used_memory(), resident_bytes()
    plain = {
        "redis_memory_used_bytes": used,
        "redis_memory_used_dataset_bytes": engine.keyspace.used,
        "redis_memory_used_rss_bytes": resident,
        "redis_memory_used_peak_bytes": max(used, engine.stats.peak_memory),
        "redis_memory_max_bytes": engine.settings.maxmemory,
        "redis_config_maxmemory": engine.settings.maxmemory,
        "redis_mem_fragmentation_ratio": resident / used if used else 0.0,
        "redis_mem_fragmentation_bytes": resident - used,
        "redis_total_system_memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "redis_lazyfree_pending_objects": len(engine.keyspace.graveyard),
    }
    for name, value in plain.items():
        yield name, (), value


def resident_bytes() -> int:
    """Resident memory of this process; where /proc is missing, its largest so far (bytes on macOS, KiB elsewhere)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def keyspace_rows(db: Database, now_ms: int) -> Iterator[Row]:
    """Keys of one database."""
    label = (f"db{db.index}",)
    yield "redis_db_keys", label, len(db)
    yield "redis_db_keys_expiring", label, db.expiring
    yield "redis_db_avg_ttl_seconds", label, mean_ttl(db, now_ms)


def mean_ttl(db: Database, now_ms: int) -> float:
    """Estimate the mean time to live in seconds of the keys that have one."""
    if not db.expiring or not db.deadlines:
        return 0.0
    drawn = (random.choice(db.deadlines) for _ in range(TTL_SAMPLE))
    left = [
        max(0, deadline - now_ms)
        for deadline, key in drawn
        if (entry := db.entries.get(key)) is not None and entry.deadline == deadline
    ]
    return sum(left) / len(left) / 1000 if left else 0.0


def loop_rows(node: Node, observer: Observer) -> Iterator[Row]:
    """The event loop and the garbage collector."""
    engine = node.engine
    yield "chronis_turn_commands", (), turn_sizes(engine)
    yield "chronis_loop_lag_seconds", (), observer.lag
    for generation, pauses in enumerate(observer.pauses):
        yield "chronis_gc_pause_seconds", (str(generation),), pauses


def turn_sizes(engine: Engine) -> Histogram:
    """Commands by turn: those of up to n bits are the turns of at most 2^n - 1 commands."""
    shifted = powers_of_two(engine.turn.batches, TURN_BITS, engine.stats.commands, 1)
    return Histogram(tuple(bound - 1 for bound in shifted.bounds), shifted.counts, shifted.sum)
