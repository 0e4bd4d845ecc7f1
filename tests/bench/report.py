"""Turn the samples of all rounds into medians, and these into tables.

Law: the ratio is the median of the rounds' own ratios, each of two runs right after one another: what slows the machine
for a while slows both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import geometric_mean, median
from typing import Any

from tests.bench.measure import Sample

Pair = tuple[Sample, Sample]
Cells = list[list[str]]


@dataclass(frozen=True)
class Row:
    """The summary of one case: medians of both sides; ratios B / A with their lowest and highest round."""

    test: str
    pipeline: int
    rps_a: float
    rps_b: float
    ratio: float
    lowest: float
    highest: float
    cpu_a: float
    cpu_b: float
    cpu_ratio: float
    cpu_lowest: float
    cpu_highest: float


def summarise(test: str, pipeline: int, rounds: list[Pair]) -> Row:
    """Summarise the rounds of one case."""
    ratios = [b.rps / a.rps for a, b in rounds]
    cpu = [b.cpu_us / a.cpu_us for a, b in rounds]
    return Row(
        test=test,
        pipeline=pipeline,
        rps_a=median(a.rps for a, _ in rounds),
        rps_b=median(b.rps for _, b in rounds),
        ratio=median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
        cpu_a=median(a.cpu_us for a, _ in rounds),
        cpu_b=median(b.cpu_us for _, b in rounds),
        cpu_ratio=median(cpu),
        cpu_lowest=min(cpu),
        cpu_highest=max(cpu),
    )


def markdown(header: Sequence[str], rows: Cells) -> str:
    """Format a table as markdown, the first column to the left, the others to the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (header, rule, *rows))


def full_table(rows: Sequence[Mapping[str, Any]], names: tuple[str, str]) -> tuple[list[str], Cells]:
    """Return header and cells of the whole table: a line a case, medians, ratios with the rounds' lowest and highest."""
    a, b = names
    header = ["test", "P", f"{a} req/s", f"{b} req/s", "ratio", "min–max"]
    header += [f"{a} CPU µs", f"{b} CPU µs", "ratio", "min–max"]
    cells = [
        [
            row["test"],
            str(row["pipeline"]),
            f"{row['rps_a']:,.0f}",
            f"{row['rps_b']:,.0f}",
            f"{row['ratio']:.2f}",
            f"{row['lowest']:.2f}–{row['highest']:.2f}",
            f"{row['cpu_a']:.2f}",
            f"{row['cpu_b']:.2f}",
            f"{row['cpu_ratio']:.2f}",
            f"{row['cpu_lowest']:.2f}–{row['cpu_highest']:.2f}",
        ]
        for row in rows
    ]
    return header, cells


def short_table(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], Cells]:
    """Return header and cells of the short table: a line a test, the two ratios at each pipeline depth, their means."""
    depths = sorted({row["pipeline"] for row in rows})
    found = {(row["test"], row["pipeline"]): row for row in rows}
    header = ["test", *(f"{what} P={depth}" for what in ("req/s", "CPU") for depth in depths)]
    cells = []
    for test in dict.fromkeys(row["test"] for row in rows):
        line = [
            f"{found[test, depth][key]:.2f}" if (test, depth) in found else ""
            for key in ("ratio", "cpu_ratio")
            for depth in depths
        ]
        cells.append([test, *line])
    means = [
        f"{geometric_mean(row[key] for row in rows if row['pipeline'] == depth):.2f}"
        for key in ("ratio", "cpu_ratio")
        for depth in depths
    ]
    return header, [*cells, ["geometric mean", *means]]
