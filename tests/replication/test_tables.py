"""The state machines of both sides, without sockets: every state, every event, and scenarios with exact outcomes."""

import itertools

import pytest

from replication import link as links
from replication import peer as peers
from replication.link import Drop, Identity, Link, Send
from replication.messages import Continue, FullResync, Parted, ReplicaOptions, ack
from replication.peer import Action, Peer
from store.errors import ReplyError

ID = "a" * 40
OTHER = "b" * 40


# ── the primary's view ─────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("state", "event"), list(itertools.product(peers.State, peers.Event)))
def test_a_peer_goes_only_where_the_table_says(state: peers.State, event: peers.Event) -> None:
    """Each pair of state and event leads where the table says; all others are refused and change nothing."""
    peer = Peer("127.0.0.1:1", state=state)
    step = peers.TRANSITIONS.get((state, event))
    if step is None:
        with pytest.raises(peers.Unexpected):
            peer.receive(event)
        assert peer.state is state
    else:
        assert peer.receive(event) is step[1]
        assert peer.state is step[0]


SCENARIOS = {
    "full synchronization": ("FULL_SYNC SNAPSHOT_READY SNAPSHOT_SENT CAUGHT_UP", "wait_bgsave send_bulk online online"),
    "partial synchronization": ("RESUMED CAUGHT_UP", "online online"),
    "slow reader": ("RESUMED CAUGHT_UP CONGESTED CAUGHT_UP LOST", "online online online online -"),
    "only the snapshot": ("FULL_SYNC SNAPSHOT_READY DELIVERED LOST", "wait_bgsave send_bulk online -"),
    "lost while the snapshot is sent": ("FULL_SYNC SNAPSHOT_READY LOST", "wait_bgsave send_bulk -"),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_life_of_a_peer(name: str) -> None:
    """What INFO shows after each event."""
    events, shown = SCENARIOS[name]
    peer = Peer("127.0.0.1:1")
    seen = []
    for event in events.split():
        peer.receive(peers.Event[event])
        seen.append(peers.SHOWN.get(peer.state, "-"))
    assert " ".join(seen) == shown


def test_acknowledgements_move_forward_and_never_beyond_what_was_sent() -> None:
    """acked <= sent, whatever a replica claims, and -1 before it claims anything; the lag counts from the last acknowledgement."""
    peer = Peer("10.0.0.1:5555", ReplicaOptions(port=6379), peers.State.ONLINE)
    peer.resume(100, 1000, has_data=False)
    assert (peer.acked, peer.synced, peer.has_data) == (-1, -1, False)
    peer.sent = 200
    assert [peer.acknowledge(offset, None, 2000) for offset in (150, 120, 150, 900)] == [True, False, False, True]
    assert (peer.acked, peer.synced, peer.has_data) == (200, -1, True)
    assert peer.acknowledge(200, 180, 5000)
    assert (peer.synced, peer.lag(9999), peer.name) == (180, 4, "10.0.0.1:6379")


def test_what_a_peer_holds_is_on_its_disk() -> None:
    """Of a Chronis node with a log what it acknowledged, it has written that; of a Redis what it synced, if it tells."""
    for capabilities, synced, held in ((["chronis"], 120, 150), (["chronis"], None, -1), ([], 120, 120), ([], None, -1)):
        peer = Peer("10.0.0.1:5555", ReplicaOptions(capabilities=set(capabilities)), peers.State.ONLINE)
        peer.resume(100, 1000, has_data=True)
        peer.sent = 200
        peer.acknowledge(150, synced, 2000)
        assert peer.held == held


def test_what_a_replica_tells_before_psync() -> None:
    """REPLCONF's options are kept; unknown ones and values of no sense are refused in Redis's words."""
    options = ReplicaOptions()
    for name, value in ((b"listening-port", b"7000"), (b"ip-address", b"10.1.1.1"), (b"capa", b"eof"), (b"CAPA", b"chronis")):
        options.take(name, value)
    assert (options.port, options.ip, options.capabilities, options.framed) == (7000, "10.1.1.1", {"eof", "chronis"}, True)
    for name, value in (
        (b"listening-port", b"x"), (b"colour", b"red"), (b"rdb-filter-only", b"keys"), (b"rdb-filter-only", b'"f'),
        (b"rdb-only", b"2"), (b"rdb-only", b"yes"),
    ):  # fmt: skip
        with pytest.raises(ReplyError):
            options.take(name, value)
    assert ack(5) == b"*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$1\r\n5\r\n"


# ── the replica's view ─────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("state", "event"), list(itertools.product(links.State, links.Event)))
def test_a_link_goes_only_where_the_table_says(state: links.State, event: links.Event) -> None:
    """Each pair of state and event leads where the table says; all others are refused and change nothing."""
    link = Link()
    link.state = state
    following = links.TRANSITIONS.get((state, event))
    if following is None:
        with pytest.raises(links.Unexpected):
            link.receive(event)
        assert link.state is state
    else:
        link.receive(event)
        assert link.state is following


def handshake(identity: Identity, answers: list[bytes]) -> tuple[Link, list[object]]:
    """Run a handshake with these answers; return the link and everything it said."""
    link = Link()
    link.receive(links.Event.ATTEMPT)
    said: list[object] = list(link.opened(identity))
    for answer in answers:
        said += link.line(answer)
    return link, said


def words(*texts: str) -> Send:
    """A command to be sent."""
    return Send(tuple(text.encode() for text in texts))


def test_a_first_synchronization() -> None:
    """Everything that may be told is told, line by line; a snapshot is announced."""
    identity = Identity(port=7000, ip="10.0.0.9", user=b"u", password=b"p")
    answers = [b"-NOAUTH Authentication required.", b"+OK", b"+OK", b"", b"+OK", b"+OK", f"+FULLRESYNC {ID} 77 chronis".encode()]
    link, said = handshake(identity, answers)
    assert said == [
        words("PING"),
        words("AUTH", "u", "p"),
        words("REPLCONF", "listening-port", "7000"),
        words("REPLCONF", "ip-address", "10.0.0.9"),
        words("REPLCONF", "capa", "eof", "capa", "psync2", "capa", "chronis"),
        words("PSYNC", "?", "-1"),
        FullResync(ID, 77, framed=True),
    ]
    assert link.state is links.State.TRANSFER
    link.receive(links.Event.LOADED)
    assert link.state is links.State.CONNECTED


def test_a_replica_that_comes_back_says_so() -> None:
    _, said = handshake(Identity(port=1, returns=True), [b"+PONG", b"+OK"])
    assert said[-1] == words("REPLCONF", "capa", "eof", "capa", "psync2", "capa", "chronis", "capa", "chronis-returns")


def test_going_on_under_another_id() -> None:
    """A known position is asked for; the answer may bring a new id, and a Redis answers without the last word."""
    link, said = handshake(Identity(port=1, position=(ID, 99)), [b"+PONG", b"+OK", b"-ERR unknown", f"+CONTINUE {OTHER}".encode()])
    assert said[-2:] == [words("PSYNC", ID, "100"), Continue(OTHER, framed=False)]
    assert (link.state, len(link.remarks)) == (links.State.CONNECTED, 1)


def test_parted_histories() -> None:
    """The primary tells where the histories parted; the replica goes back and asks again over the same link."""
    link, said = handshake(Identity(port=1, position=(ID, 99)), [b"+PONG", b"+OK", b"+OK", b"+PARTED 50"])
    assert said[-1] == Parted(50)
    assert link.went_back(Identity(port=1, position=(ID, 50))) == [words("PSYNC", ID, "51")]
    assert link.line(b"+CONTINUE") == [Continue(None)]


@pytest.mark.parametrize(
    ("answers", "refused"),
    [
        ([b"-DENIED Redis is running in protected mode"], False),
        ([b"HTTP/1.1 400 Bad Request"], False),
        ([b"+PONG", b"-WRONGPASS invalid"], False),
        ([b"+PONG", b"+OK", b"-NOAUTH no"], False),
        ([b"+PONG", b"+OK", b"+OK", b"+OK", b"-NOMASTERLINK Can't SYNC"], True),
        ([b"+PONG", b"+OK", b"+OK", b"+OK", b"-ERR unknown command"], True),
        ([b"+PONG", b"+OK", b"+OK", b"+OK", b"+FULLRESYNC short 5"], True),
        ([b"+PONG", b"+OK", b"+OK", b"+OK", b"\xff\xfe"], True),
    ],
)
def test_bad_answers_drop_the_link_with_a_reason(answers: list[bytes], refused: bool) -> None:
    """Whatever a peer answers instead, the link is dropped, the reason quotes it, and the next attempt starts anew."""
    link, said = handshake(Identity(port=1, password=b"p"), answers)
    last = said[-1]
    assert isinstance(last, Drop)
    assert last.refused is refused
    assert answers[-1][:8].decode("utf-8", "replace") in last.reason
    link.receive(links.Event.LOST)
    assert link.state is links.State.WAITING


def test_actions_are_all_used() -> None:
    """Every action of the table is one that some transition asks for."""
    assert {action for _, action in peers.TRANSITIONS.values()} == set(Action)
