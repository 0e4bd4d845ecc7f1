"""A full synchronization to two replicas at once: what the primary's clients feel of it, its memory, the time it takes.

Everything here shares the machine's cores: two replicas that load, the primary, its children, and this program. So each
probe of the primary is paired with one of a redis-server that does nothing else (the control): what slows the control is
the machine, not the primary. And of each probe's time that part is told apart in which the primary, or this program, was ready to
run and another process had the processor (/proc schedstat): `own` is the rest, which the primary alone answers for.
`--apart` is as if there were more cores: the primary's process, this program and the control share one; the replicas are on the
other, and so are the processes that the primary starts (Chronis's courier, Redis's child), which stay with it if `--strict`.
`--bystander` shows what of it is the machine: there the replicas synchronize with another primary, on their core, and the one that is
probed has no part in it.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.cpu import tree_seconds
from tests.bench.replication import nodes
from tests.bench.replication.nodes import KINDS, Kind, percentile
from tests.kit.cluster import info, syncs
from tests.kit.servers import Server

PAUSE = 0.001
OURS, THEIRS = {0}, {1}
"""Cores, with --apart."""


@dataclass
class Probes:
    """Latencies in ms of PING and GET on the primary, without waiting for a processor, and of PING on the control."""

    primary: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    control: list[float] = field(default_factory=list)
    stalls: list[tuple[float, float, float]] = field(default_factory=list)  # of 50 ms and more: when, in s; ms; own ms


class Probe(threading.Thread):
    """Asks primary and control in turn until told to end. `probes` may be replaced at any time."""

    def __init__(self, primary: Server, control: Server, key: str) -> None:
        super().__init__(daemon=True)
        self.primary, self.control, self.key = primary, control, key
        self.probes = Probes()
        self.ended = threading.Event()

    def run(self) -> None:
        """Probe until ended."""
        with self.primary.client() as primary, self.control.client() as control:
            number = 0
            threads = (f"/proc/{self.primary.pid}", f"/proc/self/task/{threading.get_native_id()}")
            while not self.ended.is_set():
                number += 1
                probes = self.probes
                command = ("GET", self.key) if number % 2 else ("PING",)
                waited = sum(map(processor_wait, threads))
                started = time.perf_counter()
                primary.command(*command)
                between = time.perf_counter()
                waited = sum(map(processor_wait, threads)) - waited
                middle = time.perf_counter()
                control.command("PING")
                ended = time.perf_counter()
                latency = (between - started) * 1000
                probes.primary.append(latency)
                probes.own.append(max(0.0, latency - waited * 1000))
                probes.control.append((ended - middle) * 1000)
                if latency >= 50:
                    probes.stalls.append((started, latency, probes.own[-1]))
                time.sleep(PAUSE)


@dataclass(frozen=True)
class Result:
    """One synchronization: seconds, idle and busy probes, memory growth in bytes, seconds waited and used by the primary."""

    seconds: float
    idle: Probes
    busy: Probes
    growth: int
    waited: float
    cpu: float
    replica_cpu: list[float]
    stalls: list[str]


def measure(kind: Kind, options: argparse.Namespace) -> Result:
    """Fill a primary, probe it idle, then have two replicas synchronize, with it or beside it, probing on."""
    with contextlib.ExitStack() as stack:
        source, *replicas = stack.enter_context(nodes.group(kind, 2))
        primary = stack.enter_context(nodes.group(kind, 0))[0] if options.bystander else source
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chronis-bench-")))
        control = nodes.node(KINDS["redis"], home)
        stack.callback(control.kill)
        control.start()
        for filled in {primary, source}:
            nodes.fill(filled, options.keys, options.size)
        if options.apart:
            for server in {source, *replicas}:
                nodes.pin(server.pid, THEIRS)
            for pid in (primary.pid, control.pid, 0):
                nodes.pin(pid, OURS)
            stack.callback(nodes.pin, 0, OURS | THEIRS)
            if not options.strict:
                mover = [sys.executable, "-m", "tests.bench.replication.mover", str(primary.pid), *map(str, THEIRS)]
                stack.callback(subprocess.Popen(mover).kill)
        probe = Probe(primary, control, "key:0000007")
        stack.callback(probe.ended.set)
        probe.start()
        time.sleep(2)  # what filling has left behind
        idle = probe.probes = Probes()
        pause = time.monotonic() + options.idle
        watch(lambda: not any(map(nodes.up, replicas)) and time.monotonic() > pause, primary.pid)  # as below: it costs, too
        before, waited, cpu = nodes.anonymous_memory(primary.pid), nodes.waited(primary.pid), own_cpu(primary.pid)
        replica_cpu = [tree_seconds(replica.pid) for replica in replicas]
        busy = probe.probes = Probes()
        started = time.perf_counter()
        for replica in replicas:
            nodes.follow(replica, source)
        most = watch(lambda: all(map(nodes.up, replicas)), primary.pid)
        seconds = time.perf_counter() - started
        probe.probes = Probes()
        waited, cpu = nodes.waited(primary.pid) - waited, own_cpu(primary.pid) - cpu
        replica_cpu = [tree_seconds(replica.pid) - was for replica, was in zip(replicas, replica_cpu, strict=True)]
        probe.ended.set()
        probe.join()
        check(source, replicas)
        stalls = [f"{length:.0f} ms ({own:.0f} own) at {when - started:.2f} s" for when, length, own in busy.stalls]
        return Result(seconds, idle, busy, most - before, waited, cpu, replica_cpu, stalls)


def processor_wait(thread: str) -> float:
    """Seconds a process's main thread, or a thread, was ready to run and waited for a processor; by its path in /proc."""
    return int(Path(f"{thread}/schedstat").read_text().split()[1]) / 1e9


def own_cpu(pid: int) -> float:
    """Seconds of processor time of a process alone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def watch(done: Callable[[], bool], pid: int) -> int:
    """Wait until done (at most five minutes); return the most memory the process had meanwhile."""
    most, deadline = 0, time.monotonic() + 300
    while not done():
        most = max(most, nodes.anonymous_memory(pid))
        if time.monotonic() > deadline:
            raise TimeoutError("the replicas are not synchronized after five minutes")
        time.sleep(0.1)
    return max(most, nodes.anonymous_memory(pid))


def check(primary: Server, replicas: list[Server]) -> None:
    """Raise unless both came by a full synchronization and hold the same."""
    nodes.together(primary, replicas)
    if syncs(primary)[0] != 2 or not nodes.equal([primary, *replicas]):
        raise ValueError(f"not equal after two full synchronizations: {info(primary, 'stats')}")


def run(options: argparse.Namespace) -> list[str]:
    """Measure each kind and return the lines of a table."""
    where = "all on the same cores"
    if options.apart:
        where = "replicas on one core, primary and client on another" + (" with all that it starts" if options.strict else "")
    if options.bystander:
        where += ", synchronizing with another primary than the one that is probed"
    lines = [
        f"{options.keys} keys of {options.size} bytes, {where}; ms are p50/p99/max of PING and GET",
        "",
        "| server | time s | primary idle ms | during | p99 ratio | own idle ms | during | p99 ratio | control idle ms | during "
        "| p99 ratio | growth MB | primary waited s | primary CPU s | replica CPU s |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in options.servers:
        for _ in range(options.rounds):
            result = measure(KINDS[name], options)
            lines.append(row(name, result))
            print(lines[-1], *(f"  stall of {stall}" for stall in result.stalls), sep="\n", flush=True)
    return lines


def row(name: str, result: Result) -> str:
    """Format one result."""
    idle, busy = result.idle, result.busy
    cells = [f"{result.seconds:.1f}"]
    for quiet, loaded in ((idle.primary, busy.primary), (idle.own, busy.own), (idle.control, busy.control)):
        cells += [shown(quiet), shown(loaded), f"{percentile(loaded, 0.99) / percentile(quiet, 0.99):.2f}"]
    cells += [f"{result.growth / 1e6:.1f}", f"{result.waited:.2f}", f"{result.cpu:.2f}"]
    cells.append("/".join(f"{cpu:.1f}" for cpu in result.replica_cpu))
    return f"| {name} | " + " | ".join(cells) + " |"


def shown(values: list[float]) -> str:
    """p50/p99/max of latencies."""
    return f"{percentile(values, 0.5):.2f}/{percentile(values, 0.99):.2f}/{max(values):.1f}"
