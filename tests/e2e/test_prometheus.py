"""A real Prometheus scrapes a primary and its replica under load: every expression of dashboards and rules has an answer."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from metrics.dashboards import promql
from metrics.pages import ANNOTATIONS, DASHBOARDS
from tests.kit.servers import HOST, chronis_server, free_port

RULES = Path(__file__).parents[2] / "deploy/prometheus/rules"
WAIT_SECONDS = 40.0
pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("redis-benchmark") is None,
    reason="prometheus or redis-benchmark is not installed",
)


def expressions() -> list[str]:
    """Every expression, variables put in; comparisons answer 0 or 1, so that what does not hold has an answer too."""
    panels = [query for board in DASHBOARDS for row in board.rows for panel in row.panels for query, _ in panel.queries]
    found = [promql(query) for query in [*panels, *(expression for _, expression, _, _ in ANNOTATIONS)]]
    for path in sorted(RULES.glob("*.yml")):
        groups = yaml.safe_load(path.read_text())["groups"]
        found += [rule["expr"] for group in groups for rule in group["rules"]]
    known = {"$job": ".*", "$instance": ".*", "$cmd": ".*", "$__rate_interval": "10s"}
    for variable, value in known.items():
        found = [expression.replace(variable, value) for expression in found]
    return [re.sub(r"(\{[^}]*\})|([<>]=?|[=!]=)", lambda m: m[1] or f"{m[2]} bool", expression) for expression in found]


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        self.base = f"http://{HOST}:{port}/api/v1/"

    def get(self, path: str, **arguments: str) -> Any:
        """Ask the API; an error of the query is a failure."""
        with urllib.request.urlopen(f"{self.base}{path}?{urllib.parse.urlencode(arguments)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def samples(self, expression: str) -> list[Any]:
        """The present samples of an expression."""
        found: list[Any] = self.get("query", query=expression)["result"]
        return found


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus, a primary with load on it and a replica."""
    directory = tmp_path_factory.mktemp("prometheus")
    ports = [free_port(), free_port()]
    with ExitStack() as stack:
        primary = stack.enter_context(chronis_server("--metrics-port", str(ports[0])))
        replica = stack.enter_context(
            chronis_server("--metrics-port", str(ports[1]), "--replicaof", f"{HOST} {primary.port}")
        )
        configuration = {
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "1s"},
            "rule_files": [str(RULES / "*.yml")],
            "scrape_configs": [
                {"job_name": "chronis", "static_configs": [{"targets": [f"{HOST}:{port}" for port in ports]}]}
            ],
        }
        (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        made = stack.enter_context(started(directory))
        wait_for(made, 'sum(up{job="chronis"}) == 2')
        for server in (primary, replica):
            server.command_reply("LPUSH")  # an error to count
        load(primary.port)
        wait_for(made, "redis_master_link_up == 1")
        wait_for(made, "rate(redis_commands_processed_total[10s]) > 0")
        yield made


class started:
    """Run Prometheus on a free port with the configuration in directory."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        arguments = {
            "config.file": directory / "prometheus.yml",
            "storage.tsdb.path": directory / "data",
            "web.listen-address": f"{HOST}:{self.port}",
            "log.level": "warn",
        }
        self.output = (directory / "output").open("wb")
        command = ["prometheus", *(f"--{name}={value}" for name, value in arguments.items())]
        self.process = subprocess.Popen(command, stdout=self.output, stderr=self.output)

    def __enter__(self) -> Prometheus:
        return Prometheus(self.port)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.output.close()


def load(port: int) -> None:
    """Run a short mix of commands."""
    command = ["redis-benchmark", "-p", str(port), "-n", "4000", "-c", "10", "-q", "-r", "1000"]
    subprocess.run([*command, "-t", "set,get,incr,lpush,hset,zadd"], check=True, stdout=subprocess.DEVNULL)


def wait_for(prometheus: Prometheus, expression: str) -> None:
    """Wait until an expression has a sample; fail with what there is."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            if prometheus.samples(expression):
                return
        except (urllib.error.URLError, ConnectionError):
            pass  # it is still starting
        time.sleep(0.2)
    pytest.fail(f"no sample of {expression} within {WAIT_SECONDS} s", pytrace=False)


def test_every_expression_has_an_answer(prometheus: Prometheus) -> None:
    missing = set(expressions())
    deadline = time.monotonic() + WAIT_SECONDS
    while missing and time.monotonic() < deadline:
        missing = {expression for expression in missing if not prometheus.samples(expression)}
        time.sleep(0.5)
    assert not missing, "\n".join(sorted(missing))


def test_roles_and_replica_are_seen(prometheus: Prometheus) -> None:
    assert len(prometheus.samples("chronis_primary == 1")) == 1
    assert len(prometheus.samples("chronis_primary == 0")) == 1
    wait_for(prometheus, "redis_connected_slaves == 1")
    wait_for(prometheus, 'redis_connected_slave_lag_seconds{slave_state="online"} < 5')


def test_no_alert_of_weight_fires_on_a_healthy_pair(prometheus: Prometheus) -> None:
    firing = prometheus.samples('ALERTS{alertstate="firing", severity="critical"}')
    assert firing == []


def test_types_and_helps_reach_prometheus(prometheus: Prometheus) -> None:
    metadata = prometheus.get("metadata")
    assert metadata["chronis_command_seconds"][0]["type"] == "histogram"
    # OpenMetrics names a family without the suffix of its samples.
    assert metadata["redis_commands"][0]["type"] == "counter"
