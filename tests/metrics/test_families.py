"""Rendering in steps: the text is the same as in one piece, and no step is large."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import pytest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    UnknownMetricFamily,
)
from prometheus_client.exposition import generate_latest as encode_text
from prometheus_client.openmetrics.exposition import generate_latest as encode_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from metrics.catalog import CATALOG
from metrics.families import CHUNK, Row, bound_label, number, rendered
from metrics.node_rows import powers_of_two
from metrics.observe import Histogram


def rows() -> list[Row]:
    """Rows of three kinds of metric, some more than fit into a step."""
    many: list[Row] = [("redis_commands_total", (f"c{n}",), n) for n in range(CHUNK * 2 + 5)]
    many.append(("redis_total_error_replies", (), 2.5))
    many += [("chronis_command_seconds", (f"c{n}",), Histogram((0.5, 1.0), [1, 2, 3], 4.5)) for n in range(CHUNK)]
    return [("redis_up", (), 1), *many, ("redis_errors_total", ('quote"back\\slash\nline',), 2)]


def test_parts_are_small_and_have_one_header_each_family() -> None:
    parts = list(rendered(rows(), openmetrics=False))
    lines = [line for part in parts for line in part.decode().splitlines()]
    assert len(parts) > 1
    assert max(len(part.splitlines()) for part in parts) <= CHUNK + 6  # a histogram is not taken apart
    assert [line for line in lines if line.startswith("# TYPE")] == [
        "# TYPE redis_up gauge",
        "# TYPE redis_commands_total counter",
        "# TYPE redis_total_error_replies untyped",
        "# TYPE chronis_command_seconds histogram",
        "# TYPE redis_errors_total counter",
    ]
    assert sum(line.startswith("redis_commands_total{") for line in lines) == CHUNK * 2 + 5


class Registry:
    """The same rows as families of prometheus-client."""

    def collect(self) -> Iterator[Metric]:
        """Yield them."""
        kinds = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "unknown": UnknownMetricFamily}
        for name, group in groupby(rows(), key=itemgetter(0)):
            declared = CATALOG[name]
            if declared.kind == "histogram":
                histograms = HistogramMetricFamily(name, declared.help, labels=declared.labels)
                for _, labels, value in group:
                    assert isinstance(value, Histogram)
                    buckets = [(bound_label(bound), count) for bound, count in value.cumulative()]
                    histograms.add_metric(labels, buckets, value.sum)
                yield histograms
                continue
            family = kinds[declared.kind](name, declared.help, labels=declared.labels)
            for _, labels, value in group:
                family.add_metric(labels, value)
            yield family


@pytest.mark.parametrize(
    ("openmetrics", "encode", "parse"),
    [(False, encode_text, parse_text), (True, encode_openmetrics, parse_openmetrics)],
)
def test_the_text_says_what_that_of_prometheus_client_says(openmetrics: bool, encode: Any, parse: Any) -> None:
    ours = b"".join(rendered(rows(), openmetrics)) + (b"# EOF\n" if openmetrics else b"")
    theirs: bytes = encode(Registry())
    assert list(parse(ours.decode())) == list(parse(theirs.decode()))
    mine, its = ([line for line in text.splitlines() if line.startswith(b"#")] for text in (ours, theirs))
    assert mine == its


@pytest.mark.parametrize(
    ("value", "text"), [(True, "1"), (3, "3"), (0.25, "0.25"), (float("inf"), "+Inf"), (float("-inf"), "-Inf"), (1e21, "1e+21")]
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text
    assert float(text) == value


def test_not_a_number_is_written_as_such() -> None:
    assert number(float("nan")) == "NaN"


def test_buckets_are_cumulative() -> None:
    histogram = Histogram((0.5, 1.0))
    for value in (0.1, 0.5, 0.7, 9.0):
        histogram.add(value)
    assert histogram.cumulative() == [(0.5, 2), (1.0, 3), (float("inf"), 4)]
    assert histogram.sum == 10.3
    assert bound_label(float("inf")) == "+Inf"


def test_bit_lengths_become_buckets() -> None:
    buckets = [0] * 64
    for nanoseconds in (500, 1023, 1024, 5000, 1 << 40):
        buckets[nanoseconds.bit_length()] += 1
    histogram = powers_of_two(buckets, range(10, 13), 1.0, 1e9)
    assert histogram.bounds == (1024 / 1e9, 2048 / 1e9, 4096 / 1e9)
    assert histogram.counts == [2, 1, 0, 2]
