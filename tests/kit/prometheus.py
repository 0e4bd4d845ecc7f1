"""A real Prometheus for a test: started on a free port with our rules, asked over its HTTP API, ended with the context."""

import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kit.servers import HOST, free_port

RULES = Path(__file__).parents[2] / "deploy/prometheus/rules"
WAIT_SECONDS = 40.0


def with_values(expression: str, rate_interval: str = "10s") -> str:
    """Put values in for the variables of a dashboard: everything, and a rate interval."""
    for variable in ("$job", "$instance", "$cmd"):
        expression = expression.replace(variable, ".*")
    return expression.replace("$__rate_interval", rate_interval)


def answering(expression: str) -> str:
    """Let comparisons answer 0 or 1, so that what does not hold has an answer too."""
    return re.sub(r"(\{[^}]*\})|([<>]=?|[=!]=)", lambda m: m[1] or f"{m[2]} bool", expression)


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

    def series(self, expression: str, start: float, end: float, step: float) -> list[Any]:
        """The samples of an expression from start to end (unix seconds), step seconds apart."""
        arguments = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        found: list[Any] = self.get("query_range", query=expression, **arguments)["result"]
        return found

    def wait_for(self, expression: str) -> None:
        """Wait until an expression has a sample; fail with what there is."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            try:
                if self.samples(expression):
                    return
            except (urllib.error.URLError, ConnectionError):
                pass  # it is still starting
            time.sleep(0.2)
        pytest.fail(f"no sample of {expression} within {WAIT_SECONDS} s", pytrace=False)


class started:
    """Run Prometheus with our rules, its files in directory, scraping targets: metrics ports by instance label ("": the address)."""

    def __init__(self, directory: Path, targets: list[tuple[str, int]], interval: str = "500ms") -> None:
        self.port = free_port()
        configuration = {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": "1s"},
            "rule_files": [str(RULES / "*.yml")],
            "scrape_configs": [{"job_name": "chronis", "static_configs": [_target(*target) for target in targets]}],
        }
        (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration))
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


def _target(instance: str, port: int) -> dict[str, Any]:
    found: dict[str, Any] = {"targets": [f"{HOST}:{port}"]}
    return found | {"labels": {"instance": instance}} if instance else found
