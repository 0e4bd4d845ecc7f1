"""Stock redis-sentinel processes that watch over a primary under the name `main`, and what they tell about it."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.kit.servers import HOST, Server

SENTINEL = shutil.which("redis-sentinel")
DOWN_MS = 1000
"""How long a Sentinel waits before it takes a server for dead: the least, for measurements."""
CALM_MS = 3000
"""The same where one failover only is wanted: a Sentinel connects to the new primary up to a second after it has named it."""


@contextlib.contextmanager
def sentinels(primary: Server, directory: Path, count: int = 3, down_ms: int = DOWN_MS) -> Iterator[list[Server]]:
    """Run so many Sentinels, each in a directory of its own below directory; a majority of three decides."""
    started: list[Server] = []
    try:
        for number in range(count):
            home = directory / f"sentinel-{number}"
            home.mkdir()
            config = home / "sentinel.conf"
            server = Server([str(SENTINEL), str(config)], home, ())
            server.command = [str(SENTINEL), str(config)]  # all else stands in the file, which it rewrites
            config.write_text(configuration(server, primary, down_ms))
            started.append(server.start())
        yield started
    finally:
        for server in started:
            server.kill()


def configuration(sentinel: Server, primary: Server, down_ms: int) -> str:
    """The file a Sentinel starts from."""
    lines = (
        f"port {sentinel.port}",
        f"dir {sentinel.directory}",
        f"sentinel monitor main {HOST} {primary.port} 2",
        f"sentinel down-after-milliseconds main {down_ms}",
        "sentinel failover-timeout main 6000",
        "sentinel parallel-syncs main 2",
    )
    return "\n".join(lines) + "\n"


def named(sentinel: Server) -> int:
    """The port of the primary that a Sentinel names."""
    reply = sentinel.command_reply("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")
    assert isinstance(reply, list), reply
    assert isinstance(reply[1], bytes)
    return int(reply[1])


def primary_fields(sentinel: Server) -> dict[str, str]:
    """What a Sentinel knows of the primary: num-slaves, num-other-sentinels, flags, …"""
    return _fields(sentinel.command_reply("SENTINEL", "MASTER", "main"))


def replica_fields(sentinel: Server) -> list[dict[str, str]]:
    """What a Sentinel knows of each replica."""
    reply = sentinel.command_reply("SENTINEL", "REPLICAS", "main")
    assert isinstance(reply, list), reply
    return [_fields(one) for one in reply]


def sees_all(sentinel: Server, replicas: int, others: int = 2) -> bool:
    """Tell whether a Sentinel sees a healthy primary, so many replicas with their link up, and the other Sentinels."""
    primary = primary_fields(sentinel)
    good = [one for one in replica_fields(sentinel) if one["flags"] == "slave" and one["master-link-status"] == "ok"]
    return (len(good), primary["num-other-sentinels"], primary["flags"]) == (replicas, str(others), "master")


def _fields(reply: object) -> dict[str, str]:
    assert isinstance(reply, list), reply
    words = [word.decode() for word in reply]
    return dict(zip(words[::2], words[1::2], strict=True))
