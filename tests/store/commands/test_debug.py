"""DEBUG: what it shows is what redis-server shows; what it does leaves data and history as they have to be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.inprocess import Node
from tests.kit.resp_client import Error, RespClient, Simple
from tests.kit.servers import Server, chronis_server, redis_server, requires_redis

OK = Simple(b"OK")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One Chronis for all tests of this file that leave it running."""
    with chronis_server() as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[RespClient]:
    """A client on an empty server."""
    with server.client() as made:
        made.command("FLUSHALL")
        yield made


@pytest.fixture(scope="module")
def redis() -> Iterator[Server]:
    """The oracle."""
    with redis_server() as running:
        yield running


KINDS = ("string", "integer", "double", "bignum", "null", "array", "set", "map", "verbatim", "true", "false", "x")
AS_REDIS = [
    *(f"PROTOCOL {kind}" for kind in KINDS),
    "ERROR FOO", "SLEEP 0", "SLEEP", "x", "POPULATE", "POPULATE x", "POPULATE -1", "POPULATE 3", "POPULATE 4 p 3",
    "POPULATE 2 q 20", "DIGEST", "DIGEST-VALUE key:0 p:1 missing", "OBJECT missing", "SDSLEN missing", "HTSTATS-KEY missing",
    "HTSTATS 99", "HTSTATS x", "HTSTATS-KEY key:0", "LISTPACK key:0", "LISTPACK missing", "QUICKLIST key:0", "RELOAD", "RELOAD x",
    "SET-ACTIVE-EXPIRE 1", "PAUSE-CRON 0", "QUICKLIST-PACKED-THRESHOLD 100b", "QUICKLIST-PACKED-THRESHOLD 5gb",
    "QUICKLIST-PACKED-THRESHOLD x", "REPLYBUFFER PEAK-RESET-TIME NEVER", "REPLYBUFFER RESIZING 1",
    "SET-SKIP-CHECKSUM-VALIDATION 0", "CLIENT-EVICTION", "SET-DISABLE-DENY-SCRIPTS 0", "DIGEST x",
    "LOG hello", "CONFIG-REWRITE-FORCE-ALL x",
]  # fmt: skip


@requires_redis
@pytest.mark.parametrize("resp", [2, 3])
def test_answers_are_those_of_redis(server: Server, redis: Server, resp: int) -> None:
    with server.client(resp) as ours, redis.client(resp) as theirs:
        for client in (ours, theirs):
            client.command("FLUSHALL")
        for line in AS_REDIS:
            command = ("DEBUG", *line.split())
            assert ours.command(*command) == theirs.command(*command), line


@requires_redis
def test_attributes_come_before_the_reply_they_belong_to(server: Server, redis: Server) -> None:
    texts = []
    for one in (server, redis):
        with one.client(3) as client:
            client.send("DEBUG", "PROTOCOL", "attrib")
            texts.append([client.file.readline() for _ in range(9)])
    assert texts[0] == texts[1]


def test_a_push_comes_before_its_reply_and_only_in_resp3(server: Server) -> None:
    with server.client(3) as three, server.client(2) as two:
        three.command("DEBUG", "PROTOCOL", "push")
        assert three.read() == b"Some real reply following the push reply"
        assert two.command("DEBUG", "PROTOCOL", "push") == Error(b"ERR RESP2 is not supported by this command")


def offset(client: RespClient) -> bytes:
    """The offset of the server's history."""
    reply = client.command("INFO", "replication")
    assert isinstance(reply, bytes)
    return next(line for line in reply.split(b"\r\n") if line.startswith(b"master_repl_offset:"))


@pytest.mark.parametrize("way", [("RELOAD",), ("LOADAOF",), ("RELOAD", "NOFLUSH", "MERGE")])
def test_reloading_keeps_data_and_history(client: RespClient, way: tuple[str, ...]) -> None:
    client.pipeline([("SET", "s", "v", "PX", 10**9), ("HSET", "h", "f", "v"), ("ZADD", "z", 1.5, "m"), ("SELECT", 3)])
    client.pipeline([("RPUSH", "l", *range(300)), ("SADD", "set", 1, 2), ("SET", "later", "1")])
    before = (client.command("DEBUG", "DIGEST"), offset(client))
    assert client.command("DEBUG", *way) == OK
    assert (client.command("DEBUG", "DIGEST"), offset(client)) == before
    client.command("SET", "after", "1")
    after = client.command("DEBUG", "DIGEST")
    client.command("DEBUG", "LOADAOF")
    assert client.command("DEBUG", "DIGEST") == after


def test_an_older_snapshot_comes_back_as_a_recorded_change(client: RespClient) -> None:
    client.command("SET", "k", "old")
    client.command("SAVE")
    old = client.command("DEBUG", "DIGEST")
    client.pipeline([("SET", "k", "new"), ("SET", "other", "1")])
    assert client.command("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH") == Error(b"ERR Error trying to load the RDB dump")
    assert client.command("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE") == OK
    assert client.command("MGET", "k", "other") == [b"old", b"1"]
    assert client.command("DEBUG", "RELOAD", "NOSAVE") == OK
    assert client.command("DEBUG", "DIGEST") == old
    client.command("DEBUG", "LOADAOF")
    assert client.command("DEBUG", "DIGEST") == old, "history says the same"


def test_reloading_in_a_transaction_is_refused(client: RespClient) -> None:
    replies = client.pipeline([("MULTI",), ("SET", "a", "1"), ("DEBUG", "RELOAD"), ("SET", "b", "1"), ("EXEC",)])
    executed = replies[-1]
    assert isinstance(executed, list)
    assert isinstance(executed[1], Error)
    before = client.command("DEBUG", "DIGEST")
    client.command("DEBUG", "LOADAOF")
    assert client.command("DEBUG", "DIGEST") == before


def test_watched_keys_and_blocked_clients_notice_a_reload(server: Server, client: RespClient) -> None:
    with server.client() as other:
        client.pipeline([("SET", "k", "1"), ("WATCH", "k")])
        other.command("DEBUG", "RELOAD")
        assert client.pipeline([("MULTI",), ("SET", "k", "2"), ("EXEC",)])[-1] != [OK]
        client.send("BLPOP", "queue", 5)
        other.command("DEBUG", "RELOAD")
        other.command("RPUSH", "queue", "job")
        assert client.read() == [b"queue", b"job"]


def test_object_tells_encoding_and_size(client: RespClient) -> None:
    client.command("RPUSH", "l", *range(10))
    text = str(client.command("DEBUG", "OBJECT", "l"))
    assert "encoding:quicklist" in text
    assert "serializedlength:" in text
    assert "ql_nodes:1 " in text


def test_expired_keys_stay_while_active_expiry_is_off(client: RespClient) -> None:
    client.command("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    client.command("SET", "k", "v", "PX", 1)
    client.command("DEBUG", "SLEEP", "0.15")
    assert client.command("DBSIZE") == 1
    assert client.command("DEBUG", "SET-ACTIVE-EXPIRE", "1") == OK


def test_a_payload_with_a_bad_checksum_is_recorded_with_a_good_one() -> None:
    node = Node()
    node.run("SET", "k", "v")
    payload = node.run("DUMP", "k")
    assert isinstance(payload, bytes)
    bad = payload[:-1] + bytes([payload[-1] ^ 1])
    assert str(node.run("RESTORE", "new", 0, bad)) == "DUMP payload version or checksum are wrong"
    node.engine.settings.enable_debug_command = "yes"
    node.run("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "1")
    assert node.run("RESTORE", "new", 0, bad) == "OK"
    node.check()


@pytest.mark.parametrize("how", ["RESTART", "CRASH-AND-RECOVER"])
def test_a_server_starts_again_by_itself_with_its_data(how: str) -> None:
    with chronis_server() as server:
        server.command_reply("SET", "k", "v")
        with pytest.raises((EOFError, ConnectionError)):
            server.command_reply("DEBUG", how)
        server.wait_ready()
        assert server.command_reply("GET", "k") == b"v"


@pytest.mark.parametrize(("how", "status"), [("SEGFAULT", -11), ("PANIC", -6)])
def test_a_crash_on_demand_is_one(how: str, status: int) -> None:
    with chronis_server() as server:
        server.command_reply("SET", "k", "v")
        with pytest.raises((EOFError, ConnectionError)):
            server.command_reply("DEBUG", how)
        assert server.process is not None
        assert server.process.wait(10) == status
        server.start()
        assert server.command_reply("GET", "k") == b"v"


def test_debug_needs_its_option() -> None:
    with chronis_server("--enable-debug-command", "no") as server:
        assert str(server.command_reply("DEBUG", "DIGEST")).startswith("ERR DEBUG command not allowed.")
