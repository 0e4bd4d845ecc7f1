"""Three stock redis-sentinel processes watch over Chronis: they find the replicas, and fail over when the primary is killed."""

import contextlib
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.kit.cluster import digest, equal, eventually, info, linked, syncs
from tests.kit.resp_client import Error, RespClient
from tests.kit.sentinels import CALM_MS, SENTINEL, named, sees_all, sentinels
from tests.kit.servers import HOST, Server

pytestmark = pytest.mark.skipif(SENTINEL is None, reason="redis-sentinel is not installed")


class Load(threading.Thread):
    """Writes ever growing numbers to whichever node the sentinels name; `acknowledged`: the last that was answered."""

    def __init__(self, sentinel: Server) -> None:
        super().__init__()
        self.sentinel = sentinel
        self.acknowledged = 0
        self.ended = threading.Event()

    def run(self) -> None:
        """Write until ended, through every error."""
        number = 0
        while not self.ended.is_set():
            with contextlib.suppress(OSError, EOFError), RespClient(HOST, named(self.sentinel), timeout=2) as client:
                while not self.ended.is_set():
                    number += 1
                    if isinstance(client.command("SET", f"n:{number % 100}", number), Error):
                        break
                    self.acknowledged = number
                    time.sleep(0.001)
            time.sleep(0.05)


def test_a_killed_primary_is_replaced_and_comes_back_as_a_replica(tmp_path: Path) -> None:
    """Kill the primary under load: a replica is promoted, the other follows it, the old one rejoins; all are equal."""
    with contextlib.ExitStack() as stack:
        configs = [tmp_path / f"node-{number}.conf" for number in range(3)]
        for config in configs:
            config.write_text("repl-timeout 10\n")
        nodes = []
        for config in configs:
            server = Server([sys.executable, "-m", "store", str(config)], directory(tmp_path, config.stem), ("--metrics-port", "0"))
            stack.callback(server.kill)
            server.command += ["--enable-debug-command", "yes"]
            nodes.append(server.start())
        primary, first, second = nodes
        for replica in (first, second):
            replica.command_reply("REPLICAOF", HOST, primary.port)
            linked(replica)
        watchers = stack.enter_context(sentinels(primary, tmp_path, down_ms=CALM_MS))
        eventually(lambda: all(sees_all(watcher, 2) for watcher in watchers), "every sentinel sees two replicas", 30)
        load = Load(watchers[0])
        load.start()
        eventually(lambda: load.acknowledged > 100, "writes are acknowledged")
        primary.kill()
        eventually(lambda: named(watchers[0]) != primary.port, "another primary is named", 30)
        promoted = next(node for node in (first, second) if node.port == named(watchers[0]))
        other = second if promoted is first else first
        before = load.acknowledged
        eventually(lambda: load.acknowledged > before + 100, "writes go on", 20)
        primary.start()
        eventually(lambda: info(primary)["role"] == "slave", "the old primary is made a replica", 30)
        linked(primary)
        load.ended.set()
        load.join()
        equal(promoted, other, primary)
        assert syncs(promoted)[1] >= 1
        assert f"replicaof {HOST} {promoted.port}" in (tmp_path / f"{other.directory.name}.conf").read_text()
        assert digest(promoted) == digest(primary)


def directory(parent: Path, name: str) -> Path:
    """Make a directory for a node's data."""
    path = parent / name
    path.mkdir()
    return path
