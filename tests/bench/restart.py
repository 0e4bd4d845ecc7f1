"""Restart: seconds until a server that has its data on disk serves again (`python -m tests.bench.restart`).

Two cases: a log of single writes (SET, HSET, LPUSH in turn) that has to be replayed, and an RDB file of short strings, small
hashes and small sorted sets, written by redis-server and loaded by both. `rate`: events or bytes a second of that time.
"""

import argparse
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.load import fill
from tests.bench.sides import CHRONIS, REDIS
from tests.kit.servers import Server, running

Commands = Iterator[tuple[object, ...]]


def events(count: int) -> Commands:
    """SET, HSET and LPUSH in turn."""
    for n in range(count // 3):
        yield "SET", f"key:{n}", f"value:{n}"
        yield "HSET", f"hash:{n % 100_000}", f"field:{n % 7}", f"value:{n}"
        yield "LPUSH", f"list:{n % 10_000}", f"item:{n}"


def mixture(count: int) -> Commands:
    """Short strings, hashes of five fields, sorted sets of ten members: 2 : 1 : 1."""
    for n in range(count // 4):
        yield "SET", f"key:{n}", f"value:{n * 7919}:{'v' * 20}"
        yield "SET", f"other:{n}", f"{n}"
        yield "HSET", f"user:{n}", "name", f"user {n}", "age", n % 90, "city", f"city {n % 1000}", "score", n, "ok", "yes"
        yield "ZADD", f"board:{n}", *(word for place in range(10) for word in (n + place + 0.5, f"player:{place}"))


def seconds_to_serve(server: Server) -> float:
    """Start a server that is down; return the seconds until it answers (an empty one's start is measured apart)."""
    started = time.monotonic()
    server.start(ready=False)
    while True:
        try:
            with server.client() as client:
                if str(client.command("PING")).startswith("PONG"):
                    return time.monotonic() - started
        except (OSError, EOFError):
            pass
        time.sleep(0.005)


def replay(command: str, count: int) -> tuple[float, float, int]:
    """Seconds of an empty start and of one that replays count events, and the bytes of the log."""
    with tempfile.TemporaryDirectory(prefix="bench-restart-") as directory:
        # Neither side may shorten its log meanwhile.
        quiet = ["--auto-aof-rewrite-percentage", "0"] if "redis-server" in command else ["--save", ""]
        with running([*shlex.split(command), *quiet], directory=Path(directory)) as server:
            server.stop()
            empty = seconds_to_serve(server)
            fill(server, events(count))
            server.stop()
            size = sum(path.stat().st_size for path in Path(directory).rglob("*") if path.suffix in (".seg", ".aof"))
            return empty, seconds_to_serve(server), size


def load(command: str, dump: Path) -> float:
    """Seconds until a server serves that finds nothing but an RDB file."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-restart-") as directory,
        running(shlex.split(command), directory=Path(directory)) as server,
    ):
        server.stop()
        for path in Path(directory).iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "server.out":
                path.unlink()
        shutil.copy(dump, Path(directory) / "dump.rdb")
        return seconds_to_serve(server)


def make_dump(target: Path, keys: int) -> None:
    """Let redis-server write the RDB file."""
    with running(["redis-server", "--save", ""]) as server:
        fill(server, mixture(keys))
        with server.client() as client:
            client.socket.settimeout(120)
            client.command("SAVE")
        shutil.copy(server.directory / "dump.rdb", target)


def main(argv: list[str] | None = None) -> int:
    """Measure and print a table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.restart", description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000, help="events of the log (default 2000000)")
    parser.add_argument("--keys", type=int, default=2_400_000, help="keys of the RDB file (default 2400000: about 200 MB)")
    parser.add_argument("--servers", default="redis,chronis", help="which servers (default: redis,chronis)")
    options = parser.parse_args(argv)
    known = {"redis": REDIS, "chronis": f"{CHRONIS} --metrics-port 0"}
    print("| case | server | MB | seconds | rate |\n|---|---|---:|---:|---:|")
    for label in options.servers.split(",") if options.events else ():
        empty, seconds, size = replay(known[label], options.events)
        rate = options.events / max(seconds - empty, 0.001)
        print(f"| replay {options.events:,} events | {label} | {size / 1e6:.0f} | {seconds:.2f} | {rate:,.0f}/s |", flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-restart-") as directory:
        dump = Path(directory) / "dump.rdb"
        if options.keys:
            make_dump(dump, options.keys)
        for label in options.servers.split(",") if options.keys else ():
            # The log off: what is measured is the file alone.
            seconds = load(known[label].replace("--appendonly yes", "--appendonly no"), dump)
            size = dump.stat().st_size
            print(f"| load RDB | {label} | {size / 1e6:.0f} | {seconds:.2f} | {size / seconds / 1e6:.0f} MB/s |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
