"""From plain rows to the text of a scrape, in steps short enough for the event loop.

Law: no step renders more than CHUNK samples, about half a millisecond; the caller lets the loop run in between.
The text itself is prometheus-client's; families that don't fit into one step are rendered in parts with one header.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    UnknownMetricFamily,
)

from metrics import catalog
from metrics.observe import Histogram

CHUNK = 32
"""Samples rendered in one step."""

Value = float | Histogram
Row = tuple[str, tuple[str, ...], Value]
"""Metric name, label values in the order of the catalog, value."""
Encoder = Callable[[Any], bytes]
"""`generate_latest` of prometheus-client, in one of its formats; takes anything with `collect`."""

Plain = CounterMetricFamily | GaugeMetricFamily | UnknownMetricFamily
_PLAIN: dict[str, type[Plain]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "unknown": UnknownMetricFamily,
}


class _One:
    """A registry of one family."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> list[Metric]:
        """Return the family."""
        return [self._family]


def family_of(metric: catalog.Metric, rows: Sequence[Row]) -> Metric:
    """Build prometheus-client's family out of rows of one metric."""
    if metric.kind == "histogram":
        histograms = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for _, labels, value in rows:
            assert isinstance(value, Histogram), metric.name
            buckets = [(bound_label(bound), count) for bound, count in value.cumulative()]
            histograms.add_metric(labels, buckets, value.sum)
        return histograms
    family: Plain = _PLAIN[metric.kind](metric.name, metric.help, labels=metric.labels)
    for _, labels, value in rows:
        assert not isinstance(value, Histogram), metric.name
        family.add_metric(labels, value)
    return family


def bound_label(bound: float) -> str:
    """The text of a bucket's upper bound: `0.5`, `8192.0`, `+Inf`."""
    return "+Inf" if bound == float("inf") else repr(float(bound))


def rendered(rows: Sequence[Row], encode: Encoder) -> Iterator[bytes]:
    """Yield the exposition text of rows part by part; raise KeyError for a metric that the catalog does not have."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row[0], []).append(row)
    for name, group in grouped.items():
        metric = catalog.CATALOG[name]
        for place, part in enumerate(_parts(metric, group)):
            text = encode(_One(family_of(metric, part))).removesuffix(b"# EOF\n")
            yield text if place == 0 else _without_header(text)


def _parts(metric: catalog.Metric, rows: list[Row]) -> Iterator[list[Row]]:
    size = CHUNK
    if metric.kind == "histogram" and isinstance(rows[0][2], Histogram):
        size = max(1, CHUNK // (len(rows[0][2].counts) + 2))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _without_header(text: bytes) -> bytes:
    while text.startswith(b"#"):
        text = text[text.index(b"\n") + 1 :]
    return text
