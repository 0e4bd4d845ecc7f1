"""Latency at a fixed rate: idle, and while the server makes a snapshot, feeds a new replica, expires or deletes much.

Law: only requests due while the work goes on count; the work begins when it is asked for and ends when the server says so.
The replica that attaches is a redis-server for both, so that what runs beside the server is the same.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median

from tests.bench import fill
from tests.bench.openloop import VALUE, OpenLoop, Window, during, key, percentile
from tests.bench.report import Cells
from tests.bench.throughput import progress
from tests.kit.resp_client import encode
from tests.kit.servers import HOST, Server, running

CONNECTIONS = 50
BEFORE = 0.5  # seconds of load before the work begins
POLL = 0.02
WORK_SECONDS_MOST = 60.0
REPLICA = ["redis-server", "--save", "", "--appendonly", "no"]


@dataclass(frozen=True)
class Size:
    """How much there is: keys (of 100 bytes), requests a second, seconds idle, keys that expire, members to delete."""

    keys: int = 200_000
    rate: float = 4_000
    idle: float = 3.0
    expiring: int = 100_000
    members: int = 200_000
    pause: float = 0.2  # seconds between deletions
    expire_in: float = 7.0  # seconds; putting the expiring keys there takes less

    @classmethod
    def quick(cls) -> "Size":
        """Return a size that takes next to no time."""
        return cls(keys=500, rate=500, idle=0.1, expiring=100, members=200, pause=0.05, expire_in=1.0)


@dataclass(frozen=True)
class Seen:
    """One measurement: percentiles and the worst in milliseconds, how long the work took, and how late the client was."""

    p50: float
    p99: float
    p999: float
    worst: float
    seconds: float
    requests: int
    late: float


def wait_for(done: Callable[[], bool], what: str) -> None:
    """Wait until done; raise TimeoutError if it takes too long."""
    end = time.monotonic() + WORK_SECONDS_MOST
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} has not ended")
        time.sleep(POLL)


def timed(work: Callable[[], object]) -> Window:
    """Do the work and return from when to when it went on."""
    begin = time.perf_counter()
    work()
    return Window(begin, time.perf_counter())


def keys(count: int) -> Iterator[list[object]]:
    """Yield the making of the keys that are read and written."""
    for start in range(0, count, 100):
        yield ["MSET", *(word for n in range(start, min(start + 100, count)) for word in (key(n), VALUE))]


def idle(_server: Server, size: Size) -> Callable[[], Window]:
    """Nothing else to do."""
    return partial(timed, lambda: time.sleep(size.idle))


def snapshot(server: Server, _size: Size) -> Callable[[], Window]:
    """BGSAVE, until there is a new snapshot."""
    with server.client() as client:
        before = client.command("LASTSAVE")
    assert isinstance(before, int)

    def work() -> None:
        with server.client() as control:
            control.command("BGSAVE", "SCHEDULE")
            wait_for(lambda: control.command("LASTSAVE") != before, "BGSAVE")

    time.sleep(max(before + 1.1 - time.time(), 0))  # LASTSAVE counts seconds
    return partial(timed, work)


def full_sync(server: Server, replica: Server) -> Window:
    """Attach an empty replica and wait until it follows."""
    with replica.client() as control:

        def follows() -> bool:
            reply = control.command("INFO", "replication")
            return isinstance(reply, bytes) and b"master_link_status:up" in reply

        control.command("REPLICAOF", HOST, server.port)
        window = timed(lambda: wait_for(follows, "the synchronization"))
        control.command("REPLICAOF", "NO", "ONE")
        control.command("FLUSHALL")
        return window


def attach(server: Server, _size: Size, replica: Server) -> Callable[[], Window]:
    """Feed a new replica, without waiting for others to come (the default of Redis is 5 s)."""
    server.command_reply("CONFIG", "SET", "repl-diskless-sync-delay", 0)
    return lambda: full_sync(server, replica)


def expiry(server: Server, size: Size) -> Callable[[], Window]:
    """Keys that expire all in the same millisecond, until the last is gone."""
    deadline = time.time() + size.expire_in
    at = int(deadline * 1000)
    with server.client() as client:
        standing = client.command("DBSIZE")
        commands = [encode(["SET", f"gone:{n}", "xxx", "PXAT", at]) for n in range(size.expiring)]
        batches = [commands[start : start + 500] for start in range(0, len(commands), 500)]
        fill.send(client, [(b"".join(batch), len(batch)) for batch in batches])
    if time.time() > deadline - BEFORE:
        raise TimeoutError("the keys to expire were not there in time")

    def work() -> Window:
        time.sleep(max(deadline - time.time(), 0))
        with server.client() as control:
            return timed(lambda: wait_for(lambda: control.command("DBSIZE") == standing, "expiring"))

    return work


def deletes(server: Server, size: Size) -> Callable[[], Window]:
    """DEL of a big hash, a big set and a big sorted set, one after another."""
    makers = {
        "big:hash": lambda n: ["HSET", "big:hash", *(word for m in n for word in (f"field:{m:012d}", "xxx"))],
        "big:set": lambda n: ["SADD", "big:set", *(f"member:{m:012d}" for m in n)],
        "big:zset": lambda n: ["ZADD", "big:zset", *(word for m in n for word in (m, f"member:{m:012d}"))],
    }
    with server.client() as client:
        for make in makers.values():
            for start in range(0, size.members, fill.ELEMENTS):
                client.command(*make(range(start, min(start + fill.ELEMENTS, size.members))))

    def work() -> None:
        with server.client() as control:
            for name in makers:
                if control.command("DEL", name) != 1:
                    raise ValueError(f"{name} was not there")
                time.sleep(size.pause)

    return partial(timed, work)


def look(server: Server, size: Size, prepare: Callable[[Server, Size], Callable[[], Window]]) -> Seen:
    """Prepare the work, then do it under the load and return what the load saw."""
    work = prepare(server, size)
    client = OpenLoop(server.port, size.rate, CONNECTIONS, size.keys)
    try:
        reading = during(client, work, BEFORE if size.idle > BEFORE else 0.05)
    finally:
        client.close()
    p50, p99, p999 = (percentile(reading.latencies, share) for share in (0.5, 0.99, 0.999))
    late = percentile(reading.late, 0.999)
    return Seen(p50, p99, p999, max(reading.latencies), reading.seconds, len(reading.latencies), late)


def run(servers: list[Server], rounds: int, size: Size) -> dict[str, list[list[Seen]]]:
    """Measure every kind of work on every server in turn, round after round: by kind, a list a round."""
    for server in servers:
        fill.fill(server, keys, size.keys)
    with running(REPLICA) as replica:
        works = {
            "idle": idle,
            "snapshot (BGSAVE)": snapshot,
            "full sync of a replica": partial(attach, replica=replica),
            f"{size.expiring:,} keys expire at once": expiry,
            f"DEL of {size.members:,} members, three times": deletes,
        }
        seen: dict[str, list[list[Seen]]] = {name: [] for name in works}
        for number in range(rounds):
            for name, prepare in works.items():
                progress(f"latency, round {number + 1}/{rounds}: {name}")
                seen[name].append([look(server, size, prepare) for server in servers])
    progress("")
    return seen


def middle(rounds: list[Seen]) -> Seen:
    """Return the medians of the rounds, and of the worst the worst."""
    typical = {name: median(asdict(one)[name] for one in rounds) for name in asdict(rounds[0])}
    return Seen(**typical | {"worst": max(one.worst for one in rounds)})


def table(seen: dict[str, list[list[Seen]]], names: list[str]) -> tuple[list[str], Cells]:
    """Return header and cells: a line a kind of work and server."""
    header = ["meanwhile", "server", "p50", "p99", "p99.9", "worst", "work took", "requests", "client late p99.9"]
    cells = []
    for work, rounds in seen.items():
        for number, name in enumerate(names):
            one = middle([each[number] for each in rounds])
            figures = [f"{value:.2f}" for value in (one.p50, one.p99, one.p999, one.worst)]
            cells.append([work, name, *figures, f"{one.seconds:.2f} s", f"{one.requests:.0f}", f"{one.late:.2f}"])
    return header, cells
