"""Clients of a group of nodes: one writes whatever there is, one writes what must not get lost and notes what was acknowledged.

Law: a client expects nothing of a node that is killed, frozen or no primary: it goes on, with another node, as soon as it can.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from tests.kit.resp_client import RespClient, Simple
from tests.kit.servers import HOST, Server

Command = tuple[object, ...]
PROMISED_DB = 9
"""Where nothing is written but promised keys, each once."""
_PATIENCE = 1.5
_SCRIPT = """
local n = redis.call('INCR', KEYS[1])
redis.call('RPUSH', KEYS[2], n, ARGV[1])
return redis.call('LTRIM', KEYS[2], -20, -1)
"""
_PROMISED_SCRIPT = "return redis.call('SET', KEYS[1], ARGV[1])"


class Client(threading.Thread):
    """Talks to one node after the other until ended; which, is drawn by seed, the primary (as it is believed) most often."""

    def __init__(self, servers: list[Server], believed: Callable[[], int], seed: object) -> None:
        super().__init__(daemon=True)
        self.servers = servers
        self.believed = believed
        self.chance = random.Random(str(seed))
        self.ended = threading.Event()

    def run(self) -> None:
        """Talk until ended."""
        while not self.ended.is_set():
            number = self.believed() if self.chance.random() < 0.8 else self.chance.randrange(len(self.servers))
            try:
                with RespClient(HOST, self.servers[number].port, timeout=_PATIENCE) as client:
                    self.talk(client)
            except (OSError, EOFError):
                self.ended.wait(0.02)  # it was killed, or answers nothing

    def talk(self, client: RespClient) -> None:
        """Talk over one connection, for a while."""
        raise NotImplementedError

    def end(self) -> None:
        """Stop, and wait for that."""
        self.ended.set()
        self.join()


class Writer(Client):
    """Writes every type of value, transactions, scripts and expiries into the databases 0 to 3."""

    def talk(self, client: RespClient) -> None:
        """Write about forty batches."""
        for _ in range(40):
            if self.ended.is_set():
                return
            client.pipeline(self.commands())
            self.ended.wait(0.003)

    def commands(self) -> list[Command]:
        """A batch: some commands, maybe as one transaction."""
        chance = self.chance
        batch = [self.command() for _ in range(chance.randrange(1, 15))]
        if chance.random() < 0.25:
            batch = [("MULTI",), *batch, ("DISCARD",) if chance.random() < 0.1 else ("EXEC",)]
        return [("SELECT", chance.randrange(4)), *batch]

    def command(self) -> Command:
        """One random command."""
        chance = self.chance
        key, number = f"k{chance.randrange(50)}", chance.randrange(5)
        return chance.choice(
            [
                ("SET", key, "v" * chance.randrange(2000)),
                ("SET", f"gone{chance.randrange(9)}", 1, "PX", chance.randrange(1, 80)),
                ("PEXPIRE", key, chance.randrange(1, 500)),
                ("GETDEL", key),
                ("APPEND", f"a{number}", chance.random()),
                ("SETRANGE", f"a{number}", chance.randrange(300), "range"),
                ("INCRBYFLOAT", f"f{number}", chance.random()),
                ("SETBIT", f"b{number}", chance.randrange(2000), 1),
                ("RPUSH", f"l{number}", chance.random(), "x" * chance.randrange(300)),
                ("LMOVE", f"l{number}", f"l{chance.randrange(5)}", "LEFT", "RIGHT"),
                ("LPOP", f"l{number}", 3),
                ("SADD", f"s{number}", chance.randrange(100), f"m{chance.randrange(9)}"),
                ("SPOP", f"s{number}"),
                ("SUNIONSTORE", f"s{number}", f"s{chance.randrange(5)}", f"s{chance.randrange(5)}"),
                ("ZADD", f"z{number}", chance.random(), chance.randrange(100)),
                ("ZPOPMIN", f"z{number}"),
                ("HSET", f"h{number}", chance.randrange(50), chance.random()),
                ("HINCRBY", f"h{number}", "n", 3),
                ("XADD", f"x{number}", "MAXLEN", "~", 50, "*", "field", chance.random()),
                ("XGROUP", "CREATE", f"x{number}", "group", "$", "MKSTREAM"),
                ("XREADGROUP", "GROUP", "group", "me", "COUNT", 2, "STREAMS", f"x{number}", ">"),
                ("PFADD", f"p{number}", chance.random()),
                ("EVAL", _SCRIPT, 2, f"n{number}", f"l{number}", "from a script"),
                ("RENAME", key, f"k{chance.randrange(50)}"),
                ("COPY", key, key, "DB", chance.randrange(4), "REPLACE"),
                ("MOVE", key, chance.randrange(4)),
                ("PUBLISH", "channel", key),
                ("DEL", key, f"l{number}", f"x{number}") if chance.random() < 0.3 else ("PERSIST", key),
                ("FLUSHDB",) if chance.random() < 0.05 else ("SWAPDB", 2, 3) if chance.random() < 0.2 else ("TOUCH", key),
            ]
        )


class Promised(Client):
    """Writes new keys, each reply to wait for `replicas` replicas. `acknowledged`: the keys whose write was answered with OK."""

    def __init__(self, servers: list[Server], believed: Callable[[], int], seed: object, replicas: int) -> None:
        super().__init__(servers, believed, seed)
        self.seed = seed
        self.replicas = replicas
        self.acknowledged: dict[bytes, bytes] = {}
        self.unknown = 0
        self._count = 0

    def talk(self, client: RespClient) -> None:
        """Write about sixty batches: single commands, transactions and scripts."""
        greeting = client.pipeline([("SELECT", PROMISED_DB), ("CHRONIS", "REPLYAFTER", self.replicas, 700)])
        for _ in range(60):
            if self.ended.is_set() or {str(reply) for reply in greeting} != {"OK"}:
                return
            self._batch(client)
            self.ended.wait(0.002)

    def _batch(self, client: RespClient) -> None:
        pairs = [self._pair() for _ in range(self.chance.randrange(1, 12))]
        how = self.chance.random()
        if how < 0.2:
            replies = client.pipeline([("MULTI",), *(("SET", *pair) for pair in pairs), ("EXEC",)])[-1]
            if not isinstance(replies, list):
                replies = [replies] * len(pairs)
        elif how < 0.4:
            replies = client.pipeline([("EVAL", _PROMISED_SCRIPT, 1, *pair) for pair in pairs])
        else:
            replies = client.pipeline([("SET", *pair) for pair in pairs])
        for (key, value), reply in zip(pairs, replies, strict=True):
            if reply == Simple(b"OK"):
                self.acknowledged[key] = value
            else:
                self.unknown += 1

    def _pair(self) -> tuple[bytes, bytes]:
        self._count += 1
        return f"{self.seed}:{self._count}".encode(), b"%d" % self._count * self.chance.randrange(1, 60)

    def missing(self, client: RespClient) -> list[bytes]:
        """The acknowledged keys that a node does not hold as they were written."""
        client.command("SELECT", PROMISED_DB)
        keys = list(self.acknowledged)
        values = client.pipeline([("GET", key) for key in keys])
        return [key for key, value in zip(keys, values, strict=True) if value != self.acknowledged[key]]
