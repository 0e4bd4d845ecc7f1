"""The disk is full: writes are refused and say why, reads go on, and all is well again once there is room.

The limit on the size of files (RLIMIT_FSIZE) of the running server stands for the full disk: a write fails in the same way.
"""

from __future__ import annotations

import resource
import time

from tests.kit.full_disk import full_disk
from tests.kit.resp_client import Error, Reply, RespClient, Simple
from tests.kit.servers import chronis_server

OK = Simple(b"OK")


def refused(reply: Reply) -> bool:
    """Tell whether a reply says that the log can't be written."""
    return isinstance(reply, Error) and reply.text.startswith(b"MISCONF Errors writing to the AOF file:")


def write_until_accepted(client: RespClient) -> None:
    """Write one key again and again until the server takes it."""
    until = time.monotonic() + 10
    while refused(client.command("SET", "again", "yes")):
        assert time.monotonic() < until, "writes are still refused although there is room"
        time.sleep(0.1)


def test_a_full_disk_refuses_writes_alone_and_is_over_when_there_is_room() -> None:
    with chronis_server("--appendfsync", "always") as server, server.client() as client, server.client() as other:
        assert client.command("SET", "before", "1") == OK
        with full_disk(server):
            assert refused(client.command("SET", "lost", "x" * 100))
            assert refused(other.command("INCR", "counter"))
            assert refused(other.command("PING")), "as Redis: whoever watches by PING learns of it"
            assert other.command("GET", "before") == b"1"
            info = other.command("INFO", "persistence")
            assert isinstance(info, bytes)
            assert b"aof_last_write_status:err" in info
            assert other.pipeline([("MULTI",), ("SET", "a", "1"), ("EXEC",)])[0] == OK
        write_until_accepted(client)
        assert client.command("PING") == Simple(b"PONG")
        server.kill()
        server.start()
        assert server.command_reply("GET", "before") == b"1"
        assert server.command_reply("GET", "again") == b"yes"


def test_a_server_that_ends_with_a_full_disk_says_so_by_its_status() -> None:
    with chronis_server() as server:
        assert server.command_reply("SET", "before", "1") == OK
        with full_disk(server):
            assert refused(server.command_reply("SET", "lost", "x" * 100))
            assert server.process is not None
            server.process.terminate()
            assert server.process.wait(20) == 1
        server.start()
        assert server.command_reply("GET", "before") == b"1"


def test_a_snapshot_that_finds_no_room_says_so_and_stops_nothing() -> None:
    with chronis_server() as server, server.client() as client:
        client.command("DEBUG", "POPULATE", "2000", "key", "200")
        client.command("SAVE")
        client.command("SET", "more", "1")
        with full_disk(server):
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
            assert client.command("SAVE") == Error(b"ERR")
        write_until_accepted(client)
        assert client.command("SAVE") == OK
        assert "Error trying to save the DB" in server.output()
