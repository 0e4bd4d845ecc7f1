"""Reads spread over a primary and two replicas: what a read costs on each node, and reading one's own writes elsewhere."""

from __future__ import annotations

import argparse
import subprocess
import time
from statistics import median

from tests.bench.cpu import tree_seconds
from tests.bench.replication import nodes
from tests.bench.replication.nodes import KINDS, percentile
from tests.kit.servers import Server

VALUE = 100


def spread(servers: list[Server], requests: int, clients: int, keys: int) -> list[float]:
    """Put the same GETs on every server at the same time; return the CPU microseconds a read of each."""
    before = [tree_seconds(server.pid) for server in servers]
    loads = [
        subprocess.Popen(
            nodes.load(server, ("GET", "key:__rand_int__"), 1, clients, requests, keys), stdout=subprocess.DEVNULL
        )
        for server in servers
    ]
    if any(load.wait() for load in loads):
        raise ValueError("redis-benchmark failed")
    used = [tree_seconds(server.pid) - was for server, was in zip(servers, before, strict=True)]
    return [seconds * 1e6 / requests for seconds in used]


def own_writes(primary: Server, replicas: list[Server], rounds: int) -> tuple[int, list[float]]:
    """Write, then read from a replica at that position, in turn; return how many reads were stale and ms of each round."""
    stale, took = 0, []
    writer, readers = primary.client(), [replica.client() for replica in replicas]
    for number in range(rounds):
        started = time.perf_counter()
        value = b"%d" % number
        _, position = writer.pipeline([("SET", "own", value), ("CHRONIS", "OFFSET")])
        assert isinstance(position, list), position
        reader = readers[number % len(readers)]
        reached, seen = reader.pipeline([("CHRONIS", "WAITOFFSET", *position, 5000), ("GET", "own")])
        stale += reached != 1 or seen != value
        took.append((time.perf_counter() - started) * 1000)
    for client in (writer, *readers):
        client.close()
    return stale, took


def without_waiting(primary: Server, replicas: list[Server], rounds: int) -> int:
    """Do the same without asking for the position: how many reads were stale."""
    writer, readers, stale = primary.client(), [replica.client() for replica in replicas], 0
    for number in range(rounds):
        writer.command("SET", "own", number)
        stale += readers[number % len(readers)].command("GET", "own") != b"%d" % number
    for client in (writer, *readers):
        client.close()
    return stale


def run(options: argparse.Namespace) -> list[str]:
    """Measure each kind and return the lines of a table."""
    lines = [
        f"{options.requests} GETs to each node at the same time, {options.clients} clients each; medians of {options.rounds} rounds",
        "",
        "| server | primary CPU µs/read | replica 1 | replica 2 | highest / lowest |",
        "|---|---:|---:|---:|---:|",
    ]
    remarks = []
    for name in options.servers:
        with nodes.group(KINDS[name], 2) as servers:
            primary, *replicas = servers
            nodes.fill(primary, options.keys, VALUE)
            nodes.attach(primary, replicas)
            spread(servers, options.requests // 10, options.clients, options.keys)
            rounds = [spread(servers, options.requests, options.clients, options.keys) for _ in range(options.rounds)]
            cost = [median(column) for column in zip(*rounds, strict=True)]
            cells = " | ".join(f"{one:.2f}" for one in cost)
            lines.append(f"| {name} | {cells} | {max(cost) / min(cost):.3f} |")
            print(lines[-1], flush=True)
            number = without_waiting(primary, replicas, options.own_writes)
            remarks.append(f"{name}: {number} of {options.own_writes} reads right after a write, elsewhere, were stale")
            if name == "chronis":
                stale, took = own_writes(primary, replicas, options.own_writes)
                remarks.append(
                    f"{name}, with CHRONIS OFFSET and WAITOFFSET: {stale} of {options.own_writes} were stale; "
                    f"write, position, wait and read took {median(took):.2f} ms (p99 {percentile(took, 0.99):.2f})"
                )
    return [*lines, "", *remarks]
