"""Command line: `make replication-bench ARGS="--servers chronis,redis full-sync"` or `python -m tests.bench.replication CASE`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

from tests.bench.replication import failover, full_sync, lag, outage, reads

CASES = {
    "outage": outage.run,
    "full-sync": full_sync.run,
    "failover": failover.run,
    "reads": reads.run,
    "lag": lag.run,
    "throughput": lag.run,
}


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.replication", description=__doc__)
    parser.add_argument("--servers", default=["chronis", "redis"], type=words, help="kinds to measure")
    cases = parser.add_subparsers(dest="case", required=True)

    case = cases.add_parser("full-sync", help="two replicas synchronize at once: latency, memory, time")
    case.add_argument("--keys", type=int, default=1_000_000)
    case.add_argument("--size", type=int, default=64, help="bytes of a value")
    case.add_argument("--apart", action="store_true", help="replicas on one core, primary and client on another")
    case.add_argument("--strict", action="store_true", help="with --apart: what the primary starts stays on its core")
    case.add_argument("--bystander", action="store_true", help="the replicas synchronize with another primary than the one probed")
    case.add_argument("--idle", type=float, default=10, help="seconds of probing before")
    case.add_argument("--rounds", type=int, default=1)

    case = cases.add_parser(
        "outage", help="the link is cut, a server killed meanwhile: partial resynchronization, data equal"
    )
    case.add_argument("--seconds", default=[1, 10, 60], type=numbers(float), help="how long the link is cut")
    case.add_argument("--megabytes", type=int, default=1024, help="written during each cut, at most")

    case = cases.add_parser(
        "failover", help="Sentinel replaces a primary killed under load: time, lost writes, the way back"
    )
    case.add_argument("--rounds", type=int, default=10)
    case.add_argument("--writers", type=int, default=4)
    case.add_argument("--batch", type=int, default=10, help="pipeline depth of a writer")
    case.add_argument("--load", type=float, default=2, help="seconds of load before a kill")
    case.add_argument("--replicas", type=int, default=2)
    case.add_argument("--gather", type=int, help="nodes that a promoted one hears from first (default: replicas - promise)")
    case.add_argument("--behind", type=int, default=0, help="ms by which the promoted replica is behind")
    case.add_argument("--promise", type=int, default=0, help="replicas that must hold a write before its reply")
    case.add_argument(
        "--story", type=float, default=float("inf"), help="show the logs of rounds that took longer (s), or ended by a full resync"
    )

    case = cases.add_parser(
        "reads", help="reads spread over three nodes: CPU a read, reading one's own writes elsewhere"
    )
    case.add_argument("--requests", type=int, default=200_000, help="GETs to each node in a round")
    case.add_argument("--clients", type=int, default=10)
    case.add_argument("--keys", type=int, default=100_000)
    case.add_argument("--rounds", type=int, default=5)
    case.add_argument("--own-writes", type=int, default=10_000)

    for name, replicas, text in (
        ("lag", [0, 1, 2], "lag and CPU a write with 0, 1 and 2 replicas"),
        ("throughput", [2], "writes with 2 replicas, side by side"),
    ):
        case = cases.add_parser(name, help=text)
        case.add_argument("--replicas", default=replicas, type=numbers(int))
        case.add_argument("--pipeline", type=int, default=16)
        case.add_argument("--clients", type=int, default=50)
        case.add_argument("--requests", type=int, default=1_000_000)
        case.add_argument("--rounds", type=int, default=5)
    return parser.parse_args(argv)


def words(text: str) -> list[str]:
    """Words with commas between them."""
    return text.split(",")


def numbers(kind: Callable[[str], float]) -> Callable[[str], list[float]]:
    """A parser of numbers with commas between them."""
    return lambda text: [kind(part) for part in text.split(",")]


def main(argv: list[str] | None = None) -> int:
    """Run one case and print its figures; return the exit code."""
    options = arguments(argv)
    started = time.time()
    print(time.strftime("%Y-%m-%d %H:%M"), f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before", flush=True)
    lines = CASES[options.case](options)
    print("", *lines, "", f"{time.time() - started:.0f} s", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
