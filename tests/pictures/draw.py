"""Draw a dashboard the way Grafana lays it out: the same grid, panels, units, thresholds and legends, from recorded samples."""

from __future__ import annotations

import io
import math
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt  # the backend is chosen first
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator
from PIL import Image

from metrics.dashboards import COLUMNS, laid_out
from metrics.panels import Dashboard, Panel
from tests.pictures.record import STEP_SECONDS, Recorded, key
from tests.pictures.units import shown

CELL_WIDTH, CELL_HEIGHT, GAP = 0.62, 0.40, 0.08
"""Inches of a grid cell, and between panels."""
PAGE, BOX, TEXT, FAINT, GRID = "#111217", "#181b1f", "#d8d9da", "#8e8e95", "#2c3035"
COLOURS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#ffcb7d")
SHADES = {"green": "#37872d", "yellow": "#b8860b", "red": "#c4162a", "blue": "#1f60c4", "orange": "#c15c17", "purple": "#8f3bb8"}
LEGENDS = 4
Series = list[tuple[str, dict[str, str], list[tuple[float, float]]]]


class Page:
    """One dashboard on one figure; lengths in inches from the top left."""

    def __init__(self, board: Dashboard, recorded: Recorded) -> None:
        self.board, self.recorded = board, recorded
        self.grid = laid_out(board)
        bottom = max(cell["gridPos"]["y"] + cell["gridPos"]["h"] for cell in self.grid)
        self.width, self.height = COLUMNS * CELL_WIDTH + 2 * GAP, bottom * CELL_HEIGHT + 0.62
        self.figure = plt.figure(figsize=(self.width, self.height), facecolor=PAGE)

    def save(self, path: Path) -> None:
        """Draw everything into a PNG of few colours."""
        self._headline()
        panels = iter([panel for row in self.board.rows for panel in row.panels])
        for cell in self.grid:
            place = cell["gridPos"]
            x, y = GAP + place["x"] * CELL_WIDTH, 0.55 + place["y"] * CELL_HEIGHT
            if cell["type"] == "row":
                self._text(x + 0.05, y + 0.25, f"⌄ {cell['title']}", size=11, weight="bold")
            else:
                self._panel(next(panels), x, y, place["w"] * CELL_WIDTH - GAP, place["h"] * CELL_HEIGHT - GAP)
        buffer = io.BytesIO()
        self.figure.savefig(buffer, dpi=100, facecolor=PAGE)
        plt.close(self.figure)
        Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)

    def _headline(self) -> None:
        self._text(0.12, 0.32, self.board.title, size=15, weight="bold")
        start, end = (time.strftime("%H:%M:%S", time.gmtime(at)) for at in (self.recorded.start, self.recorded.end))
        text = f"job: chronis   instance: All   {start} to {end} UTC"
        self._text(self.width - 0.12, 0.32, text, size=9, colour=FAINT, align="right")

    def _text(self, x: float, y: float, text: str, *, size: float, colour: str = TEXT, align: str = "left", **more: Any) -> None:
        self.figure.text(x / self.width, 1 - y / self.height, text, size=size, color=colour, ha=align, va="center", **more)

    def _panel(self, panel: Panel, x: float, y: float, width: float, height: float) -> None:
        self._box(x, y, width, height, BOX)
        self._text(x + 0.1, y + 0.16, panel.title, size=9.5, weight="bold")
        series = self.recorded.panels[key(panel)]
        if panel.kind in ("stat", "table"):  # these show the present
            series = [found for found in series if found[2][-1][0] > self.recorded.end - 2 * STEP_SECONDS]
        if panel.kind == "stat":
            self._stat(panel, series, (x, y, width, height))
        elif panel.kind == "table":
            for row, (legend, _, _) in enumerate(series[:8]):
                self._text(x + 0.15, y + 0.5 + row * 0.28, legend, size=9)
        else:
            legends = 0.17 * min(LEGENDS, max(1, len(series))) if panel.kind == "timeseries" else 0.0
            axes = self._axes(x + 0.72, y + 0.36, width - 0.85, height - 0.36 - 0.3 - legends)
            draw = self._lines if panel.kind == "timeseries" else self._heatmap
            draw(axes, panel, series, (x, y + height - legends - 0.02))

    def _box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        place = (x / self.width, 1 - (y + height) / self.height)
        box = FancyBboxPatch(
            place, width / self.width, height / self.height, boxstyle="square,pad=0", transform=self.figure.transFigure,
            facecolor=colour, edgecolor=GRID, linewidth=0.6, zorder=-1,  # axes are above it
        )  # fmt: skip
        self.figure.add_artist(box)

    def _axes(self, x: float, y: float, width: float, height: float) -> Any:
        place = (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(place, facecolor=BOX)
        axes.tick_params(colors=FAINT, labelsize=7.5, length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.grid(color=GRID, linewidth=0.6)
        axes.set_xlim(self.recorded.start, self.recorded.end)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: time.strftime("%H:%M:%S", time.gmtime(at))))
        return axes

    def _stat(self, panel: Panel, series: Series, place: tuple[float, float, float, float]) -> None:
        """The last value of each series on its colour, side by side."""
        x, y, width, height = place
        width -= 0.2
        if not series:
            self._text(x + width / 2, y + height * 0.6, "no data", size=12, colour=FAINT, align="center")
        for number, (legend, _, samples) in enumerate(series):
            left, part = x + 0.1 + number * width / len(series), width / len(series) - 0.06
            word, colour = reading(panel, samples[-1][1])
            self._box(left, y + 0.34, part, height - 0.42, SHADES.get(colour, colour))
            size = 19 if len(series) == 1 else 14
            self._text(left + part / 2, y + 0.72, word, size=size, align="center", weight="bold", colour="white")
            self._text(left + part / 2, y + height - 0.25, legend, size=8, align="center", colour="white")

    def _lines(self, axes: Any, panel: Panel, series: Series, below: tuple[float, float]) -> None:
        for number, (_, _, samples) in enumerate(series):
            times, values = zip(*broken(samples), strict=True)
            colour = COLOURS[number % len(COLOURS)]
            axes.plot(times, values, color=colour, linewidth=1.3)
            if len(series) < 4:
                axes.fill_between(times, values, color=colour, alpha=0.08, linewidth=0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value, panel.unit)))
        finite = [value for _, _, samples in series for _, value in samples if math.isfinite(value)]
        low, high = min(finite, default=0.0), max(finite, default=1.0)
        margin = 0.1 * (high - low) or abs(high) * 0.1 or 1.0
        axes.set_ylim(min(0.0, low - margin) if low < 0 else 0.0, high + margin)
        round_bytes = panel.unit == "bytes" and high > 0
        axes.yaxis.set_major_locator(MultipleLocator(2 ** math.ceil(math.log2(high / 4))) if round_bytes else MaxNLocator(4))
        for at, name in self.recorded.marks:
            axes.axvline(at, color="#f2495c" if name == "Restarts" else "#ff9830", linewidth=0.9, linestyle="--")
        self._legend(panel, series, below)

    def _legend(self, panel: Panel, series: Series, below: tuple[float, float]) -> None:
        x, y = below
        ranked = sorted(enumerate(series), key=lambda item: -abs(item[1][2][-1][1]) if math.isfinite(item[1][2][-1][1]) else 0.0)
        for row, (number, (legend, _, samples)) in enumerate(ranked[:LEGENDS]):
            last, most = samples[-1][1], max((value for _, value in samples if math.isfinite(value)), default=0.0, key=abs)
            more = f"   (+ {len(series) - LEGENDS} more)" if row == LEGENDS - 1 and len(series) > LEGENDS else ""
            at = y + 0.06 + row * 0.17
            self._text(x + 0.12, at, "▬", size=8, colour=COLOURS[number % len(COLOURS)])
            self._text(x + 0.32, at, f"{legend}   last {shown(last, panel.unit)}   max {shown(most, panel.unit)}{more}", size=7.5)

    def _heatmap(self, axes: Any, panel: Panel, series: Series, below: tuple[float, float]) -> None:
        """Cumulative buckets as cells: the darker, the more observations a second."""
        rows = sorted(((float(labels["le"]), dict(samples)) for _, labels, samples in series), key=lambda row: row[0])
        times = sorted({at for _, row in rows for at in row})
        counts = [[row.get(at, 0.0) for at in times] for _, row in rows]
        below_first = [0.0] * len(times)
        cells = [
            [math.sqrt(max(0.0, high - low)) for low, high in zip(one, other, strict=True)][:-1]
            for one, other in zip([below_first, *counts], counts, strict=False)
        ]
        axes.pcolormesh(times, range(len(rows) + 1), cells, cmap="inferno")
        axes.grid(visible=False)
        marks = range(1, len(rows), max(1, len(rows) // 5))
        axes.set_yticks(list(marks), [shown(rows[place - 1][0], panel.unit) for place in marks])


def broken(samples: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The samples with a hole wherever Prometheus had none: a line is not drawn over an outage."""
    found = samples[:1]
    for before, after in pairwise(samples):
        if after[0] - before[0] > 3 * STEP_SECONDS:
            found.append((after[0], math.nan))
        found.append(after)
    return found


def reading(panel: Panel, value: float) -> tuple[str, str]:
    """The text of a value and its colour: by the panel's words, else by its thresholds."""
    for number, word, colour in panel.words:
        if value == number:
            return word, colour
    colour = "green"
    for limit, shade in panel.steps:
        if limit is None or value >= limit:
            colour = shade
    return shown(value, panel.unit), colour
