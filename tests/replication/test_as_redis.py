"""What replicas and primaries show of their work, as Redis shows it: found with its own test suite."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.kit.cluster import equal, eventually, info, linked, offset, syncs
from tests.kit.resp_client import RespClient
from tests.kit.servers import HOST, Server, chronis_server

IN_MEMORY = ("--appendonly", "no", "--save", "")


DEFAULTS = {
    "repl-backlog-ttl": 3600,
    "replica-read-only": "yes",
    "repl-diskless-load": "disabled",
    "repl-diskless-sync-delay": 0,
    "repl-diskless-sync-max-replicas": 0,
    "repl-timeout": 60,
    "rdb-key-save-delay": 0,
}


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Server, Server]]:
    """Two nodes, both with their logs in memory."""
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(chronis_server(*IN_MEMORY)), stack.enter_context(chronis_server(*IN_MEMORY))


@pytest.fixture
def nodes(pair: tuple[Server, Server]) -> tuple[Server, Server]:
    """A primary and a node that is to be its replica, as after a start but for their history."""
    options = [word for pair in DEFAULTS.items() for word in pair]
    for server in pair:
        if not server.running:
            server.start()
        with server.client() as client:
            client.pipeline([("REPLICAOF", "NO", "ONE"), ("CONFIG", "SET", *options), ("CONFIG", "RESETSTAT"), ("FLUSHALL",)])
            client.command("DEBUG", "SET-ACTIVE-EXPIRE", "1")
    return pair


def follow(primary: Server, replica: Server) -> None:
    """Make a replica, and wait until it is one."""
    replica.command_reply("REPLICAOF", HOST, primary.port)
    linked(replica)


def text(client: RespClient, *words: object) -> str:
    """A reply as text."""
    reply = client.command(*words)
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def test_clients_that_wait_on_a_primary_are_told_of_its_demotion_and_closed(nodes: tuple[Server, Server]) -> None:
    """So that they look for the primary anew; what they sent behind is not run any more. Readers are left alone."""
    primary, other = nodes
    with other.client() as popping, other.client() as waiting, other.client() as reading:
        popping.send("BLPOP", "list", 0)
        popping.send("SET", "behind", 1)
        waiting.send("WAIT", 1, 0)
        eventually(lambda: info(other, "clients")["blocked_clients"] == "2", "both wait")
        follow(primary, other)
        for client in (popping, waiting):
            assert str(client.read()).startswith("UNBLOCKED force unblock from blocking operation, instance state changed")
            with pytest.raises(EOFError):
                client.read()
        assert reading.command("EXISTS", "behind") == 0


def test_a_writable_replica_removes_what_its_own_clients_let_expire(nodes: tuple[Server, Server]) -> None:
    primary, replica = nodes
    follow(primary, replica)
    with primary.client() as up, replica.client() as down:
        up.command("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        up.pipeline([("SET", "theirs", "5", "PX", "1"), ("SET", "kept", "5", "PX", "1")])
        eventually(lambda: down.command("DBSIZE") == 2 and down.command("EXISTS", "theirs", "kept") == 0, "they expired")
        down.command("CONFIG", "SET", "replica-read-only", "no")
        down.command("SET", "own", "1", "PX", "1")
        eventually(lambda: down.command("DBSIZE") == 2, "the key that was written here leaves by itself")
        assert down.command("INCR", "theirs") == 1
        assert down.command("TTL", "theirs") == -1
        assert down.command("EXISTS", "kept") == 0
        assert down.command("DBSIZE") == 2


def test_a_replica_counts_pauses_and_complains_about_what_it_applies(nodes: tuple[Server, Server]) -> None:
    primary, replica = nodes
    follow(primary, replica)
    with primary.client() as up, replica.client() as down:
        down.command("CONFIG", "RESETSTAT")
        up.pipeline([("SET", "a", "1"), ("GETSET", "a", "2"), ("RPUSH", "l", "x"), ("RPOPLPUSH", "l", "m")])
        equal(primary, replica)
        told = text(down, "INFO", "commandstats")
        assert "cmdstat_set:calls=2," in told
        assert "cmdstat_rpoplpush:calls=1," in told

        down.command("CLIENT", "PAUSE", "100000", "WRITE")
        before = offset(replica)
        up.command("SET", "while", "paused")
        eventually(lambda: int(info(replica)["slave_read_repl_offset"]) >= offset(primary), "it was received")
        assert int(info(replica)["slave_repl_offset"]) == before
        assert down.command("EXISTS", "while") == 0
        down.command("CLIENT", "UNPAUSE")
        eventually(lambda: down.command("GET", "while") == b"paused", "it was applied")

        up.command("DEBUG", "REPLICATE", "no-such-command", "1")
        up.command("SET", "after", "it")
        eventually(lambda: down.command("GET", "after") == b"it", "the stream goes on")
        (line,) = [line for line in replica.output().splitlines() if "== CRITICAL ==" in line]
        assert "no-such-command" in line

        assert text(up, "PSYNC", "x", "offset").startswith("ERR value is not an integer")
        assert "asks for synchronization but with a wrong offset" in primary.output()


def test_a_replica_of_an_empty_primary_goes_on_where_it_was() -> None:
    with chronis_server(*IN_MEMORY) as primary, chronis_server(*IN_MEMORY) as replica:
        follow(primary, replica)
        primary.command_reply("CLIENT", "KILL", "TYPE", "replica")
        eventually(lambda: syncs(primary) == (1, 1), "partial resynchronization at offset 0")


def test_without_replicas_a_backlog_in_memory_lives_as_long_as_configured(nodes: tuple[Server, Server]) -> None:
    primary, replica = nodes
    follow(primary, replica)
    primary.command_reply("SET", "a", "1")
    equal(primary, replica)
    replica.command_reply("REPLICAOF", "NO", "ONE")
    eventually(lambda: info(primary)["connected_slaves"] == "0", "it left")
    assert info(primary)["repl_backlog_active"] == "1"
    primary.command_reply("CONFIG", "SET", "repl-backlog-ttl", "1")
    eventually(lambda: info(primary)["repl_backlog_active"] == "0", "the backlog was freed")


def test_a_connection_that_is_killed_ends_at_once_even_in_a_long_turn(nodes: tuple[Server, Server]) -> None:
    primary, replica = nodes
    follow(primary, replica)
    with replica.client() as down:
        kill = ("CLIENT", "KILL", f"{HOST}:{primary.port}")
        for words in (("MULTI",), kill, ("DEBUG", "SLEEP", "30"), ("EXEC",)):
            down.send(*words)
        eventually(lambda: info(primary)["connected_slaves"] == "0", "the primary has seen it")
        replica.kill()


def test_a_snapshot_in_the_making_is_announced_and_ends_with_who_wanted_it(nodes: tuple[Server, Server]) -> None:
    """The replica knows the offset from the start; what it serves meanwhile is a matter of repl-diskless-load."""
    primary, replica = nodes
    follow(primary, replica)
    replica.command_reply("REPLICAOF", "NO", "ONE")
    with primary.client() as up, replica.client() as down:
        up.command("DEBUG", "POPULATE", "100")
        up.command("CONFIG", "SET", "rdb-key-save-delay", "1000000")
        down.command("SET", "own", "value")
        down.command("REPLICAOF", HOST, primary.port)
        eventually(lambda: b"sync" in down.command("ROLE"), "the snapshot was announced")  # type: ignore[operator]  # an array
        assert "state=wait_bgsave" in info(primary)["slave0"]
        assert down.command("GET", "own") == b"value"
        down.command("REPLICAOF", "NO", "ONE")
        eventually(lambda: "rdb_bgsave_in_progress:0" in text(up, "INFO", "persistence"), "nobody wants it any more")

        down.command("CONFIG", "SET", "repl-diskless-load", "swapdb")
        down.command("REPLICAOF", HOST, primary.port)
        eventually(lambda: "\r\nloading:1" in text(down, "INFO", "persistence"), "it is loading another history")
        assert text(down, "GET", "own").startswith("LOADING")
        up.command("CLIENT", "KILL", "TYPE", "replica")
        up.command("CONFIG", "SET", "rdb-key-save-delay", "0")
        equal(primary, replica)
        assert down.command("DBSIZE") == 100

        up.command("CONFIG", "SET", "rdb-key-save-delay", "1000000")
        more_than_is_kept = [("SET", "big", "x" * (3 << 20)), ("SET", "small", "1")]
        up.pipeline([("MULTI",), ("CLIENT", "KILL", "TYPE", "replica"), *more_than_is_kept, ("EXEC",)])
        eventually(lambda: "async_loading:1" in text(down, "INFO", "persistence"), "it is loading the same history")
        assert "\r\nloading:0" in text(down, "INFO", "persistence")
        assert down.command("DBSIZE") == 100
        assert text(down, "CONFIG", "SET", "appendonly", "yes").startswith("LOADING")
        assert text(down, "REPLICAOF", "NO", "ONE").startswith("LOADING")
        up.command("CONFIG", "SET", "rdb-key-save-delay", "0")
        up.command("CLIENT", "KILL", "TYPE", "replica")
        equal(primary, replica)
        assert down.command("DBSIZE") == 102


def test_a_full_synchronization_waits_for_others_as_long_as_configured(nodes: tuple[Server, Server]) -> None:
    primary, replica = nodes
    with primary.client() as up:
        up.pipeline([("SET", "a", "1"), ("CONFIG", "SET", "repl-diskless-sync-delay", "1000")])
        replica.command_reply("REPLICAOF", HOST, primary.port)
        eventually(lambda: "state=wait_bgsave" in info(primary).get("slave0", ""), "it waits for others")
        assert b"handshake" in replica.command_reply("ROLE")  # type: ignore[operator]  # an array
        replica.command_reply("CONFIG", "SET", "repl-timeout", "1")
        up.command("DEBUG", "SLEEP", "6")
        eventually(lambda: "Timeout connecting to the MASTER" in replica.output(), "silence was noticed")
        up.command("CONFIG", "SET", "repl-diskless-sync-max-replicas", "1")
        replica.command_reply("CONFIG", "SET", "repl-timeout", "60")
        equal(primary, replica)


def test_keys_that_expired_while_the_node_was_down_are_told_and_leave_by_events() -> None:
    with chronis_server() as server:
        with server.client() as client:
            client.command("DEBUG", "SET-ACTIVE-EXPIRE", "0")
            client.pipeline([("SET", f"k{number}", "v", "PX", "1") for number in range(10)] + [("SET", "stays", "1")])
        before = offset(server)
        server.stop()
        server.start()
        assert info(server, "persistence")["rdb_last_load_keys_expired"] == "10"
        eventually(lambda: server.command_reply("DBSIZE") == 1, "they are gone")
        assert offset(server) > before
