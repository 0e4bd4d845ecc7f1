"""Draw the main part as an SVG: ratios to A, throughput and CPU side by side, a line a test, a colour a pipeline depth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
# Text stays text, and the same figures give the same file.
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "chronis", "font.family": "sans-serif"})

from matplotlib import pyplot  # noqa: E402  # the backend is chosen first

COLOURS = ("#4477aa", "#228833", "#ccbb44", "#ee6677", "#aa3377")
INK, GRID, BETTER = "#222222", "#dddddd", "#eef6ee"
TICKS = (0.1, 0.2, 0.33, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
PANELS = (  # title, keys of a row: median, lowest, highest; whether more is better
    ("requests per second", ("ratio", "lowest", "highest"), True),
    ("CPU time per request", ("cpu_ratio", "cpu_lowest", "cpu_highest"), False),
)


def draw_panel(axes: Any, rows: Sequence[Mapping[str, Any]], keys: tuple[str, str, str], more_is_better: bool) -> None:
    """Draw one ratio of all rows: a dot for the median, a line from the lowest to the highest round."""
    tests = list(dict.fromkeys(row["test"] for row in rows))
    depths = sorted({row["pipeline"] for row in rows})
    middle, low, high = keys
    for number, depth in enumerate(depths):
        chosen = [row for row in rows if row["pipeline"] == depth]
        shift = (number - (len(depths) - 1) / 2) * 0.26
        places = [tests.index(row["test"]) + shift for row in chosen]
        colour = COLOURS[number % len(COLOURS)]
        axes.hlines(
            places, [row[low] for row in chosen], [row[high] for row in chosen], color=colour, lw=1.6, alpha=0.5
        )
        axes.plot([row[middle] for row in chosen], places, "o", color=colour, ms=4.5, label=f"P={depth}")
    left = min(0.5, min(row[low] for row in rows) / 1.1)
    right = max(2.0, max(row[high] for row in rows) * 1.1)
    axes.set_xscale("log")
    axes.axvspan(*((1.0, right) if more_is_better else (left, 1.0)), color=BETTER, zorder=0)
    axes.axvline(1.0, color=INK, lw=1)
    shown = [tick for tick in TICKS if left <= tick <= right]
    axes.set_xticks(shown, [f"{tick:g}" for tick in shown])
    axes.minorticks_off()
    axes.set_xlim(left, right)
    axes.set_yticks(range(len(tests)), tests)
    axes.set_ylim(len(tests) - 0.4, -0.6)


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Draw a result of the main part into path (.svg or .png)."""
    a, b = result["servers"]
    rows = result["rows"]
    height = 1.7 + 0.34 * len({row["test"] for row in rows})
    figure, panels = pyplot.subplots(1, 2, figsize=(10, height), sharey=True, layout="constrained")
    for axes, (title, keys, more_is_better) in zip(panels, PANELS, strict=True):
        draw_panel(axes, rows, keys, more_is_better)
        side = "right of 1 is better" if more_is_better else "left of 1 is better"
        axes.set_title(f"{title}, {b} / {a}", fontsize=11, color=INK)
        axes.set_xlabel(side, fontsize=9, color=INK)
        axes.grid(axis="x", color=GRID, lw=0.6)
        axes.tick_params(labelsize=9, colors=INK, length=0)
        for edge in axes.spines.values():
            edge.set_visible(False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=5, frameon=False, fontsize=9)
    rounds = f"{result['clients']} clients, {result['rounds']} rounds: medians, lowest to highest"
    figure.suptitle(
        f"{rounds}; {result['time'][:10]}, {result['commit']}",
        fontsize=9,
        color="#555555",
        x=0.01,
        ha="left",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)
