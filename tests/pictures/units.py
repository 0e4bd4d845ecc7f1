"""Numbers with their units, as Grafana writes them."""

from __future__ import annotations

import math

SI = ("", " K", " Mil", " Bil")
DECIMAL = ("B/s", "kB/s", "MB/s", "GB/s")
BINARY = ("B", "KiB", "MiB", "GiB")


def shown(value: float, unit: str) -> str:
    """A value in its unit: `1.2 K`, `340 µs`, `12 MiB`, `45 %`."""
    if math.isnan(value):
        return "–"
    value += 0.0  # not -0
    if unit == "percentunit":
        return f"{_short(100 * value)} %"
    if unit == "s":
        return _seconds(value)
    if unit in ("bytes", "Bps"):
        step, words = (1024, BINARY) if unit == "bytes" else (1000, DECIMAL)
        return _scaled(value, step, tuple(f" {word}" for word in words))
    suffix = {"ops": " ops/s", "reqps": " req/s"}.get(unit, "")
    return _scaled(value, 1000, SI) + suffix


def _short(value: float) -> str:
    """Three digits, no needless zeros."""
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def _scaled(value: float, step: int, words: tuple[str, ...]) -> str:
    place = 0
    while abs(value) >= step and place < len(words) - 1:
        value, place = value / step, place + 1
    return f"{_short(value)}{words[place]}"


def _seconds(value: float) -> str:
    size = abs(value)
    if size == 0:
        return "0 s"
    for limit, factor, word in ((1e-3, 1e6, "µs"), (1, 1e3, "ms"), (120, 1, "s"), (7200, 1 / 60, "min")):
        if size < limit:
            return f"{_short(value * factor)} {word}"
    return f"{_short(value / 3600)} h"
