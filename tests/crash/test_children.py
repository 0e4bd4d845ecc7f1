"""Child processes that make snapshots and digests: they are in nobody's way when they are given up, or their server is killed."""

import psutil

from tests.kit.cluster import eventually
from tests.kit.servers import Server, chronis_server


def temporary_files(server: Server) -> list[str]:
    return [path.name for path in server.directory.rglob("temp-*")]


def begin_slow_snapshot(server: Server) -> None:
    """Have a snapshot made that takes a minute, and wait until it is being written."""
    server.command_reply("DEBUG", "POPULATE", 600)
    server.command_reply("CONFIG", "SET", "rdb-key-save-delay", 100_000)
    server.command_reply("BGSAVE")
    eventually(lambda: bool(temporary_files(server)), "the snapshot is being written")


def test_a_snapshot_that_is_given_up_leaves_no_file() -> None:
    """By a shutdown with the log on disk, and by FLUSHALL without one."""
    with chronis_server() as server:
        begin_slow_snapshot(server)
        server.stop()
        assert temporary_files(server) == []
        server.start("--appendonly", "no")
        begin_slow_snapshot(server)
        server.command_reply("FLUSHALL")
        assert temporary_files(server) == []


def test_a_digest_in_the_making_keeps_nobody_from_starting_again() -> None:
    """The child has the listening socket and the lock of the directory from its server; it ends with it."""
    with chronis_server() as server, server.client() as client:
        client.command("DEBUG", "POPULATE", 300_000)
        client.send("CHRONIS", "DIGEST")
        eventually(lambda: bool(psutil.Process(server.pid).children()), "the digest is being computed")
        server.kill()
        server.start()


def test_what_a_killed_server_left_half_written_is_removed_at_its_start() -> None:
    with chronis_server() as server:
        server.kill()
        for folder in ("", "snapshots", "lost"):
            (server.directory / folder).mkdir(exist_ok=True)
            (server.directory / folder / "temp-1-something").touch()
        server.start()
        assert temporary_files(server) == []
