"""What metrics cost: CPU time a command without them, and with them on and scraped each second, side by side.

`python -m tests.bench.metrics_cost` runs rounds of A B A B (A: `metrics-port 0`, B: metrics scraped) of pipelined SET and
prints the median of the rounds' ratios. CPU is the server process's own, every thread of it; the loads are of equal size.
What a scrape alone takes is measured apart, after the load: on a busy machine that figure is the steadier one.
"""

import argparse
import http.client
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from subprocess import DEVNULL, run

from tests.bench.cpu import process_seconds
from tests.kit.servers import HOST, Server, chronis_server, free_port

ACCEPT = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}
"""What Prometheus asks for."""


@dataclass(frozen=True)
class Round:
    """CPU microseconds a command of one round: without metrics and with them."""

    off: float
    on: float

    @property
    def ratio(self) -> float:
        """How much more a command costs with metrics: 1.01 is one per cent."""
        return self.on / self.off


@contextmanager
def scraped(port: int, interval: float) -> Iterator[list[float]]:
    """Scrape a node every interval seconds over one connection, as Prometheus does; yield the seconds each scrape took."""
    took: list[float] = []
    ended = threading.Event()

    def scrape() -> None:
        link = http.client.HTTPConnection(HOST, port, timeout=30)
        while not ended.wait(interval):
            started = time.perf_counter()
            link.request("GET", "/metrics", headers=ACCEPT)
            link.getresponse().read()
            took.append(time.perf_counter() - started)
        link.close()

    worker = threading.Thread(target=scrape)
    worker.start()
    try:
        yield took
    finally:
        ended.set()
        worker.join()


def cpu_us(server: Server, requests: int, pipeline: int) -> float:
    """Load a server with SET over 100,000 keys; return its CPU microseconds a command."""
    load = ["-t", "set", "-P", str(pipeline), "-c", "50", "-n", str(requests), "-r", "100000", "-q"]
    before = process_seconds(server.pid)
    run(["redis-benchmark", "-h", HOST, "-p", str(server.port), *load], check=True, stdout=DEVNULL)
    return (process_seconds(server.pid) - before) * 1e6 / requests


def one_round(off: Server, on: Server, options: argparse.Namespace) -> Round:
    """Measure A B A B …, in turns short enough that what else the machine does falls on both."""
    size, pipeline = options.requests // options.turns, options.pipeline
    found = [(cpu_us(off, size, pipeline), cpu_us(on, size, pipeline)) for _ in range(options.turns)]
    return Round(sum(a for a, _ in found) / len(found), sum(b for _, b in found) / len(found))


def cpu_of_a_scrape(server: Server, port: int) -> float:
    """CPU milliseconds of one scrape of a server that does nothing else, from fifty."""
    link = http.client.HTTPConnection(HOST, port, timeout=30)
    before = 0.0
    for number in range(60):
        if number == 10:
            before = process_seconds(server.pid)
        link.request("GET", "/metrics", headers=ACCEPT)
        link.getresponse().read()
    link.close()
    return (process_seconds(server.pid) - before) * 1e3 / 50


def report(rounds: list[Round], took: list[float]) -> str:
    """The rounds and their medians as a table in Markdown."""
    lines = ["| round | off, CPU µs a command | on | ratio |", "|---|---:|---:|---:|"]
    lines += [f"| {n} | {found.off:.3f} | {found.on:.3f} | {found.ratio:.4f} |" for n, found in enumerate(rounds, 1)]
    off, on = median(found.off for found in rounds), median(found.on for found in rounds)
    lines.append(f"| median | {off:.3f} | {on:.3f} | {median(found.ratio for found in rounds):.4f} |")
    lines.append(f"\n{len(took)} scrapes under load, answered in {median(took) * 1e3:.1f} ms (median)")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.metrics_cost", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of A B A B … (default 5)")
    parser.add_argument("--turns", type=int, default=8, help="turns of both within a round (default 8)")
    parser.add_argument(
        "--requests", type=int, default=800_000, help="commands a round on either side (default 800000)"
    )
    parser.add_argument("--pipeline", type=int, default=16, help="commands sent at once (default 16)")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between scrapes (default 1)")
    options = parser.parse_args(argv)
    if shutil.which("redis-benchmark") is None:
        print("redis-benchmark is not installed")
        return 2
    port = free_port()
    common = ("--appendfsync", "everysec", "--save", "")
    with chronis_server(*common) as off, chronis_server(*common, "--metrics-port", str(port)) as on:
        for server in (off, on):
            cpu_us(server, options.requests // 4, options.pipeline)
        with scraped(port, options.interval) as took:
            rounds = [one_round(off, on, options) for _ in range(options.rounds)]
        cost = cpu_of_a_scrape(on, port)
        print(report(rounds, took))
        print(
            f"one scrape: {cost:.2f} ms of CPU, {cost / options.interval / 10:.2f} % of a core at one in {options.interval:g} s"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
