"""Stronger promises: replies after replicas, positions to wait for, digests at an offset, writes refused without replicas."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from store.events import PING
from store.tools import verify_cli
from store.tools.main import main
from tests.kit.cluster import equal, eventually, info, linked, offset
from tests.kit.lossy_link import LossyLink
from tests.kit.resp_client import Error, RespClient, Simple
from tests.kit.servers import HOST, Server, chronis_server


def follow(replica: Server, primary: Server | LossyLink) -> None:
    """Make a server a replica of another and wait until it is."""
    replica.command_reply("REPLICAOF", HOST, primary.port)
    linked(replica)


def position(client: RespClient) -> tuple[bytes, int]:
    """The position of a client's last write."""
    reply = client.command("CHRONIS", "OFFSET")
    assert isinstance(reply, list)
    history, place = reply
    assert isinstance(history, bytes)
    assert isinstance(place, int)
    return history, place


def test_replies_wait_for_replicas_and_keep_their_order() -> None:
    """A write is answered when a replica holds it; without one it is UNACKED, and reads after it wait their turn."""
    with chronis_server() as primary, chronis_server() as replica:
        follow(replica, primary)
        with primary.client() as client, primary.client() as other:
            assert str(client.command("CHRONIS", "REPLYAFTER", 1, 400)) == "OK"
            for number in range(50):
                assert str(client.command("SET", "n", number)) == "OK"
                assert replica.command_reply("GET", "n") == b"%d" % number
            replica.kill()
            client.send("SET", "n", "unsafe")
            client.send("GET", "n")
            assert str(other.command("SET", "other", 1)) == "OK"
            reply = client.read()
            assert isinstance(reply, Error)
            assert reply.text.startswith(b"UNACKED ")
            assert client.read() == b"unsafe"
            client.command("CHRONIS", "REPLYAFTER", 0)
            assert str(client.command("SET", "n", "quick")) == "OK"
        replica.start("--replicaof", f"{HOST} {primary.port}")
        linked(replica)
        primary.command_reply("CONFIG", "SET", "reply-after-replicas", 1)
        with primary.client() as client:
            replies = client.pipeline([("SET", f"p:{number}", number) for number in range(200)])
            assert {str(reply) for reply in replies} == {"OK"}
            assert replica.command_reply("DBSIZE") == primary.command_reply("DBSIZE")


@pytest.mark.parametrize("words", [("RESET",), ("CHRONIS", "REPLYAFTER", 0)], ids=["RESET", "by choice"])
def test_a_choice_given_up_holds_for_what_was_written_before_alone(words: tuple[object, ...]) -> None:
    """Who gets a connection out of a pool gets one as new; a write sent together with the RESET keeps its promise."""
    with chronis_server() as primary, primary.client() as client:
        client.command("CHRONIS", "REPLYAFTER", 1, 600)
        written, given_up = client.pipeline([("SET", "k", 1), words])
        assert str(written).startswith("UNACKED ")
        assert str(given_up) in ("OK", "RESET")
        assert str(client.command("SET", "k", 2)) == "OK"
        client.command("CHRONIS", "REPLYAFTER", 1, 600)
        assert str(client.command(*words)) == str(given_up)
        assert str(client.command("SET", "k", 3)) == "OK"


def test_messages_wait_for_no_replica() -> None:
    """PUBLISH promises nothing: Sentinel's is answered, and the PING behind it, on a primary whose replicas are gone."""
    with chronis_server() as primary, primary.client() as client, primary.client() as writer:
        assert str(client.command("CHRONIS", "REPLYAFTER", 1, 600_000)) == "OK"
        assert client.pipeline([("PUBLISH", "channel", "message"), ("PING",)]) == [0, Simple(b"PONG")]
        transaction = [("MULTI",), ("PUBLISH", "channel", "message"), ("EXEC",)]
        assert client.pipeline(transaction)[-1] == [0]
        before = position(writer)
        assert writer.command("PUBLISH", "channel", "message") == 0
        assert position(writer) > before
        assert str(writer.command("CHRONIS", "REPLYAFTER", 1, 50)) == "OK"
        transaction.insert(1, ("SET", "k", 1))
        assert str(writer.pipeline(transaction)[-1]).startswith("UNACKED ")


def test_a_write_is_read_elsewhere_once_its_position_is_reached() -> None:
    """CHRONIS OFFSET on the primary, WAITOFFSET on the replica: the write is there, 300 times in a row."""
    with chronis_server() as primary, chronis_server() as replica:
        follow(replica, primary)
        with primary.client() as writer, replica.client() as reader:
            for number in range(300):
                writer.command("SET", "n", number)
                assert reader.command("CHRONIS", "WAITOFFSET", *position(writer), 5000) == 1
                assert reader.command("GET", "n") == b"%d" % number
            history, place = position(writer)
            assert reader.command("CHRONIS", "WAITOFFSET", history, place + 1000, 30) == 0
            assert reader.command("CHRONIS", "WAITOFFSET", "f" * 40, 1, 30) == 0  # it may yet hear of it
            unknown = writer.command("CHRONIS", "WAITOFFSET", "f" * 40, 1, 30)
            assert str(unknown).startswith("PARTED history")
            replica.command_reply("REPLICAOF", "NO", "ONE")
            assert reader.command("CHRONIS", "WAITOFFSET", history, place, 30) == 1
            parted = reader.command("CHRONIS", "WAITOFFSET", history, place + 1000, 30)
            assert str(parted).startswith("PARTED history")


def test_digests_at_one_offset_are_equal_while_writes_go_on() -> None:
    """Both nodes answer for the same end of a frame, with the same digest, and go on writing meanwhile."""
    with chronis_server() as primary, chronis_server() as replica:
        follow(replica, primary)
        with primary.client() as writer, primary.client() as first, replica.client() as second:
            for turn in range(3):
                writer.pipeline([("SET", f"k:{turn}:{number}", "v") for number in range(500)])
                target = offset(primary) + 200
                second.send("CHRONIS", "DIGEST", target)
                first.send("CHRONIS", "DIGEST", target)
                for node in (primary, replica):
                    eventually(lambda node=node: info(node, "clients")["blocked_clients"] == "1", "the request waits")
                writer.pipeline([("HSET", "h", number, turn) for number in range(500)])
                one, two = first.read(), second.read()
                assert isinstance(one, list)
                assert isinstance(one[1], int)
                assert one == two
                assert one[1] >= target
            assert str(second.command("CHRONIS", "DIGEST", 1)).startswith("PASSED")
        equal(primary, replica)


def test_writes_need_good_replicas_and_reads_a_live_primary_where_so_configured() -> None:
    """min-replicas-to-write refuses with NOREPLICAS; replica-serve-stale-data no answers MASTERDOWN while the link is down."""
    with chronis_server() as primary, chronis_server() as replica:
        primary.command_reply("CONFIG", "SET", "min-replicas-to-write", 1)
        assert primary.command_reply("SET", "k", 1) == Error(b"NOREPLICAS Not enough good replicas to write.")
        follow(replica, primary)
        eventually(lambda: str(primary.command_reply("SET", "k", 1)) == "OK", "a good replica is there")
        assert info(primary)["min_slaves_good_slaves"] == "1"
        equal(primary, replica)
        replica.command_reply("CONFIG", "SET", "replica-serve-stale-data", "no")
        assert replica.command_reply("GET", "k") == b"1"
        primary.kill()
        down = Error(b"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.")
        eventually(lambda: replica.command_reply("GET", "k") == down, "reads are refused")
        replica.command_reply("CONFIG", "SET", "replica-serve-stale-data", "yes")
        assert replica.command_reply("GET", "k") == b"1"
        assert info(replica)["master_link_status"] == "down"
        primary.start()
        linked(replica)


def test_verify_proves_equality_and_names_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    """`chronis verify` says equal with 0; after a local write on a writable replica it says where they differ, with 1."""
    plain = ("--enable-debug-command", "no")
    with chronis_server(*plain) as primary, chronis_server(*plain) as replica:
        follow(replica, primary)
        with primary.client() as client:
            client.pipeline([("SET", f"k:{number}", number) for number in range(300)])
        nodes = [f"{HOST}:{server.port}" for server in (primary, replica)]
        assert main(["verify", *nodes]) == 0
        assert f"{nodes[0]} = {nodes[1]}: 300 keys at offset " in capsys.readouterr().out
        replica.command_reply("CONFIG", "SET", "replica-read-only", "no")
        replica.command_reply("SET", "k:7", "other")
        replica.command_reply("SET", "own", 1)
        replica.command_reply("PEXPIREAT", "k:8", 99999999999999)
        library = "#!lua name=l\nredis.register_function('f', function(keys, args) return 1 end)"
        assert replica.command_reply("FUNCTION", "LOAD", library) == b"l"
        assert main(["verify", *nodes]) == 1
        said = capsys.readouterr().out
        assert "database 0: 300 and 301 keys" in said
        assert "  function libraries\n" in said
        assert "b'k:7': another value, deadline or consumer group" in said
        assert "b'k:8': another value" in said
        assert "b'k:9'" not in said
        assert f"b'own': only on {nodes[1]}" in said
        replica.kill()
        assert main(["verify", *nodes]) == 2


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_verify_says_which_node_does_not_follow_and_why(
    when: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica without its link never gets to the offset: that is looked at first, and while an answer is awaited."""
    monkeypatch.setattr(verify_cli, "TIMEOUT", 20.0)
    monkeypatch.setattr(verify_cli, "PATIENCE", 0.0)
    with chronis_server() as primary, chronis_server() as replica, ThreadPoolExecutor(1) as thread:
        link = LossyLink(primary.port)
        follow(replica, link)
        primary.command_reply("SET", "k", 1)
        equal(primary, replica)
        if when == "meanwhile":
            link.stall()
        else:
            link.down()
            eventually(lambda: "master_link_error" in info(replica), "the link is down")
        verified = thread.submit(main, ["verify", f"{HOST}:{primary.port}", f"{HOST}:{replica.port}"])
        if when == "meanwhile":
            eventually(lambda: info(replica, "clients")["blocked_clients"] == "1", "its answer is awaited")
            link.down()
        assert verified.result(40) == 2
        said = capsys.readouterr().out
        assert said.startswith(f"chronis verify: {HOST}:{replica.port} does not follow its primary {HOST}:{link.port}: "), said
        assert len(said.split(": ", 2)[2]) > 5
        link.close()


def too_old(replica: Server) -> bool:
    """Tell whether a read is refused because of what a replica does not know."""
    return str(replica.command_reply("GET", "k")).startswith("MASTERDOWN What this replica knows")


def test_a_replica_that_knows_too_little_refuses_reads() -> None:
    """replica-max-staleness: reads are refused once what the replica knows is older, and go on with the next event."""
    with chronis_server() as primary, chronis_server() as replica:
        link = LossyLink(primary.port)
        replica.command_reply("REPLICAOF", HOST, link.port)
        primary.command_reply("SET", "k", 0)
        equal(primary, replica)
        replica.command_reply("CONFIG", "SET", "replica-max-staleness", 1)
        link.stall()
        primary.command_reply("SET", "k", 1)
        eventually(lambda: too_old(replica), "refused")
        assert int(info(replica)["replica_lag_seconds"]) >= 1
        primary.command_reply("SET", "k", 2)
        link.heal()
        eventually(lambda: replica.command_reply("GET", "k") == b"2", "reads go on")
        link.close()


def test_neither_a_restart_nor_another_primary_makes_old_data_young() -> None:
    """What counts is when the newest event was written; a node that never heard of its primary is too old whatever is allowed."""
    with chronis_server() as primary, chronis_server() as replica:
        primary.command_reply("SET", "k", 1)
        follow(replica, primary)
        equal(primary, replica)
        primary.kill()
        eventually(lambda: int(info(replica)["replica_lag_seconds"]) >= 2, "it has become older")
        replica.stop()
        replica.start("--replicaof", f"{HOST} {primary.port}", "--replica-max-staleness", "1")
        assert too_old(replica)
        replica.command_reply("REPLICAOF", HOST, 1)
        assert too_old(replica)
        assert int(info(replica)["replica_lag_seconds"]) >= 2
        replica.command_reply("CONFIG", "SET", "replica-max-staleness", 600)
        eventually(lambda: replica.command_reply("GET", "k") == b"1", "that is young enough")
    with chronis_server("--replica-max-staleness", "600", "--replicaof", f"{HOST} 1") as lonely:
        assert too_old(lonely)
        assert info(lonely)["replica_lag_seconds"] == "-1"


def test_a_primary_is_heard_of_as_often_as_those_behind_it_promise() -> None:
    """An idle primary sends the heartbeats that a replica of its replica needs."""
    with chronis_server("--repl-ping-replica-period", "1000") as primary, chronis_server() as middle, chronis_server() as last:
        follow(middle, primary)
        follow(last, middle)
        last.command_reply("CONFIG", "SET", "replica-max-staleness", 1)
        start = offset(primary)
        eventually(lambda: offset(primary) >= start + 4 * len(PING), "heartbeats come")
        eventually(lambda: not too_old(last), "reads are served")
