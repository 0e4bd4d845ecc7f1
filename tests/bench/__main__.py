"""Speed side by side with redis-server on this machine: `make bench [ARGS="latency fsync"]`, `make bench ARGS=--publish`.

throughput (the default): every test at every pipeline depth, A B A B, requests per second and CPU a request.
latency: percentiles at a fixed rate, idle and while a server has other work. fsync: appendfsync always.
peers: the same few tests on redis-server, Chronis and fakeredis's TCP server. memory: bytes a key.
restart: seconds until a server with data serves again.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import footprint, latency, loads, others, publish, results, throughput
from tests.bench.measure import Case
from tests.bench.report import Cells, full_table
from tests.bench.sides import CHRONIS, FAKEREDIS, REDIS, Side, about, fakeredis_there, started, versions
from tests.kit.servers import Server

ROUNDS, ROUNDS_OF_OTHERS = 5, 3


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=["throughput"], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--a", default=REDIS, help="command line of server A (default: redis-server, log on everysec)")
    parser.add_argument("--b", default=CHRONIS, help="command line of server B (default: Chronis as it is)")
    parser.add_argument("--names", default="redis,chronis", help="what to call A and B")
    parser.add_argument("--tests", default="all", help=f"which tests (default all: {','.join(loads.BY_NAME)})")
    parser.add_argument("--pipelines", default="1,16,64", help="pipeline depths (default 1,16,64)")
    parser.add_argument("--clients", type=int, default=50, help="connections (default 50)")
    parser.add_argument("--keys", type=int, default=100_000, help="different keys (default 100000)")
    parser.add_argument("--seconds", type=float, default=0.8, help="how long one run lasts on average (default 0.8)")
    parser.add_argument("--rounds", type=int, help="rounds, each measuring all (default 5; 3 of other parts)")
    parser.add_argument(
        "--rate", type=float, default=4000.0, help="requests a second of the latency part (default 4000)"
    )
    parser.add_argument("--limit", type=float, default=840.0, help="seconds the main part may take (default 840)")
    parser.add_argument(
        "--scale", type=float, default=0.5, help="share of the data of memory and restart (default 0.5)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="see that it works: one round, tiny runs; the figures mean nothing"
    )
    parser.add_argument("--output", type=Path, default=results.RESULTS, help="where the JSON goes")
    parser.add_argument("--publish", action="store_true", help="run nothing: write the newest results into README.md")
    options = parser.parse_args(argv)
    if options.quick:
        options.rounds, options.seconds, options.keys = 1, 0.01, 200
    if unknown := [part for part in options.parts if part not in PARTS]:
        parser.error(f"no such part: {', '.join(unknown)}")
    return options


def sides(options: argparse.Namespace) -> list[Side]:
    """Return A and B."""
    first, second = options.names.split(",")
    return [Side(first, options.a), Side(second, options.b)]


def versions_of(all_sides: list[Side], servers: list[Server]) -> dict[str, dict[str, str]]:
    """Return what each server says of its version, by name."""
    return {side.name: versions(server) for side, server in zip(all_sides, servers, strict=True)}


def run_throughput(options: argparse.Namespace) -> dict[str, Any]:
    """Run the main part."""
    cases = [
        Case(load, depth, options.clients, options.keys)
        for depth in (int(text) for text in options.pipelines.split(","))
        for load in loads.select(options.tests)
    ]
    both = sides(options)
    result = about("throughput", both)
    with started(both) as (a, b):
        result["versions"] = versions_of(both, [a, b])
        effort = throughput.Effort(options.rounds or ROUNDS, options.seconds, options.limit)
        outcome = throughput.run(a, b, cases, effort)
    result |= throughput.as_json(cases, outcome)
    header, cells = full_table(result["rows"], (both[0].name, both[1].name))
    return result | {"header": header, "cells": cells}


def run_latency(options: argparse.Namespace) -> dict[str, Any]:
    """Run the open-loop part."""
    both = sides(options)
    result = about("latency", both)
    size = latency.Size.quick() if options.quick else latency.Size(rate=options.rate)
    with started(both) as servers:
        result["versions"] = versions_of(both, servers)
        seen = latency.run(servers, options.rounds or ROUNDS_OF_OTHERS, size)
    header, cells = latency.table(seen, [side.name for side in both])
    raw = {name: [[asdict(one) for one in each] for each in rounds] for name, rounds in seen.items()}
    return result | {"size": asdict(size), "header": header, "cells": cells, "samples": raw}


def run_fsync(options: argparse.Namespace) -> dict[str, Any]:
    """Run the part with appendfsync always."""
    both = [Side(side.name, f"{side.line} --appendfsync always") for side in sides(options)]
    result = about("fsync", both)
    cases = others.synced_cases(options.keys, options.quick)
    effort = throughput.Effort(options.rounds or ROUNDS_OF_OTHERS, options.seconds, options.limit)
    with started(both) as servers:
        result["versions"] = versions_of(both, servers)
        outcome = throughput.run(*servers, cases, effort)
    header, cells = others.synced_table(cases, outcome.samples, [side.name for side in both])
    return result | throughput.as_json(cases, outcome) | {"header": header, "cells": cells}


def run_peers(options: argparse.Namespace) -> dict[str, Any]:
    """Run the part beside fakeredis; without it, beside nothing."""
    peers = sides(options) + ([Side("fakeredis", FAKEREDIS)] if fakeredis_there() else [])
    result = about("peers", peers)
    cases = others.peers_cases(options.clients, options.keys, options.quick)
    with started(peers) as servers:
        result["versions"] = versions_of(peers, servers)
        samples = others.run_peers(servers, cases, options.rounds or ROUNDS_OF_OTHERS, options.seconds)
    header, cells = others.peers_table(cases, samples, [side.name for side in peers])
    raw = {name: [[asdict(one) for one in each] for each in rounds] for name, rounds in samples.items()}
    return result | {"header": header, "cells": cells, "samples": raw}


def run_footprint(part: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run the part about memory or the one about restarts, each on servers of its own."""
    both = sides(options)
    result = about(part, both)
    with started(both) as servers:
        result["versions"] = versions_of(both, servers)
    measured = {"memory": footprint.memory_table, "restart": footprint.restart_table}[part]
    header, cells = measured(both, 0.001 if options.quick else options.scale)
    return result | {"header": header, "cells": cells}


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "throughput": run_throughput,
    "latency": run_latency,
    "fsync": run_fsync,
    "peers": run_peers,
    "memory": partial(run_footprint, "memory"),
    "restart": partial(run_footprint, "restart"),
}


def show(title: str, header: Sequence[str], cells: Cells) -> None:
    """Print a table."""
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(header):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    for line in cells:
        table.add_row(*line)
    console = Console()
    # Into a file or a pipe it goes at its full width.
    (console if console.is_terminal else Console(width=200)).print(table)


def main(argv: list[str] | None = None) -> int:
    """Run the parts, print their tables, write their JSON; return the exit code."""
    options = arguments(argv)
    if options.publish:
        print("published:", ", ".join(publish.publish(options.output)) or "nothing: no results yet")
        return 0
    missing = [name for side in [*sides(options), Side("", "redis-benchmark")] if (name := side.missing())]
    if missing:
        print(f"not installed: {', '.join(missing)}")
        return 2
    try:
        run_parts(options)
    except KeyboardInterrupt:
        print("\ninterrupted: the servers have ended, nothing was written of the part that ran")
        return 130
    return 0


def run_parts(options: argparse.Namespace) -> None:
    """Run the parts one after another; print the table of each and write its JSON."""
    for part in options.parts:
        result = PARTS[part](options)
        if options.quick:
            result["part"] = f"quick-{part}"  # never to be taken for figures
        path = results.save(result, options.output)
        print(
            *(f"{name}: {line} {result['versions'].get(name, '')}" for name, line in result["servers"].items()),
            sep="\n",
        )
        show(
            f"{part}, commit {result['commit']}, load before {result['machine']['load']}",
            result["header"],
            result["cells"],
        )
        print(path)


if __name__ == "__main__":
    # Ended by make or a timeout, the servers end as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
