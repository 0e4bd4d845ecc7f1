"""MEMORY STATS, DOCTOR, MALLOC-STATS, PURGE and HELP (object.c 7.0); MEMORY USAGE is where OBJECT is."""

from __future__ import annotations

import gc

from store.commands.help import help_reply
from store.commands.table import command, container
from store.observe import memory_report
from store.observe.memory_report import MemoryReport, human, report
from store.replies import OK, Verbatim
from store.tx import Tx

GROUP = "server"
SMALL = 5 << 20
"""Bytes below which there is nothing to say about memory."""
WASTE = 10 << 20
"""Bytes that are worth a remark."""

container("MEMORY", "Look into how memory is used.", since="4.0.0", group=GROUP)


@command(
    "MEMORY|STATS", "", since="4.0.0", group=GROUP, complexity="O(clients)",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
)  # fmt: skip
def memory_stats(tx: Tx) -> dict[object, object]:
    """Tell bytes by use, as far as they are accounted or measured."""
    now = report(tx.engine)
    stats: dict[object, object] = {
        b"peak.allocated": now.peak,
        b"total.allocated": now.used,
        b"startup.allocated": 0,
        b"replication.backlog": now.backlog,
        b"clients.slaves": now.replicas,
        b"clients.normal": now.clients,
        b"cluster.links": 0,
        b"aof.buffer": now.log_buffer,
        b"lua.caches": tx.engine.scripts.cache_memory,
        b"functions.caches": sum(map(len, tx.keyspace.functions.values())),
    }
    for db in now.databases:
        stats[b"db.%d" % db.index] = {
            b"overhead.hashtable.main": db.entries,
            b"overhead.hashtable.expires": db.deadlines,
            b"overhead.hashtable.slot-to-keys": 0,
        }
    return stats | _ratios(now)


def _ratios(now: MemoryReport) -> dict[object, object]:
    return {
        b"overhead.total": now.overhead,
        b"keys.count": now.keys,
        b"keys.bytes-per-key": now.used // now.keys if now.keys else 0,
        b"dataset.bytes": now.dataset,
        b"dataset.percentage": now.dataset_percent,
        b"peak.percentage": now.peak_percent,
        b"allocator.allocated": now.used,
        b"allocator.active": now.resident,
        b"allocator.resident": now.resident,
        b"allocator-fragmentation.ratio": now.fragmentation,
        b"allocator-fragmentation.bytes": max(0, now.fragmentation_bytes),
        b"allocator-rss.ratio": 1.0,
        b"allocator-rss.bytes": 0,
        b"rss-overhead.ratio": 1.0,
        b"rss-overhead.bytes": 0,
        b"fragmentation": now.fragmentation,
        b"fragmentation.bytes": now.fragmentation_bytes,
    }


@command(
    "MEMORY|DOCTOR", "", since="4.0.0", group=GROUP, complexity="O(clients)",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
)  # fmt: skip
def memory_doctor(tx: Tx) -> Verbatim:
    """Say what is unusual about the use of memory."""
    now = report(tx.engine)
    if now.used < SMALL:
        return Verbatim(b"There is next to no data here: nothing can be said about its memory yet.\n")
    sessions = max(1, len(tx.engine.sessions) - len(tx.engine.topology.followers))
    remarks = findings(now, sessions, max(1, len(tx.engine.topology.followers)))
    if not remarks:
        return Verbatim(b"Nothing unusual about the memory of this node.\n")
    return Verbatim("".join(f" * {remark}\n\n" for remark in remarks).encode())


def findings(now: MemoryReport, clients: int, replicas: int) -> list[str]:
    """What is worth a remark, by the thresholds that Redis has."""
    checks = (
        (
            now.peak > 1.5 * now.used,
            f"Peak: {human(now.peak)} were in use once, {human(now.used)} are now. What was freed may still be resident; it is "
            "used again before more is asked of the system.",
        ),
        (
            now.fragmentation > 1.4 and now.fragmentation_bytes > WASTE,
            f"Fragmentation: {human(now.resident)} are resident where {human(now.expected)} were expected. After a peak this is "
            "harmless; if it stays and grows, restart the node (a replica first).",
        ),
        (
            now.clients // clients > 200 << 10,
            "Clients: more than 200 kB each on average. Look for large omem, qbuf and multi-mem in CLIENT LIST.",
        ),
        (
            now.replicas // replicas > WASTE,
            "Replicas: more than 10 MB of unread output each. Look which one lags in INFO replication.",
        ),
    )
    return [remark for holds, remark in checks if holds]


@command(
    "MEMORY|MALLOC-STATS", "", since="4.0.0", group=GROUP,
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
)  # fmt: skip
def memory_malloc_stats(_tx: Tx) -> Verbatim:
    """Tell what the interpreter knows about its memory."""
    lines = [f"allocator: {memory_report.allocator()}", f"resident: {memory_report.resident()} bytes"]
    for number, generation in enumerate(gc.get_stats()):
        lines.append(f"garbage collector, generation {number}: " + ", ".join(f"{name} {n}" for name, n in generation.items()))
    lines.append(f"objects not looked at any more: {gc.get_freeze_count()}")
    return Verbatim("\n".join([*lines, ""]).encode())


@command(
    "MEMORY|PURGE", "", since="4.0.0", group=GROUP, tips="request_policy:all_shards response_policy:all_succeeded",
)  # fmt: skip
def memory_purge(tx: Tx) -> str:
    """Free what waits to be freed, and collect garbage."""
    while not tx.keyspace.free_slice(100_000):
        pass
    gc.collect()
    return OK


@command("MEMORY|HELP", "loading stale", since="4.0.0", group=GROUP)
def memory_help(_tx: Tx) -> list[str]:
    """List the subcommands of MEMORY."""
    return help_reply(
        "MEMORY",
        "DOCTOR",
        "    Say what is unusual about the use of memory.",
        "MALLOC-STATS",
        "    What the interpreter knows about its memory.",
        "PURGE",
        "    Free what waits to be freed, and collect garbage.",
        "STATS",
        "    Bytes by use.",
        "USAGE <key> [SAMPLES <count>]",
        "    Estimate the bytes that a key and its value take.",
    )
