"""CPU seconds of what a restart and the snapshots' child consist of, without a server: `python -m tests.bench.recovery`.

Replay of a log (SET alone, and a mixture of writes; one event a frame, as unpipelined clients make them, and a hundred), loading and
writing a snapshot, and the child as a whole: its start, the last snapshot, a million events, the next snapshot.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from store import rdb
from store.events import encode_event
from store.keyspace import Keyspace
from store.log.frame import encode
from store.log.segment import LOG_DIRECTORY, encode_header, segment_path
from store.persistence.offline import Offline
from store.persistence.recovery import recover
from tests.bench.restart import make_dump

KEYS = 100_000


def sets(count: int) -> Iterator[bytes]:
    """SET of many keys, in no order."""
    for n in range(count):
        yield encode_event(b"SET", b"key:%012d" % (n * 7919 % KEYS), b"xxxxxxxxxx%d" % n)


def mixture(count: int) -> Iterator[bytes]:
    """What our commands record, all in turn: SET, HSET, ZADD, LPUSH, SADD, INCR (as SET), EXPIRE (as PEXPIREAT)."""
    for n in range(count):
        key, few = n * 7919 % KEYS, n * 7919 % KEYS % 10_000
        yield encode_event(
            *(
                (b"SET", b"key:%d" % key, b"value:%d" % n),
                (b"HSET", b"hash:%d" % key, b"field:%d" % (n % 5), b"value:%d" % n),
                (b"ZADD", b"board:%d" % few, b"%d" % (n % 1000), b"player:%d" % (n % 100)),
                (b"LPUSH", b"list:%d" % few, b"item:%d" % n),
                (b"SADD", b"set:%d" % few, b"member:%d" % (n % 50)),
                (b"SET", b"counter:%d" % key, b"%d" % n, b"KEEPTTL"),
                (b"PEXPIREAT", b"key:%d" % key, b"%d" % (1_900_000_000_000 + n)),
            )[n % 7]
        )


def write_log(directory: Path, events: Iterator[bytes], each: int) -> list[int]:
    """Write a log of frames with so many events each; return the offset after each frame."""
    (directory / LOG_DIRECTORY).mkdir(parents=True)
    ends, offset = [0], 0
    with open(segment_path(str(directory), 0), "wb") as file:
        file.write(encode_header("a" * 40, 0))
        while payload := b"".join(islice(events, each)):
            file.write(encode(offset, 1_700_000_000_000, 0, None, payload))
            offset += len(payload)
            ends.append(offset)
    return ends


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of work in this process."""
    started = time.process_time()
    work()
    return time.process_time() - started


def child(directory: Path, offset: int) -> float:
    """CPU seconds of the child that makes the snapshot at an offset."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "store.persistence.snapshot", str(directory), str(offset)], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def report(what: str, used: float, rate: str) -> None:
    """Print a line of the table."""
    print(f"| {what} | {used:.2f} | {rate} |", flush=True)


def logs(count: int) -> None:
    """Replay four logs, and have the child make two snapshots of each of the first two."""
    for label, events, each in (("SET", sets, 1), ("SET", sets, 100), ("mixture", mixture, 1), ("mixture", mixture, 100)):
        with tempfile.TemporaryDirectory(prefix="bench-recovery-") as name:
            directory, what = Path(name), f"{label}, {each} a frame"
            ends = write_log(directory, events(2 * count), each)
            used = seconds(lambda directory=directory: recover(Offline(), str(directory)))
            report(f"replay, {what}", used, f"{used / (2 * count) * 1e6:.2f} µs an event")
            child(directory, ends[len(ends) // 2])
            used = child(directory, ends[-1])
            report(f"child, {what}", used, f"{used / count * 1e6:.2f} s a million events")
            if label == "SET":
                used = child(directory, ends[-1])
                report("child, nothing to replay", used, "")


def snapshot(count: int) -> None:
    """Load a snapshot that redis-server wrote, and write it again."""
    with tempfile.TemporaryDirectory(prefix="bench-recovery-") as name:
        dump, keyspace = Path(name) / "dump.rdb", Keyspace()
        make_dump(dump, count)
        size = dump.stat().st_size / 1e6
        used = seconds(lambda: rdb.load(dump, keyspace))
        report(f"load {size:.1f} MB, {count} keys", used, f"{size / used:.0f} MB/s")
        for packing in (True, False):
            used = seconds(lambda packing=packing: sum(map(len, rdb.encode_snapshot(keyspace, packing=packing))))
            report(f"write it{'' if packing else ' uncompressed'}", used, f"{size / used:.0f} MB/s")


def main(argv: list[str] | None = None) -> int:
    """Measure and print a table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.recovery", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events between two snapshots (default 1000000)")
    parser.add_argument("--keys", type=int, default=240_000, help="keys of the snapshot (default 240000)")
    options = parser.parse_args(argv)
    print("| work | CPU s | rate |\n|---|---:|---:|")
    if options.keys:
        snapshot(options.keys)
    if options.events:
        logs(options.events)
    return 0


if __name__ == "__main__":
    sys.exit(main())
