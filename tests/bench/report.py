"""Turn the samples of all rounds into medians and a table.

Law: the ratio is the median of the rounds' own ratios, each of two runs right after one another: what slows the machine
for a while slows both.
"""

from dataclasses import asdict, dataclass
from statistics import median

from tests.bench.measure import Case, Sample

Pair = tuple[Sample, Sample]


@dataclass(frozen=True)
class Row:
    """The summary of one case: medians of both sides, and ratios B / A (requests per second, CPU a request)."""

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


def summarise(case: Case, rounds: list[Pair]) -> Row:
    """Summarise the rounds of one case."""
    ratios = [b.rps / a.rps for a, b in rounds]
    # A short run can use less than the clock's tick of CPU time: no ratio can be made of that.
    cpu = [b.cpu_us / a.cpu_us for a, b in rounds if a.cpu_us] or [float("nan")]
    return Row(
        test=case.test.upper(),
        pipeline=case.pipeline,
        rps_a=median(a.rps for a, _ in rounds),
        rps_b=median(b.rps for _, b in rounds),
        ratio=median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
        cpu_a=median(a.cpu_us for a, _ in rounds),
        cpu_b=median(b.cpu_us for _, b in rounds),
        cpu_ratio=median(cpu),
    )


def table(rows: list[Row], names: tuple[str, str]) -> str:
    """Format the rows as a markdown table."""
    a, b = names
    lines = [
        f"| test | P | {a} req/s | {b} req/s | ratio | lowest–highest | {a} CPU µs/req | {b} CPU µs/req | ratio |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.test} | {row.pipeline} | {row.rps_a:,.0f} | {row.rps_b:,.0f} | {row.ratio:.2f} "
        f"| {row.lowest:.2f}–{row.highest:.2f} | {row.cpu_a:.2f} | {row.cpu_b:.2f} | {row.cpu_ratio:.2f} |"
        for row in rows
    ]
    return "\n".join(lines)


def as_json(rows: list[Row], samples: dict[str, list[Pair]], about: dict[str, object]) -> dict[str, object]:
    """Return everything measured in a form that json.dumps takes."""
    raw = {name: [[asdict(a), asdict(b)] for a, b in rounds] for name, rounds in samples.items()}
    return {**about, "rows": [asdict(row) for row in rows], "samples": raw}
