"""A node that is still getting its data back is there already: it answers, and says that it is loading."""

import contextlib
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.kit.cluster import eventually
from tests.kit.resp_client import Reply, RespClient
from tests.kit.servers import HOST, Server, chronis_server, free_port

KEYS = 400
SLOW = ("--key-load-delay", "20000", "--loading-process-events-interval-bytes", "1024")


def connected(server: Server) -> RespClient:
    """A client of a server that was started just now."""
    found: list[RespClient] = []

    def there() -> bool:
        with contextlib.suppress(OSError):
            found.append(server.client())
        return bool(found)

    eventually(there, "the server listens")
    return found[0]


def filled(directory: Path, *options: str) -> None:
    """Leave a data directory with a snapshot of KEYS keys and one key in the log after it."""
    with chronis_server(*options, directory=directory) as server, server.client() as client:
        client.pipeline([("SET", f"key:{number}", "v" * 100) for number in range(KEYS)])
        assert str(client.command("SAVE")) == "OK"
        client.command("SET", "after", "the snapshot")


def ready(port: int) -> int:
    """The HTTP status of /readyz."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/readyz") as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code


def test_clients_are_answered_while_data_are_loaded(tmp_path: Path) -> None:
    filled(tmp_path)
    metrics = free_port()
    command = chronis_server("--metrics-port", str(metrics), directory=tmp_path)
    with command as server:
        server.stop()
        server.start(*SLOW, ready=False)
        with connected(server) as client:
            ask: Callable[..., Reply] = client.command
            assert str(ask("PING")) == "LOADING Redis is loading the dataset in memory"
            assert str(ask("GET", "key:1")).startswith("LOADING")
            told = ask("INFO")
            assert isinstance(told, bytes)
            assert b"\r\nloading:1\r\n" in told
            assert re.search(rb"\r\nloading_loaded_perc:\d+\.\d\d\r\n", told)
            assert b"\r\nrole:master\r\n" in told
            assert str(ask("CONFIG", "SET", "loglevel", "debug")) == "OK"
            assert ask("CONFIG", "GET", "loglevel") == [b"loglevel", b"debug"]
            assert str(ask("CONFIG", "SET", "appendonly", "no")).startswith("LOADING")
            assert str(ask("DEBUG", "POPULATE", "1")).startswith("LOADING")
            assert str(ask("PSYNC", "?", "-1")).startswith("LOADING")
            assert ask("PUBLISH", "channel", "nobody listens") == 0
            assert ready(metrics) == 503
            assert b"\r\nloading:1\r\n" in ask("INFO")  # type: ignore[operator]  # a bulk string
            assert str(ask("CONFIG", "SET", "key-load-delay", "0")) == "OK"
            eventually(lambda: str(ask("PING")) == "PONG", "it has loaded")
            assert ask("DBSIZE") == KEYS + 1
            assert ask("GET", "after") == b"the snapshot"
            assert b"\r\nloading:0\r\n" in ask("INFO")  # type: ignore[operator]  # a bulk string
            assert b"loading_start_time" not in ask("INFO")  # type: ignore[operator]  # a bulk string
            eventually(lambda: ready(metrics) == 200, "it is ready")


def test_a_replica_that_is_loading_says_so_and_is_no_primary(tmp_path: Path) -> None:
    """Sentinel would take it for one otherwise."""
    filled(tmp_path, "--appendonly", "no")
    with chronis_server("--appendonly", "no", directory=tmp_path) as server:
        server.stop()
        server.start(*SLOW, "--replicaof", f"{HOST} {free_port()}", ready=False)
        with connected(server) as client:
            assert client.command("ROLE")[:1] == [b"slave"]  # type: ignore[index]  # an array
            told = client.command("INFO")
            assert isinstance(told, bytes)
            assert b"\r\nloading:1\r\n" in told
            assert b"\r\nrole:slave\r\n" in told
            assert b"\r\nslave_priority:0\r\n" in told


def test_a_node_told_to_stop_while_loading_leaves_everything_as_it_was(tmp_path: Path) -> None:
    filled(tmp_path)
    with chronis_server(directory=tmp_path) as server:
        server.stop()
        before = (tmp_path / "history").read_bytes()
        server.start(*SLOW, ready=False)
        connected(server).close()
        server.stop()
        assert (tmp_path / "history").read_bytes() == before
        server.start()
        assert server.command_reply("DBSIZE") == KEYS + 1
