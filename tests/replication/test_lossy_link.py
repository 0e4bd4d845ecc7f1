"""Replication over a bad network and with nodes killed at random: in the end both hold the same, by partial resyncs alone."""

import contextlib
import random
import threading
import time

import pytest

from tests.kit.cluster import digest, equal, eventually, info, syncs
from tests.kit.lossy_link import LossyLink
from tests.kit.resp_client import RespClient
from tests.kit.servers import HOST, Server, chronis_server


class Writer(threading.Thread):
    """Writes random commands in batches until ended; errors of a killed server are waited out."""

    def __init__(self, server: Server, seed: int) -> None:
        super().__init__()
        self.server = server
        self.chance = random.Random(seed)
        self.ended = threading.Event()

    def run(self) -> None:
        """Write until ended."""
        while not self.ended.is_set():
            with contextlib.suppress(OSError, EOFError), RespClient(HOST, self.server.port, timeout=2) as client:
                while not self.ended.is_set():
                    client.pipeline([self.command() for _ in range(20)])
                    time.sleep(0.002)
            time.sleep(0.02)

    def command(self) -> tuple[object, ...]:
        """One random command."""
        chance = self.chance
        key = f"k{chance.randrange(50)}"
        return chance.choice(
            [
                ("SELECT", chance.randrange(3)),
                ("SET", key, "v" * chance.randrange(2000)),
                ("INCR", f"n{chance.randrange(5)}"),
                ("RPUSH", f"l{chance.randrange(5)}", chance.random()),
                ("LPOP", f"l{chance.randrange(5)}"),
                ("SADD", f"s{chance.randrange(5)}", chance.randrange(100)),
                ("SPOP", f"s{chance.randrange(5)}"),
                ("ZADD", f"z{chance.randrange(5)}", chance.random(), chance.randrange(100)),
                ("SET", f"gone{chance.randrange(9)}", 1, "PX", chance.randrange(1, 30)),
                ("DEL", key),
            ]
        )


@pytest.mark.parametrize("seed", [1, 2])
def test_a_bad_network_costs_no_full_synchronization(seed: int) -> None:
    """Cuts, delays and stalls under load: every reconnection is partial, the data equal."""
    with chronis_server() as primary, chronis_server("--repl-timeout", "2") as replica:
        link = LossyLink(primary.port)
        replica.command_reply("REPLICAOF", HOST, link.port)
        eventually(lambda: info(replica)["master_link_status"] == "up", "the link is up")
        link.schedule(seed)
        writer = Writer(primary, seed)
        writer.start()
        time.sleep(2.5)
        link.heal()
        writer.ended.set()
        writer.join()
        equal(primary, replica)
        assert link.cuts > 2
        full, partial = syncs(primary)
        assert full == 1
        assert partial >= 1
        link.close()


@pytest.mark.parametrize("seed", [3])
def test_killed_nodes_come_back_equal(seed: int) -> None:
    """kill -9 of the primary and of the replica in turns, under load and a bad network: no full synchronization but the first."""
    chance = random.Random(seed)
    with chronis_server() as primary, chronis_server() as replica:
        link = LossyLink(primary.port)
        replica.command += ["--replicaof", f"{HOST} {link.port}", "--repl-timeout", "2"]
        replica.command_reply("REPLICAOF", HOST, link.port)
        eventually(lambda: info(replica)["master_link_status"] == "up", "the link is up")
        link.schedule(seed)
        writer = Writer(primary, seed)
        writer.start()
        for _ in range(4):
            time.sleep(chance.uniform(0.1, 0.6))
            victim = chance.choice([primary, replica])
            victim.kill()
            victim.start()
        link.heal()
        writer.ended.set()
        writer.join()
        equal(primary, replica)
        assert digest(primary) != "0" * 40
        assert "Full resync" not in replica.output().split("Server initialized")[-1]
        link.close()
