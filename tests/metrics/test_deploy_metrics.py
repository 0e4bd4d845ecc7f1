"""Dashboards, rules and runbook: made from the sources, consistent with the catalog and with each other."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from metrics.catalog import CATALOG
from metrics.dashboards import dashboard_json, text_of
from metrics.pages import ANNOTATIONS, DASHBOARDS

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = sorted(str(path.relative_to(DEPLOY / "prometheus")) for path in (DEPLOY / "prometheus/rules").glob("*.yml"))
PROMTOOL = shutil.which("promtool")
requires_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")


def runbook_sections() -> set[str]:
    """Anchors of the runbook's sections."""
    return {
        line[3:].strip().lower() for line in (DEPLOY / "RUNBOOK.md").read_text().splitlines() if line.startswith("## ")
    }


def rules() -> list[dict[str, Any]]:
    """All recording and alert rules."""
    files = sorted((DEPLOY / "prometheus/rules").glob("*.yml"))
    return [rule for file in files for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def expressions() -> list[str]:
    """Every PromQL expression of dashboards and rules."""
    panels = [query for board in DASHBOARDS for row in board.rows for panel in row.panels for query, _ in panel.queries]
    return panels + [expression for _, expression, _, _ in ANNOTATIONS] + [rule["expr"] for rule in rules()]


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.uid)
def test_committed_dashboards_are_up_to_date(board: Any) -> None:
    path = DEPLOY / "grafana/dashboards" / f"{board.uid}.json"
    assert path.read_text() == text_of(board), "run: python -m metrics.dashboards deploy/grafana/dashboards"


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.uid)
def test_panels_fit_the_grid_and_have_description_unit_and_runbook(board: Any) -> None:
    model = json.loads(json.dumps(dashboard_json(board)))
    taken: set[tuple[int, int]] = set()
    ids = [panel["id"] for panel in model["panels"]]
    assert len(ids) == len(set(ids))
    for panel in model["panels"]:
        grid = panel["gridPos"]
        cells = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not taken & cells, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        if panel["type"] != "row":
            assert panel["description"].endswith(".")
            assert panel["fieldConfig"]["defaults"]["unit"]
            assert panel["links"][0]["url"].partition("#")[2] in runbook_sections(), panel["title"]


def test_expressions_name_only_metrics_that_exist() -> None:
    known = set(CATALOG) | {rule["record"] for rule in rules() if "record" in rule} | {"up"}
    for metric in CATALOG.values():
        if metric.kind == "histogram":
            known |= {metric.name + suffix for suffix in ("_bucket", "_sum", "_count")}
    for expression in expressions():
        bare = re.sub(r"\{[^}]*\}|\"[^\"]*\"", "", expression)
        for name in re.findall(r"\b(?:redis|chronis)[_:][a-z0-9_:]*", bare):
            assert name in known, expression


def test_every_alert_has_a_runbook_section_and_unit_tests() -> None:
    alerts = [rule for rule in rules() if "alert" in rule]
    names = [rule["alert"] for rule in alerts]
    assert {rule["annotations"]["runbook_url"] for rule in alerts} == {f"RUNBOOK.md#{name.lower()}" for name in names}
    assert {name.lower() for name in names} == runbook_sections()
    tested = yaml.safe_load((DEPLOY / "prometheus/tests/alerts.test.yml").read_text())["tests"]
    assert [test["name"] for test in tested] == names
    for test in tested:
        quiet, firing = test["promql_expr_test"]
        assert quiet["exp_samples"] == []
        assert firing["exp_samples"][0]["value"] >= 1


@requires_promtool
@pytest.mark.parametrize(
    "arguments", ["check config prometheus.yml", f"check rules {' '.join(RULES)}", "test rules tests/alerts.test.yml"]
)
def test_promtool_agrees(arguments: str) -> None:
    done = subprocess.run(
        ["promtool", *arguments.split()], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
