"""redis_exporter beside us: its scrape of Chronis succeeds, and its names of a Redis are ours, but for those with a reason.

`python -m tests.e2e.test_redis_exporter` writes the tables of deploy/METRICS.md.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from metrics.catalog import CATALOG
from tests.kit import dashboard_763
from tests.kit.servers import HOST, chronis_server, free_port, redis_server

EXPORTER = shutil.which("prometheus-redis-exporter")
TABLE = Path(__file__).parents[2] / "deploy/METRICS.md"
PANELS_HEADING, HEADING = "## Dashboard 763", "## Names of redis_exporter"
pytestmark = pytest.mark.skipif(EXPORTER is None, reason="prometheus-redis-exporter is not installed")

NOT_HERE = {
    "of redis_exporter itself, not of Redis": ("redis_exporter_", "redis_target_scrape_", "redis_last_key_groups_scrape_"),
    "no jemalloc: Python's allocator has no such figures": ("redis_allocator_", "redis_active_defrag_", "redis_defrag_"),
    "no AOF rewrite: the log is never rewritten": (
        "redis_aof_current_rewrite_", "redis_aof_last_bgrewrite_", "redis_aof_last_rewrite_", "redis_aof_last_cow_",
        "redis_aof_rewrite_scheduled",
    ),
    "no copy of memory: snapshots are made by replay": (
        "redis_rdb_last_cow_", "redis_latest_fork_", "redis_module_fork_",
    ),
    "no cluster mode, no modules": ("redis_cluster_", "redis_migrate_cached_sockets"),
    "no I/O threads": ("redis_io_thread", "redis_config_io_threads"),
    "one thread: the figures of the process are those of its main thread": ("redis_cpu_sys_main_", "redis_cpu_user_main_"),
    "chronis_command_seconds has whole histograms instead": ("redis_latency_percentiles_usec",),
    "chronis_output_queue_bytes and chronis_output_queue_max_bytes instead": ("redis_client_recent_max_", "redis_mem_clients_"),
    "memory is accounted to the data set as a whole": (
        "redis_memory_used_overhead_", "redis_memory_used_startup_", "redis_memory_used_lua_", "redis_memory_used_scripts_",
        "redis_mem_not_counted_", "redis_number_of_cached_scripts",
    ),
    "INFO has it; no dashboard or alert asks for it": (
        "redis_clients_in_timeout_table", "redis_dump_payload_sanitizations", "redis_expired_stale_percentage",
        "redis_total_reads_processed", "redis_total_writes_processed", "redis_tracking_total_", "redis_unexpected_error_replies",
        "redis_slave_expires_tracked_keys",
    ),
}  # fmt: skip


def reason(name: str) -> str | None:
    """Why a name of redis_exporter is not exposed; None for one that has to be."""
    return next((why for why, prefixes in NOT_HERE.items() if name.startswith(prefixes)), None)


@contextlib.contextmanager
def exporter(redis_port: int) -> Iterator[int]:
    """Run redis_exporter for a server; yield its port."""
    assert EXPORTER is not None
    port = free_port()
    process = subprocess.Popen(
        [EXPORTER, "-redis.addr", f"redis://{HOST}:{redis_port}", "-web.listen-address", f"{HOST}:{port}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield port
    finally:
        process.terminate()
        process.wait(20)


def scraped(port: int) -> str:
    """The text of a scrape, once the port answers."""
    for _ in range(100):
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            return urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=10).read().decode()  # type: ignore[no-any-return]
        time.sleep(0.1)
    pytest.fail("no answer", pytrace=False)


def types(text: str) -> dict[str, str]:
    """Family names of Redis in a scrape, with their types."""
    lines = (line.split() for line in text.splitlines() if line.startswith("# TYPE redis_"))
    return {name: kind for _, _, name, kind in lines}


def names_of_redis() -> dict[str, str]:
    """What redis_exporter shows of a primary and of its replica."""
    with redis_server() as primary, redis_server("--replicaof", f"{HOST} {primary.port}") as replica:
        primary.command_reply("SET", "a", "1")
        primary.command_reply("LPUSH")
        found: dict[str, str] = {}
        for server in (primary, replica):
            with exporter(server.port) as port:
                found |= types(scraped(port))
    return found


def table(found: dict[str, str]) -> str:
    """The comparison as a table in Markdown."""
    lines = [
        HEADING,
        "",
        "What redis_exporter shows of a Redis 7.0 and whether Chronis serves it natively; what is missing has a reason.",
        "Made by `python -m tests.e2e.test_redis_exporter`.",
        "",
        "| name | type | Chronis |",
        "| --- | --- | --- |",
    ]
    for name, kind in sorted(found.items()):
        lines.append(f"| `{name}` | {kind} | {served(name)} |")
    return "\n".join(lines) + "\n"


def served(name: str) -> str:
    """Whether Chronis serves a name, and if not, why."""
    return "yes" if name in CATALOG else f"no: {reason(name) or 'missing'}"


def panel_table() -> str:
    """The panels of dashboard 763 with the metrics that they ask for."""
    lines = [
        PANELS_HEADING,
        "",
        "Its queries as the Debian package of redis_exporter brings them; a test asks a real Prometheus each of them.",
        "",
        "| panel | metrics | Chronis |",
        "| --- | --- | --- |",
    ]
    for title, expression in dashboard_763.panels():
        asked = dashboard_763.names(expression)
        verdict = "; ".join(dict.fromkeys(map(served, asked)))
        lines.append(f"| {title} | {', '.join(f'`{name}`' for name in asked)} | {verdict} |")
    return "\n".join(lines) + "\n"


def test_names_are_served_or_have_a_reason() -> None:
    found = names_of_redis()
    assert len(found) > 80
    missing = [name for name in found if name not in CATALOG and reason(name) is None]
    assert missing == []
    for name, kind in found.items():
        if name in CATALOG and CATALOG[name].kind != "unknown":
            assert CATALOG[name].kind == kind, name
    assert table(found) in TABLE.read_text(), "run: python -m tests.e2e.test_redis_exporter"


@pytest.mark.skipif(not dashboard_763.FILE.exists(), reason="the package's documentation is not installed")
def test_every_metric_of_dashboard_763_is_served() -> None:
    missing = [name for _, query in dashboard_763.panels() for name in dashboard_763.names(query) if name not in CATALOG]
    assert missing == []
    assert panel_table() in TABLE.read_text(), "run: python -m tests.e2e.test_redis_exporter"


def test_the_exporter_itself_can_scrape_chronis() -> None:
    with chronis_server() as server:
        server.command_reply("SET", "a", "1", "EX", "100")
        with exporter(server.port) as port:
            text = scraped(port)
    lines = text.splitlines()
    assert "redis_up 1" in lines
    assert 'redis_exporter_last_scrape_error{err=""} 0' in lines
    assert 'redis_db_keys{db="db0"} 1' in lines
    assert 'redis_commands_total{cmd="set"} 1' in lines


def main() -> None:
    """Write both tables into deploy/METRICS.md, in place of what is there."""
    kept = TABLE.read_text().partition(PANELS_HEADING)[0]
    TABLE.write_text(kept + panel_table() + "\n" + table(names_of_redis()))


if __name__ == "__main__":
    main()
