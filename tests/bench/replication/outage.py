"""The link between primary and replica is down for a while, writes go on, and one of the two may be killed and started again.

What is to be seen: the replica comes back by a partial resynchronization, and both hold the same.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from tests.bench.replication import nodes
from tests.bench.replication.nodes import KINDS, Kind
from tests.kit.cluster import syncs
from tests.kit.lossy_link import LossyLink
from tests.kit.resp_client import to_bytes
from tests.kit.servers import HOST, Server

VALUE = 1 << 20
KEYS = 100
"""Different keys that the big values go to: memory is not what is measured here."""
RESTARTS = ("none", "replica", "primary")


@dataclass(frozen=True)
class Outcome:
    """How an outage ended: bytes written during it, seconds from the link's return until nothing was missing."""

    written: int
    seconds: float
    full: int
    partial: int
    equal: bool


def commands(seed: int, count: int) -> bytes:
    """Whole SETs of big values, none like another, as bytes of requests."""
    parts = []
    for number in range(count):
        key = to_bytes(f"big:{(seed + number) % KEYS}")
        head = to_bytes(f"{seed + number}:")
        value = head + b"x" * (VALUE - len(head))
        parts.append(b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(key), key, len(value), value))
    return b"".join(parts)


def write(server: Server, most: int, seconds: float) -> int:
    """Write up to most bytes, spread over so many seconds; return how many there were."""
    started, written = time.monotonic(), 0
    with server.client() as client:
        client.socket.settimeout(60)
        while written < most and time.monotonic() - started < seconds:
            count = min(8, (most - written) // VALUE)
            client.send_raw(commands(written // VALUE, count))
            nodes.expect(client, count)
            written += count * VALUE
            ahead = written / most * seconds * 0.9 - (time.monotonic() - started)
            time.sleep(max(0.0, ahead))
    return written


def outage(primary: Server, replica: Server, link: LossyLink, seconds: float, most: int, restart: str) -> Outcome:
    """Cut the link for so many seconds, write, restart one of the two, and let them find each other again."""
    before = syncs(primary)
    link.down()
    started = time.monotonic()
    written = write(primary, most // 2, seconds / 2)
    if restart != "none":
        server = primary if restart == "primary" else replica
        server.kill()
        server.start()
        before = (0, 0) if restart == "primary" else before
    written += write(primary, most - written, max(0.5, seconds - (time.monotonic() - started)))
    time.sleep(max(0.0, seconds - (time.monotonic() - started)))
    link.restore()
    returned = time.monotonic()
    nodes.wait_for(lambda: nodes.caught_up(replica, primary), "the replica has caught up", 300)
    took = time.monotonic() - returned
    full, partial = (now - was for now, was in zip(syncs(primary), before, strict=True))
    return Outcome(written, took, full, partial, nodes.equal([primary, replica]))


def measure(kind: Kind, options: argparse.Namespace) -> Iterator[tuple[float, str, Outcome]]:
    """Run every combination of outage and restart on one pair of servers."""
    with ExitStack() as stack:
        primary, replica = stack.enter_context(nodes.group(kind, 1))
        link = LossyLink(primary.port)
        stack.callback(link.close)
        nodes.fill(primary, 10_000, 100)
        config = replica.directory / "node.conf"
        config.write_text(config.read_text() + f"replicaof {HOST} {link.port}\n")
        replica.kill()
        replica.start()
        nodes.wait_for(lambda: nodes.caught_up(replica, primary), "the first synchronization", 60)
        for seconds in options.seconds:
            for restart in RESTARTS:
                yield seconds, restart, outage(primary, replica, link, seconds, options.megabytes << 20, restart)


def run(options: argparse.Namespace) -> list[str]:
    """Measure each kind and return the lines of a table."""
    lines = [
        "| server | link cut s | killed meanwhile | written MB | resync | data equal | caught up after s |",
        "|---|---:|---|---:|---|---|---:|",
    ]
    for name in options.servers:
        for seconds, restart, outcome in measure(KINDS[name], options):
            resync = "full" if outcome.full else "partial" if outcome.partial else "none"
            lines.append(
                f"| {name} | {seconds:g} | {restart} | {outcome.written / VALUE:.0f} | {resync} "
                f"| {'yes' if outcome.equal else 'NO'} | {outcome.seconds:.1f} |"
            )
            print(lines[-1], flush=True)
    return lines
