"""Two and three nodes as processes: full and partial synchronization, restarts, roles."""

import contextlib
from collections.abc import Iterator

import pytest

from store.tools.main import main
from tests.kit.cluster import digest, equal, eventually, info, linked, offset, syncs
from tests.kit.resp_client import Error
from tests.kit.servers import HOST, Server, chronis_server


def follow(replica: Server, primary: Server) -> None:
    """Make a server a replica of another."""
    assert str(replica.command_reply("REPLICAOF", HOST, primary.port)) == "OK"


def write(server: Server, count: int, name: str = "key") -> None:
    """Write a few hundred keys of several types and databases."""
    with server.client() as client:
        commands: list[tuple[object, ...]] = []
        for number in range(count):
            commands += [("SELECT", number % 3), ("SET", f"{name}:{number}", "v" * (number % 50))]
            commands += [("RPUSH", f"{name}:list", number), ("ZADD", f"{name}:zset", number / 3, number)]
        commands += [("MULTI",), ("INCR", "counter"), ("INCR", "counter"), ("EXEC",)]
        client.pipeline(commands)


@pytest.fixture
def nodes() -> Iterator[list[Server]]:
    """Two running nodes, not connected."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(chronis_server()) for _ in range(2)]


def test_a_replica_gets_a_snapshot_then_history_and_resumes_from_disk(nodes: list[Server]) -> None:
    """Full synchronization; then partial ones after the restart of either side, with writes in between."""
    primary, replica = nodes
    write(primary, 100)
    assert str(primary.command_reply("SAVE")) == "OK"
    write(primary, 100, "after")
    follow(replica, primary)
    equal(primary, replica)
    assert syncs(primary) == (1, 0)

    replica.stop()
    write(primary, 200, "meanwhile")
    replica.start("--replicaof", f"{HOST} {primary.port}")
    equal(primary, replica)
    assert syncs(primary) == (1, 1)

    primary.kill()
    primary.start()
    write(primary, 50, "restarted")
    equal(primary, replica)
    assert syncs(primary) == (0, 1)

    replica.kill()
    write(primary, 50, "killed")
    replica.start("--replicaof", f"{HOST} {primary.port}")
    equal(primary, replica)
    assert syncs(primary) == (0, 2)


def test_what_a_replica_says_and_refuses(nodes: list[Server]) -> None:
    """Roles, INFO, READONLY, WAIT, messages, and what a connection of a replica may not do."""
    primary, replica = nodes
    follow(replica, primary)
    linked(replica)
    assert replica.command_reply("SET", "k", "v") == Error(b"READONLY You can't write against a read only replica.")
    role = replica.command_reply("ROLE")
    assert isinstance(role, list)
    assert role[:4] == [b"slave", HOST.encode(), primary.port, b"connected"]
    with primary.client() as client, replica.client() as listener:
        listener.command("SUBSCRIBE", "news")
        assert client.command("PUBLISH", "news", "x") == 0
        assert listener.read() == [b"message", b"news", b"x"]
        client.command("SET", "k", "v", "PX", 1)
        assert client.command("WAIT", 1, 5000) == 1
        assert client.command("WAIT", 2, 50) == 1
    eventually(lambda: primary.command_reply("DBSIZE") == 0, "the key has expired")
    equal(primary, replica)
    assert info(primary)["slave0"].startswith(f"ip={HOST},port={replica.port},state=online,")
    with primary.client() as client:
        client.command("REPLCONF", "listening-port", 1)
        client.send("PSYNC", "?", -1)
        assert client.file.readline().startswith(b"+FULLRESYNC ")
        client.send("GET", "k")
        assert client.file.read().startswith(b"$")  # to its end: the connection is closed
    assert "Replica can't interact with the keyspace" in primary.output()


def test_a_promoted_replica_goes_on_and_the_old_primary_goes_back(
    nodes: list[Server], capsys: pytest.CaptureFixture[str]
) -> None:
    """REPLICAOF NO ONE begins a new history; who is ahead in the old one parts with it, and says where it is kept."""
    primary, replica = nodes
    write(primary, 20)
    follow(replica, primary)
    equal(primary, replica)
    old = info(primary)["master_replid"]
    assert str(replica.command_reply("REPLICAOF", "NO", "ONE")) == "OK"
    parted = offset(replica)
    state = info(replica)
    assert (state["role"], state["master_replid2"], state["second_repl_offset"]) == ("master", old, str(parted + 1))
    write(replica, 20, "new")
    primary.command_reply("SET", "lost", "value")
    ahead = offset(primary)
    assert ahead > parted
    follow(primary, replica)
    equal(replica, primary)
    lost = primary.directory / "lost" / f"{parted:020d}-{ahead}.seg"
    assert main(["log", str(lost)]) == 0
    assert '"SET" "lost" "value"' in capsys.readouterr().out
    lost.write_bytes(lost.read_bytes()[:-1])
    assert main(["log", str(lost)]) == 1
    assert "the file ends within a frame" in capsys.readouterr().err
    assert str(lost) in primary.output()
    assert info(primary)["master_replid"] == info(replica)["master_replid"] != old
    assert syncs(replica) == (0, 1)
    primary.kill()
    primary.start("--replicaof", f"{HOST} {replica.port}")
    equal(replica, primary)
    assert syncs(replica) == (0, 2)


def test_chained_replicas_follow_a_promotion_without_a_full_synchronization() -> None:
    """a → b → c: c learns b's new history id and goes on; then c follows a, which follows b."""
    with chronis_server() as a, chronis_server() as b, chronis_server() as c:
        write(a, 20)
        follow(b, a)
        equal(a, b)
        follow(c, b)
        equal(a, b, c)
        b.command_reply("REPLICAOF", "NO", "ONE")
        write(b, 20, "promoted")
        equal(b, c)
        assert syncs(b) == (1, 1)
        follow(a, b)
        equal(b, a, c)
        follow(c, a)
        write(b, 20, "turned")
        equal(b, a, c)
        assert (syncs(a)[0], syncs(b)[0], syncs(c)[0]) == (1, 1, 0)
        assert digest(a) == digest(c)


def test_what_replication_sends_and_receives_is_counted_apart(nodes: list[Server]) -> None:
    """INFO counts the stream's bytes at both ends, within the totals and as rates; what clients send is not among them."""
    primary, replica = nodes
    primary.command_reply("SET", "before", "x" * 50_000)
    primary.command_reply("CONFIG", "SET", "repl-ping-replica-period", 1)  # so that the rates are never zero for long
    follow(replica, primary)
    equal(primary, replica)
    before_out, before_in = replicated(primary), replicated(replica)
    assert before_out[1] > 50_000
    assert before_in[0] > 50_000
    primary.command_reply("SET", "key", "v" * 300_000)
    equal(primary, replica)
    assert 300_000 < replicated(primary)[1] - before_out[1] < 320_000
    assert 300_000 < replicated(replica)[0] - before_in[0] < 320_000
    for server, name in ((primary, "output"), (replica, "input")):
        rate = f"instantaneous_{name}_repl_kbps"
        eventually(lambda server=server, rate=rate: float(info(server, "stats")[rate]) > 0, f"{rate} is counted")
    assert int(info(primary, "stats")["total_net_output_bytes"]) > replicated(primary)[1]
    assert int(info(replica, "stats")["total_net_input_bytes"]) > replicated(replica)[0]
    assert replicated(primary)[0] == 0
    assert replicated(replica)[1] == 0


def replicated(server: Server) -> tuple[int, int]:
    """Bytes that a server has received from its primary and sent to its replicas."""
    stats = info(server, "stats")
    return int(stats["total_net_repl_input_bytes"]), int(stats["total_net_repl_output_bytes"])
