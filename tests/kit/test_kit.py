"""The kit itself: reply types stay apart, a killed server starts again, an unclean end is a failure."""

import os
import signal
from pathlib import Path

import pytest

from tests.kit.resp_client import BigNumber, Boolean, Double, Error, Map, Null, Push, RespClient, Set, Simple, Verbatim
from tests.kit.servers import redis_server, requires_redis, running

pytestmark = requires_redis

# DEBUG PROTOCOL answers with one reply of each type.
TYPES_2 = {
    "string": b"Hello World",
    "integer": 12345,
    "double": b"3.141",
    "null": Null("$-1"),
    "array": [0, 1, 2],
    "set": [0, 1, 2],
    "map": [0, 0, 1, 1, 2, 0],
    "bignum": b"1234567999999999999999999999999999999",
    "verbatim": b"This is a verbatim\nstring",
    "true": 1,
}
TYPES_3 = {
    "double": Double(b"3.141"),
    "null": Null("_"),
    "set": Set([0, 1, 2]),
    "map": Map([(0, Boolean(False)), (1, Boolean(True)), (2, Boolean(False))]),
    "bignum": BigNumber(b"1234567999999999999999999999999999999"),
    "verbatim": Verbatim(b"txt:This is a verbatim\nstring"),
    "true": Boolean(True),
}


@pytest.mark.parametrize(("resp", "types"), [(2, TYPES_2), (3, TYPES_3)])
def test_the_client_keeps_reply_types_apart(resp: int, types: dict[str, object]) -> None:
    with redis_server() as server, server.client(resp) as client:
        for name, expected in types.items():
            assert client.command("DEBUG", "PROTOCOL", name) == expected, name
        assert client.command("SET", "k", "v") == Simple(b"OK")
        assert client.command("LPUSH", "k", "v") == Error(
            b"WRONGTYPE Operation against a key holding the wrong kind of value"
        )
        assert client.pipeline([("INCR", "n"), ("GET", "n"), ("GET", "none")]) == [1, b"1", types["null"]]


def test_a_killed_server_starts_again_on_its_directory(tmp_path: Path) -> None:
    with redis_server("--appendonly", "yes", "--appendfsync", "always", directory=tmp_path) as server:
        assert server.command_reply("SET", "k", "v") == Simple(b"OK")
        first = server.pid
        server.kill()
        assert not server.running
        server.start()
        assert server.pid != first
        assert server.command_reply("GET", "k") == b"v"
        assert "Ready to accept connections" in server.output()


def test_a_push_is_read_before_the_reply_that_follows_it() -> None:
    with redis_server() as server, server.client(3) as client:
        assert client.command("DEBUG", "PROTOCOL", "push") == Push([b"server-cpu-usage", 42])
        assert client.read() == b"Some real reply following the push reply"


def test_an_unclean_end_fails_the_test() -> None:
    with pytest.raises(pytest.fail.Exception, match="exit code -9"), redis_server() as server:
        os.kill(server.pid, signal.SIGKILL)


def test_a_server_that_does_not_start_fails_the_test() -> None:
    with pytest.raises(pytest.fail.Exception, match="ended with 1"), running(["redis-server"], "--port", "99999"):
        pass


def test_a_closed_connection_is_an_end_of_file() -> None:
    with redis_server() as server, RespClient("127.0.0.1", server.port) as client:
        assert client.command("QUIT") == Simple(b"OK")
        with pytest.raises(EOFError):
            client.read()
