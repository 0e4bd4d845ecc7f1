"""FAILOVER: one primary before, one after, the same data on both, the old one back by partial resynchronization."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from store.events import PING
from tests.kit.cluster import equal, eventually, info, linked, offset, syncs
from tests.kit.full_disk import full_disk
from tests.kit.lossy_link import LossyLink
from tests.kit.resp_client import Error, RespClient
from tests.kit.servers import HOST, Server, chronis_server, redis_server, requires_redis

NOW = ("--repl-diskless-sync-delay", "0")


@pytest.fixture(scope="module")
def trio() -> Iterator[list[Server]]:
    """Three nodes; each test makes the first one the primary of the others."""
    with ExitStack() as stack:
        yield [stack.enter_context(chronis_server()) for _ in range(3)]


@pytest.fixture
def nodes(trio: list[Server]) -> list[Server]:
    primary, *replicas = trio
    primary.command_reply("FAILOVER", "ABORT")
    primary.command_reply("REPLICAOF", "NO", "ONE")
    primary.command_reply("FLUSHALL")
    for node in trio:
        node.command_reply("CLIENT", "UNPAUSE")
        node.command_reply("CONFIG", "SET", "promote-after-replicas", 0)
    for replica in replicas:
        replica.command_reply("REPLICAOF", HOST, primary.port)
    equal(primary, *replicas)
    for node in trio:
        node.command_reply("CONFIG", "RESETSTAT")
    return trio


def state(server: Server) -> str:
    """The state of a node's failover."""
    return info(server)["master_failover_state"]


def ended(server: Server) -> None:
    """Wait until a node's failover is over."""
    eventually(lambda: state(server) == "no-failover", f"the failover ends: {info(server)}")


def exchanged(old: Server, new: Server) -> None:
    """Wait until two nodes have exchanged their roles, and hold the same, writes included that follow."""
    ended(old)
    assert (info(old)["role"], info(new)["role"]) == ("slave", "master")
    assert (info(old)["master_host"], info(old)["master_port"]) == (HOST, str(new.port))
    assert str(new.command_reply("SET", "after", new.port)) == "OK"
    equal(new, old)


def leads(server: Server) -> None:
    """Assert that a node is a primary that takes writes."""
    assert info(server)["role"] == "master"
    assert str(server.command_reply("SET", "still", server.port)) == "OK"


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """Let a server stand still."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def write(server: Server, count: int = 500) -> None:
    with server.client() as client:
        client.pipeline([("SET", f"k:{number}", "v" * 100) for number in range(count)])


# ── between our own ────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("named", [False, True], ids=["any", "to"])
def test_roles_are_exchanged(nodes: list[Server], named: bool) -> None:
    """Writes that came while it lasted are refused by what is a replica then, none is lost."""
    first, second, third = nodes
    write(first)
    target = ("TO", HOST, second.port) if named else ()
    if not named:
        third.command_reply("REPLICAOF", "NO", "ONE")
        eventually(lambda: info(first)["connected_slaves"] == "1", "one replica is left")
    assert str(first.command_reply("FAILOVER", *target)) == "OK"
    exchanged(first, second)
    assert syncs(second)[0] == 0
    third.command_reply("REPLICAOF", HOST, second.port)
    equal(second, first)


def test_in_time_or_not_at_all(nodes: list[Server]) -> None:
    """A target that does not catch up within TIMEOUT ends it, and what waited is written."""
    first, second, third = nodes
    with stopped(second), first.client() as client:
        write(first)
        assert str(first.command_reply("FAILOVER", "TO", HOST, second.port, "TIMEOUT", 300)) == "OK"
        client.send("SET", "held", "back")
        assert state(first) == "waiting-for-sync"
        assert str(first.command_reply("FAILOVER")) == "ERR FAILOVER already in progress."
        assert str(client.read()) == "OK"
        assert state(first) == "no-failover"
    leads(first)
    equal(first, second, third)
    assert [syncs(node) for node in nodes] == [(0, 0)] * 3


def test_it_can_be_called_off(nodes: list[Server]) -> None:
    """Both while it waits and when this node has stepped down already."""
    first, second, third = nodes
    assert str(first.command_reply("FAILOVER", "ABORT")) == "ERR No failover in progress."
    with stopped(second):
        write(first)
        first.command_reply("FAILOVER", "TO", HOST, second.port)
        assert str(first.command_reply("FAILOVER", "ABORT")) == "OK"
        leads(first)
        first.command_reply("FAILOVER", "TO", HOST, second.port, "TIMEOUT", 1, "FORCE")
        eventually(lambda: state(first) == "failover-in-progress", "it has stepped down")
        assert str(first.command_reply("REPLICAOF", "NO", "ONE")) == "ERR REPLICAOF not allowed while failing over."
        assert str(first.command_reply("FAILOVER", "ABORT")) == "OK"
        leads(first)
    equal(first, second, third)


@pytest.mark.parametrize("gathered", [0, 1, 2])
def test_a_target_that_refuses_changes_nothing(nodes: list[Server], gathered: int) -> None:
    """The old primary leads again, and waits for nobody: nobody holds more than it does (promote-after-replicas)."""
    first, second, third = nodes
    for node in nodes:
        node.command_reply("CONFIG", "SET", "promote-after-replicas", gathered)
    second.command_reply("ACL", "SETUSER", "default", "-psync")
    assert str(first.command_reply("FAILOVER", "TO", HOST, second.port)) == "OK"
    ended(first)
    assert "Failover target rejected psync request" in first.output()
    second.command_reply("ACL", "SETUSER", "default", "+psync")
    leads(first)
    equal(first, second, third)


@pytest.mark.parametrize("gathered", [1, 2])
def test_what_is_handed_over_need_not_be_gathered(nodes: list[Server], gathered: int) -> None:
    """The new primary holds all the old one held: it takes writes at once (promote-after-replicas)."""
    first, second, _ = nodes
    for node in nodes:
        node.command_reply("CONFIG", "SET", "promote-after-replicas", gathered)
    write(first)
    assert str(first.command_reply("FAILOVER", "TO", HOST, second.port)) == "OK"
    exchanged(first, second)
    assert info(second)["promotion_waits_for_replicas"] == "0"


def test_a_node_that_gathers_does_not_hand_over(nodes: list[Server]) -> None:
    """Its target would gather nothing, and what others hold would be given up."""
    first, second, third = nodes
    third.command_reply("REPLICAOF", HOST, second.port)
    equal(first, third)
    second.command_reply("CONFIG", "SET", "promote-after-replicas", 1)
    second.command_reply("REPLICAOF", "NO", "ONE")
    assert str(second.command_reply("FAILOVER")).startswith("ERR FAILOVER is not possible while a promotion waits")


class Lagging:
    """A primary and a replica that gets nothing any more over a stalled link, with writes that it lacks."""

    def __init__(self, stack: ExitStack, primary: Server, replica: Server, known_as: int = 0) -> None:
        self.primary, self.replica, self.port = primary, replica, known_as or replica.port
        self.link = LossyLink(primary.port)
        stack.callback(self.link.close)
        replica.command_reply("CONFIG", "SET", "replica-announce-port", known_as)
        replica.command_reply("REPLICAOF", HOST, self.link.port)
        equal(primary, replica)
        primary.command_reply("SET", "both", 1)
        equal(primary, replica)
        self.link.stall()
        write(primary)

    def force(self) -> None:
        """Let the replica be primary, whatever it lacks."""
        words = ("FAILOVER", "TO", HOST, self.port, "TIMEOUT", 100, "FORCE")
        assert str(self.primary.command_reply(*words)) == "OK"
        eventually(lambda: info(self.primary)["role"] == "slave", "it has stepped down")


@pytest.mark.parametrize("gathered", [0, 2])
def test_forced_upon_a_replica_that_lags_there_is_one_primary(nodes: list[Server], gathered: int) -> None:
    """The old one goes back to where histories part and keeps the rest in a file."""
    first, second, _ = nodes
    for node in nodes:
        node.command_reply("CONFIG", "SET", "promote-after-replicas", gathered)
    with ExitStack() as stack:
        lagging = Lagging(stack, first, second)
        assert offset(second) < offset(first)
        lagging.force()
        exchanged(first, second)
    assert syncs(second)[0] == 0
    assert second.command_reply("EXISTS", "k:1") == 0
    assert list((first.directory / "lost").iterdir())
    assert first.command_reply("EXISTS", "k:1") == 0


class Unreachable:
    """A target that announces itself by a link which is down: the old primary waits in the middle of a failover."""

    def __init__(self, stack: ExitStack, old: Server) -> None:
        self.target = stack.enter_context(chronis_server())
        self.link = LossyLink(self.target.port)
        stack.callback(self.link.close)
        self.link.down()
        self.target.command_reply("CONFIG", "SET", "replica-announce-port", self.link.port)
        self.target.command_reply("REPLICAOF", HOST, old.port)
        equal(old, self.target)
        assert str(old.command_reply("FAILOVER", "TO", HOST, self.link.port)) == "OK"
        eventually(lambda: state(old) == "failover-in-progress", "it has stepped down")


def test_a_target_that_was_asked_before_is_followed(nodes: list[Server]) -> None:
    """The answer to the first request was lost; by then the target is a primary, and the only one."""
    first = nodes[0]
    with ExitStack() as stack:
        unreachable = Unreachable(stack, first)
        target, there = unreachable.target, info(first)
        with target.client() as client:
            client.send("PSYNC", there["master_replid"], int(there["master_repl_offset"]) + 1, "FAILOVER")
            eventually(lambda: info(target)["role"] == "master", "it took over")
        target.command_reply("SET", "new", "primary")
        unreachable.link.restore()
        ended(first)
        equal(target, first)
        assert syncs(target)[0] == 0
        first.command_reply("REPLICAOF", "NO", "ONE")


def test_a_stranger_in_the_place_of_the_target_is_not_followed(nodes: list[Server]) -> None:
    """It is a primary, but of another history: following it would cost all that is here."""
    first = nodes[0]
    with ExitStack() as stack:
        write(first)
        held = first.command_reply("DBSIZE")
        unreachable = Unreachable(stack, first)
        stranger = stack.enter_context(chronis_server())
        unreachable.link.target = stranger.port
        unreachable.link.restore()
        ended(first)
        leads(first)
        assert first.command_reply("DBSIZE") >= held  # type: ignore[operator]  # numbers


def test_while_it_lasts_nobody_is_served(nodes: list[Server]) -> None:
    first, second, third = nodes
    with stopped(second), first.client() as client:
        write(first)
        first.command_reply("FAILOVER", "TO", HOST, second.port)
        for words in (("PSYNC", "?", "-1"), ("SYNC",)):
            assert client.command(*words) == Error(b"NOMASTERLINK Can't SYNC while failing over")
        first.command_reply("FAILOVER", "ABORT")
    equal(first, second, third)


def test_a_log_that_fails_ends_it(nodes: list[Server]) -> None:
    """What can't be written here gets to no replica: it is not begun, and given up when the log fails in the midst of it."""
    first, second, _ = nodes
    first.command_reply("CONFIG", "SET", "repl-ping-replica-period", 3600)  # nothing else is to be written meanwhile
    write(first, 1000)  # more than the server's own lines, which have to fit below the limit too
    try:
        with first.client() as client, full_disk(first):
            written, failover = client.pipeline([("SET", "k", 1), ("FAILOVER", "TO", HOST, second.port)])
            assert (str(written)[:8], str(failover)) == ("MISCONF ", "OK")
            ended(first)
            refused = str(client.command("FAILOVER", "TO", HOST, second.port, "TIMEOUT", 1, "FORCE"))
            assert refused.startswith("ERR FAILOVER is not possible while the log can't be written: "), refused
        eventually(lambda: str(first.command_reply("SET", "k", 1)) == "OK", "the log is written again")
    finally:
        first.command_reply("CONFIG", "SET", "repl-ping-replica-period", 10)
    assert str(first.command_reply("FAILOVER", "TO", HOST, second.port)) == "OK"
    exchanged(first, second)
    assert "Failover given up: the log can't be written: " in first.output()


# ── pauses ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_pause_by_command_and_that_of_a_failover_are_two(nodes: list[Server]) -> None:
    """UNPAUSE lets no write through in a failover, and the end of that does not end the other pause."""
    first, second, third = nodes
    with stopped(second), first.client() as writer, first.client() as reader:
        write(first)
        first.command_reply("CLIENT", "PAUSE", 1, "ALL")
        first.command_reply("FAILOVER", "TO", HOST, second.port)
        assert reader.command("EXISTS", "k:1") == 1  # the pause of everything has ended
        first.command_reply("CLIENT", "PAUSE", 100_000, "WRITE")
        first.command_reply("CLIENT", "UNPAUSE")
        writer.send("SET", "held", "back")
        eventually(lambda: info(first, "clients")["blocked_clients"] == "1", "the write waits")
        assert reader.command("EXISTS", "held") == 0
        first.command_reply("CLIENT", "PAUSE", 100_000, "WRITE")
        first.command_reply("FAILOVER", "ABORT")
        assert reader.command("EXISTS", "held") == 0
        assert info(first, "clients")["blocked_clients"] == "1"
        first.command_reply("CLIENT", "UNPAUSE")
        assert str(writer.read()) == "OK"
    equal(first, second, third)


@pytest.fixture
def promising(nodes: list[Server]) -> Iterator[list[Server]]:
    """The third node promises to serve nothing older than a second: the first sends it two heartbeats in that time."""
    nodes[2].command_reply("CONFIG", "SET", "replica-max-staleness", 1)
    yield nodes
    nodes[2].command_reply("CONFIG", "SET", "replica-max-staleness", 0)


def test_a_pause_by_command_is_no_silence(promising: list[Server]) -> None:
    """Heartbeats go on, however long it is: no replica takes its primary for dead, or what it knows for old."""
    first, second, third = promising
    start, given = offset(first), syncs(first)
    first.command_reply("CLIENT", "PAUSE", 100_000, "WRITE")
    eventually(lambda: offset(third) >= start + 4 * len(PING), "heartbeats come")
    assert not str(third.command_reply("GET", "k")).startswith("MASTERDOWN ")
    first.command_reply("CLIENT", "UNPAUSE")
    equal(first, second, third)
    assert syncs(first) == given


@pytest.mark.parametrize("limit", [(), ("TIMEOUT", 1500)], ids=["without a limit", "with one"])
def test_history_stands_still_in_a_failover_that_has_an_end(promising: list[Server], limit: tuple[object, ...]) -> None:
    """As in Redis: who is to be waited for without a limit may be waited for longer than links stand silence."""
    first, second, third = promising
    with stopped(second):
        write(first)
        first.command_reply("FAILOVER", "TO", HOST, second.port, *limit)
        seen = set()

        def moved() -> bool:
            """Look where history is while it waits."""
            facts = info(first)
            if facts["master_failover_state"] == "waiting-for-sync":
                seen.add(int(facts["master_repl_offset"]))
                return not limit and max(seen) >= min(seen) + 3 * len(PING)
            return True

        eventually(moved, "history moves on, or the time is up")
        assert (len(seen) == 1) == bool(limit)
        if not limit:
            first.command_reply("FAILOVER", "ABORT")
    leads(first)
    equal(first, second, third)


# ── with redis-server ──────────────────────────────────────────────────────────────────────────────────────────────
@requires_redis
def test_roles_are_exchanged_with_redis_there_and_back(nodes: list[Server]) -> None:
    """Each side asks the other; both ways nothing but partial resynchronizations."""
    first = nodes[0]
    with redis_server(*NOW) as redis:
        write(first)
        redis.command_reply("REPLICAOF", HOST, first.port)
        equal(first, redis)
        given = syncs(first)
        assert str(first.command_reply("FAILOVER", "TO", HOST, redis.port)) == "OK"
        exchanged(first, redis)
        assert syncs(redis)[0] == 0
        assert str(redis.command_reply("FAILOVER", "TO", HOST, first.port)) == "OK"
        exchanged(redis, first)
        assert syncs(first)[0] == given[0]


@requires_redis
def test_forced_upon_a_redis_that_lags_and_broken_off(nodes: list[Server]) -> None:
    """It can't tell where histories part, so it sends a snapshot; when that breaks off it is asked again, as by any replica."""
    first = nodes[0]
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server(*NOW))
        way_back = LossyLink(redis.port)
        stack.callback(way_back.close)
        write(first, 10)
        lagging = Lagging(stack, first, redis, known_as=way_back.port)
        redis.command_reply("CONFIG", "SET", "rdb-key-save-delay", 200_000)
        lagging.force()
        eventually(lambda: info(first).get("master_sync_in_progress") == "1", "the snapshot arrives")
        way_back.cut()
        redis.command_reply("CONFIG", "SET", "rdb-key-save-delay", 0)
        ended(first)
        equal(redis, first)
        assert (info(first)["role"], info(redis)["role"]) == ("slave", "master")
        first.command_reply("REPLICAOF", "NO", "ONE")


@requires_redis
def test_forced_by_a_redis_upon_a_node_that_lags() -> None:
    with ExitStack() as stack:
        redis, node = stack.enter_context(redis_server(*NOW)), stack.enter_context(chronis_server())
        Lagging(stack, redis, node).force()
        ended(redis)
        linked(redis)
        assert (info(redis)["role"], info(node)["role"]) == ("slave", "master")
        equal(node, redis)


# ── as Redis says it ───────────────────────────────────────────────────────────────────────────────────────────────
WRONG = [
    "FAILOVER ABORT", "FAILOVER ABORT x", "FAILOVER TIMEOUT", "FAILOVER TIMEOUT 0", "FAILOVER TIMEOUT -1", "FAILOVER TIMEOUT x",
    "FAILOVER TIMEOUT 0 nonsense", "FAILOVER nonsense TIMEOUT 0", "FAILOVER TIMEOUT 5 TIMEOUT 5", "FAILOVER TO h", "FAILOVER TO h x",
    "FAILOVER TO h 1 TO h 1", "FAILOVER TO h 1", "FAILOVER TO h 1 FORCE", "FAILOVER TO h 1 FORCE TIMEOUT 5", "FAILOVER FORCE",
    "FAILOVER FORCE FORCE", "FAILOVER FORCE TIMEOUT 5",
    "REPLICAOF h abc", "REPLICAOF h 65536", "REPLICAOF h -1", "SLAVEOF h 1x",
    "REPLCONF rdb-only 2", "REPLCONF rdb-only x", "REPLCONF rdb-filter-only keys", "REPLCONF rdb-filter-only \"f", "REPLCONF x",
    "REPLCONF x y",
]  # fmt: skip


@requires_redis
def test_wrong_words_get_the_replies_of_redis(nodes: list[Server]) -> None:
    """Alone, with a replica, and as a replica: the checks come in the same order."""
    first, second, _ = nodes
    with ExitStack() as stack:
        redis, below, alone = (stack.enter_context(redis_server(*NOW)) for _ in range(3))
        ours = stack.enter_context(chronis_server())
        below.command_reply("REPLICAOF", HOST, redis.port)
        linked(below)
        eventually(lambda: "state=online" in info(redis).get("slave0", ""), "it is online")
        for mine, theirs in ((ours, alone), (first, redis), (second, below)):
            answers = {words: mine.command_reply(*words.split()) for words in WRONG}
            assert answers == {words: theirs.command_reply(*words.split()) for words in WRONG}


@requires_redis
def test_a_snapshot_of_functions_alone_needs_the_marker_of_its_end(nodes: list[Server]) -> None:
    def answers(client: RespClient) -> list[object]:
        words = [("REPLCONF", "rdb-filter-only", "functions"), ("PSYNC", "?", "-1"), ("SYNC",)]
        return [client.command(*line) for line in words]

    with redis_server(*NOW) as redis, redis.client() as theirs, nodes[0].client() as ours:
        assert answers(ours) == answers(theirs)
