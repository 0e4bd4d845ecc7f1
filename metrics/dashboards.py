"""Grafana's dashboards, made of the panels in `pages`: `python -m metrics.dashboards DIRECTORY` writes one JSON file each.

The files are committed; a test makes them again and compares.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from metrics.pages import ANNOTATIONS, DASHBOARDS
from metrics.panels import Dashboard, Panel

Json = dict[str, Any]

COLUMNS = 24
HEIGHT = {"stat": 4, "timeseries": 7, "heatmap": 7, "table": 7}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
FILTER = 'job=~"$job", instance=~"$instance"'


def promql(expression: str) -> str:
    """Put the dashboard's variables in for the abbreviations `{*}` and `[R]`."""
    return expression.replace("{*", "{" + FILTER).replace("[R]", "[$__rate_interval]")


def dashboard_json(dashboard: Dashboard) -> Json:
    """Build one dashboard in Grafana's model (schema version 39: Grafana 10.4 and later)."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["chronis"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "graphTooltip": 1,
        "links": [{"type": "dashboards", "title": "Chronis", "tags": ["chronis"], "keepTime": True, "includeVars": True}],
        "annotations": {"list": [annotation(*item) for item in ANNOTATIONS]},
        "templating": {"list": variables(dashboard.by_command)},
        "panels": laid_out(dashboard),
    }  # fmt: skip


def annotation(name: str, expression: str, text: str, colour: str) -> Json:
    """A mark on the time axis wherever the expression has a value."""
    return {
        "name": name, "datasource": SOURCE, "enable": True, "expr": promql(expression), "step": "30s",
        "titleFormat": text, "textFormat": "{{instance}}", "iconColor": colour,
    }  # fmt: skip


def variables(by_command: bool) -> list[Json]:
    """The choices at the top: data source, job, instance, command; and where the runbook is."""
    queries = [("job", "chronis_build_info", "job"), ("instance", 'chronis_build_info{job=~"$job"}', "instance")]
    if by_command:
        queries.append(("cmd", f"redis_commands_total{{{FILTER}}}", "cmd"))
    found: list[Json] = [{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}]
    for name, series, label in queries:
        query = f"label_values({series}, {label})"
        found.append({
            "name": name, "label": name, "type": "query", "datasource": SOURCE, "definition": query,
            "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1, "multi": True, "includeAll": True, "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        })  # fmt: skip
    found.append({"name": "runbook", "label": "Runbook", "type": "constant", "query": "/public/RUNBOOK.md", "hide": 2})
    return found


def laid_out(dashboard: Dashboard) -> list[Json]:
    """Place rows and panels on the grid, left to right and down."""
    placed: list[Json] = []
    top = 0
    for row in dashboard.rows:
        placed.append({
            "id": len(placed) + 1, "type": "row", "title": row.title, "collapsed": False, "panels": [],
            "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
        })  # fmt: skip
        top, left, height = top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                top, left, height = top + height, 0, 0
            grid = {"x": left, "y": top, "w": panel.width, "h": HEIGHT[panel.kind]}
            placed.append({"id": len(placed) + 1, "gridPos": grid, **panel_json(panel)})
            left, height = left + panel.width, max(height, HEIGHT[panel.kind])
        top += height
    return placed


def panel_json(panel: Panel) -> Json:
    """Build one panel without its place."""
    instant = panel.kind in ("stat", "table")
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "links": [{"title": "Runbook", "url": f"${{runbook}}#{panel.runbook}", "targetBlank": True}],
        "targets": [
            {
                "refId": chr(ord("A") + place), "datasource": SOURCE, "expr": promql(expression), "legendFormat": legend,
                "instant": instant, "range": not instant,
                "format": panel.kind if panel.kind in ("heatmap", "table") else "time_series",
            }
            for place, (expression, legend) in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": field_defaults(panel), "overrides": []},
        "options": OPTIONS[panel.kind],
    }  # fmt: skip


def field_defaults(panel: Panel) -> Json:
    """Unit, thresholds and words of a panel."""
    defaults: Json = {
        "unit": panel.unit,
        "color": {"mode": "thresholds" if panel.kind == "stat" else "palette-classic"},
        "thresholds": {
            "mode": "absolute",
            "steps": [{"value": value, "color": colour} for value, colour in panel.steps],
        },
    }
    if panel.words:
        words = {str(value): {"text": word, "color": colour} for value, word, colour in panel.words}
        defaults["mappings"] = [{"type": "value", "options": words}]
    if panel.kind == "timeseries":
        style = "dashed" if len(panel.steps) > 1 else "off"
        defaults["custom"] = {"fillOpacity": 8, "showPoints": "never", "thresholdsStyle": {"mode": style}}
    return defaults


OPTIONS: dict[str, Json] = {
    "stat": {
        "textMode": "value_and_name",
        "colorMode": "background",
        "graphMode": "none",
        "reduceOptions": {"calcs": ["lastNotNull"]},
    },
    "timeseries": {
        "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi"},
    },
    "heatmap": {"calculate": False, "yAxis": {"unit": "s"}, "color": {"scheme": "Blues"}},
    "table": {"showHeader": True},
}


def text_of(dashboard: Dashboard) -> str:
    """The file of a dashboard."""
    return json.dumps(dashboard_json(dashboard), indent=1, ensure_ascii=False) + "\n"


def main(argv: list[str]) -> int:
    """Write every dashboard into the directory argv[0]; return the exit status."""
    if len(argv) != 1:
        print("usage: python -m metrics.dashboards DIRECTORY", file=sys.stderr)
        return 2
    for dashboard in DASHBOARDS:
        path = Path(argv[0]) / f"{dashboard.uid}.json"
        path.write_text(text_of(dashboard), encoding="utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
