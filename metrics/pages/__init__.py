"""The dashboards, one module each, and what they all mark on their time axes."""

from __future__ import annotations

from metrics.pages.commands import COMMANDS
from metrics.pages.log import LOG
from metrics.pages.overview import OVERVIEW
from metrics.pages.replication import REPLICATION

DASHBOARDS = (OVERVIEW, REPLICATION, LOG, COMMANDS)

ANNOTATIONS = (
    ("Failovers", "changes(chronis_primary{*}[R]) > 0", "Role changed", "purple"),
    ("Full syncs", 'increase(chronis_syncs_total{*, kind="full"}[R]) > 0', "Full synchronization", "orange"),
    ("Restarts", "changes(redis_start_time_seconds{*}[R]) > 0", "Process started", "red"),
)
"""What is marked on every time axis: (name, PromQL, text, colour)."""
