"""Rendering in steps: the text is the same as in one piece, and no step is large."""

from __future__ import annotations

from prometheus_client.exposition import choose_encoder

from metrics.families import CHUNK, Row, bound_label, rendered
from metrics.node_rows import powers_of_two
from metrics.observe import Histogram


def rows() -> list[Row]:
    """Rows of three kinds of metric, some more than fit into a step."""
    many: list[Row] = [("redis_commands_total", (f"c{n}",), n) for n in range(CHUNK * 2 + 5)]
    many += [("chronis_command_seconds", (f"c{n}",), Histogram((0.5, 1.0), [1, 2, 3], 4.5)) for n in range(CHUNK)]
    return [("redis_up", (), 1), *many, ("redis_errors_total", ('quote"back\\slash\nline',), 2)]


def test_parts_are_small_and_have_one_header_each_family() -> None:
    encode, _ = choose_encoder("")
    parts = list(rendered(rows(), encode))
    lines = [line for part in parts for line in part.decode().splitlines()]
    assert max(len(part.splitlines()) for part in parts) <= CHUNK + 2
    assert [line for line in lines if line.startswith("# TYPE")] == [
        "# TYPE redis_up gauge",
        "# TYPE redis_commands_total counter",
        "# TYPE chronis_command_seconds histogram",
        "# TYPE redis_errors_total counter",
    ]
    assert sum(line.startswith("redis_commands_total{") for line in lines) == CHUNK * 2 + 5


def test_openmetrics_parts_carry_no_end_mark() -> None:
    encode, _ = choose_encoder("application/openmetrics-text; version=1.0.0")
    assert not any(b"# EOF" in part for part in rendered(rows(), encode))


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
