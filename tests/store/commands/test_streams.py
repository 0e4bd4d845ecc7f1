"""Streams: what is recorded, how groups come out of replay and snapshots, who waits for what."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from store.apply import apply
from store.errors import ReplyError
from store.keyspace import Keyspace
from store.persistence.replay import Replay
from store.rdb import RdbLoader, dump_value, save
from store.replies import NULL_ARRAY
from store.values.stream import Stream
from tests.kit.inprocess import Node, waiting


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    assert not node.keyspace.waiting
    node.check()
    assert dumps(node.replayed()) == dumps(node.keyspace)


def dumps(keyspace: Keyspace) -> dict[bytes, bytes]:
    """All streams with their groups, consumers and pending entries, as DUMP writes them."""
    return {
        entry.key: dump_value(entry.value) for entry in keyspace.databases[0].order if isinstance(entry.value, Stream)
    }


def recorded(node: Node, command: str) -> list[str]:
    """Run a command; return the events that it adds to history, without SELECT, MULTI and EXEC."""
    before = len(node.events())
    reply = node.run(*command.split())
    assert not isinstance(reply, ReplyError), reply
    return [
        b" ".join(event).decode() for event in node.events()[before:] if event[0] not in (b"SELECT", b"MULTI", b"EXEC")
    ]


def fill(node: Node) -> None:
    """Entries 1-0 to 6-0 in s, and a group g that has read none."""
    for number in range(1, 7):
        node.run("XADD", "s", f"{number}-0", "field", number)
    node.run("XGROUP", "CREATE", "s", "g", 0)


# ── entries ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_entry_is_recorded_with_the_id_it_got(node: Node) -> None:
    now = node.clock.now_ms()
    assert recorded(node, "XADD s * a b") == [f"XADD s {now}-0 a b"]
    assert recorded(node, "XADD s * a b") == [f"XADD s {now}-1 a b"]
    assert recorded(node, f"XADD s {now + 5}-* a b") == [f"XADD s {now + 5}-0 a b"]
    node.clock.advance(3)
    assert recorded(node, "XADD s NOMKSTREAM * a b") == [f"XADD s {now + 5}-1 a b"]


def test_a_trim_is_recorded_as_the_length_it_leaves(node: Node) -> None:
    fill(node)
    assert recorded(node, "XADD s MAXLEN 4 7 a b") == ["XADD s MAXLEN = 4 7-0 a b"]
    assert recorded(node, "XADD s MAXLEN ~ 4 8 a b") == ["XADD s 8-0 a b"]
    assert recorded(node, "XTRIM s MINID 6") == ["XTRIM s MAXLEN = 3"]
    assert recorded(node, "XTRIM s MAXLEN ~ 0") == ["XTRIM s MAXLEN = 0"]
    assert recorded(node, "XTRIM s MAXLEN 0") == []
    assert node.run("XLEN", "s") == 0
    assert node.run("EXISTS", "s") == 1


def test_only_entries_that_are_there_are_recorded_as_deleted(node: Node) -> None:
    fill(node)
    assert recorded(node, "XDEL s 3 9-9 3-0 4") == ["XDEL s 3-0 4-0"]
    assert recorded(node, "XDEL s 3") == []


def test_entries_share_the_names_of_their_fields(node: Node) -> None:
    node.run("XADD", "s", "1", "temperature", "20", "humidity", "7")
    node.run("XADD", "s", "2", "temperature", "21", "humidity", "8")
    stream = node.keyspace.databases[0].entries[b"s"].value
    assert isinstance(stream, Stream)
    (_, first), (_, second) = stream
    assert [name is other for name, other in zip(first[::2], second[::2], strict=True)] == [True, True]


# ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_delivery_is_recorded_as_claim_and_position(node: Node) -> None:
    fill(node)
    now = node.clock.now_ms()
    assert recorded(node, "XREADGROUP GROUP g me COUNT 2 STREAMS s >") == [
        f"XCLAIM s g me 0 1-0 2-0 TIME {now} RETRYCOUNT 1 FORCE JUSTID",
        "XGROUP SETID s g 2-0 ENTRIESREAD 2",
    ]
    assert recorded(node, "XREADGROUP GROUP g you NOACK COUNT 1 STREAMS s >") == [
        "XGROUP CREATECONSUMER s g you",
        f"XCLAIM s g you 0 0-0 TIME {now} FORCE JUSTID",
        "XGROUP SETID s g 3-0 ENTRIESREAD 3",
    ]
    node.clock.advance(10)
    assert recorded(node, "XREADGROUP GROUP g me STREAMS s 1") == [
        f"XCLAIM s g me 0 0-0 TIME {now + 10} FORCE JUSTID",
        f"XCLAIM s g me 0 2-0 TIME {now + 10} RETRYCOUNT 2 FORCE JUSTID",
    ]
    assert recorded(node, "XACK s g 1 1 9") == ["XACK s g 1-0"]


def test_a_claim_is_recorded_with_final_values(node: Node) -> None:
    fill(node)
    now = node.clock.now_ms()
    node.run("XREADGROUP", "GROUP", "g", "me", "COUNT", 3, "STREAMS", "s", ">")
    node.run("XDEL", "s", "3")
    assert recorded(node, "XCLAIM s g you 0 1 3 6 IDLE 7 FORCE") == [
        "XACK s g 3-0",
        f"XCLAIM s g you 0 1-0 6-0 TIME {now - 7} RETRYCOUNT 2 FORCE JUSTID",
        f"XCLAIM s g you 0 0-0 TIME {now} FORCE JUSTID",
    ]
    assert recorded(node, "XAUTOCLAIM s g you 0 0 COUNT 2 JUSTID") == [
        f"XCLAIM s g you 0 1-0 TIME {now} RETRYCOUNT 2 FORCE JUSTID",
        f"XCLAIM s g you 0 2-0 TIME {now} RETRYCOUNT 1 FORCE JUSTID",
    ]
    assert recorded(node, "XCLAIM s g you 100 1") == []


def test_idle_times_are_counted_from_what_history_says(node: Node) -> None:
    fill(node)
    node.run("XREADGROUP", "GROUP", "g", "me", "COUNT", 1, "STREAMS", "s", ">")
    node.clock.advance(40)
    assert node.run("XPENDING", "s", "g", "-", "+", 10) == [[b"1-0", b"me", 40, 1]]
    assert node.run("XPENDING", "s", "g", "IDLE", 41, "-", "+", 10) == []
    assert node.run("XINFO", "CONSUMERS", "s", "g") == [{b"name": b"me", b"pending": 1, b"idle": 40}]
    assert node.run("XCLAIM", "s", "g", "you", 41, "1") == []
    assert node.run("XCLAIM", "s", "g", "you", 40, "1", "JUSTID") == [b"1-0"]


def test_groups_come_out_of_a_snapshot_as_they_were(node: Node) -> None:
    fill(node)
    node.run("XREADGROUP", "GROUP", "g", "me", "COUNT", 2, "STREAMS", "s", ">")
    node.run("XREADGROUP", "GROUP", "g", "you", "STREAMS", "s", ">")
    node.run("XGROUP", "CREATE", "s", "late", "$")
    node.run("XACK", "s", "g", "1")
    node.run("COPY", "s", "twin")
    save(node.keyspace, out := io.BytesIO())
    loader = RdbLoader(again := Keyspace())
    loader.feed(out.getvalue())
    loader.finish()
    again._check()
    assert dumps(again) == dumps(node.keyspace)
    assert len(set(dumps(again).values())) == 1


def test_watchers_are_told_of_entries_not_of_reading(node: Node) -> None:
    fill(node)
    other = node.connect()
    for command, held in (("XREADGROUP GROUP g me STREAMS s >", True), ("XACK s g 1", True), ("XADD s 9 a b", False)):
        node.run("WATCH", "s")
        other.run(*command.split())
        node.run("MULTI")
        node.run("XLEN", "s")
        assert (node.run("EXEC") is not NULL_ARRAY) is held, command


# ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_those_who_wait_get_the_new_entry_each(node: Node) -> None:
    fill(node)
    readers = [waiting(node, "XREAD BLOCK 0 STREAMS x s $ $"), waiting(node, "XREAD BLOCK 0 STREAMS s 7")]
    node.run("XADD", "s", "7", "a", "b")
    assert readers[0].replies == [[[b"s", [[b"7-0", (b"a", b"b")]]]]]
    node.run("XADD", "s", "8", "c", "d")
    assert readers[1].replies == [[[b"s", [[b"8-0", (b"c", b"d")]]]]]


def test_an_entry_goes_to_one_consumer_of_those_who_wait(node: Node) -> None:
    node.run("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    first, second = (waiting(node, f"XREADGROUP GROUP g {name} BLOCK 0 STREAMS s >") for name in ("a", "b"))
    events = recorded(node, "XADD s 1 f v")
    assert first.replies == [[[b"s", [[b"1-0", (b"f", b"v")]]]]]
    assert second.replies == []
    assert [event.split()[0] for event in events] == ["XADD", "XCLAIM", "XGROUP"]
    node.run("XADD", "s", "2", "f", "w")
    assert second.replies == [[[b"s", [[b"2-0", (b"f", b"w")]]]]]


def test_no_reader_is_woken_by_what_leaves_nothing_to_read(node: Node) -> None:
    fill(node)
    reader = waiting(node, "XREAD BLOCK 0 STREAMS s $")
    for command in ("MULTI", "XADD s 7 a b", "XDEL s 7", "EXEC", "XSETID s 8", "DEL s", "RPUSH s x", "DEL s"):
        node.run(*command.split())
    assert reader.replies == []
    node.run("XADD", "s", "9", "a", "b")
    assert reader.replies == [[[b"s", [[b"9-0", (b"a", b"b")]]]]]


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("DEL s", b"UNBLOCKED the stream key no longer exists"),
        ("SET s x", b"UNBLOCKED the stream key no longer exists"),
        ("FLUSHALL", b"UNBLOCKED the stream key no longer exists"),
        ("XGROUP DESTROY s g", b"NOGROUP the consumer group this client was blocked on no longer exists"),
    ],
)
def test_consumers_are_told_when_what_they_wait_for_is_gone(node: Node, command: str, line: bytes) -> None:
    node.run("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    consumer = waiting(node, "XREADGROUP GROUP g me BLOCK 0 STREAMS s >")
    node.run(*command.split())
    (error,) = consumer.replies
    assert isinstance(error, ReplyError)
    assert error.line == line


def test_nobody_waits_in_a_transaction(node: Node) -> None:
    fill(node)
    for command in ("MULTI", "XREAD BLOCK 0 STREAMS s $", "XREADGROUP GROUP g me BLOCK 0 STREAMS s 9"):
        node.run(*command.split())
    assert node.run("EXEC") == [NULL_ARRAY, [[b"s", []]]]


# ── what a Redis primary sends ───────────────────────────────────────────────────────────────────────────────────────
def test_events_in_the_forms_of_redis_lead_to_the_same_stream() -> None:
    ours, theirs = Node(), Node()
    fill(ours)
    ours.run("XADD", "s", "MAXLEN", 3, 7, "a", "b")
    ours.run("XREADGROUP", "GROUP", "g", "me", "COUNT", 1, "STREAMS", "s", ">")
    now = ours.clock.now_ms()
    for number in range(1, 7):
        theirs.run("XADD", "s", f"{number}-0", "field", number)
    db = theirs.keyspace.databases[0]
    apply(db, b"XGROUP", b"create", b"s", b"g", b"0")
    apply(db, b"XADD", b"s", b"minid", b"=", b"5-0", b"LIMIT", b"0", b"7", b"a", b"b")
    claim = [b"0", b"5-0", b"TIME", b"%d" % now, b"RETRYCOUNT", b"1", b"FORCE", b"JUSTID", b"LASTID", b"5-0"]
    apply(db, b"XCLAIM", b"s", b"g", b"me", *claim)
    apply(db, b"XGROUP", b"SETID", b"s", b"g", b"5-0", b"ENTRIESREAD", b"5")
    apply(db, b"XGROUP", b"DELCONSUMER", b"s", b"g", b"nobody")
    apply(db, b"XACK", b"none", b"g", b"1")
    assert dumps(theirs.keyspace) == dumps(ours.keyspace)


def test_a_stream_of_events_from_redis_is_run_as_commands() -> None:
    engine = Node().engine
    replay = Replay(engine)
    for event in (
        "xadd s maxlen = 2 limit 5 1-1 a b", "XADD s MAXLEN = 2 LIMIT 5 1-2 a b", "XADD s NOMKSTREAM 1-3 a b",
        "XADD s MINID = 1-2 LIMIT 9 1-4 c d", "XTRIM s MAXLEN = 2 LIMIT 3", "XGROUP CREATE s g $ MKSTREAM",
        "XCLAIM s g me 0 1-4 TIME 1700000000000 RETRYCOUNT 3 FORCE JUSTID LASTID 1-4", "XSETID s 2-0",
    ):  # fmt: skip
        replay.run([word.encode() for word in event.split()], foreign=True)
    assert replay.refused == {}
    node = engine.keyspace.databases[0].entries[b"s"].value
    assert isinstance(node, Stream)
    assert [number & 7 for number, _ in node] == [3, 4]
    assert [(one.time, one.count) for one in node.groups[b"g"].pending.values()] == [(1700000000000, 3)]
