"""INFO about the process: server, clients, CPU, and what Redis has and Chronis has not (modules, cluster)."""

from __future__ import annotations

import os
import platform
import resource
import sys
from typing import TYPE_CHECKING

from store import __version__
from store.commands.connection import REDIS_VERSION
from store.resp import IMPLEMENTATION

if TYPE_CHECKING:
    from store.engine import Engine

DAY = 24 * 3600
LRU_CLOCK_MAX = (1 << 24) - 1


def server(engine: Engine) -> dict[str, object]:
    """Versions, identity and age of the process."""
    settings, node = engine.settings, engine.node
    now_ms = engine.clock.now_ms()
    uptime = (now_ms - engine.stats.started_ms) // 1000
    fields: dict[str, object] = {
        "redis_version": REDIS_VERSION,
        "redis_git_sha1": "00000000",
        "redis_git_dirty": 0,
        "redis_build_id": "0",
        "redis_mode": "standalone",
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "arch_bits": 64 if sys.maxsize > 1 << 32 else 32,
        "monotonic_clock": "POSIX clock_gettime",
        "multiplexing_api": "epoll",
        "atomicvar_api": "none",  # one thread has the data
        "gcc_version": "0.0.0",
        "process_id": os.getpid(),
        "process_supervised": "no",
        "run_id": node.run_id if node is not None else "0" * 40,
        "tcp_port": settings.port,
        "server_time_usec": now_ms * 1000,
        "uptime_in_seconds": uptime,
        "uptime_in_days": uptime // DAY,
        "hz": min(500, max(1, settings.hz)),
        "configured_hz": settings.hz,
        "lru_clock": now_ms // 1000 & LRU_CLOCK_MAX,
        "executable": sys.executable,
        "config_file": settings.config_file,
        "io_threads_active": 0,
        "chronis_version": __version__,
        "chronis_engine": IMPLEMENTATION,
        "python_version": platform.python_version(),
    }
    left = node.shutdown.milliseconds_left() if node is not None else None
    if left is not None:
        fields["shutdown_in_milliseconds"] = left
    return fields


def clients(engine: Engine) -> dict[str, object]:
    """Who is connected, and the largest buffers of those who are."""
    sessions = [session for session in engine.sessions.values() if session.role != "replica"]
    return {
        "connected_clients": len(sessions),
        "cluster_connections": 0,
        "maxclients": engine.settings.maxclients,
        "client_recent_max_input_buffer": max((session.parser.pending for session in sessions), default=0),
        "client_recent_max_output_buffer": max((session.output_pending for session in sessions), default=0),
        "blocked_clients": engine.blocking.clients,
        "tracking_clients": engine.tracking.clients,
        "clients_in_timeout_table": sum(waiter.timer is not None for waiter in engine.blocking.waiters.values()),
    }


def cpu(_engine: Engine) -> dict[str, object]:
    """Seconds of processor time of the process, its children (snapshots, a courier) and its main thread."""
    fields: dict[str, object] = {}
    scopes = (
        ("", resource.RUSAGE_SELF),
        ("_children", resource.RUSAGE_CHILDREN),
        ("_main_thread", resource.RUSAGE_THREAD),
    )
    for suffix, scope in scopes:
        usage = resource.getrusage(scope)
        fields[f"used_cpu_sys{suffix}"] = f"{usage.ru_stime:.6f}"
        fields[f"used_cpu_user{suffix}"] = f"{usage.ru_utime:.6f}"
    return fields


def modules(_engine: Engine) -> dict[str, object]:
    """Nothing: there are no modules."""
    return {}


def cluster(_engine: Engine) -> dict[str, object]:
    """There is no cluster mode."""
    return {"cluster_enabled": 0}
