"""What the dashboards show: each panel with its question, PromQL, unit, thresholds and runbook section.

In expressions `{*}` stands for the chosen job and instance (`{*, cmd="get"}` adds to it) and `[R]` for the rate interval.
The first row of each dashboard answers what an operator woken at night asks first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["stat", "timeseries", "heatmap", "table"]
Steps = tuple[tuple[float | None, str], ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `queries`: (PromQL, legend) pairs; `unit`: a Grafana unit; `steps`: value from which a colour holds, None: below."""

    title: str
    description: str
    queries: tuple[tuple[str, str], ...]
    runbook: str
    unit: str = "short"
    kind: Kind = "timeseries"
    width: int = 8
    steps: Steps = ((None, "green"),)
    words: tuple[tuple[int, str, str], ...] = ()
    """Values shown as words: (value, word, colour)."""


@dataclass(frozen=True, slots=True)
class Row:
    """A titled row of panels."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard; `uid` also names its file."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    by_command: bool = False
    """Whether it has the variable cmd."""


def quantile(q: float, metric: str, by: str, more: str = "") -> str:
    """PromQL of a quantile of a histogram."""
    return f"histogram_quantile({q}, sum by ({by}, le) (rate({metric}_bucket{{*{more}}}[R])))"


NODE = "{{instance}}"
REPLICA = "{{instance}} → {{slave_ip}}:{{slave_port}}"
UP_GOOD: Steps = ((None, "red"), (1, "green"))
ZERO_GOOD: Steps = ((None, "green"), (1, "red"))
YES_NO = ((1, "yes", "green"), (0, "no", "red"))

PRIMARY = Panel(
    "Who is primary",
    "The role of each node. There must be one primary; two or none is an emergency.",
    (("chronis_primary{*}", NODE),),
    "chronisnoprimary",
    kind="stat",
    width=4,
    words=((1, "primary", "green"), (0, "replica", "blue")),
)
READY = Panel(
    "Ready",
    "Recovered, and writable or a replica in sync: the answer of /readyz.",
    (("chronis_ready{*}", NODE),),
    "chronisnotready",
    kind="stat",
    width=4,
    steps=UP_GOOD,
    words=YES_NO,
)
IN_SYNC = Panel(
    "Replicas in sync",
    "Replicas of the primary that acknowledged within min-replicas-max-lag.",
    (("sum by (job) (chronis_replicas_in_sync{*} and chronis_primary{*} == 1)", "{{job}}"),),
    "chronisreplicamissing",
    kind="stat",
    width=4,
    steps=((None, "red"), (1, "yellow"), (2, "green")),
)
HORIZON = Panel(
    "Resync horizon",
    "How long a replica may be away and still resume from the log, by the oldest frame kept; all: nothing was dropped yet.",
    (
        (
            "min by (job) (chronis_resync_horizon_seconds{*} and chronis_log_complete{*} == 0)"
            " or min by (job) (-chronis_log_complete{*})",
            "{{job}}",
        ),
    ),
    "chronisresynchorizonshort",
    unit="s",
    kind="stat",
    width=4,
    steps=((None, "red"), (600, "yellow"), (3600, "green")),
    words=((-1, "all", "green"),),
)
DURABILITY = Panel(
    "Durability age",
    "Age of the oldest event that a power loss would lose. Under everysec it stays around a second.",
    (("max by (job) (chronis_log_unsynced_age_seconds{*})", "{{job}}"),),
    "chronisunsyncedtoolong",
    unit="s",
    kind="stat",
    width=4,
    steps=((None, "green"), (2, "yellow"), (5, "red")),
)
ERRORS = Panel(
    "Error replies",
    "Error replies a second over all nodes, of any kind.",
    (("sum by (job) (rate(redis_total_error_replies{*}[R]))", "{{job}}"),),
    "chroniserrorshigh",
    unit="reqps",
    kind="stat",
    width=4,
    steps=((None, "green"), (1, "yellow"), (100, "red")),
)
