"""Put one load on one server with redis-benchmark: requests per second, and CPU time the server spent on each.

Law: CPU is that of the server's whole process tree (user + system, ended children included), so that work handed to
a child or a thread is not work saved.
"""

import csv
import subprocess
from dataclasses import dataclass

import psutil

from tests.kit.servers import HOST, Server


@dataclass(frozen=True)
class Case:
    """One load: a test of redis-benchmark, its pipeline depth, clients, requests, and over how many keys."""

    test: str
    pipeline: int
    clients: int
    requests: int
    keys: int

    def command(self, port: int, requests: int) -> list[str]:
        """Return the redis-benchmark command line."""
        load = ["-t", self.test, "-P", str(self.pipeline), "-c", str(self.clients), "-n", str(requests)]
        spread = ["-r", str(self.keys)] if self.keys else []
        return ["redis-benchmark", "-h", HOST, "-p", str(port), "--csv", *load, *spread]


@dataclass(frozen=True)
class Sample:
    """What one run showed: requests per second, and the server's CPU time in microseconds a request."""

    rps: float
    cpu_us: float


def cpu_seconds(pid: int) -> float:
    """Return the CPU time used so far by a process, its children, and those it has waited for."""
    process = psutil.Process(pid)
    total = 0.0
    for member in (process, *process.children(recursive=True)):
        try:
            times = member.cpu_times()
        except psutil.NoSuchProcess:
            continue  # ended since it was listed: its parent counts it from now on
        total += times.user + times.system + times.children_user + times.children_system
    return total


def parse_rps(output: str) -> float:
    """Return the requests per second from redis-benchmark's CSV; raise ValueError if there are none."""
    rows = [row for row in csv.reader(output.splitlines()) if len(row) > 1 and row[0] != "test"]
    if len(rows) != 1:
        raise ValueError(f"one line of results expected from redis-benchmark: {output!r}")
    return float(rows[0][1])


def measure(server: Server, case: Case, requests: int | None = None) -> Sample:
    """Run one load (requests instead of the case's own number, for a warm-up) and return what it showed."""
    number = requests or case.requests
    before = cpu_seconds(server.pid)
    done = subprocess.run(case.command(server.port, number), capture_output=True, text=True, check=True)
    spent = cpu_seconds(server.pid) - before
    return Sample(parse_rps(done.stdout), spent * 1e6 / number)
