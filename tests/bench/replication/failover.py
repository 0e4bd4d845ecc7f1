"""Three stock Sentinels, the primary killed under load, again and again: how long writes stop, and what of them is lost.

Writers set keys of their own, each value once, and note what was acknowledged. After a failover all of it is looked for on the
new primary. The old one comes back as a replica: by a partial resynchronization, with the tail that it discards named, or by
a full one. `--promise K`: acknowledgements wait for K replicas (reply-after-replicas; redis-server has WAIT after each write).
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from tests.bench.replication import nodes
from tests.bench.replication.nodes import KINDS, Kind
from tests.kit.resp_client import Error, RespClient
from tests.kit.sentinels import DOWN_MS, named, sees_all, sentinels
from tests.kit.servers import HOST, Server


class Writer(threading.Thread):
    """Sets `w:<name>:<number>` on whichever node the Sentinels name; `first`: when each port acknowledged its first."""

    def __init__(self, name: int, sentinels: list[Server], batch: int, wait: bool) -> None:
        super().__init__(daemon=True)
        self.label, self.sentinels, self.batch, self.wait = name, sentinels, batch, wait
        self.acknowledged: list[int] = []
        self.first: dict[int, float] = {}
        self.ended = threading.Event()
        self.pause = 0.002  # seconds between two batches
        self._number = 0

    def run(self) -> None:
        """Write until ended, through every error."""
        turn = 0
        while not self.ended.is_set():
            turn += 1
            with contextlib.suppress(OSError, EOFError, ValueError):
                port = named(self.sentinels[turn % len(self.sentinels)])
                with RespClient(HOST, port, timeout=2) as client:
                    if client.command("ROLE")[0] == b"master":  # type: ignore[index]
                        self._write(client, port)
            time.sleep(0.02)

    def _write(self, client: RespClient, port: int) -> None:
        while not self.ended.is_set():
            numbers = range(self._number + 1, self._number + 1 + self.batch)
            self._number = numbers[-1]
            commands = [("SET", f"w:{self.label}:{number}", number) for number in numbers]
            replies = client.pipeline([*commands, ("WAIT", 1, 1000)] if self.wait else commands)
            if self.wait and replies.pop() == 0:
                continue  # written, but nobody promised to keep it
            done = [n for n, reply in zip(numbers, replies, strict=True) if not isinstance(reply, Error)]
            if done:
                self.acknowledged += done
                self.first.setdefault(port, time.monotonic())
            if len(done) < len(replies):
                return
            time.sleep(self.pause)


@dataclass(frozen=True)
class Round:
    """One failover: seconds from the kill until a write was acknowledged again; acknowledged writes and those lost; the way back."""

    seconds: float
    acknowledged: int
    lost: int
    back: str


class Arena:
    """Three nodes, three Sentinels and the writers, for round after round."""

    def __init__(self, stack: contextlib.ExitStack, kind: Kind, options: argparse.Namespace) -> None:
        promise = (f"reply-after-replicas {options.promise}",) if options.promise and kind.name == "chronis" else ()
        self.options = options
        self.kind = kind
        self.nodes = stack.enter_context(nodes.group(kind, 2, "repl-diskless-load disabled", *promise))
        self.primary, *replicas = self.nodes
        nodes.attach(self.primary, replicas)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chronis-bench-")))
        self.sentinels = stack.enter_context(sentinels(self.primary, directory))
        self.label = 0

    def settled(self) -> bool:
        """Tell whether every Sentinel sees one primary with two good replicas (a busy machine can make them choose once more)."""
        port = named(self.sentinels[0])
        self.primary = next(node for node in self.nodes if node.port == port)
        return all(sees_all(sentinel, 2) and named(sentinel) == self.primary.port for sentinel in self.sentinels)

    def round(self) -> Round:
        """Kill the primary under load, wait for writes to go on, let it come back, and count."""
        nodes.wait_for(self.settled, "the Sentinels see everybody", 60)
        wait = bool(self.options.promise) and self.kind.name != "chronis"
        self.label += self.options.writers
        writers = [
            Writer(self.label + number, self.sentinels, self.options.batch, wait)
            for number in range(self.options.writers)
        ]
        for writer in writers:
            writer.start()
        time.sleep(self.options.load)
        old = self.primary
        killed = time.monotonic()
        old.kill()
        nodes.wait_for(lambda: named(self.sentinels[0]) != old.port, "another primary is named", 60)
        self.primary = next(node for node in self.nodes if node.port == named(self.sentinels[0]))
        port = self.primary.port
        nodes.wait_for(lambda: all(port in writer.first for writer in writers), "writes go on", 60, 0.005)
        seconds = max(writer.first[port] for writer in writers) - killed
        time.sleep(1)
        for writer in writers:
            writer.pause = 0.05  # writes go on, but the data need not grow much until Sentinel minds the old primary
        before = len(old.output())
        old.start()
        others = [node for node in self.nodes if node is not self.primary]
        for node in others:
            nodes.wait_for(partial(nodes.up, node), f"{node.port} follows", 90)
        for writer in writers:
            writer.ended.set()
            writer.join(10)
        nodes.together(self.primary, others)
        return Round(seconds, *self.count(writers), way_back(old.output()[before:]))

    def story(self) -> str:
        """The last lines of everybody's log, for a round that did not end as it should."""
        servers = [*self.nodes, *self.sentinels]
        return "\n".join(f"── port {server.port}\n{server.output()[-4000:]}" for server in servers)

    def count(self, writers: list[Writer]) -> tuple[int, int]:
        """Look for every acknowledged write on the new primary; return how many there were and how many are missing."""
        total = lost = 0
        with self.primary.client() as client:
            for writer in writers:
                total += len(writer.acknowledged)
                for start in range(0, len(writer.acknowledged), 1000):
                    keys = [f"w:{writer.label}:{n}" for n in writer.acknowledged[start : start + 1000]]
                    found = client.command("EXISTS", *keys)
                    assert isinstance(found, int), found
                    lost += len(keys) - found
        return total, lost


def way_back(log: str) -> str:
    """How a node became a replica, by the lines it logged (both servers word them alike)."""
    if "Full resync from master" in log:
        return "full resync"
    return "partial resync, discarded tail named" if "were moved to" in log else "partial resync"


def run(options: argparse.Namespace) -> list[str]:
    """Measure each kind and return the lines of a table."""
    promise = f"acknowledged after {options.promise} replicas" if options.promise else "acknowledged at once"
    lines = [
        f"{options.rounds} kills, {options.writers} writers, {promise}; Sentinel's down-after is {DOWN_MS} ms",
        "",
        "| server | writes resume after s, median | max | acknowledged | lost | the old primary came back by |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for name in options.servers:
        with contextlib.ExitStack() as stack:
            arena = Arena(stack, KINDS[name], options)
            rounds = []
            for number in range(options.rounds):
                try:
                    rounds.append(arena.round())
                except (TimeoutError, AssertionError):
                    print(arena.story(), file=sys.stderr, flush=True)
                    raise
                print(f"{name} {number + 1}: {rounds[-1]}", flush=True)
                if rounds[-1].seconds > options.story:
                    print(arena.story(), file=sys.stderr, flush=True)
            # Only now: the digest keeps a primary busy for long enough to be taken for dead.
            if not nodes.equal(arena.nodes):
                raise ValueError("the nodes differ")
        took = [one.seconds for one in rounds]
        ways = ", ".join(
            f"{back} {sum(one.back == back for one in rounds)}x" for back in sorted({one.back for one in rounds})
        )
        acknowledged, lost = sum(one.acknowledged for one in rounds), sum(one.lost for one in rounds)
        lines.append(f"| {name} | {median(took):.2f} | {max(took):.2f} | {acknowledged} | {lost} | {ways} |")
    return lines
