"""Becoming primary: with an id of one's own, and with what other nodes hold of the common history."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.kit.cluster import equal, eventually, info, linked, offset
from tests.kit.lossy_link import LossyLink
from tests.kit.resp_client import Error
from tests.kit.servers import HOST, Server, chronis_server

REFUSED = Error(b"NOREPLICAS Promoted, and waiting for what 1 more of the group's nodes hold (promote-after-replicas).")


def test_a_replica_started_as_a_primary_takes_an_id_of_its_own() -> None:
    """Else two nodes would write under one id, and an offset would name two things: what parted is told, not mixed."""
    with chronis_server() as primary, chronis_server() as replica:
        replica.command_reply("REPLICAOF", HOST, primary.port)
        primary.command_reply("SET", "k", 1)
        linked(replica)
        equal(primary, replica)
        replica.stop()
        replica.start()
        mine, there = info(replica), info(primary)
        assert mine["role"] == "master"
        assert (mine["master_replid2"], mine["master_replid"] != there["master_replid"]) == (there["master_replid"], True)
        replica.command_reply("SET", "k", "there")
        primary.command_reply("SET", "k", "here!")
        primary.command_reply("SET", "more", 1)
        replica.command_reply("REPLICAOF", HOST, primary.port)
        equal(primary, replica)
        assert replica.command_reply("GET", "k") == b"here!"


class Group:
    """A primary whose writes wait for one of two replicas; `behind` gets nothing any more, `ahead` all."""

    def __init__(self, stack: ExitStack) -> None:
        options = ("--reply-after-replicas", "1", "--promote-after-replicas", "1")
        self.old, self.behind, self.ahead = (stack.enter_context(chronis_server(*options)) for _ in range(3))
        self.link = LossyLink(self.old.port)
        stack.callback(self.link.close)
        self.behind.command_reply("REPLICAOF", HOST, self.link.port)
        self.ahead.command_reply("REPLICAOF", HOST, self.old.port)
        for replica in (self.behind, self.ahead):
            linked(replica)
        self.old.command_reply("SET", "first", 1)
        equal(self.old, self.behind)
        self.link.stall()
        with self.old.client() as client:
            replies = client.pipeline([("SET", f"k:{number}", "v" * 100) for number in range(2_000)])
        assert {str(reply) for reply in replies} == {"OK"}
        self.acknowledged = offset(self.ahead)

    def waiting(self, server: Server) -> bool:
        """Tell whether a node shows as primary and refuses writes."""
        return info(server)["role"] == "master" and server.command_reply("SET", "x", 1) == REFUSED


@pytest.fixture
def group() -> Iterator[Group]:
    with ExitStack() as stack:
        yield Group(stack)


def test_the_replica_that_is_behind_is_promoted_and_nothing_acknowledged_is_lost(group: Group) -> None:
    """It refuses writes until the other one asks to follow, and takes from it what was acknowledged there."""
    group.old.kill()
    assert offset(group.behind) < group.acknowledged
    assert str(group.behind.command_reply("REPLICAOF", "NO", "ONE")) == "OK"
    assert group.waiting(group.behind)
    assert info(group.behind)["promotion_waits_for_replicas"] == "1"
    group.ahead.command_reply("REPLICAOF", HOST, group.behind.port)
    linked(group.ahead)
    eventually(lambda: str(group.behind.command_reply("SET", "after", 1)) == "OK", "writes go on")
    assert group.behind.command_reply("DBSIZE") == 2_002
    assert info(group.behind)["promotion_waits_for_replicas"] == "0"
    equal(group.behind, group.ahead)
    assert info(group.ahead, "stats")["sync_full"] == "0"
    group.old.start("--replicaof", f"{HOST} {group.behind.port}")
    equal(group.behind, group.old)


def test_the_old_primary_counts_as_well_and_a_restart_forgets_nothing(group: Group) -> None:
    """The promoted node is killed while it waits, and goes on waiting; a node without history is no help."""
    group.old.kill()
    group.behind.command_reply("REPLICAOF", "NO", "ONE")
    group.behind.kill()
    group.behind.start()
    assert group.waiting(group.behind)
    with chronis_server("--replicaof", f"{HOST} {group.behind.port}") as fresh:
        eventually(lambda: "NOMASTERLINK" in info(fresh).get("master_link_error", ""), "it is told to come back")
        assert group.waiting(group.behind)
    group.old.start("--replicaof", f"{HOST} {group.behind.port}")
    linked(group.old)
    assert group.behind.command_reply("DBSIZE") == 2_001


def test_a_feed_that_tells_no_port_is_not_heard(group: Group) -> None:
    """It may have our history, but nobody follows it, and it comes under another name each time."""
    group.old.kill()
    group.behind.command_reply("REPLICAOF", "NO", "ONE")
    there = info(group.behind)
    reply = group.behind.command_reply("PSYNC", there["master_replid"], int(there["master_repl_offset"]) + 1)
    assert str(reply).startswith("NOMASTERLINK")
    assert group.waiting(group.behind)


def test_a_replica_of_the_promoted_node_is_not_heard(group: Group) -> None:
    """What it holds came from there: the old primary never counted on it, and whoever was counted on is still missing."""
    with chronis_server("--replicaof", f"{HOST} {group.behind.port}") as below:
        linked(below)
        group.old.kill()
        group.behind.command_reply("REPLICAOF", "NO", "ONE")
        group.behind.command_reply("CLIENT", "KILL", "TYPE", "replica")
        eventually(lambda: "Gathering history" in info(below).get("master_link_error", ""), "it came back")
        assert group.waiting(group.behind)
        group.behind.kill()
        eventually(lambda: "Gathering history" not in info(below).get("master_link_error", ""), "it has noticed")
        group.behind.start()
        eventually(lambda: "Gathering history" in info(below).get("master_link_error", ""), "it came back again")
        assert group.waiting(group.behind)
        group.ahead.command_reply("REPLICAOF", HOST, group.behind.port)
        linked(group.ahead)
        equal(group.behind, group.ahead, below)
        assert group.behind.command_reply("DBSIZE") == 2_001


def test_history_is_fetched_once_though_writes_pause(group: Group) -> None:
    group.old.kill()
    group.behind.command_reply("REPLICAOF", "NO", "ONE")
    group.behind.command_reply("CLIENT", "PAUSE", 1500, "WRITE")
    group.ahead.command_reply("REPLICAOF", HOST, group.behind.port)
    linked(group.ahead)
    equal(group.behind, group.ahead)
    assert group.behind.command_reply("DBSIZE") == 2_001
    assert "Fetching history from" not in group.behind.output()


def test_waiting_ends_by_configuration_or_by_following_again(group: Group) -> None:
    """An operator who knows that nobody comes says so; a node that follows again goes on where it was."""
    assert str(group.behind.command_reply("REPLICAOF", "NO", "ONE")) == "OK"
    before = info(group.behind)
    group.behind.command_reply("REPLICAOF", HOST, group.old.port)
    equal(group.old, group.behind)
    assert info(group.behind)["master_replid"] == before["master_replid"]
    group.behind.command_reply("REPLICAOF", "NO", "ONE")
    assert group.waiting(group.behind)
    assert str(group.behind.command_reply("CONFIG", "SET", "promote-after-replicas", 0)) == "OK"
    assert info(group.behind)["master_replid2"] == before["master_replid"]
    group.behind.command_reply("CONFIG", "SET", "reply-after-replicas", 0)
    assert str(group.behind.command_reply("SET", "x", 1)) == "OK"


@contextmanager
def no_room_for_history(server: Server) -> Iterator[None]:
    """Let the file with the chain of history ids not be written."""
    obstacle = server.directory / "history.tmp"
    obstacle.mkdir()
    yield
    obstacle.rmdir()


def test_a_promotion_that_cannot_be_stored_changes_nothing() -> None:
    """It is refused with the reason, the node stays the replica that it was, and later it goes as ever."""
    with chronis_server() as primary, chronis_server() as replica:
        replica.command_reply("REPLICAOF", HOST, primary.port)
        primary.command_reply("SET", "k", 1)
        equal(primary, replica)
        before = info(replica)["master_replid"]
        with no_room_for_history(replica):
            said = "This node can't become a primary, its new history id can't be stored: Is a directory"
            assert replica.command_reply("REPLICAOF", "NO", "ONE") == Error(f"ERR {said}".encode())
            assert said in replica.output()
            primary.command_reply("SET", "k", 2)
            equal(primary, replica)
            assert (info(replica)["role"], info(replica)["master_replid"]) == ("slave", before)
            primary.command_reply("FAILOVER")
            eventually(lambda: f"Unexpected reply to PSYNC from master: -ERR {said}" in primary.output(), "refused")
            eventually(lambda: info(primary)["role"] == "master", "the primary leads again")
            assert str(primary.command_reply("SET", "k", 3)) == "OK"
        equal(primary, replica)
        assert str(replica.command_reply("REPLICAOF", "NO", "ONE")) == "OK"
        assert str(replica.command_reply("SET", "k", 4)) == "OK"


def test_history_that_was_gathered_and_cannot_be_gone_on_with_waits_for_room(group: Group) -> None:
    group.old.kill()
    group.behind.command_reply("REPLICAOF", "NO", "ONE")
    with no_room_for_history(group.behind):
        group.ahead.command_reply("REPLICAOF", HOST, group.behind.port)
        eventually(lambda: "a history of our own can't be begun yet: Is a directory" in group.behind.output(), "it is said")
        said = b"NOREPLICAS Promoted, but a history of our own can't be begun yet: Is a directory"
        assert group.behind.command_reply("SET", "x", 1) == Error(said)
    linked(group.ahead)
    assert str(group.behind.command_reply("SET", "x", 1)) == "OK"
    equal(group.behind, group.ahead)
