"""A real run to draw: a primary and a replica under load, an outage of the replica, and what Prometheus saw of it."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metrics.dashboards import promql
from metrics.pages import ANNOTATIONS
from metrics.panels import Dashboard, Panel
from tests.kit.prometheus import Prometheus, started, with_values
from tests.kit.servers import HOST, Server, chronis_server, free_port

STEP_SECONDS = 1.0
TESTS = "set,get,incr,lpush,lrange_100,hset,zadd,sadd"


@dataclass
class Recorded:
    """What panels show: (legend, samples) by query, each sample (unix seconds, value); and the marks on the time axis."""

    start: float
    end: float
    panels: dict[str, list[tuple[str, dict[str, str], list[tuple[float, float]]]]] = field(default_factory=dict)
    marks: list[tuple[float, str]] = field(default_factory=list)


@dataclass
class Run:
    """The running nodes, and Prometheus beside them."""

    primary: Server
    replica: Server
    prometheus: Prometheus


@contextmanager
def running(directory: Path) -> Iterator[Run]:
    """Start everything."""
    ports = [free_port(), free_port()]
    options = ("--slowlog-log-slower-than", "2000", "--log-segment-size", "4mb", "--log-retention-size", "32mb", "--save", "20 1000")
    with ExitStack() as stack:
        primary = stack.enter_context(chronis_server("--metrics-port", str(ports[0]), *options))
        names = ("node-1", "node-2")
        prometheus = stack.enter_context(started(directory, list(zip(names, ports, strict=True)), interval="1s"))
        prometheus.wait_for("count_over_time(chronis_full_syncs_total[1m]) > 2")  # then the replica's sync is an increase
        follow = ("--replicaof", f"{HOST} {primary.port}")
        replica = stack.enter_context(chronis_server("--metrics-port", str(ports[1]), *options, *follow))
        prometheus.wait_for("redis_master_link_up == 1")
        yield Run(primary, replica, prometheus)


@contextmanager
def load(run: Run) -> Iterator[None]:
    """Put redis-benchmark's load on the primary, and readers, misses, expiring keys, messages and mistakes beside it."""
    ended = threading.Event()
    workers = [threading.Thread(target=work, args=(run, ended)) for work in (_benchmark, _people)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        ended.set()
        for worker in workers:
            worker.join()


def _benchmark(run: Run, ended: threading.Event) -> None:
    """Run redis-benchmark again and again."""
    command = ["redis-benchmark", "-p", str(run.primary.port), "-t", TESTS, "-n", "6000", "-c", "20", "-P", "4", "-r", "20000", "-q"]
    while not ended.wait(1.0):
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _people(run: Run, ended: threading.Event) -> None:
    """What a service does: reads that hit and miss, sessions that expire, messages, a blocked worker, now and then a mistake."""
    draw = random.Random(7)
    with run.primary.client() as client, run.primary.client() as waiting, run.primary.client() as listener:
        listener.command("SUBSCRIBE", "news")
        waiting.send("BLPOP", "jobs", 0)
        while not ended.wait(0.01):
            user = draw.randrange(4000)
            client.command("SET", f"session:{user}", "x" * 100, "PX", draw.randrange(3000, 15000))
            client.command("GET", f"session:{draw.randrange(4000)}")
            client.command("HSET", f"user:{user}", "seen", user)
            if draw.random() < 0.1:
                client.command("PUBLISH", "news", "hello")
            if draw.random() < 0.03:
                client.command("LPUSH", f"session:{user}", "wrong")
            if draw.random() < 0.002:
                client.command("SORT", f"user:{user}", "BY")


def outage(run: Run, seconds: float) -> None:
    """Stop the replica, wait, and start it again."""
    run.replica.stop()
    time.sleep(seconds)
    run.replica.start()
    run.prometheus.wait_for("redis_master_link_up == 1")


def collect(run: Run, boards: tuple[Dashboard, ...], start: float, end: float) -> Recorded:
    """Ask Prometheus for every panel and annotation from start to end."""
    recorded = Recorded(start, end)
    for panel in (panel for board in boards for row in board.rows for panel in row.panels):
        recorded.panels[key(panel)] = [found for query in panel.queries for found in _ask(run.prometheus, query, start, end)]
    for name, expression, _, _ in ANNOTATIONS:
        for series in run.prometheus.series(with_values(promql(expression), "60s"), start, end, STEP_SECONDS):
            times = [float(at) for at, _ in series["values"]]
            firsts = [at for at, before in zip(times, [0.0, *times], strict=False) if at - before > 2 * STEP_SECONDS]
            recorded.marks += [(at, name) for at in firsts]
    return recorded


def key(panel: Panel) -> str:
    """What tells a panel from others: title and queries."""
    return f"{panel.title} {panel.queries}"


def _ask(prometheus: Prometheus, query: tuple[str, str], start: float, end: float) -> list[tuple[str, dict[str, str], Any]]:
    expression, legend = query
    series = prometheus.series(with_values(promql(expression)), start, end, STEP_SECONDS)
    return [
        (_legend(legend, found["metric"]), found["metric"], [(float(at), float(value)) for at, value in found["values"]])
        for found in series
    ]


def _legend(template: str, labels: dict[str, str]) -> str:
    for name, value in labels.items():
        template = template.replace("{{" + name + "}}", value)
    return template
