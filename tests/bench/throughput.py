"""The main part: every load at every pipeline depth on A and B in turn, round after round: A B A B.

Law: both servers run the whole time and the two runs of a pair have the same number of requests, right after one another.
The number is chosen in the warm-up so that the runs of a pair last `seconds` on average, and lowered from round to round if
otherwise not all rounds would fit into the time allowed.
"""

import sys
import time
from dataclasses import asdict, dataclass

from tests.bench.cpu import tree_seconds
from tests.bench.measure import Case, Sample, measure
from tests.bench.report import Pair, Row, summarise
from tests.kit.servers import Server

WARM_UP = {1: 5_000}  # requests, by pipeline depth
WARM_UP_PIPELINED = 20_000


@dataclass(frozen=True)
class Effort:
    """How much to do: rounds, seconds a run should last on average, seconds the whole may take."""

    rounds: int
    seconds: float
    limit: float


@dataclass(frozen=True)
class Outcome:
    """What was measured: samples by case, rounds that were complete, CPU seconds of all by server, seconds it took."""

    samples: dict[str, list[Pair]]
    rounds: int
    cpu: tuple[float, float]
    seconds: float


def progress(text: str) -> None:
    """Show on a terminal what is being measured."""
    if sys.stderr.isatty():
        print(f"\r{text:60.60}", end="", file=sys.stderr, flush=True)


def calibrate(a: Server, b: Server, case: Case, seconds: float) -> int:
    """Warm both servers up and return how many requests make the two runs of a pair last twice the seconds together."""
    for server in (a, b):
        case.load.prepare_once(server, case.keys)
    warm_up = case.whole(int(min(WARM_UP.get(case.pipeline, WARM_UP_PIPELINED), seconds * 20_000)))
    first, second = (measure(server, case, warm_up).rps for server in (a, b))
    return case.whole(int(2 * seconds / (1 / first + 1 / second)))


def fit(round_seconds: float, left: float, rounds: int) -> float:
    """Return by what share of the last round's requests so many rounds more fit into the seconds left: at most 1."""
    return min(1.0, max(left, 0.0) / (round_seconds * rounds)) if rounds else 1.0


def run(a: Server, b: Server, cases: list[Case], effort: Effort) -> Outcome:
    """Warm up, then measure every case on A and B in turn, until the rounds or the time are used up."""
    begun = time.monotonic()
    used = [tree_seconds(server.pid) for server in (a, b)]
    requests = {}
    for case in cases:
        progress(f"warm-up: {case.name}")
        requests[case.name] = calibrate(a, b, case, effort.seconds)
    samples: dict[str, list[Pair]] = {case.name: [] for case in cases}
    number = 0
    while number < effort.rounds and (not number or time.monotonic() < begun + effort.limit):
        round_begun = time.monotonic()
        for case in cases:
            progress(f"round {number + 1}/{effort.rounds}: {case.name}")
            wanted = requests[case.name]
            pair: tuple[Sample, Sample] = (measure(a, case, wanted), measure(b, case, wanted))
            samples[case.name].append(pair)
        number += 1
        left = begun + effort.limit - time.monotonic()
        share = fit(time.monotonic() - round_begun, left, effort.rounds - number)
        requests = {case.name: case.whole(int(requests[case.name] * share)) for case in cases}
    progress("")
    spent = [tree_seconds(server.pid) - before for server, before in zip((a, b), used, strict=True)]
    return Outcome(samples, number, (spent[0], spent[1]), time.monotonic() - begun)


def as_json(cases: list[Case], outcome: Outcome) -> dict[str, object]:
    """Return everything measured in a form that json.dumps takes."""
    rows: list[Row] = [summarise(case.load.name, case.pipeline, outcome.samples[case.name]) for case in cases]
    raw = {name: [[asdict(a), asdict(b)] for a, b in pairs] for name, pairs in outcome.samples.items()}
    return {
        "rounds": outcome.rounds,
        "seconds": round(outcome.seconds),
        "clients": cases[0].clients,
        "keys": cases[0].keys,
        "cpu_seconds": outcome.cpu,
        "rows": [asdict(row) for row in rows],
        "samples": raw,
    }
