"""CHRONIS DIGEST as its clients come and go: nobody is answered for another, nothing is left behind."""

from __future__ import annotations

import time

import psutil
import pytest

from store.tools.main import main
from tests.kit.cluster import eventually, info, linked, offset
from tests.kit.listening import listening
from tests.kit.servers import HOST, Server, chronis_server

FAR = 10**12


def waits(server: Server, clients: int = 1) -> None:
    """Wait until so many clients of a server are blocked."""
    eventually(lambda: info(server, "clients")["blocked_clients"] == str(clients), "the request waits")


def stands_still(server: Server) -> bool:
    """Tell whether history does not move within a few ticks."""
    before = offset(server)
    time.sleep(0.35)
    return offset(server) == before


def test_replica_and_replay_are_equal_in_everything() -> None:
    """Deadlines, groups and libraries by snapshot, by events and by replay after a restart."""
    library = "#!lua name=%s\nredis.register_function('%s', function(keys, args) return 1 end)"
    with chronis_server() as primary, chronis_server() as replica, primary.client() as client:
        for name in ("early", "late"):
            client.pipeline([("XADD", name, "*", "field", number) for number in range(20)])
            client.pipeline([("SET", f"{name}:{number}", "v", "EX", 1000 + number) for number in range(20)])
            client.command("XGROUP", "CREATE", name, "group", 0)
            client.command("XREADGROUP", "GROUP", "group", "a", "COUNT", 10, "STREAMS", name, ">")
            client.command("XAUTOCLAIM", name, "group", "b", 0, 0, "COUNT", 3)
            client.command("XDEL", name, "0-1")
            client.command("XTRIM", name, "MAXLEN", 15)
            assert client.command("FUNCTION", "LOAD", library % (name, name)) == name.encode()
            replica.command_reply("REPLICAOF", HOST, primary.port)
            linked(replica)
        nodes = [f"{HOST}:{server.port}" for server in (primary, replica)]
        assert main(["verify", *nodes]) == 0
        replica.kill()
        replica.start("--replicaof", f"{HOST} {primary.port}")
        linked(replica)
        assert main(["verify", *nodes]) == 0
        client.command("XACK", "late", "group", *(entry[0] for entry in client.command("XRANGE", "late", "-", "+", "COUNT", 3)))  # type: ignore[index, union-attr]
        assert main(["verify", *nodes]) == 0


def test_what_is_no_node_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Something else listens on the port: status 2 and its address, no traceback."""
    with chronis_server() as server, listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert main(["verify", f"{HOST}:{server.port}", f"{HOST}:{port}"]) == 2
    assert f"{HOST}:{port}: Protocol error" in "".join(capsys.readouterr())


def test_history_rests_when_nobody_waits_for_a_digest() -> None:
    """Who asked and left, or was unblocked, moves nothing on."""
    with chronis_server() as server:
        with server.client() as client:
            client.send("CHRONIS", "DIGEST", FAR)
            waits(server)
            assert not stands_still(server)
        eventually(lambda: stands_still(server), "history rests")


def test_who_was_unblocked_gets_no_digest_later() -> None:
    """What comes next over that connection is the reply to what it asks next."""
    with chronis_server() as server, server.client() as client, server.client() as other:
        number = client.command("CLIENT", "ID")
        client.send("CHRONIS", "DIGEST", offset(server) + 2000)
        waits(server)
        assert other.command("CLIENT", "UNBLOCK", number) == 1
        assert str(client.read()) == "Null(form='$-1')"
        client.send("BLPOP", "queue", 0)
        waits(server)
        other.command("SET", "k", "v" * 4000)
        assert isinstance(other.command("CHRONIS", "DIGEST"), list)
        other.command("RPUSH", "queue", "element")
        assert client.read() == [b"queue", b"element"]


def test_a_digest_ends_with_its_server() -> None:
    """After kill -9 the directory, the port and the clients are free at once."""
    with chronis_server() as server:
        server.command_reply("DEBUG", "POPULATE", 400_000)
        with server.client() as client:
            client.send("CHRONIS", "DIGEST")
            process = psutil.Process(server.pid)
            eventually(lambda: bool(process.children()), "it is being computed")
            (child,) = process.children()
            eventually(lambda: not child.net_connections(), "the child has no sockets")
            server.kill()
        server.start()
        eventually(lambda: not child.is_running(), "the child has ended")
