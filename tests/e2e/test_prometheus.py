"""A real Prometheus scrapes a primary and its replica under load: every expression of dashboards and rules has an answer."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import yaml

from metrics.dashboards import promql
from metrics.pages import ANNOTATIONS, DASHBOARDS
from tests.kit import dashboard_763
from tests.kit.prometheus import RULES, WAIT_SECONDS, Prometheus, answering, started, with_values
from tests.kit.resp_client import RespClient
from tests.kit.servers import HOST, chronis_server, free_port

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("redis-benchmark") is None,
    reason="prometheus or redis-benchmark is not installed",
)


def expressions() -> list[str]:
    """Every expression of dashboards, annotations and rules, variables put in."""
    panels = [query for board in DASHBOARDS for row in board.rows for panel in row.panels for query, _ in panel.queries]
    found = [promql(query) for query in [*panels, *(expression for _, expression, _, _ in ANNOTATIONS)]]
    for path in sorted(RULES.glob("*.yml")):
        groups = yaml.safe_load(path.read_text())["groups"]
        found += [rule["expr"] for group in groups for rule in group["rules"]]
    return [answering(with_values(expression)) for expression in found]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus, a primary with load on it and a replica."""
    ports = [free_port(), free_port()]
    with ExitStack() as stack:
        primary = stack.enter_context(chronis_server("--metrics-port", str(ports[0])))
        replica = stack.enter_context(
            chronis_server("--metrics-port", str(ports[1]), "--replicaof", f"{HOST} {primary.port}")
        )
        directory = tmp_path_factory.mktemp("prometheus")
        made = stack.enter_context(started(directory, [("", port) for port in ports]))
        made.wait_for('sum(up{job="chronis"}) == 2')
        for server in (primary, replica):
            server.command_reply("LPUSH")  # an error to count
        load(primary.port)
        stack.enter_context(trickle(primary.port))
        made.wait_for("redis_master_link_up == 1")
        made.wait_for("rate(redis_commands_processed_total[10s]) > 0")
        yield made


def load(port: int) -> None:
    """Run a short mix of commands."""
    command = ["redis-benchmark", "-p", str(port), "-n", "4000", "-c", "10", "-q", "-r", "1000"]
    subprocess.run([*command, "-t", "set,get,incr,lpush,hset,zadd"], check=True, stdout=subprocess.DEVNULL)


@contextmanager
def trickle(port: int) -> Iterator[None]:
    """Go on with a few commands between any two scrapes, so that no rate falls to zero."""
    ended = threading.Event()

    def run() -> None:
        with RespClient(HOST, port) as client:
            while not ended.wait(0.1):
                client.pipeline([("SET", "key", "value"), ("GET", "key")])

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def without_answer(prometheus: Prometheus, queries: Iterable[str]) -> set[str]:
    """The queries that got no sample within WAIT_SECONDS: rates of the last two scrapes come and go."""
    missing = set(queries)
    deadline = time.monotonic() + WAIT_SECONDS
    while missing and time.monotonic() < deadline:
        missing = {query for query in missing if not prometheus.samples(query)}
        time.sleep(0.5)
    return missing


def test_every_expression_has_an_answer(prometheus: Prometheus) -> None:
    unanswered = without_answer(prometheus, expressions())
    assert not unanswered, "\n".join(sorted(unanswered))


@pytest.mark.skipif(not dashboard_763.FILE.exists(), reason="the exporter package's documentation is not installed")
def test_every_panel_of_dashboard_763_has_an_answer(prometheus: Prometheus) -> None:
    queries = [with_values(query).replace("$__interval", "10s") for _, query in dashboard_763.panels()]
    assert without_answer(prometheus, queries) == set()


def test_roles_and_replica_are_seen(prometheus: Prometheus) -> None:
    assert len(prometheus.samples("chronis_primary == 1")) == 1
    assert len(prometheus.samples("chronis_primary == 0")) == 1
    prometheus.wait_for("redis_connected_slaves == 1")
    prometheus.wait_for('redis_connected_slave_lag_seconds{slave_state="online"} < 5')


def test_no_alert_of_weight_fires_on_a_healthy_pair(prometheus: Prometheus) -> None:
    firing = prometheus.samples('ALERTS{alertstate="firing", severity="critical"}')
    assert firing == []


def test_types_and_helps_reach_prometheus(prometheus: Prometheus) -> None:
    metadata = prometheus.get("metadata")
    assert metadata["chronis_command_seconds"][0]["type"] == "histogram"
    # OpenMetrics names a family without the suffix of its samples.
    assert metadata["redis_commands"][0]["type"] == "counter"
