"""What the end-to-end tests put into a server, and clients that write until it dies."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

from tests.kit.resp_client import Error, RespClient, Simple
from tests.kit.servers import Server

FAR = 4_000_000_000_000
"""Unix milliseconds far in the future."""


def mixed(seed: int, databases: int = 2, keys: int = 24) -> Iterator[tuple[object, ...]]:
    """Commands that leave keys of every type, small and large, with and without a deadline, in several databases.

    Another seed gives other keys.
    """
    random_ = random.Random(seed)
    for db in range(databases):
        yield ("SELECT", db * 4)
        names = [f"{seed}:{db}:{number}" for number in range(keys)]
        for name in names:
            yield from _values(random_, name)
        for number, name in enumerate(names[::3]):
            yield ("PEXPIREAT", f"hash:{name}", FAR + number)
            yield ("DEL", f"string:{name}")
        yield ("SORT", f"numbers:{names[1]}", "DESC", "STORE", f"sorted:{names[1]}")
        yield ("ZUNIONSTORE", f"union:{names[1]}", 2, f"zset:{names[1]}", f"zset:{names[2]}", "WEIGHTS", 2, 0.1)


def _values(random_: random.Random, name: str) -> Iterator[tuple[object, ...]]:
    size = random_.choice((1, 5, 30, 700))
    words = [random_.randbytes(random_.choice((1, 8, 90))) for _ in range(size)]
    yield ("SET", f"string:{name}", words[0] * 3, "PX", FAR // 1000)
    yield ("INCRBYFLOAT", f"float:{name}", random_.uniform(-9, 9))
    yield ("SETBIT", f"bits:{name}", random_.randrange(4000), 1)
    yield ("RPUSH", f"list:{name}", *words)
    yield ("LSET", f"list:{name}", 0, "changed")
    yield ("SADD", f"set:{name}", *words)
    yield ("SADD", f"numbers:{name}", *(random_.randrange(10**9) for _ in range(size)))
    yield ("SPOP", f"set:{name}")
    yield ("HSET", f"hash:{name}", *(part for word in words for part in (word, word[::-1])))
    yield ("HINCRBY", f"hash:{name}", "count", size)
    yield ("ZADD", f"zset:{name}", *(part for word in words for part in (random_.gauss(0, 1e3), word)))
    yield ("XADD", f"stream:{name}", "MAXLEN", "~", 100, f"{size}-1", "field", words[0])
    yield ("XGROUP", "CREATE", f"stream:{name}", "group", 0)
    yield ("XREADGROUP", "GROUP", "group", "reader", "STREAMS", f"stream:{name}", ">")
    yield ("PFADD", f"log:{name}", *words)


def fill(server: Server, seed: int = 1) -> None:
    """Run `mixed` on a server; every command has to succeed."""
    with server.client() as client:
        commands = list(mixed(seed))
        for command, reply in zip(commands, client.pipeline(commands), strict=True):
            assert not isinstance(reply, Error), (command[:2], reply)


def digest(server: Server) -> Simple:
    """The fingerprint of a server's data."""
    reply = server.command_reply("DEBUG", "DIGEST")
    assert isinstance(reply, Simple)
    return reply


class Writers:
    """Clients that write keys of their own until their server is gone; `acknowledged` holds what it said OK to."""

    def __init__(self, server: Server, count: int = 4, depth: int = 8) -> None:
        self.server = server
        self.depth = depth
        self.acknowledged: list[tuple[bytes, bytes]] = []
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(count)]

    def start(self) -> Writers:
        """Begin to write."""
        for thread in self._threads:
            thread.start()
        return self

    def join(self) -> None:
        """Wait until every client has seen its server go."""
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive(), "a client still waits for a reply"

    def _write(self, number: int) -> None:
        place = 0
        with self.server.client() as client:
            while self._batch(client, number, place):
                place += self.depth

    def _batch(self, client: RespClient, number: int, place: int) -> bool:
        """Write `depth` keys in one go and note each acknowledgement as it comes; False when the server is gone."""
        pairs = [(b"w:%d:%d" % (number, place + i), b"v%d" % (place + i)) for i in range(self.depth)]
        try:
            for key, value in pairs:
                client.send("SET", key, value)
            for pair in pairs:
                if client.read() == Simple(b"OK"):
                    self.acknowledged.append(pair)
        except (OSError, EOFError):
            return False
        return True


def missing(server: Server, pairs: list[tuple[bytes, bytes]]) -> list[bytes]:
    """The keys of pairs that a server does not have with their value."""
    with server.client() as client:
        replies = client.pipeline([("GET", key) for key, _ in pairs])
    return [key for (key, value), reply in zip(pairs, replies, strict=True) if reply != value]
