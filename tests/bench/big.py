"""How long others wait while one client has something big done: `python -m tests.bench.big [--cases keys,hgetall]`.

A second client, a process of its own, sends a PING each millisecond. What a pause hides from it is put in (a PING that took
50 ms stands for the 49 that should have been sent meanwhile), so the 99th percentile is that of a client that comes at any
moment. The span begins with the command and ends with its reply, or later where work goes on after the reply.
"""

import argparse
import json
import multiprocessing
import os
import shlex
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection

from tests.bench.load import fill, groups
from tests.bench.sides import CHRONIS, REDIS
from tests.kit.resp_client import encode
from tests.kit.servers import HOST, Server, running

MILLION = 1_000_000
PING = b"*1\r\n$4\r\nPING\r\n"
INTERVAL = 0.001
FIRST = "BENCH_FIRST"
"""The variable that tells the prober about --first."""
Commands = Iterator[tuple[object, ...]]


# ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────────────
def strings(size: int) -> Commands:
    """Short strings."""
    return groups("MSET", "", ((f"key:{n}", f"value:{n}") for n in range(size)))


def expiring(size: int) -> Commands:
    """Short strings that expire all at once, 8 seconds after this was called."""
    deadline = int(time.time() * 1000) + 8000
    return (("SET", f"x:{n}", "v", "PXAT", deadline) for n in range(size))


def hashed(size: int) -> Commands:
    """One hash."""
    return groups("HSET", "h", ((f"field:{n}", f"value:{n}") for n in range(size)))


def listed(size: int) -> Commands:
    """One list of numbers in disorder."""
    return groups("RPUSH", "l", ((n * 7919 % size,) for n in range(size)))


def sets(size: int) -> Commands:
    """Two sets that have half of their members in common."""
    yield from groups("SADD", "s1", ((f"member:{n}",) for n in range(size)))
    yield from groups("SADD", "s2", ((f"member:{n + size // 2}",) for n in range(size)))


def zsets(size: int) -> Commands:
    """Two sorted sets that have half of their members in common."""
    yield from groups("ZADD", "z1", ((n, f"member:{n}") for n in range(size)))
    yield from groups("ZADD", "z2", ((n, f"member:{n + size // 2}") for n in range(size)))


@dataclass(frozen=True)
class Big:
    """A case: what is there, what is run, seconds that belong to it after the reply, and the size of what is there."""

    data: Callable[[int], Commands]
    command: tuple[object, ...]
    after: float = 0.0
    size: int = MILLION


CASES = {
    "nothing": Big(strings, ("PING",), 3.0, 1000),
    "keys": Big(strings, ("KEYS", "*")),
    "keys-pattern": Big(strings, ("KEYS", "key:*99*")),
    "flushall": Big(strings, ("FLUSHALL",), 1.5),
    "flushall-async": Big(strings, ("FLUSHALL", "ASYNC"), 1.5),
    "flushdb": Big(strings, ("FLUSHDB", "SYNC"), 1.5),
    "expiry": Big(expiring, ("PING",), 12.0, 300_000),
    "hgetall": Big(hashed, ("HGETALL", "h")),
    "hkeys": Big(hashed, ("HKEYS", "h")),
    "memory-usage": Big(hashed, ("MEMORY", "USAGE", "h", "SAMPLES", "0")),
    "del": Big(hashed, ("DEL", "h"), 1.0),
    "lrange": Big(listed, ("LRANGE", "l", 0, -1)),
    "sort": Big(listed, ("SORT", "l")),
    "sort-alpha": Big(listed, ("SORT", "l", "ALPHA")),
    "sort-store": Big(listed, ("SORT", "l", "STORE", "d")),
    "smembers": Big(sets, ("SMEMBERS", "s1")),
    "sunion": Big(sets, ("SUNION", "s1", "s2")),
    "sinter": Big(sets, ("SINTER", "s1", "s2")),
    "sdiff": Big(sets, ("SDIFF", "s1", "s2")),
    "sunionstore": Big(sets, ("SUNIONSTORE", "d", "s1", "s2")),
    "zrange": Big(zsets, ("ZRANGE", "z1", 0, -1)),
    "zrange-scores": Big(zsets, ("ZRANGE", "z1", 0, -1, "WITHSCORES")),
    "zunion": Big(zsets, ("ZUNION", 2, "z1", "z2")),
    "zinter": Big(zsets, ("ZINTER", 2, "z1", "z2")),
    "zunionstore": Big(zsets, ("ZUNIONSTORE", "d", 2, "z1", "z2")),
}


# ── how others fare ──────────────────────────────────────────────────────────────────────────────────────────────────
def prober(port: int, pipe: Connection) -> None:
    """Send PINGs until told to stop, then hand over (moment of sending, seconds until the reply) of each."""
    seen: list[tuple[float, float]] = []
    if os.environ.get(FIRST):
        os.setpriority(os.PRIO_PROCESS, 0, -20)
    with socket.create_connection((HOST, port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pipe.send("ready")
        while not pipe.poll():
            sent = time.monotonic()
            link.sendall(PING)
            link.recv(64)
            took = time.monotonic() - sent
            seen.append((sent, took))
            time.sleep(max(0.0, INTERVAL - took))
    pipe.send(seen)


def corrected(seen: list[tuple[float, float]], start: float, stop: float) -> list[float]:
    """Milliseconds, ascending, of the PINGs from start to stop, with those that a pause kept from being sent."""
    waits: list[float] = []
    for sent, took in seen:
        if sent + took >= start and sent <= stop:
            left = took
            while left > 0:
                waits.append(left * 1000)
                left -= INTERVAL
    return sorted(waits)


def answer(link: socket.socket, command: tuple[object, ...]) -> tuple[float, int]:
    """Run one command; return the seconds until its whole reply had come, and the bytes (a PING after it marks the end)."""
    started = time.monotonic()
    link.sendall(encode(command) + PING)
    size, tail = 0, b""
    while not tail.endswith(b"+PONG\r\n"):
        data = link.recv(1 << 20)
        if not data:
            raise EOFError("the server closed the connection")
        size += len(data)
        tail = (tail + data[-16:])[-16:]
    return time.monotonic() - started, size


@dataclass(frozen=True)
class Lag:
    """What one case showed: milliseconds others waited (median, 99th percentile, longest), seconds and bytes of the reply."""

    p50: float
    p99: float
    longest: float
    seconds: float
    size: int


def measure(server: Server, case: Big, scale: float = 1.0) -> Lag:
    """Run one case on a server, which holds nothing afterwards."""
    fill(server, case.data(int(case.size * scale)))
    time.sleep(0.3)
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=prober, args=(server.port, there))
    process.start()
    here.recv()
    time.sleep(0.2)
    with socket.create_connection((HOST, server.port)) as link:
        link.settimeout(60)
        start = time.monotonic()
        seconds, size = answer(link, case.command)
        time.sleep(max(case.after, 0.1 - seconds))
        stop = time.monotonic()
        time.sleep(0.05)
        here.send("stop")
        waits = corrected(here.recv(), start, stop)
        process.join()
        fill(server, [("FLUSHALL",)])
    time.sleep(1.0 * scale)
    pick = lambda share: round(waits[min(len(waits) - 1, int(len(waits) * share))], 2)  # noqa: E731  # one expression, twice
    return Lag(pick(0.5), pick(0.99), round(waits[-1], 2), round(seconds, 3), size)


def main(argv: list[str] | None = None) -> int:
    """Measure the cases on both servers and print a table (or JSON); return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.big", description=__doc__)
    parser.add_argument("--cases", default=",".join(CASES), help="which cases (default: all)")
    parser.add_argument("--servers", default="redis,chronis", help="which servers (default: redis,chronis)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size (default 1.0)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--first", action="store_true", help="let server and prober run before all others that use the machine (nice -20)"
    )
    options = parser.parse_args(argv)
    first = ["nice", "-n", "-20"] if options.first else []
    if options.first:
        os.environ[FIRST] = "1"
    known = {"redis": REDIS, "chronis": f"{CHRONIS} --metrics-port 0"}
    if "redis" in options.servers and shutil.which("redis-server") is None:
        print("redis-server is not installed", file=sys.stderr)
        return 2
    found: dict[str, dict[str, dict[str, float]]] = {name: {} for name in options.cases.split(",")}
    if not options.json:
        print("| case | server | others wait: median ms | p99 ms | longest ms | reply s | reply MB |")
        print("|---|---|---:|---:|---:|---:|---:|")
    for label in options.servers.split(","):
        with running([*first, *shlex.split(known[label]), "--auto-aof-rewrite-percentage", "0"]) as server:
            for name in found:
                lag = measure(server, CASES[name], options.scale)
                found[name][label] = asdict(lag)
                if not options.json:
                    print(
                        f"| {name} | {label} | {lag.p50} | {lag.p99} | {lag.longest} | {lag.seconds} | {lag.size / 1e6:.1f} |",
                        flush=True,
                    )
    if options.json:
        print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
