"""A replica applies what it received in bounded steps: in order, whole turns of its primary, acknowledged when written."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from replication import follower as module
from replication.acknowledgements import Acknowledgements
from replication.follower import Follower
from replication.messages import GETACK, ack
from store.events import EXEC, MULTI, encode_event
from store.log.frame import Frame
from tests.kit.cluster import equal, linked
from tests.kit.inprocess import Node
from tests.kit.servers import HOST, Server, chronis_server, redis_server, requires_redis


class Following:
    """A node in memory that follows; `sent`: its acknowledgements, `applied`: the offsets it was at."""

    def __init__(self, framed: bool) -> None:
        self.node = Node()
        self.node.engine.primary = False
        self.sent: list[bytes] = []
        self.applied: list[int] = []
        acknowledgements = Acknowledgements(self.node.engine, self.sent.append)
        self.follower = Follower(self.node.engine, framed, self.applied.append, acknowledgements)
        acknowledgements.begin()
        assert self.sent == [ack(0)]  # at once
        self.sent.clear()

    @property
    def offset(self) -> int:
        return self.node.engine.log.offset


@pytest.fixture
def _one_piece_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step is over as soon as it has done anything."""
    monkeypatch.setattr(module, "STEP", 1e-9)
    clock = iter(range(1_000_000))
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(clock) / 2e9)


def frames(payloads: list[bytes]) -> Iterator[Frame]:
    """One frame a payload, from offset 0 on."""
    offset = 0
    for payload in payloads:
        yield Frame(offset, 1, 0, None, payload)
        offset += len(payload)


PAYLOADS = [encode_event(b"RPUSH", b"list", b"%d" % number) for number in range(20)]


@pytest.mark.usefixtures("_one_piece_a_step")
def test_a_step_takes_whole_frames_in_their_order() -> None:
    """However much was received, clients have their turn after each step, and see a state the primary had."""
    following = Following(framed=True)
    following.follower.receive(b"".join(frame.raw for frame in frames(PAYLOADS)))
    seen = []
    while following.follower.step():
        seen.append(following.node.run("LRANGE", "list", 0, -1))
    assert seen[:2] == [[b"0"], [b"0", b"1"]]
    assert seen[-1] == [b"%d" % number for number in range(20)]
    assert following.applied == [frame.end for frame in frames(PAYLOADS)]
    assert following.follower.step() is False


@pytest.mark.usefixtures("_one_piece_a_step")
def test_a_transaction_of_a_redis_primary_is_applied_in_one_step() -> None:
    """Commands in portions: none of them ends within MULTI … EXEC."""
    following = Following(framed=False)
    transaction = MULTI + b"".join(PAYLOADS) * 500 + EXEC  # more than a portion
    following.follower.receive(PAYLOADS[0] + transaction + PAYLOADS[1])
    lengths = set()
    while following.follower.step():
        lengths.add(following.node.run("LLEN", "list"))
    assert lengths <= {1, 10_001, 10_002}
    assert following.node.run("LLEN", "list") == 10_002
    assert following.offset == len(PAYLOADS[0] + transaction + PAYLOADS[1])


@pytest.mark.usefixtures("_one_piece_a_step")
def test_an_acknowledgement_tells_what_is_written_not_what_waits() -> None:
    """GETACK is answered when its own frame is in the log, while later frames still wait to be applied."""
    following = Following(framed=True)
    payloads = [PAYLOADS[0], GETACK, PAYLOADS[1]]
    first, second, third = frames(payloads)
    following.follower.receive(first.raw + second.raw + third.raw)
    log = following.node.engine.log
    for _ in range(2):
        following.follower.step()
    assert following.sent == []
    log.commit(0)
    assert following.sent == [ack(second.end)]  # not what is on disk: this log is in memory


@pytest.mark.usefixtures("_one_piece_a_step")
def test_what_was_received_is_applied_before_the_link_is_given_up() -> None:
    """Promoted, a node has all that its primary had sent it."""
    following = Following(framed=False)
    following.follower.receive(b"".join(PAYLOADS) * 1000)
    following.follower.drain()
    assert following.node.run("LLEN", "list") == 20_000
    assert following.offset == len(b"".join(PAYLOADS)) * 1000
    assert {event[0] for event in following.node.events()} == {b"RPUSH"}


def test_garbage_at_the_end_keeps_nobody_from_being_promoted() -> None:
    """What came before it is applied, the rest is left out and said."""
    following = Following(framed=True)
    following.follower.receive(b"".join(frame.raw for frame in frames(PAYLOADS)) + b"x" * 100)
    following.follower.drain()
    assert following.node.run("LLEN", "list") == 20


@pytest.mark.usefixtures("_one_piece_a_step")
def test_much_that_waits_stops_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a limit the rest is left in the network, until it was applied."""
    monkeypatch.setattr(module, "UNAPPLIED_LIMIT", 100)
    following = Following(framed=True)
    following.follower.receive(b"".join(frame.raw for frame in frames(PAYLOADS)))
    assert following.follower.holds_much
    while following.follower.step():
        pass
    assert not following.follower.holds_much


@pytest.mark.usefixtures("_one_piece_a_step")
def test_while_writes_pause_it_is_read_but_not_applied() -> None:
    """CLIENT PAUSE on a replica: the offset read moves on, the state does not, and afterwards all of it is there."""
    following = Following(framed=True)
    following.node.engine.gates.writes_paused = True
    following.follower.receive(b"".join(frame.raw for frame in frames(PAYLOADS)))
    while following.follower.step():
        pass
    assert (following.offset, following.follower.read_offset) == (0, sum(map(len, PAYLOADS)))
    following.node.engine.gates.writes_paused = False
    while following.follower.step():
        pass
    assert following.node.run("LLEN", "list") == 20


@pytest.mark.parametrize("kind", [chronis_server, pytest.param(redis_server, marks=requires_redis)])
def test_a_turn_longer_than_what_may_wait_is_read_to_its_end(kind: Callable[[], AbstractContextManager[Server]]) -> None:
    """A frame or a transaction of several MiB can't be applied in part: reading goes on until it is whole."""
    with kind() as primary, chronis_server() as replica:
        replica.command_reply("REPLICAOF", HOST, primary.port)
        linked(replica)
        with primary.client() as client:
            client.pipeline([("MULTI",), *(("SET", f"k:{number}", "v" * 500_000) for number in range(8)), ("EXEC",)])
        equal(primary, replica)
        assert replica.command_reply("DBSIZE") == 8
