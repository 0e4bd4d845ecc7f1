"""The servers that are measured: a primary with its replicas, of Chronis or of Redis, each a process in a directory of its own.

Law: both kinds run with the same promises (log on, fsync every second, no save points), and a group ends with its context.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.kit.cluster import info
from tests.kit.resp_client import RespClient
from tests.kit.servers import HOST, Server

COMMON = ("appendonly yes", "appendfsync everysec", 'save ""', "enable-debug-command yes", "repl-timeout 60")


@dataclass(frozen=True)
class Kind:
    """A server program: its command, and lines of configuration beside COMMON."""

    name: str
    command: tuple[str, ...]
    lines: tuple[str, ...] = ()


KINDS = {
    "chronis": Kind("chronis", (sys.executable, "-m", "store"), ("metrics-port 0",)),
    # Without a delay, so that redis-server's time to synchronize is not made longer than it has to be.
    "redis": Kind("redis", (shutil.which("redis-server") or "redis-server",), ("repl-diskless-sync-delay 0",)),
}


def node(kind: Kind, home: Path, *lines: str) -> Server:
    """A server with a configuration file in home (which Sentinel may rewrite), not started yet."""
    home.mkdir(parents=True, exist_ok=True)
    config = home / "node.conf"
    server = Server([*kind.command, str(config)], home, ())
    config.write_text("\n".join((f"port {server.port}", f"dir {home}", *COMMON, *kind.lines, *lines)) + "\n")
    server.command = [*kind.command, str(config)]
    return server


@contextlib.contextmanager
def group(kind: Kind, replicas: int, *lines: str) -> Iterator[list[Server]]:
    """Run a primary and so many servers that follow nobody yet, in a temporary directory."""
    with tempfile.TemporaryDirectory(prefix="chronis-bench-", ignore_cleanup_errors=True) as directory:
        servers = [node(kind, Path(directory) / f"node-{number}", *lines) for number in range(replicas + 1)]
        try:
            for server in servers:
                server.start()
            yield servers
        finally:
            for server in servers:
                server.kill()


def follow(replica: Server, primary: Server) -> None:
    """Make a server a replica of another."""
    replica.command_reply("REPLICAOF", HOST, primary.port)


def attach(primary: Server, replicas: list[Server], seconds: float = 60) -> None:
    """Make servers replicas of another and wait until they have everything."""
    for replica in replicas:
        follow(replica, primary)
    together(primary, replicas, seconds)


def together(primary: Server, replicas: list[Server], seconds: float = 60) -> None:
    """Wait until replicas have all that their primary has."""
    for replica in replicas:
        wait_for(partial(caught_up, replica, primary), f"{replica.port} is as far as {primary.port}", seconds)


def equal(servers: list[Server]) -> bool:
    """Tell whether servers hold the same (DEBUG DIGEST, which may take a minute)."""
    digests = set()
    for server in servers:
        with RespClient(HOST, server.port, timeout=300) as client:
            digests.add(str(client.command("DEBUG", "DIGEST")))
    return len(digests) == 1


def wait_for(condition: Callable[[], bool], what: str, seconds: float, pause: float = 0.05) -> None:
    """Wait until condition holds; raise TimeoutError naming what did not come true. An unreachable server is waited for."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, EOFError, KeyError):
            if condition():
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(pause)


def up(replica: Server) -> bool:
    """Tell whether a replica follows its primary."""
    return info(replica).get("master_link_status") == "up"


def caught_up(replica: Server, primary: Server) -> bool:
    """Tell whether a replica has all that its primary has."""
    mine, there = info(replica), info(primary)
    return mine.get("master_link_status") == "up" and mine["master_repl_offset"] == there["master_repl_offset"]


def fill(server: Server, keys: int, size: int) -> None:
    """Set so many keys to size bytes each that can't be compressed, pipelined."""
    noise = random.Random(size).randbytes(1 << 20)
    with server.client() as client:
        client.socket.settimeout(120)
        for start in range(0, keys, 1000):
            stop = min(start + 1000, keys)
            client.send_raw(b"".join(set_request(n, noise, size) for n in range(start, stop)))
            expect(client, stop - start)


def set_request(number: int, noise: bytes, size: int) -> bytes:
    """A SET of the key of this number to size bytes of noise."""
    start = number * 61 % (len(noise) - size)
    return b"*3\r\n$3\r\nSET\r\n$11\r\nkey:%07d\r\n$%d\r\n%s\r\n" % (number, size, noise[start : start + size])


def expect(client: RespClient, replies: int) -> None:
    """Read so many replies, all of them +OK; raise ValueError for anything else."""
    wanted = replies * 5
    got = client.file.read(wanted)
    if got != b"+OK\r\n" * replies:
        raise ValueError(f"not +OK: {got[:200]!r}")


def load(server: Server, words: tuple[str, ...], pipeline: int, clients: int, requests: int, keys: int) -> list[str]:
    """The command line of redis-benchmark that puts a command on a server."""
    size = ["-P", str(pipeline), "-c", str(clients), "-n", str(requests), "-r", str(keys)]
    return ["redis-benchmark", "-h", HOST, "-p", str(server.port), "--csv", *size, *words]


def anonymous_memory(pid: int) -> int:
    """Bytes of memory a process has of its own (RssAnon of /proc), files and shared memory not counted."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"no RssAnon of {pid}")


def waited(pid: int) -> float:
    """Seconds a process was ready to run and waited for a processor (/proc schedstat), over all its threads."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text().split()[1])
    return total / 1e9


def children(pid: int) -> set[int]:
    """The processes that a process has started and that have not ended."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found.update(map(int, (task / "children").read_text().split()))
    return found


def pin(pid: int, cores: set[int]) -> None:
    """Let a process and its threads run on these cores only; 0: this thread."""
    with contextlib.suppress(FileNotFoundError):  # it has ended
        for task in Path(f"/proc/{pid or 'self'}/task").iterdir():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(task.name), cores)


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of values lies; nan without any."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
