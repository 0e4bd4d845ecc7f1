"""kill -9 of a node in a given phase of replication: in the end one primary, equal data, clean disks, nothing promised lost.

Law: a phase is entered and held by configuration or by a link that delivers nothing, and seen in INFO, in the log or on the disk
before the kill; no test waits for time to pass.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.kit.cluster import digest, eventually, linked
from tests.kit.group import Group, Node, digest_on_disk
from tests.kit.lossy_link import LossyLink
from tests.kit.servers import HOST

OPTIONS = ("--repl-diskless-sync-delay", "0", "--rdbcompression", "no")
GATHERS_ONE = (*OPTIONS, "--promote-after-replicas", "1")
"""With replies after one of two replicas: nothing promised is lost, whichever of them is promoted."""
PROMISED = "promised:"


def promise(node: Node, name: str, replicas: int = 1) -> list[str]:
    """Write keys whose replies wait for replicas; return their names, acknowledged as they are."""
    names = [f"{PROMISED}{name}:{number}" for number in range(20)]
    with node.server.client() as client:
        assert str(client.command("CHRONIS", "REPLYAFTER", replicas, 10_000)) == "OK"
        for key in names:
            assert str(client.command("SET", key, name)) == "OK"
    return names


def has_said(node: Node, text: str, since: int = 0) -> None:
    """Wait until a node has logged text, beyond the first `since` characters of its log."""
    eventually(lambda: text in node.server.output()[since:], f"node {node.number} says: {text}")


def temporary_files(node: Node, kind: str) -> list[str]:
    """The files of that kind which are being written."""
    return [path.name for path in node.server.directory.rglob("temp-*") if kind in path.name]


@contextmanager
def ending_well(group: Group, promised: list[str]) -> Iterator[None]:
    """A test's own part, then the common end: all started and told, one primary, equal, promised keys there, disks in order."""
    with group:
        yield
        primary, held = mended(group)
        missing = [key for key in promised if primary.ask("EXISTS", key) != 1]
        assert missing == []
        group.end_well(held)


def mended(group: Group) -> tuple[Node, str]:
    """Start and tell all nodes until they are equal; return who is primary, and the digest of what they hold."""
    group.heal()
    primary = group.settle()
    return primary, group.check_equal(primary)


def begin_transfer(primary: Node, replica: Node) -> str:
    """Have a replica that holds another history's data be sent much, slowly; return the digest of what it holds.

    A promoted node with writes of its own is of a history that its old primary does not know.
    """
    gathers = replica.ask("CONFIG", "GET", "promote-after-replicas")
    assert isinstance(gathers, list)
    replica.ask("CONFIG", "SET", "promote-after-replicas", 0)
    assert str(replica.ask("REPLICAOF", "NO", "ONE")) == "OK"
    assert str(replica.ask("SET", "served before", "and kept")) == "OK"
    replica.ask("CONFIG", "SET", *gathers)
    replica.ask("CONFIG", "SET", "key-load-delay", 20_000)
    held = digest(replica.server)
    assert str(replica.ask("REPLICAOF", HOST, primary.link.port)) == "OK"
    return held


def in_transfer(replica: Node) -> None:
    """Wait until a part of the snapshot is there."""
    eventually(lambda: int(replica.state().get("master_sync_read_bytes", 0)) > 0, "a part has arrived")
    assert int(replica.state()["master_sync_left_bytes"]) > 0
    assert temporary_files(replica, "received")


@contextmanager
def busy(node: Node) -> Iterator[None]:
    """A client that keeps a node busy, until that is killed."""
    over = threading.Event()

    def talk() -> None:
        while not over.wait(0.005) and node.ask("PING") is not None:
            pass

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join()


def fill(primary: Node, keys: int) -> None:
    """Have a snapshot of many big values at hand, and no more of them in the data."""
    primary.ask("DEBUG", "POPULATE", keys, "big", 20_000)
    assert str(primary.ask("SAVE")) == "OK"
    assert primary.ask("DEL", *(f"big:{number}" for number in range(keys))) == keys


def test_a_replica_in_mid_transfer() -> None:
    """What it served before is what it has when it starts again; the transfer is made again."""
    promised: list[str] = []
    group = Group(OPTIONS, count=2)
    with ending_well(group, promised):
        primary, replica = group.nodes
        promised += promise(primary, "before")
        fill(primary, 200)
        held = begin_transfer(primary, replica)
        in_transfer(replica)
        assert digest(replica.server) == held
        replica.kill()
        assert digest_on_disk(replica) == held
        assert not (replica.server.directory / "lost").exists()  # what is its own can't be told: the log names what is replaced
        assert "Discarding our state once the new one is here: offset" in replica.server.output()


@pytest.mark.parametrize("phase", ["sends a snapshot", "makes a snapshot"])
def test_a_primary_while_a_replica_synchronizes(phase: str) -> None:
    """The replica goes on serving what it has and leaves nothing of the transfer; another one is promoted."""
    promised: list[str] = []
    group = Group(GATHERS_ONE)
    with ending_well(group, promised), ExitStack() as cleanup:
        primary, other, replica = group.nodes
        promised += promise(primary, "before", 2)
        if phase == "makes a snapshot":
            primary.ask("DEBUG", "POPULATE", 600)
            primary.ask("CONFIG", "SET", "rdb-key-save-delay", 100_000)
        else:
            fill(primary, 600)
            primary.ask("CONFIG", "SET", "repl-snapshot-rate", "1mb")
            cleanup.enter_context(busy(primary))
        held = begin_transfer(primary, replica)
        if phase == "makes a snapshot":
            eventually(lambda: "wait_bgsave" in str(primary.state()), "the replica waits for the snapshot")
            eventually(lambda: bool(temporary_files(primary, "")), "the snapshot is being written")
        else:
            in_transfer(replica)
            assert "send_bulk" in str(primary.state())
        promised += promise(primary, "meanwhile")
        primary.kill()
        eventually(lambda: replica.state()["master_link_status"] == "down", "the replica has lost its primary")
        eventually(lambda: not temporary_files(replica, ""), "nothing of the transfer is left")
        assert digest(replica.server) == held
        replica.ask("CONFIG", "SET", "key-load-delay", 0)
        primary.told = other.number
        assert group.promote(other)


def test_an_old_primary_on_its_way_back() -> None:
    """Killed while it rebuilds, and when it just has: what it gives up is kept, once, however often it has to begin."""
    promised: list[str] = []
    group = Group(GATHERS_ONE)
    with ending_well(group, promised):
        old, new, other = group.nodes
        promised += promise(old, "before", 2)
        old.link.down()
        assert str(old.ask("SET", "given up", "in the partition")) == "OK"
        assert group.promote(new)
        group.follow(other, new.number)
        eventually(lambda: new.is_primary, "the new primary accepts writes")
        promised += promise(new, "after")
        old.kill()
        old.told = new.number
        plain, old.server.command = old.server.command, slowed(old.server.command, 20)
        group.start(old)
        has_said(old, "Our history parted from the master's")
        old.kill()
        assert "Went back to offset" not in old.server.output()
        old.server.command = plain
        group.start(old)
        has_said(old, "Went back to offset")
        old.kill()
        (kept,) = (old.server.directory / "lost").glob("*.seg")
        assert b"in the partition" in kept.read_bytes()


def slowed(command: list[str], seconds: float) -> list[str]:
    """The command of a server, as that of one whose rebuilds take so much longer."""
    place = command.index("store")
    return [*command[:place], "tests.kit.slowed_node", str(seconds), *command[place + 1 :]]


def test_a_promoted_node_that_gathers() -> None:
    """Killed while it waits and while it fetches: it gathers again, so what it does not hold itself is not lost."""
    promised: list[str] = []
    group = Group(GATHERS_ONE)
    with ExitStack() as cleanup, ending_well(group, promised):
        old, new, other = group.nodes
        apart = LossyLink(old.server.port)
        cleanup.callback(apart.close)
        new.ask("REPLICAOF", HOST, apart.port)
        linked(new.server)
        apart.down()
        promised += promise(old, "the promoted one has none of it")
        old.kill()
        old.told = new.number
        assert group.promote(new)
        has_said(new, "writes are refused until")
        new.kill()
        said = len(new.server.output())
        group.start(new)
        has_said(new, "writes are refused until", said)
        new.server.wait_ready()
        assert str(new.ask("CLIENT", "PAUSE", 60_000, "WRITE")) == "OK"  # which what is fetched waits for
        group.follow(other, new.number)
        has_said(new, "fetching it")
        assert not new.is_primary
        new.kill()


@pytest.mark.parametrize("phase", ["waiting-for-sync", "failover-in-progress"])
def test_both_sides_of_a_failover(phase: str) -> None:
    """First its target is killed, then, in another one, who asks for it; whether or not the request has left."""
    promised: list[str] = []
    group = Group(OPTIONS, count=2)
    with ending_well(group, promised):
        old, target = group.nodes
        promised += promise(old, "before")
        begin_failover(group, old, target, phase)
        target.kill()
        if phase == "waiting-for-sync":
            assert str(old.ask("FAILOVER", "ABORT")) == "OK"  # without a time limit it waits for ever, as in Redis
        old, _ = mended(group)
        (target,) = (node for node in group.nodes if node is not old)
        promised += promise(old, "between")
        begin_failover(group, old, target, phase)
        old.kill()


def begin_failover(group: Group, old: Node, target: Node, phase: str) -> None:
    """Have a failover come as far as phase, and no farther."""
    if phase == "waiting-for-sync":
        old.link.stall()
        assert str(old.ask("SET", "on its way", "to the target")) == "OK"
    else:
        target.link.stall()
    assert group.fail_over(target)
    eventually(lambda: old.state()["master_failover_state"] == phase, f"the failover is {phase}")
