"""Memory a key: what a data set adds to the resident size of each server (`python -m tests.bench.memory [--sets …]`)."""

import argparse
import shlex
import sys
import time
from collections.abc import Callable, Iterator

import psutil

from tests.bench.load import fill, groups
from tests.bench.sides import CHRONIS, REDIS
from tests.kit.servers import Server, running

Commands = Iterator[tuple[object, ...]]


def short_strings(count: int) -> Commands:
    """key:N with 10 bytes, each set by a command of its own."""
    return (("SET", f"key:{n}", f"{n * 7919 % 10**10:010d}") for n in range(count))


def values_of_1_kb(count: int) -> Commands:
    """key:N with 1024 bytes that are all different."""
    return (("SET", f"key:{n}", f"{n:010d}" + "x" * 1014) for n in range(count))


def small_hashes(count: int) -> Commands:
    """user:N with five fields, whose names are the same everywhere."""
    for n in range(count):
        yield "HSET", f"user:{n}", "name", f"user {n}", "age", n % 90, "city", f"city {n % 1000}", "score", n, "ok", "yes"


def small_zsets(count: int) -> Commands:
    """board:N with ten members."""
    for n in range(count):
        yield "ZADD", f"board:{n}", *(word for place in range(10) for word in (n + place, f"player:{place}"))


def small_lists(count: int) -> Commands:
    """queue:N with ten members."""
    for n in range(count):
        yield "RPUSH", f"queue:{n}", *(f"job:{n + place}" for place in range(10))


def small_sets(count: int) -> Commands:
    """tags:N with five members."""
    for n in range(count):
        yield "SADD", f"tags:{n}", *(f"tag:{n + place}" for place in range(5))


def one_hash(count: int) -> Commands:
    """One hash of many fields."""
    return groups("HSET", "h", ((f"field:{n}", f"value:{n}") for n in range(count)))


def one_zset(count: int) -> Commands:
    """One sorted set of many members."""
    return groups("ZADD", "z", ((n, f"member:{n}") for n in range(count)))


SETS: dict[str, tuple[Callable[[int], Commands], int]] = {
    "short-strings": (short_strings, 1_000_000),
    "small-hashes": (small_hashes, 200_000),
    "small-zsets": (small_zsets, 100_000),
    "small-lists": (small_lists, 100_000),
    "small-sets": (small_sets, 100_000),
    "values-1kb": (values_of_1_kb, 100_000),
    "one-hash": (one_hash, 500_000),
    "one-zset": (one_zset, 500_000),
}


def resident(server: Server) -> int:
    """Bytes resident in the server's process."""
    size: int = psutil.Process(server.pid).memory_info().rss
    return size


def measure(command: str, name: str, scale: float = 1.0) -> float:
    """Bytes a key (or member) that a data set adds to a fresh server."""
    make, count = SETS[name]
    with running(shlex.split(command)) as server:
        fill(server, (("SET", f"warm:{n}", "up") for n in range(100)))
        before = resident(server)
        fill(server, make(int(count * scale)))
        time.sleep(1.5)  # what waits to be freed or written goes
        return (resident(server) - before) / int(count * scale)


def main(argv: list[str] | None = None) -> int:
    """Measure and print a table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory", description=__doc__)
    parser.add_argument("--sets", default=",".join(SETS), help="which data sets (default: all)")
    parser.add_argument("--servers", default="redis,chronis", help="which servers (default: redis,chronis)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full number of keys (default 1.0)")
    options = parser.parse_args(argv)
    known = {"redis": REDIS, "chronis": f"{CHRONIS} --metrics-port 0"}
    labels = options.servers.split(",")
    print(f"| data | number | {' | '.join(f'{label} bytes' for label in labels)} | ratio |")
    print("|---|---:|" + "---:|" * (len(labels) + 1))
    for name in options.sets.split(","):
        sizes = [measure(known[label], name, options.scale) for label in labels]
        number = int(SETS[name][1] * options.scale)
        print(f"| {name} | {number:,} | {' | '.join(f'{size:.0f}' for size in sizes)} | {sizes[-1] / sizes[0]:.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
