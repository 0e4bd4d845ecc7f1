"""What is counted as safe is there: replicas that load, keep no log or have not synced do not count, nor does history given up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.kit.cluster import eventually, info, linked, offset
from tests.kit.resp_client import Error, Reply, RespClient, Simple
from tests.kit.servers import HOST, Server, chronis_server, redis_server, requires_redis


@pytest.fixture
def nodes() -> Iterator[list[Server]]:
    """Three running nodes, not connected."""
    with ExitStack() as stack:
        yield [stack.enter_context(chronis_server()) for _ in range(3)]


def follow(replica: Server, primary: Server) -> None:
    """Make a server a replica of another and wait until it is."""
    replica.command_reply("REPLICAOF", HOST, primary.port)
    linked(replica)


def position(client: RespClient) -> tuple[bytes, int]:
    """The position of a client's last write."""
    match client.command("CHRONIS", "OFFSET"):
        case [bytes(history), int(place)]:
            return history, place
        case other:
            raise AssertionError(other)


def unacknowledged(reply: Reply) -> bool:
    """Tell whether a reply says that the outcome is unknown."""
    return str(reply).startswith("UNACKED ")


def pretend(primary: Server) -> RespClient:
    """Follow from the end of history on as a replica that acknowledges only what it is told to."""
    client = primary.client()
    facts = info(primary)
    client.send("PSYNC", facts["master_replid"], int(facts["master_repl_offset"]) + 1)
    assert client.read() == Simple(b"CONTINUE")
    return client


# ── replicas that do not have it ───────────────────────────────────────────────────────────────────────────────────
def test_a_replica_that_loads_its_snapshot_holds_nothing() -> None:
    """Sent is not received: WAIT and min-replicas-to-write count a replica once it has acknowledged."""
    delay = ("--key-load-delay", "1000000")  # for each of some values that the network holds, but not one reading of it
    options = ("--appendonly", "no", "--save", "", "--min-replicas-to-write", "0")
    with chronis_server(*options) as primary, chronis_server(*delay) as replica, primary.client() as client:
        client.pipeline([("SET", f"k:{number}", os.urandom(100_000)) for number in range(8)])
        assert str(client.command("SAVE")) == "OK"
        primary.command_reply("CONFIG", "SET", "min-replicas-to-write", 1)
        replica.command_reply("REPLICAOF", HOST, primary.port)
        eventually(lambda: "state=online" in info(primary).get("slave0", ""), "all has been sent")
        assert info(replica)["master_sync_in_progress"] == "1"
        assert client.command("WAIT", 1, 20) == 0
        assert info(primary)["min_slaves_good_slaves"] == "0"
        assert str(client.command("SET", "k", 1)).startswith("NOREPLICAS ")
        assert info(replica)["master_sync_in_progress"] == "1"
        replica.command_reply("CONFIG", "SET", "key-load-delay", 0)
        assert client.command("WAIT", 1, 20_000) == 1
        assert str(client.command("SET", "k", 1)) == "OK"


def test_a_replica_that_resumes_counts_when_it_acknowledges() -> None:
    """That it asks for what comes next says nothing about where it keeps what it has."""
    with chronis_server() as primary, primary.client() as client:
        client.command("SET", "k", 1)
        with pretend(primary) as replica:
            assert client.command("WAIT", 1, 20) == 0
            replica.send("REPLCONF", "ACK", offset(primary))
            assert client.command("WAIT", 1, 20_000) == 1


# ── replicas that have it, but not on disk ─────────────────────────────────────────────────────────────────────────
def test_waitaof_counts_what_replicas_have_synced() -> None:
    """An acknowledgement is not enough, FACK is; a real replica sends it when its everysec has come."""
    with chronis_server() as primary, chronis_server() as real, primary.client() as client:
        client.command("SET", "k", 1)
        with pretend(primary) as replica:
            replica.send("REPLCONF", "ACK", offset(primary))
            assert client.command("WAIT", 1, 20_000) == 1
            assert client.command("WAITAOF", 1, 1, 100) == [1, 0]
            replica.send("REPLCONF", "ACK", offset(primary), "FACK", offset(primary))
            assert client.command("WAITAOF", 1, 1, 20_000) == [1, 1]
        follow(real, primary)
        client.command("SET", "k", 2)
        assert client.command("WAITAOF", 1, 1, 20_000) == [1, 1]


def test_waitaof_ends_with_an_error_when_the_log_goes() -> None:
    """Who waits for the disk here when appendonly is switched off is told so."""
    with chronis_server("--appendfsync", "no") as primary, primary.client() as client:
        client.command("SET", "k", 1)
        client.send("WAITAOF", 1, 1, 0)
        eventually(lambda: info(primary, "clients")["blocked_clients"] == "1", "it waits")
        primary.command_reply("CONFIG", "SET", "appendonly", "no")
        refused = b"ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
        assert client.read() == Error(refused)


def test_a_replica_without_a_log_promises_nothing() -> None:
    """With appendonly no a replica has it in memory: enough for WAIT, not for WAITAOF nor for a reply after replicas."""
    with chronis_server() as primary, chronis_server("--appendonly", "no") as replica, primary.client() as client:
        follow(replica, primary)
        client.command("SET", "k", 1)
        assert client.command("WAIT", 1, 20_000) == 1
        assert client.command("WAITAOF", 1, 0, 20_000) == [1, 0]
        assert client.command("WAITAOF", 1, 1, 50) == [1, 0]
        client.command("CHRONIS", "REPLYAFTER", 1, 50)
        assert unacknowledged(client.command("SET", "k", 2))
        assert str(replica.command_reply("CONFIG", "SET", "appendonly", "yes")) == "OK"
        client.command("CHRONIS", "REPLYAFTER", 1, 20_000)
        assert str(client.command("SET", "k", 3)) == "OK"
        assert client.command("WAITAOF", 1, 1, 20_000) == [1, 1]


@requires_redis
def test_a_redis_of_7_0_does_not_tell_what_is_on_its_disk() -> None:
    """It is counted by WAIT, as by Redis itself, and by nothing that asks for disks."""
    with chronis_server() as primary, redis_server("--appendonly", "yes") as replica, primary.client() as client:
        follow(replica, primary)
        client.command("SET", "k", 1)
        assert client.command("WAIT", 1, 20_000) == 1
        assert client.command("WAITAOF", 1, 1, 100) == [1, 0]
        client.command("CHRONIS", "REPLYAFTER", 1, 100)
        assert unacknowledged(client.command("SET", "k", 2))


# ── the turn in which a primary ceases to be one ───────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("policy", ["everysec", "always"])
def test_what_was_written_in_the_turn_of_a_demotion_is_unacknowledged(nodes: list[Server], policy: str) -> None:
    """Whether by a command of its own or within the transaction that ends the reign."""
    primary, other, _ = nodes
    primary.command_reply("CONFIG", "SET", "appendfsync", policy)
    demotion = ("REPLICAOF", HOST, other.port)
    with primary.client() as client:
        replies = client.pipeline([("CHRONIS", "REPLYAFTER", 1), ("SET", "k", 1), ("GET", "k"), demotion])
        assert unacknowledged(replies[1])
        assert replies[2] == b"1"
        assert str(replies[3]) == "OK"
        primary.command_reply("REPLICAOF", "NO", "ONE")
        replies = client.pipeline([("MULTI",), ("SET", "k", 1), demotion, ("EXEC",)])
        assert unacknowledged(replies[-1])
        primary.command_reply("REPLICAOF", "NO", "ONE")
        client.command("CHRONIS", "REPLYAFTER", 0)
        assert [str(reply) for reply in client.pipeline([("SET", "k", 1), demotion])] == ["OK", "OK"]


# ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_replicas_are_asked_once_a_turn() -> None:
    """However many clients wait: ten that were held back by a pause run in one turn."""
    with chronis_server() as primary, pretend(primary) as replica, primary.client() as control, ExitStack() as stack:
        clients = [stack.enter_context(primary.client()) for _ in range(10)]
        for client in clients:
            client.command("SET", "k", 1)
        control.command("CLIENT", "PAUSE", 700, "ALL")
        for client in clients:
            client.send("WAIT", 1, 50)
        assert [client.read() for client in clients] == [0] * 10
        control.command("SET", "end", 1)
        stream = list(iter(replica.read, [b"SET", b"end", b"1"]))
        assert stream.count([b"REPLCONF", b"GETACK", b"*"]) in (1, 2)  # 2: one was sent so slowly that it had a turn of its own


# ── positions ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_who_waits_for_a_write_that_was_lost_is_told_so(nodes: list[Server]) -> None:
    """Another history that has grown as long does not contain it."""
    first, promoted, third = nodes
    follow(promoted, first)
    follow(third, first)
    with first.client() as writer, third.client() as reader, third.client() as early:
        writer.command("SET", "k", 1)
        history, place = position(writer)
        assert reader.command("CHRONIS", "WAITOFFSET", history, place, 20_000) == 1
        early.send("CHRONIS", "WAITOFFSET", history, place, 0)
        assert early.read() == 1
        reader.send("CHRONIS", "WAITOFFSET", history, place + 1000, 0)
        eventually(lambda: info(third, "clients")["blocked_clients"] == "1", "the reader waits")
        promoted.command_reply("REPLICAOF", "NO", "ONE")
        follow(third, promoted)
        assert str(promoted.command_reply("SET", "k", "v" * 2000)) == "OK"
        assert str(reader.read()).startswith("PARTED ")


def test_who_waits_for_a_history_that_its_node_has_not_heard_of_gets_there(nodes: list[Server]) -> None:
    """After a promotion clients know of the new history before every replica does; who asks for a stranger's is told in the end."""
    first, promoted, third = nodes
    follow(promoted, first)
    follow(third, first)
    with promoted.client() as writer, third.client() as reader, third.client() as other:
        promoted.command_reply("REPLICAOF", "NO", "ONE")
        writer.command("SET", "k", 1)
        reader.send("CHRONIS", "WAITOFFSET", *position(writer), 0)
        other.send("CHRONIS", "WAITOFFSET", "f" * 40, 1, 0)
        eventually(lambda: info(third, "clients")["blocked_clients"] == "2", "both wait")
        follow(third, promoted)
        assert reader.read() == 1
        assert reader.command("GET", "k") == b"1"
        third.command_reply("REPLICAOF", "NO", "ONE")
        assert str(other.read()).startswith("PARTED ")


def test_a_clients_last_write_is_of_the_history_in_which_it_was_written(nodes: list[Server]) -> None:
    """Also when this node goes over to another primary's history and back: what it gave up it can't wait for."""
    first, second, _ = nodes
    follow(second, first)
    with first.client() as writer, second.client() as reader, second.client() as cut:
        writer.command("SET", "k", 1)
        assert writer.command("WAIT", 1, 20_000) == 1
        second.command_reply("REPLICAOF", "NO", "ONE")
        eventually(lambda: info(first)["connected_slaves"] == "0", "they are apart")
        writer.command("SET", "lost", "v" * 100)
        before = position(writer)
        cut.command("SET", "k", "v" * 1000)
        follow(first, second)
        assert position(writer) == before
        assert position(cut)[0] != before[0]
        assert str(reader.command("CHRONIS", "WAITOFFSET", *before, 0)).startswith("PARTED ")
        first.command_reply("REPLICAOF", "NO", "ONE")
        follow(second, first)
        with first.client() as fresh:
            fresh.command("SET", "new", 1)
            assert fresh.command("WAIT", 1, 20_000) == 1
        assert position(writer) == before
        assert writer.command("WAIT", 1, 50) == 0
        writer.command("SET", "again", 1)
        assert position(writer)[0] != before[0]
        assert writer.command("WAIT", 1, 20_000) == 1


def test_who_has_written_nothing_waits_for_nothing(nodes: list[Server]) -> None:
    """Whatever history the node gave up before the client came, none of it was the client's."""
    node, other, _ = nodes
    node.command_reply("SET", "given up", 1)
    other.command_reply("SET", "k", 1)
    follow(node, other)
    node.command_reply("REPLICAOF", "NO", "ONE")
    with node.client() as client:
        assert client.command("WAITAOF", 1, 0, 5_000) == [1, 0]
        follow(other, node)
        assert client.command("WAIT", 1, 5_000) == 1
