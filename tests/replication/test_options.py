"""Options of replication as Redis means them: each test runs on two redis-servers as well, where they are installed."""

import contextlib
import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.kit.cluster import digest, equal, eventually, info, linked, syncs
from tests.kit.full_disk import full_disk
from tests.kit.resp_client import Error, RespClient
from tests.kit.servers import HOST, Server, chronis_server, redis_server, requires_redis

Start = Callable[..., AbstractContextManager[Server]]
DEFAULTS: dict[str, object] = {
    "maxmemory": 0,
    "maxmemory-policy": "noeviction",
    "replica-ignore-maxmemory": "yes",
    "replica-announce-ip": "",
    "replica-announce-port": 0,
    "replica-announced": "yes",
    "replica-priority": 100,
    "masteruser": "",
    "masterauth": "",
    "repl-timeout": 60,
    "repl-ping-replica-period": 10,
}


@pytest.fixture(scope="module", params=["chronis", pytest.param("redis", marks=requires_redis)])
def servers(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Server]]:
    """Two servers of one kind."""
    start: Start = chronis_server if request.param == "chronis" else redis_server
    with start("--repl-diskless-sync-delay", "0") as primary, start() as replica:
        yield primary, replica


@pytest.fixture
def pair(servers: tuple[Server, Server]) -> tuple[Server, Server]:
    """A primary and its replica, with some data."""
    primary, replica = servers
    for server in servers:
        with server.client() as client:
            client.command("CONFIG", "SET", *[word for option in DEFAULTS.items() for word in option])
            client.command("REPLICAOF", "NO", "ONE")
    primary.command_reply("SET", "key", "value")
    replica.command_reply("REPLICAOF", HOST, primary.port)
    equal(primary, replica)
    return primary, replica


def texts(client: RespClient, *commands: str) -> list[str]:
    """The replies to commands in a row, as text."""
    return [_text(client.command(*command.split())) for command in commands]


def _text(reply: object) -> str:
    if isinstance(reply, list):
        return " | ".join(map(_text, reply))
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def relink(replica: Server) -> None:
    """Let a replica come back over another connection."""
    assert replica.command_reply("CLIENT", "KILL", "TYPE", "master") == 1
    linked(replica)


OOM = "OOM command not allowed when used memory > 'maxmemory'."


def test_a_replica_above_maxmemory_is_failed_over_as_sentinel_does_it(pair: tuple[Server, Server]) -> None:
    _, replica = pair
    with replica.client() as client:
        assert texts(client, "CONFIG SET maxmemory 1", "GET key", "SET key x") == [
            "OK", "value", "READONLY You can't write against a read only replica."
        ]  # fmt: skip
        assert texts(client, "MULTI", "GET key", "EXEC") == ["OK", "QUEUED", "value"]
        assert texts(client, "EVAL_RO return{redis.call('GET','key')} 0") == ["value"]
        failover = ("MULTI", "SLAVEOF NO ONE", "CLIENT KILL TYPE normal", "CLIENT KILL TYPE pubsub", "EXEC")
        assert texts(client, *failover) == ["OK", "QUEUED", "QUEUED", "QUEUED", "OK | 0 | 0"]
        assert info(replica)["role"] == "master"
        assert texts(client, "SET key x", "MULTI", "GET key", "EXEC") == [
            OOM, "OK", OOM, "EXECABORT Transaction discarded because of previous errors."
        ]  # fmt: skip


def test_a_replica_that_minds_maxmemory_refuses_as_a_primary_does(pair: tuple[Server, Server]) -> None:
    _, replica = pair
    with replica.client() as client:
        settings = ("CONFIG SET replica-ignore-maxmemory no", "CONFIG SET maxmemory 1")
        assert texts(client, *settings, "GET key", "SET key x", "MULTI", "SLAVEOF NO ONE", "EXEC") == [
            "OK", "OK", "value", OOM, "OK", OOM, "EXECABORT Transaction discarded because of previous errors."
        ]  # fmt: skip
    assert info(replica)["role"] == "slave"


def test_the_announced_address_is_what_the_primary_shows(pair: tuple[Server, Server]) -> None:
    primary, replica = pair
    with replica.client() as client:
        client.command("CONFIG", "SET", "replica-announce-ip", "10.1.2.3", "replica-announce-port", "7777")
        relink(replica)
        eventually(lambda: "state=online" in info(primary).get("slave0", ""), "it came back")
        assert info(primary)["slave0"].startswith("ip=10.1.2.3,port=7777,state=online,offset=")
        role = primary.command_reply("ROLE")
        assert isinstance(role, list)
        assert isinstance(role[2], list)
        assert [entry[:2] for entry in role[2] if isinstance(entry, list)] == [[b"10.1.2.3", b"7777"]]
        client.command("CONFIG", "SET", "replica-announce-ip", "", "replica-announce-port", "0")
        relink(replica)
        eventually(
            lambda: info(primary).get("slave0", "").startswith(f"ip={HOST},port={replica.port},state=online"), "it is back"
        )


def test_what_sentinel_reads_of_a_replica(pair: tuple[Server, Server]) -> None:
    _, replica = pair
    with replica.client() as client:
        told = [(info(replica)["slave_priority"], info(replica)["replica_announced"])]
        client.command("CONFIG", "SET", "replica-priority", "7", "replica-announced", "no")
        told.append((info(replica)["slave_priority"], info(replica)["replica_announced"]))
        client.command("CONFIG", "SET", "slave-priority", "0")
        told.append((info(replica)["slave_priority"], info(replica)["replica_announced"]))
    assert told == [("100", "1"), ("7", "0"), ("0", "0")]


def test_killing_the_link_from_either_side_costs_a_partial_resynchronization(pair: tuple[Server, Server]) -> None:
    primary, replica = pair
    full, partial = syncs(primary)
    relink(replica)
    eventually(lambda: syncs(primary) == (full, partial + 1), "the replica came back")
    eventually(lambda: "state=online" in info(primary).get("slave0", ""), "it is online")
    for number, kind in enumerate(("replica", "slave"), 2):
        assert primary.command_reply("CLIENT", "KILL", "TYPE", kind) == 1
        eventually(lambda number=number: syncs(primary) == (full, partial + number), "the replica came back")
        eventually(lambda: "state=online" in info(primary).get("slave0", ""), "it is online")
    assert primary.command_reply("CLIENT", "KILL", "TYPE", "master") == 0
    primary.command_reply("SET", "key", "later")
    equal(primary, replica)


def test_a_replica_logs_in_as_a_user_with_the_three_commands_it_needs(pair: tuple[Server, Server]) -> None:
    primary, replica = pair
    with primary.client() as client, contextlib.ExitStack() as at_end:
        at_end.callback(client.command, "ACL", "DELUSER", "repl")
        client.command("ACL", "SETUSER", "repl", "reset", "on", ">secret", "+psync", "+replconf", "+ping")
        replica.command_reply("CONFIG", "SET", "masteruser", "repl", "masterauth", "secret")
        relink(replica)
        eventually(lambda: " user=repl " in texts(client, "CLIENT LIST TYPE replica")[0], "it logged in as that user")
        client.command("SET", "key", "again")
        equal(primary, replica)
        client.command("ACL", "SETUSER", "repl", ">other", "<secret")
        replica.command_reply("CLIENT", "KILL", "TYPE", "master")
        wrong = "Unable to AUTH to MASTER: -WRONGPASS invalid username-password pair or user is disabled."
        eventually(lambda: wrong in replica.output(), "it was refused")
        assert info(replica)["master_link_status"] == "down"
        assert replica.command_reply("GET", "key") == b"again"
        replica.command_reply("CONFIG", "SET", "masterauth", "other")
        linked(replica)
        replica.command_reply("CONFIG", "SET", "masterauth", "", "masteruser", "")


def test_a_writable_replica_goes_on_when_its_own_changes_are_in_the_way(pair: tuple[Server, Server]) -> None:
    """What its primary sends may not fit what its clients did: that is said, and the rest is applied."""
    primary, replica = pair
    data = ("RPUSH list a b c", "HSET hash f 1", "ZADD zset 1 m", "SET gone x", "XADD stream 1-1 a b")
    with primary.client() as up, replica.client() as down:
        texts(up, "FLUSHALL", *data)
        equal(primary, replica)
        texts(down, "CONFIG SET replica-read-only no", "DEL list hash zset gone stream", "SET list string", "HSET zset f v")
        texts(up, "LSET list 1 y", "HDEL hash f", "ZINCRBY zset 1 m", "RENAME gone there", "XDEL stream 1-1", "INCR after")
        eventually(lambda: down.command("GET", "after") == b"1", "history is followed on")
        assert texts(down, "GET list", "EXISTS hash", "HGET zset f", "EXISTS there") == ["string", "0", "v", "0"]
        texts(up, "FLUSHALL")
        texts(down, "CONFIG SET replica-read-only yes")
    assert "== CRITICAL ==" in replica.output()


@pytest.mark.parametrize("flushed", [False, True])
def test_what_was_written_on_a_writable_replica_is_history_once_it_is_promoted(flushed: bool) -> None:
    """What it records as a primary rests on that: it would not start again otherwise, and its replicas would differ."""
    with chronis_server() as primary, chronis_server("--replica-read-only", "no") as replica, chronis_server() as other:
        with primary.client() as client:
            texts(client, "RPUSH list a b", "SET gone x", "SET moved x", "SET kept x", "SELECT 1", "SET there x")
        replica.command_reply("REPLICAOF", HOST, primary.port)
        other.command_reply("REPLICAOF", HOST, replica.port)
        equal(primary, replica, other)
        library = b"#!lua name=lib\nredis.register_function('f', function() return 1 end)"
        with replica.client() as client:
            if flushed:
                texts(client, "FLUSHALL", "SWAPDB 0 1", "SELECT 1")
                client.command("FUNCTION", "LOAD", library)
            texts(client, "DEL list gone", "SET list string", "RPUSH own a b", "PEXPIRE own 10000000", "MOVE moved 3")
            texts(client, "MULTI", "SLAVEOF NO ONE", "EXEC", "LSET own 0 x", "APPEND list y", "SELECT 3", "APPEND moved y")
        primary.stop()
        equal(replica, other)
        expected = digest(replica)
        replica.kill()
        replica.start()
        assert digest(replica) == expected
        assert replica.command_reply("FCALL", "f", 0) == (1 if flushed else Error(b"ERR Function not found"))
        primary.start()


def test_a_silent_replica_is_cut_off_after_repl_timeout(pair: tuple[Server, Server]) -> None:
    primary, _ = pair
    primary.command_reply("CONFIG", "SET", "repl-timeout", "2", "repl-ping-replica-period", "1")
    with primary.client() as silent:
        silent.command("REPLCONF", "listening-port", "7001")
        silent.send("PSYNC", "?", "-1")
        assert silent.file.readline().startswith(b"+FULLRESYNC ")
        while silent.file.read(1):
            continue
    (line,) = [line for line in primary.output().splitlines() if "Disconnecting timedout replica" in line]
    assert line.endswith(f"{HOST}:7001")


def test_an_empty_replica_loads_and_one_with_data_goes_on_serving_them() -> None:
    """repl-diskless-load on-empty-db. What is served stays until the new state is complete, whatever the option says."""
    slowly = ("--repl-diskless-load", "on-empty-db", "--key-load-delay", "4000")
    with chronis_server() as primary, chronis_server(*slowly) as empty, chronis_server(*slowly) as full:
        with primary.client() as client:
            client.pipeline([("SET", f"key:{number}", os.urandom(4000)) for number in range(200)])
            client.command("SAVE")
        full.command_reply("SET", "own", "data")
        for replica in (empty, full):
            replica.command_reply("REPLICAOF", HOST, primary.port)
            eventually(lambda replica=replica: info(replica).get("master_sync_in_progress") == "1", "the snapshot arrives")
        assert empty.command_reply("GET", "own") == Error(b"LOADING Redis is loading the dataset in memory")
        assert full.command_reply("GET", "own") == b"data"
        for replica in (empty, full):
            replica.command_reply("CONFIG", "SET", "key-load-delay", "0")
        equal(primary, empty, full)
        assert full.command_reply("EXISTS", "own") == 0


def test_a_node_with_foreign_data_is_not_to_be_promoted_before_it_has_synchronized() -> None:
    """Nor after a restart before that; but it stays electable when its primary is gone later, restarts included."""
    with chronis_server() as primary, chronis_server() as replica:
        replica.command_reply("SET", "foreign", "data")
        primary.command_reply("SET", "key", "value")
        primary.stop()
        replica.command_reply("REPLICAOF", HOST, primary.port)
        assert info(replica)["slave_priority"] == "0"
        replica.stop()
        replica.start("--replicaof", f"{HOST} {primary.port}")
        assert info(replica)["slave_priority"] == "0"
        primary.start()
        equal(primary, replica)
        assert info(replica)["slave_priority"] == "100"
        assert primary.command_reply("WAIT", "1", "5000") == 1
        primary.command_reply("REPLICAOF", HOST, replica.port)  # it was followed: its data are those of the group
        assert info(primary)["slave_priority"] == "100"
        primary.stop()
        replica.kill()
        replica.start("--replicaof", f"{HOST} {primary.port}")
        assert info(replica)["slave_priority"] == "100"
        primary.start()


@pytest.mark.parametrize("choice", ["no", "yes"])
def test_a_replica_that_cannot_write_its_log_stops_following_or_goes_on_in_memory(choice: str) -> None:
    """Either way nothing of it is acknowledged, and all is well again once there is room."""
    with chronis_server() as primary, chronis_server("--replica-ignore-disk-write-errors", choice) as replica:
        primary.command_reply("SET", "before", "v")
        replica.command_reply("REPLICAOF", HOST, primary.port)
        equal(primary, replica)
        with primary.client() as client, full_disk(replica):
            client.command("SET", "first", "v")
            eventually(lambda: info(replica, "persistence")["aof_last_write_status"] == "err", "its log fails")
            numbers = itertools.count()

            def followed() -> bool:
                """Write something: it is not acknowledged, whether or not it is followed."""
                key = f"key:{next(numbers)}"
                client.command("SET", key, "x" * 100_000)
                assert client.command("WAIT", "1", "200") == 0
                return replica.command_reply("EXISTS", key) == 1

            if choice == "yes":
                eventually(lambda: next(numbers) >= 5 and followed(), "it is followed in memory, second after second")
            eventually(lambda: not followed(), "it is followed no more")
            assert (int(info(replica)["master_repl_offset"]) > 1 << 20) == (choice == "yes"), "not before the backlog's size"
            assert replica.command_reply("GET", "first") == b"v"
        equal(primary, replica)


def test_a_torn_log_is_not_started_from_where_that_is_forbidden() -> None:
    with chronis_server() as server:
        server.command_reply("SET", "key", "value")
        server.command_reply("SET", "torn", "value")
        server.kill()
        segment = next(server.directory.glob("log/*.seg"))
        segment.write_bytes(segment.read_bytes()[:-1])
        refused = subprocess.run(
            [*server.command, "--aof-load-truncated", "no"], capture_output=True, text=True, timeout=30, check=False
        )
        assert refused.returncode == 1
        assert "aof-load-truncated no" in refused.stderr
        server.start()
        assert server.command_reply("GET", "key") == b"value"
        assert server.command_reply("EXISTS", "torn") == 0
