"""Three stock redis-sentinel processes watch over Chronis: they find the replicas, and fail over when the primary is killed."""

import contextlib
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.cluster import digest, equal, eventually, info, linked, syncs
from tests.kit.resp_client import Error, RespClient
from tests.kit.servers import HOST, Server

SENTINEL = shutil.which("redis-sentinel")
pytestmark = pytest.mark.skipif(SENTINEL is None, reason="redis-sentinel is not installed")


@contextlib.contextmanager
def sentinels(primary: Server, directory: Path, count: int = 3) -> Iterator[list[Server]]:
    """Run sentinels that watch a primary under the name `main`."""
    started: list[Server] = []
    try:
        for number in range(count):
            home = directory / f"sentinel-{number}"
            home.mkdir()
            server = Server([str(SENTINEL), str(home / "sentinel.conf")], home, ())
            lines = (
                f"port {server.port}",
                f"dir {home}",
                f"sentinel monitor main {HOST} {primary.port} 2",
                "sentinel down-after-milliseconds main 1000",
                "sentinel failover-timeout main 6000",
                "sentinel parallel-syncs main 2",
            )
            (home / "sentinel.conf").write_text("\n".join(lines) + "\n")
            server.command = server.command[:2]
            started.append(server.start())
        yield started
    finally:
        for server in started:
            server.kill()


def current(sentinel: Server) -> int:
    """The port of the primary that a sentinel names."""
    reply = sentinel.command_reply("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")
    assert isinstance(reply, list), reply
    assert isinstance(reply[1], bytes)
    return int(reply[1])


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
            with contextlib.suppress(OSError, EOFError), RespClient(HOST, current(self.sentinel), timeout=2) as client:
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
        watchers = stack.enter_context(sentinels(primary, tmp_path))
        eventually(lambda: all(sees(watcher) == (2, 2) for watcher in watchers), "every sentinel sees two replicas", 30)
        load = Load(watchers[0])
        load.start()
        eventually(lambda: load.acknowledged > 100, "writes are acknowledged")
        primary.kill()
        eventually(lambda: current(watchers[0]) != primary.port, "another primary is named", 30)
        promoted = next(node for node in (first, second) if node.port == current(watchers[0]))
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


def sees(sentinel: Server) -> tuple[int, int]:
    """How many replicas and other sentinels a sentinel knows."""
    reply = sentinel.command_reply("SENTINEL", "MASTER", "main")
    assert isinstance(reply, list)
    fields = dict(zip(reply[::2], reply[1::2], strict=True))
    return int(str(fields[b"num-slaves"], "ascii")), int(str(fields[b"num-other-sentinels"], "ascii"))  # type: ignore[arg-type]

