"""Put one load on one server: requests per second, and CPU time the server spent on each (see cpu.py)."""

import csv
import subprocess
from dataclasses import dataclass

from tests.bench import transactions
from tests.bench.cpu import tree_seconds
from tests.bench.loads import Load
from tests.kit.servers import HOST, Server


@dataclass(frozen=True)
class Case:
    """One load at one pipeline depth, from so many clients, over so many keys (0: one)."""

    load: Load
    pipeline: int
    clients: int
    keys: int

    @property
    def name(self) -> str:
        """Return what the case is called in results."""
        return f"{self.load.name} P={self.pipeline} c={self.clients}"

    def whole(self, requests: int) -> int:
        """Return about so many requests that fill every client's pipelines."""
        turn = self.pipeline * self.clients
        return max(min(requests, self.load.requests_most) // turn, 1) * turn

    def command(self, port: int, requests: int) -> list[str]:
        """Return the redis-benchmark command line."""
        size = ["-P", str(self.pipeline), "-c", str(self.clients), "-n", str(requests)]
        spread = ["-r", str(self.keys)] if self.keys else []
        return ["redis-benchmark", "-h", HOST, "-p", str(port), "--csv", *size, *spread, *self.load.command]


@dataclass(frozen=True)
class Sample:
    """What one run showed: requests per second, the server's CPU time in microseconds a request, how many there were.

    p99_ms is redis-benchmark's (a closed loop's, so it hides stalls); transactions have none.
    """

    rps: float
    cpu_us: float
    requests: int
    p99_ms: float | None = None


def parse_csv(output: str) -> dict[str, float]:
    """Return what redis-benchmark's CSV says by its header (rps, p99_latency_ms, …); raise ValueError if not one line."""
    rows = [row for row in csv.reader(output.splitlines()) if len(row) > 1]
    if len(rows) != 2 or rows[0][0] != "test":
        raise ValueError(f"one line of results expected from redis-benchmark: {output!r}")
    return dict(zip(rows[0][1:], map(float, rows[1][1:]), strict=True))


def redis_benchmark(command: list[str]) -> dict[str, float]:
    """Run redis-benchmark and return its line of results. Raise ValueError if it complained of errors."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    if "Error" in done.stdout + done.stderr:
        raise ValueError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-400:]}")
    return parse_csv(done.stdout)


def measure(server: Server, case: Case, requests: int) -> Sample:
    """Prepare the server, run the load and return what it showed."""
    case.load.prepare(server, requests)
    before = tree_seconds(server.pid)
    if case.load.command:
        shown = redis_benchmark(case.command(server.port, requests))
        rps, p99_ms = shown["rps"], shown["p99_latency_ms"]
    else:
        rps = transactions.run(
            server.port, pipeline=case.pipeline, clients=case.clients, requests=requests, keys=case.keys
        )
        p99_ms = None
    return Sample(rps, (tree_seconds(server.pid) - before) * 1e6 / requests, requests, p99_ms)
