"""What a command costs inside the process: requests go into a session, turns end, nothing leaves; microseconds a command.

    python -m tests.bench.inprocess [--pipeline 16] [--seconds 0.5] [SET GET …]

No socket, no disk and no client take part, so the figures move by a few percent only, also on a machine that is not idle: the
best of several rounds counts, in CPU time of the process. The keys and values are those of redis-benchmark -r 100000.
"""

from __future__ import annotations

import argparse
import gc
import random
import time
from collections.abc import Callable

import store.commands  # noqa: F401 - fills the command table
from store.client.session import Session
from store.config.settings import Settings
from store.engine import Engine
from store.log.memory import MemoryLog
from store.resp import IMPLEMENTATION
from store.wiring import wire

KEYS = 100_000
REQUESTS = 2000
"""Pipelines made for a load, sent again and again."""
Make = Callable[[random.Random], bytes]


class Nowhere:
    """A transport that takes everything at once."""

    def write(self, data: bytes) -> None:
        """Forget data."""

    def is_closing(self) -> bool:
        """Never."""
        return False

    def get_write_buffer_size(self) -> int:
        """Nothing is left unsent."""
        return 0


def request(*words: bytes) -> bytes:
    """Encode a request."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def _some(prefix: bytes, chance: random.Random) -> bytes:
    return prefix + b"%012d" % chance.randrange(KEYS)


def _mset(chance: random.Random) -> bytes:
    return request(b"MSET", *[word for _ in range(10) for word in (_some(b"key:", chance), b"xxx")])


LOADS: dict[str, Make] = {
    "PING": lambda chance: request(b"PING"),
    "SET": lambda chance: request(b"SET", _some(b"key:", chance), b"xxx"),
    "GET": lambda chance: request(b"GET", _some(b"key:", chance)),
    "INCR": lambda chance: request(b"INCR", _some(b"counter:", chance)),
    "MSET": _mset,
    "LPUSH": lambda chance: request(b"LPUSH", b"mylist", b"xxx"),
    "RPUSH": lambda chance: request(b"RPUSH", b"mylist", b"xxx"),
    "LRANGE_100": lambda chance: request(b"LRANGE", b"mylist", b"0", b"99"),
    "LRANGE_300": lambda chance: request(b"LRANGE", b"mylist", b"0", b"299"),
    "LRANGE_600": lambda chance: request(b"LRANGE", b"mylist", b"0", b"599"),
    "LPOP": lambda chance: request(b"LPOP", b"mylist"),
    "RPOP": lambda chance: request(b"RPOP", b"mylist"),
    "SADD": lambda chance: request(b"SADD", b"myset", _some(b"element:", chance)),
    "SPOP": lambda chance: request(b"SPOP", b"myset"),
    "HSET": lambda chance: request(b"HSET", b"myhash", _some(b"element:", chance), b"xxx"),
    "ZADD": lambda chance: request(b"ZADD", b"myzset", b"%d" % chance.randrange(KEYS), _some(b"element:", chance)),
    "ZPOPMIN": lambda chance: request(b"ZPOPMIN", b"myzset"),
    "PUBLISH": lambda chance: request(b"PUBLISH", b"channel", b"xxx"),
    "MULTI": lambda chance: request(b"MULTI") + request(b"SET", _some(b"key:", chance), b"xxx") + request(b"EXEC"),
}
"""MULTI counts a whole transaction of three requests as one command."""
ONCE = frozenset(("LPOP", "RPOP", "SPOP", "ZPOPMIN"))
"""What soon finds nothing any more is run once, over what was added before."""


def run(session: Session, make: Make, pipeline: int, seconds: float) -> float:
    """Return the CPU seconds a command took in the best round; seconds 0: one round."""
    chance = random.Random(1)
    chunks = [b"".join(make(chance) for _ in range(pipeline)) for _ in range(REQUESTS)]
    best, until = float("inf"), time.monotonic() + seconds
    while best == float("inf") or time.monotonic() < until:
        started = time.process_time()
        for chunk in chunks:
            session.data_received(chunk)
            session.engine.turn.end()
        best = min(best, (time.process_time() - started) / (REQUESTS * pipeline))
    return best


def main() -> None:
    """Measure the loads named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("loads", nargs="*", metavar="LOAD", default=list(LOADS))
    parser.add_argument("--pipeline", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=0.5)
    options = parser.parse_args()
    engine = Engine(Settings(), MemoryLog(0, limit=1000))
    wire(engine)
    session = Session(engine, 1)
    session.transport = Nowhere()  # type: ignore[assignment]  # all that a session asks of one
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)  # as a node does
    print(f"{IMPLEMENTATION}, {options.pipeline} requests at a time")
    for name in options.loads:
        cost = run(session, LOADS[name.upper()], options.pipeline, 0 if name in ONCE else options.seconds)
        print(f"{name:12}{cost * 1e6:8.2f} us", flush=True)


if __name__ == "__main__":
    main()
