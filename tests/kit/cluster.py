"""Several nodes of a test: wait until they agree, and compare what they hold."""

import time
from collections.abc import Callable

from tests.kit.servers import Server


def info(server: Server, section: str = "replication") -> dict[str, str]:
    """Return a section of INFO as a dictionary."""
    text = server.command_reply("INFO", section)
    assert isinstance(text, bytes), text
    pairs = (line.split(":", 1) for line in text.decode().splitlines() if ":" in line)
    return {name: value for name, value in pairs}


def eventually(condition: Callable[[], bool], what: str, seconds: float = 15.0) -> None:
    """Wait until condition holds; fail naming what did not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def linked(replica: Server) -> None:
    """Wait until a replica follows its primary."""
    eventually(lambda: info(replica).get("master_link_status") == "up", f"the link is up: {info(replica)}")


def offset(server: Server) -> int:
    """The end of a server's history."""
    return int(info(server)["master_repl_offset"])


def digest(server: Server) -> str:
    """The digest of a server's data."""
    return str(server.command_reply("DEBUG", "DIGEST"))


def equal(primary: Server, *replicas: Server) -> None:
    """Wait until replicas have all that the primary has and hold the same: keys may still expire between two looks."""
    for replica in replicas:
        linked(replica)
        eventually(lambda replica=replica: offset(replica) >= offset(primary), "the replica is as far as the primary")
        eventually(lambda replica=replica: digest(replica) == digest(primary), "the replica holds what the primary holds", 5)


def syncs(server: Server) -> tuple[int, int]:
    """How many full and partial synchronizations a server has given."""
    stats = info(server, "stats")
    return int(stats["sync_full"]), int(stats["sync_partial_ok"])
