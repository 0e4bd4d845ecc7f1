"""From plain rows to the text of a scrape, in steps short enough for the event loop.

Law: no step renders many more than CHUNK samples, well below half a millisecond; the caller lets the loop run in between.
The text says what prometheus-client's encoders say of the same families (a test compares them). Its own encoder looks at every
character of every label at every scrape: 25 µs a sample, a hundredth of a core at a scrape a second. Here what comes before
a sample's value is made once and kept.

    scrape   family*  (OpenMetrics: and `# EOF`)
    family   # HELP name text LF  # TYPE name kind LF  sample*        Prometheus: name as it is, `untyped`
             # HELP family text LF  # TYPE family kind LF  sample*    OpenMetrics: a counter's family is without `_total`
    sample   name [{label="value",…}] SP value LF

Sources: Prometheus text format 0.0.4, OpenMetrics 1.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from math import inf

from metrics import catalog
from metrics.observe import Histogram

CHUNK = 100
"""Lines after which a step ends."""
KEPT = 20_000
"""Beginnings of lines that are kept: a few thousand are in use, those of replicas that left fall out."""

Value = float | Histogram
Row = tuple[str, tuple[str, ...], Value]
"""Metric name, label values in the order of the catalog, value."""
END_OF_OPENMETRICS = b"# EOF\n"


def rendered(rows: Sequence[Row], openmetrics: bool) -> Iterator[bytes]:
    """Yield the exposition text of rows part by part; raise KeyError for a metric that the catalog does not have."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row[0], []).append(row)
    lines: list[str] = []
    for name, group in grouped.items():
        metric = catalog.CATALOG[name]
        lines.append(header(metric, openmetrics))
        for row in group:
            lines += samples(metric, row)
            if len(lines) >= CHUNK:
                yield "".join(lines).encode()
                lines = []
    yield "".join(lines).encode()


@cache
def header(metric: catalog.Metric, openmetrics: bool) -> str:
    """The two lines before the samples of a family."""
    name, kind = metric.name, metric.kind
    if openmetrics and kind == "counter":
        name = name.removesuffix("_total")
    word = "untyped" if kind == "unknown" and not openmetrics else kind
    return f"# HELP {name} {escaped(metric.help)}\n# TYPE {name} {word}\n"


def samples(metric: catalog.Metric, row: Row) -> list[str]:
    """The lines of a row: one, or those of a histogram."""
    name, labels, value = row
    if isinstance(value, Histogram):
        if metric.kind != "histogram":
            raise TypeError(f"{name} is no histogram")
        starts = histogram_starts(name, metric.labels, labels, value.bounds)
        totals = [total for _, total in value.cumulative()]
        numbers = [*map(str, totals), str(totals[-1]), number(value.sum)]
        return [f"{start}{text}\n" for start, text in zip(starts, numbers, strict=True)]
    return [f"{line_start(name, metric.labels, labels)}{number(value)}\n"]


def number(value: float) -> str:
    """A value as both formats write it: `3`, `0.25`, `+Inf`; a truth as 1 or 0."""
    if isinstance(value, int):
        return str(int(value))
    return repr(value) if -inf < value < inf else ("+Inf" if value > 0 else "-Inf" if value < 0 else "NaN")


@lru_cache(KEPT)
def line_start(name: str, names: tuple[str, ...], values: tuple[str, ...]) -> str:
    """What stands before a sample's value: its name and labels."""
    if not names:
        return f"{name} "
    inner = ",".join(f'{label}="{escaped(value)}"' for label, value in zip(names, values, strict=True))
    return f"{name}{{{inner}}} "


@lru_cache(KEPT // 20)
def histogram_starts(
    name: str, names: tuple[str, ...], values: tuple[str, ...], bounds: tuple[float, ...]
) -> tuple[str, ...]:
    """What stands before the values of a histogram: its buckets, count and sum."""
    buckets = [
        line_start(f"{name}_bucket", (*names, "le"), (*values, bound_label(bound))) for bound in (*bounds, float("inf"))
    ]
    return *buckets, line_start(f"{name}_count", names, values), line_start(f"{name}_sum", names, values)


def bound_label(bound: float) -> str:
    """The text of a bucket's upper bound: `0.5`, `8192.0`, `+Inf`."""
    return "+Inf" if bound == inf else repr(float(bound))


def escaped(text: str) -> str:
    """Text as it stands between quotes, or in a help line."""
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
