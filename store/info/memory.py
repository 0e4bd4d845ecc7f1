"""INFO memory: what the data takes, what is resident, what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.observe import memory_report
from store.observe.memory_report import MemoryReport, human

if TYPE_CHECKING:
    from store.engine import Engine


def memory(engine: Engine) -> dict[str, object]:
    """Bytes by use; `…_human` says the same with a unit."""
    report = memory_report.report(engine)
    return {**_used(report), **_scripts(engine), **_limits(engine), **_resident(report), **_buffers(engine, report)}


def _used(report: MemoryReport) -> dict[str, object]:
    total = memory_report.system_memory()
    return {
        "used_memory": report.used,
        "used_memory_human": human(report.used),
        "used_memory_rss": report.resident,
        "used_memory_rss_human": human(report.resident),
        "used_memory_peak": report.peak,
        "used_memory_peak_human": human(report.peak),
        "used_memory_peak_perc": f"{report.peak_percent:.2f}%",
        "used_memory_overhead": report.overhead,
        "used_memory_startup": 0,  # the interpreter is not counted as used: see process_baseline
        "used_memory_dataset": report.dataset,
        "used_memory_dataset_perc": f"{report.dataset_percent:.2f}%",
        "allocator_allocated": report.used,
        "allocator_active": report.resident,
        "allocator_resident": report.resident,
        "total_system_memory": total,
        "total_system_memory_human": human(total),
    }


def _scripts(engine: Engine) -> dict[str, object]:
    scripts, libraries = engine.scripts, engine.keyspace.functions
    machines = scripts.eval_memory + scripts.functions_memory
    codes = sum(map(len, libraries.values()))
    return {
        "used_memory_lua": scripts.eval_memory,
        "used_memory_vm_eval": scripts.eval_memory,
        "used_memory_lua_human": human(scripts.eval_memory),
        "used_memory_scripts_eval": scripts.cache_memory,
        "number_of_cached_scripts": len(scripts.cached),
        "number_of_functions": len(scripts.libraries.functions) if libraries else 0,  # makes no interpreter for none
        "number_of_libraries": len(libraries),
        "used_memory_vm_functions": scripts.functions_memory,
        "used_memory_vm_total": machines,
        "used_memory_vm_total_human": human(machines),
        "used_memory_functions": codes,
        "used_memory_scripts": scripts.cache_memory + codes,
        "used_memory_scripts_human": human(scripts.cache_memory + codes),
    }


def _limits(engine: Engine) -> dict[str, object]:
    settings = engine.settings
    return {
        "maxmemory": settings.maxmemory,
        "maxmemory_human": human(settings.maxmemory),
        "maxmemory_policy": settings.maxmemory_policy,
    }


def _resident(report: MemoryReport) -> dict[str, object]:
    """Fragmentation; the parts that Redis asks jemalloc for are not known and count as none."""
    return {
        "allocator_frag_ratio": report.fragmentation,
        "allocator_frag_bytes": max(0, report.fragmentation_bytes),
        "allocator_rss_ratio": 1.0,
        "allocator_rss_bytes": 0,
        "rss_overhead_ratio": 1.0,
        "rss_overhead_bytes": 0,
        "mem_fragmentation_ratio": report.fragmentation,
        "mem_fragmentation_bytes": report.fragmentation_bytes,
        "process_baseline": memory_report.baseline,
    }


def _buffers(engine: Engine, report: MemoryReport) -> dict[str, object]:
    keyspace = engine.keyspace
    return {
        "mem_not_counted_for_evict": 0,
        "mem_replication_backlog": report.backlog,
        "mem_total_replication_buffers": report.backlog,
        "mem_clients_slaves": report.replicas,
        "mem_clients_normal": report.clients,
        "mem_cluster_links": 0,
        "mem_aof_buffer": report.log_buffer,
        "mem_allocator": memory_report.allocator(),
        "active_defrag_running": 0,
        "lazyfree_pending_objects": sum(map(len, keyspace.graveyard)),
        "lazyfreed_objects": keyspace.freed,
    }
