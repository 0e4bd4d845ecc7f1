"""Three stock Sentinels, the primary killed under load, again and again: how long writes stop, and what of them is lost.

Writers set keys of their own, each value once, and note what was acknowledged. After a failover all of it is looked for on the
new primary. The old one comes back as a replica: by a partial resynchronization, with the tail that it discards named, or by
a full one. `--promise K`: acknowledgements wait for K replicas (reply-after-replicas; redis-server has WAIT after each batch) and
a promoted Chronis node for the other replicas that may hold more (promote-after-replicas; `--gather 0` leaves that out).
`--behind MS`: the replica that Sentinel is made to prefer applies nothing for so long before the kill.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from replication.lost import KEPT
from tests.bench.replication import nodes
from tests.bench.replication.nodes import KINDS, Kind
from tests.kit.resp_client import Error, RespClient
from tests.kit.sentinels import DOWN_MS, named, replica_fields, sees_all, sentinels
from tests.kit.servers import HOST, Server


class Writer(threading.Thread):
    """Sets `w:<name>:<number>` on whichever node the Sentinels name; `first`: when each port acknowledged its first."""

    def __init__(self, name: int, sentinels: list[Server], batch: int, wait: int) -> None:
        """wait: replicas that WAIT is asked for after each batch, 0: no WAIT."""
        super().__init__(daemon=True)
        self.label, self.sentinels, self.batch, self.wait = name, sentinels, batch, wait
        self.acknowledged: list[int] = []
        self.first: dict[int, float] = {}
        self.ended = threading.Event()
        self.pause = 0.002  # seconds between two batches
        self._number = 0

    def resumed(self, old: Server) -> float:
        """When a node other than old acknowledged a write; infinity if none has."""
        return min((moment for port, moment in self.first.items() if port != old.port), default=float("inf"))

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
            replies = client.pipeline([*commands, ("WAIT", self.wait, 1000)] if self.wait else commands)
            if self.wait and replies.pop() not in range(self.wait, 100):
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
    """A primary with its replicas, three Sentinels and the writers, for round after round."""

    def __init__(self, stack: contextlib.ExitStack, kind: Kind, options: argparse.Namespace) -> None:
        gather = options.gather if options.gather is not None else max(0, options.replicas - options.promise)
        lines = [f"reply-after-replicas {options.promise}", f"promote-after-replicas {gather}"]
        promise = lines if options.promise and kind.name == "chronis" else []
        self.options = options
        self.kind = kind
        self.nodes = stack.enter_context(nodes.group(kind, options.replicas, "repl-diskless-load disabled", *promise))
        self.primary, *replicas = self.nodes
        nodes.attach(self.primary, replicas)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chronis-bench-")))
        self.sentinels = stack.enter_context(sentinels(self.primary, directory))
        self.label = 0

    @property
    def replicas(self) -> list[Server]:
        """All nodes but the primary."""
        return [node for node in self.nodes if node is not self.primary]

    def settled(self) -> bool:
        """Tell whether every Sentinel sees one primary with good replicas (a busy machine can make them choose once more)."""
        port, expected = named(self.sentinels[0]), self.options.replicas
        self.primary = next(node for node in self.nodes if node.port == port)
        return all(sees_all(sentinel, expected) and named(sentinel) == port for sentinel in self.sentinels)

    def round(self) -> Round:
        """Kill the primary under load, wait for writes to go on, let it come back, and count."""
        nodes.wait_for(self.settled, "the Sentinels see everybody", 90)
        behind = self._prefer_one() if self.options.behind else None
        writers = self._writers()
        time.sleep(self.options.load)
        if behind is not None:
            behind.command_reply("CLIENT", "PAUSE", self.options.behind + 200, "WRITE")
            time.sleep(self.options.behind / 1000)
        old, killed = self.primary, time.monotonic()
        old.kill()
        nodes.wait_for(lambda: named(self.sentinels[0]) != old.port, "another primary is named", 60)
        time.sleep(1)
        for writer in writers:
            writer.pause = 0.05  # writes go on, but the data need not grow much until Sentinel minds the old primary
        before = len(old.output())
        old.start()
        nodes.wait_for(lambda: all(writer.first and writer.resumed(old) < 1e9 for writer in writers), "writes go on", 90)
        seconds = max(writer.resumed(old) for writer in writers) - killed
        nodes.wait_for(self.settled, "everybody is back", 90)
        for writer in writers:
            writer.ended.set()
            writer.join(10)
        nodes.together(self.primary, self.replicas)
        return Round(seconds, *self.count(writers), way_back(old.output()[before:]))

    def _writers(self) -> list[Writer]:
        """Start the load."""
        wait = self.options.promise if self.kind.name != "chronis" else 0
        self.label += self.options.writers
        labels = range(self.label, self.label + self.options.writers)
        writers = [Writer(label, self.sentinels, self.options.batch, wait) for label in labels]
        for writer in writers:
            writer.start()
        return writers

    def _prefer_one(self) -> Server:
        """Have Sentinel promote a certain replica."""
        chosen = self.replicas[0]
        for replica in self.replicas:
            replica.command_reply("CONFIG", "SET", "replica-priority", 1 if replica is chosen else 100)

        def known() -> bool:
            seen = [{one["port"]: one["slave-priority"] for one in replica_fields(each)} for each in self.sentinels]
            return all(one[str(chosen.port)] == "1" and list(one.values()).count("1") == 1 for one in seen)

        nodes.wait_for(known, "the Sentinels know whom to promote", 30, 0.5)
        return chosen

    def story(self) -> str:
        """The last lines of everybody's log, for a round that did not end as it should."""
        servers = [*self.nodes, *self.sentinels]
        return "\n".join(f"── port {server.port}\n{server.output()[-8000:]}" for server in servers)

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
    kept = re.search(rf"{KEPT} (\S+)", log)
    if kept is None:
        return "partial resync"
    return "partial resync, discarded tail named" if Path(kept[1]).is_file() else "partial resync, discarded tail MISSING"


def run(options: argparse.Namespace) -> list[str]:
    """Measure each kind and return the lines of a table."""
    promise = f"acknowledged after {options.promise} of {options.replicas} replicas" if options.promise else "acknowledged at once"
    if options.behind:
        promise += f", the promoted replica {options.behind} ms behind"
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
                if rounds[-1].seconds > options.story or (name == "chronis" and "full" in rounds[-1].back):
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
