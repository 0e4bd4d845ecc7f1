"""What replicas cost their primary, and how far they are behind: SET at a pipeline depth with 0, 1 and 2 replicas.

Lag is the time from the reply to a PUBLISH on the primary to the message's arrival at a subscriber of the replica: messages
travel in the replication stream behind everything that was written before them, with Chronis as with Redis. The metrics of a Chronis
primary are scraped each second meanwhile; a redis-server's INFO ALL is asked for, as its exporter does. The case `throughput` is the
same without those messages. Kinds take turns, the first of a round being the last of the next; a ratio is to redis-server's
requests per second in the same round. Where primary, replicas and benchmark share few cores it is the sum of their CPU that decides.
"""

from __future__ import annotations

import argparse
import contextlib
import threading
import time
import urllib.request
from dataclasses import dataclass
from statistics import median

from tests.bench.cpu import tree_seconds
from tests.bench.measure import redis_benchmark
from tests.bench.replication import nodes
from tests.bench.replication.nodes import KINDS, percentile
from tests.kit.servers import HOST, Server, free_port

KEYS = 100_000


class Lag(threading.Thread):
    """Publishes the time on the primary every 10 ms and takes it from a replica; `lags` in ms."""

    def __init__(self, primary: Server, replica: Server) -> None:
        super().__init__(daemon=True)
        self.primary, self.replica = primary, replica
        self.lags: list[float] = []
        self.ended = threading.Event()
        self._left: dict[bytes, float] = {}

    def run(self) -> None:
        """Publish until ended."""
        with self.primary.client() as writer, self.replica.client() as reader:
            reader.command("SUBSCRIBE", "lag")
            taker = threading.Thread(target=self._take, args=(reader,), daemon=True)
            taker.start()
            number = 0
            while not self.ended.is_set():
                number += 1
                writer.command("PUBLISH", "lag", number)
                self._left[b"%d" % number] = time.perf_counter()
                time.sleep(0.01)
            writer.command("PUBLISH", "lag", "end")
            taker.join(20)

    def _take(self, reader: object) -> None:
        while True:
            message = reader.read()  # type: ignore[attr-defined]
            now = time.perf_counter()
            if message[2] == b"end":
                return
            left = self._left.get(message[2])
            # The message may overtake the reply on its way to this program: then there is no lag to be seen.
            self.lags.append(max(0.0, (now - left) * 1000) if left is not None else 0.0)


class Scraper(threading.Thread):
    """Reads the metrics, or INFO ALL, once a second."""

    def __init__(self, primary: Server, port: int | None) -> None:
        super().__init__(daemon=True)
        self.primary, self.port = primary, port
        self.ended = threading.Event()

    def run(self) -> None:
        """Scrape until ended."""
        while not self.ended.wait(1):
            if self.port is None:
                self.primary.command_reply("INFO", "ALL")
            else:
                with urllib.request.urlopen(f"http://{HOST}:{self.port}/metrics", timeout=10) as page:
                    page.read()


@dataclass(frozen=True)
class Sample:
    """One run: requests a second; CPU microseconds a write of the primary and of each replica; lags in ms."""

    rps: float
    cpu: list[float]
    lags: list[float]


class Topology:
    """A primary with so many replicas, ready to be measured again and again."""

    def __init__(self, stack: contextlib.ExitStack, name: str, replicas: int) -> None:
        self.name = name
        self.replicas = replicas
        self.port = free_port() if name == "chronis" else None
        self.servers = stack.enter_context(nodes.group(KINDS[name], replicas))
        if self.port is not None:
            primary = self.servers[0]
            config = primary.directory / "node.conf"
            config.write_text(config.read_text().replace("metrics-port 0", f"metrics-port {self.port}"))
            primary.stop()
            primary.start()
        nodes.attach(self.servers[0], self.servers[1:])

    def settle(self) -> None:
        """Wait until the replicas have everything."""
        nodes.together(self.servers[0], self.servers[1:])

    def sample(self, requests: int, pipeline: int, clients: int, messages: bool) -> Sample:
        """Put the load on the primary and see what everybody did until the replicas had everything."""
        primary = self.servers[0]
        threads: list[Lag | Scraper] = [Scraper(primary, self.port)]
        lag = Lag(primary, self.servers[-1]) if self.replicas and messages else None
        threads += [lag] if lag is not None else []
        before = [tree_seconds(server.pid) for server in self.servers]
        for thread in threads:
            thread.start()
        words = ("SET", "key:__rand_int__", "xxx")
        done = redis_benchmark(nodes.load(primary, words, pipeline, clients, requests, KEYS))
        for thread in threads:
            thread.ended.set()
            thread.join(30)
        self.settle()
        used = [tree_seconds(server.pid) - was for server, was in zip(self.servers, before, strict=True)]
        cpu = [seconds * 1e6 / requests for seconds in used]
        return Sample(done["rps"], cpu, lag.lags if lag is not None else [])


def run(options: argparse.Namespace) -> list[str]:
    """Measure each number of replicas, the kinds in turn, and return the lines of a table."""
    lines = [
        f"SET P={options.pipeline}, {options.clients} clients, {options.requests} requests, metrics scraped each second; "
        f"medians of {options.rounds} rounds",
        "",
        "| replicas | server | req/s | ratio | primary CPU µs/write | replica CPU µs/write | CPU of all | lag ms p50/p99/max |",
        "|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    size = options.pipeline, options.clients, options.case == "lag"
    for replicas in options.replicas:
        with contextlib.ExitStack() as stack:
            groups = {name: Topology(stack, name, replicas) for name in options.servers}
            for group in groups.values():
                group.sample(options.requests // 10, *size)
            rounds: list[dict[str, Sample]] = []
            for number in range(options.rounds):
                names = list(groups) if number % 2 == 0 else list(reversed(groups))
                rounds.append({name: groups[name].sample(options.requests, *size) for name in names})
        base = "redis" if "redis" in groups else next(iter(groups))
        for name in groups:
            lines.append(row(replicas, name, [one[name] for one in rounds], [one[base] for one in rounds]))
            print(lines[-1], flush=True)
    return lines


def row(replicas: int, name: str, samples: list[Sample], bases: list[Sample]) -> str:
    """Format the rounds of one topology beside those of the one it is compared with."""
    ratio = median(one.rps / base.rps for one, base in zip(samples, bases, strict=True))
    cpu = [median(column) for column in zip(*(sample.cpu for sample in samples), strict=True)]
    lags = [lag for sample in samples for lag in sample.lags]
    shown = f"{percentile(lags, 0.5):.1f}/{percentile(lags, 0.99):.1f}/{max(lags):.1f}" if lags else "–"
    return (
        f"| {replicas} | {name} | {median(sample.rps for sample in samples):,.0f} | {ratio:.2f} | {cpu[0]:.2f} "
        f"| {'/'.join(f'{one:.2f}' for one in cpu[1:]) or '–'} | {median(sum(one.cpu) for one in samples):.2f} | {shown} |"
    )
