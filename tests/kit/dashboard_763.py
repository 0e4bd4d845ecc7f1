"""Grafana's dashboard 763, made for redis_exporter, as the Debian package of the exporter brings it along."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILE = Path("/usr/share/doc/prometheus-redis-exporter/examples/grafana_prometheus_redis_dashboard.json")


def panels() -> list[tuple[str, str]]:
    """Each panel's title and PromQL, one pair a query; raise FileNotFoundError where the package is not installed."""
    model = json.loads(FILE.read_text())
    assert model["gnetId"] == 763
    return [
        (panel["title"], " ".join(target["expr"].split()))
        for panel in _all(model["panels"])
        for target in panel.get("targets", [])
    ]


def _all(listed: list[Any]) -> Iterator[Any]:
    for panel in listed:
        yield panel
        yield from _all(panel.get("panels", []))


def names(expression: str) -> list[str]:
    """The metrics that an expression asks for."""
    return sorted(set(re.findall(r"\bredis_\w+", expression)))
