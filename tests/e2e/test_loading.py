"""A node that is still getting its data back is there already: it answers, and says that it is loading."""

import contextlib
import re
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit.cluster import eventually
from tests.kit.resp_client import Reply, RespClient
from tests.kit.servers import HOST, Server, chronis_server, free_port

KEYS = 400
SLOW = ("--key-load-delay", "50000", "--loading-process-events-interval-bytes", "1024")


def connected(server: Server) -> RespClient:
    """A client of a server that was started just now."""
    found: list[RespClient] = []

    def there() -> bool:
        with contextlib.suppress(OSError):
            found.append(server.client())
        return bool(found)

    eventually(there, "the server listens")
    return found[0]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a snapshot of KEYS keys and one key in the log after it."""
    directory = tmp_path_factory.mktemp("data")
    with chronis_server("--rdbcompression", "no", directory=directory) as server, server.client() as client:
        client.pipeline([("SET", f"key:{number}", "v" * 100) for number in range(KEYS)])
        assert str(client.command("SAVE")) == "OK"
        client.command("SET", "after", "the snapshot")
    return directory


@contextlib.contextmanager
def loading(data: Path, directory: Path, *options: str) -> Iterator[Server]:
    """A server that is loading a copy of data, slowly."""
    shutil.copytree(data, directory, dirs_exist_ok=True)
    server = Server([sys.executable, "-m", "store"], directory, ("--enable-debug-command", "yes", *options))
    try:
        yield server.start(*SLOW, ready=False)
    finally:
        server.stop()


def ready(port: int) -> int:
    """The HTTP status of /readyz."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/readyz") as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code


def scraped(port: int) -> bytes:
    """What /metrics says."""
    with urllib.request.urlopen(f"http://{HOST}:{port}/metrics") as answer:
        text: bytes = answer.read()
        return text


def test_clients_are_answered_while_data_are_loaded(data: Path, tmp_path: Path) -> None:
    metrics = free_port()
    with loading(data, tmp_path, "--metrics-port", str(metrics)) as server, connected(server) as client:
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
        assert b"\nredis_loading_dump_file 1" in scraped(metrics)
        assert b"\r\nloading:1\r\n" in ask("INFO")  # type: ignore[operator]  # a bulk string
        assert str(ask("CONFIG", "SET", "key-load-delay", "0")) == "OK"
        eventually(lambda: str(ask("PING")) == "PONG", "it has loaded")
        assert ask("DBSIZE") == KEYS + 1
        assert ask("GET", "after") == b"the snapshot"
        assert b"\r\nloading:0\r\n" in ask("INFO")  # type: ignore[operator]  # a bulk string
        assert b"loading_start_time" not in ask("INFO")  # type: ignore[operator]  # a bulk string
        eventually(lambda: ready(metrics) == 200, "it is ready")


def test_a_replica_that_is_loading_says_so_and_stops_with_everything_as_it_was(data: Path, tmp_path: Path) -> None:
    """Sentinel would take it for a primary otherwise."""
    with loading(data, tmp_path, "--metrics-port", "0", "--replicaof", f"{HOST} {free_port()}") as server:
        before = (tmp_path / "history").read_bytes()
        with connected(server) as client:
            assert client.command("ROLE")[:1] == [b"slave"]  # type: ignore[index]  # an array
            told = client.command("INFO")
            assert isinstance(told, bytes)
            assert b"\r\nloading:1\r\n" in told
            assert b"\r\nrole:slave\r\n" in told
            assert b"\r\nslave_priority:0\r\n" in told
        server.stop()
        assert (tmp_path / "history").read_bytes() == before
        server.start()
        assert server.command_reply("DBSIZE") == KEYS + 1
