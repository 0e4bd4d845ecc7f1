"""The loads: what is asked of the servers, and what has to be there before.

A load is a command line of redis-benchmark (`__rand_int__` becomes a random number of 12 digits below the number of
keys); only MULTI/EXEC, which it can't send, has a client of its own (transactions.py).
Law: a pop finds something to pop. What a load consumes is put there before each run, outside the measured time.
"""

from dataclasses import dataclass

from tests.bench import fill
from tests.kit.servers import Server

RAND = "__rand_int__"
CONSUMED_MOST = 300_000  # requests a run of a load that pops from or adds to one collection


@dataclass(frozen=True)
class Load:
    """One test: its name, redis-benchmark's command line (none: transactions), and how to prepare a server for it.

    A load that consumes gets as many elements as requests are made, before every run; another gets its keys once.
    """

    name: str
    command: tuple[str, ...]
    filling: fill.Filling | None = None
    consumes: bool = False

    @property
    def requests_most(self) -> int:
        """Return the most requests that one run may make."""
        return CONSUMED_MOST if self.consumes else 10_000_000

    def prepare_once(self, server: Server, keys: int) -> None:
        """Put there what stays, before the first run."""
        if self.filling is not None and not self.consumes:
            fill.fill(server, self.filling, keys)

    def prepare(self, server: Server, requests: int) -> None:
        """Put there what the next run of so many requests will consume."""
        if self.filling is not None and self.consumes:
            fill.fill(server, self.filling, requests)


def lrange(length: int) -> Load:
    """Return the load that reads the first length elements of a list."""
    command = ("LRANGE", "longlist", "0", str(length - 1))
    return Load(f"LRANGE_{length}", command, fill.long_list)


MSET = tuple(word for _ in range(10) for word in (f"key:{RAND}", "xxx"))

ALL = (
    Load("SET", ("SET", f"key:{RAND}", "xxx"), fill.strings),
    Load("GET", ("GET", f"key:{RAND}"), fill.strings),
    Load("INCR", ("INCR", f"counter:{RAND}")),
    Load("LPUSH", ("LPUSH", "pushed", "xxx"), fill.no_list, consumes=True),
    Load("RPUSH", ("RPUSH", "pushed", "xxx"), fill.no_list, consumes=True),
    Load("LPOP", ("LPOP", "poplist"), fill.poppable_list, consumes=True),
    Load("RPOP", ("RPOP", "poplist"), fill.poppable_list, consumes=True),
    Load("SADD", ("SADD", "myset", f"element:{RAND}")),
    Load("HSET", ("HSET", "myhash", f"element:{RAND}", "xxx")),
    Load("SPOP", ("SPOP", "popset"), fill.poppable_set, consumes=True),
    Load("ZADD", ("ZADD", "myzset", RAND, f"element:{RAND}")),
    Load("ZPOPMIN", ("ZPOPMIN", "popzset"), fill.poppable_zset, consumes=True),
    Load("MSET", ("MSET", *MSET), fill.strings),
    lrange(100),
    lrange(300),
    lrange(600),
    Load("PUBLISH", ("PUBLISH", "channel", "xxx")),
    Load("MULTI", (), fill.strings),
)
BY_NAME = {load.name: load for load in ALL}


def select(names: str) -> list[Load]:
    """Return the loads named in a comma separated list, `all` for all. Raise ValueError for an unknown name."""
    if names == "all":
        return list(ALL)
    wanted = [name.strip().upper() for name in names.split(",")]
    if unknown := [name for name in wanted if name not in BY_NAME]:
        raise ValueError(f"no such test: {', '.join(unknown)} (there are {', '.join(BY_NAME)})")
    return [BY_NAME[name] for name in wanted]
