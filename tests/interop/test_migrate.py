"""MIGRATE between Chronis and redis-server: both ways, with every option, and when the target can't take it."""

from __future__ import annotations

import pytest

from tests.kit.listening import listening
from tests.kit.servers import HOST, Server, chronis_server, free_port, redis_server, requires_redis

pytestmark = requires_redis


def fill(server: Server) -> None:
    with server.client() as client:
        client.pipeline(
            [
                ("SET", "string", "value", "EX", 1000),
                ("RPUSH", "list", *range(300)),
                ("SADD", "set", "a", "b", "c"),
                ("ZADD", "zset", 1.5, "m"),
                ("HSET", "hash", "f", "v"),
            ]
        )


KEYS = ("string", "list", "set", "zset", "hash")


@pytest.mark.parametrize("there", [redis_server, chronis_server])
def test_keys_move_with_their_deadlines(there: object) -> None:
    with chronis_server() as here, there("--requirepass", "secret") as target:  # type: ignore[operator]  # a context manager
        fill(here)
        before = str(here.command_reply("DEBUG", "DIGEST"))
        reply = here.command_reply(
            "MIGRATE", HOST, target.port, "", 3, 5000, "AUTH", "secret", "KEYS", *KEYS, "missing"
        )
        assert str(reply) == "OK"
        assert here.command_reply("DBSIZE") == 0
        with target.client() as client:
            client.command("AUTH", "secret")
            client.command("SELECT", 3)
            assert client.command("DBSIZE") == 5
            assert 990 < int(str(client.command("TTL", "string"))) <= 1000
            client.command("MIGRATE", HOST, here.port, "", 0, 5000, "KEYS", *KEYS)
        assert str(here.command_reply("DEBUG", "DIGEST")) == before


CALLS: list[tuple[object, ...]] = [
    ("string", 0, 1000, "COPY"),
    ("string", 0, 1000),  # it is there already
    ("string", 0, 1000, "COPY", "REPLACE"),
    ("string", 0, 1000, "REPLACE"),
    ("string", 0, 1000),  # it is gone here
    ("list", 99, 1000),
    ("list", 0, 1000, "KEYS", "set"),
    ("list", 0, 1000, "AUTH"),
    ("list", 0, 1000, "NONSENSE"),
    ("list", 0, "x"),
    ("list", 0, 1000, "AUTH", "secret"),
]


def outcome(server: Server, port: int, call: tuple[object, ...]) -> tuple[str, str]:
    """The reply of a MIGRATE, and what is left."""
    reply = server.command_reply("MIGRATE", HOST, port, *call)
    return str(reply), str(server.command_reply("EXISTS", *KEYS))


def test_copy_replace_and_refusals_are_those_of_redis() -> None:
    with chronis_server() as here, redis_server() as ours, redis_server() as oracle, redis_server() as theirs:
        fill(here)
        fill(oracle)
        for call in CALLS:
            assert outcome(here, ours.port, call) == outcome(oracle, theirs.port, call), call
        nobody = free_port()
        assert outcome(here, nobody, ("list", 0, 1000)) == outcome(oracle, nobody, ("list", 0, 1000))


def test_it_is_refused_where_nothing_may_wait() -> None:
    with chronis_server() as here, redis_server() as target:
        fill(here)
        with here.client() as client:
            client.pipeline([("MULTI",), ("MIGRATE", HOST, target.port, "list", 0, 1000)])
            assert "can't be part of a transaction" in str(client.command("EXEC"))
        assert here.command_reply("EXISTS", "list") == 1


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"%1\r\n*0\r\n:1\r\n"])
def test_a_target_that_is_no_redis_is_an_error(answer: bytes) -> None:
    """The client hears of it, whatever answered there; the key stays."""
    with chronis_server() as here, listening(answer) as port:
        assert str(here.command_reply("SET", "k", "v")) == "OK"
        assert "IOERR error or timeout" in repr(here.command_reply("MIGRATE", HOST, port, "k", 0, 5000))
        assert here.command_reply("EXISTS", "k") == 1
