"""Long replies in slices: the same bytes as in one go, of one moment, and nothing of the client's own comes in between."""

from __future__ import annotations

import gc
import random
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import pytest

from store import long_replies, slices
from store.client.session import Session
from store.key_walk import KeyWalk
from store.resp import encode
from store.resp.encoded import encode_event
from store.slices import Reading
from store.values import sample_sort
from store.values.sample_sort import sorted_parts
from tests.kit.inprocess import Node

if TYPE_CHECKING:
    import asyncio

MANY = 1300


class Loop:
    """Keeps what is to be run, until a test runs it."""

    def __init__(self) -> None:
        self.ready: deque[Callable[[], None]] = deque()
        self.pauses = 0  # callbacks that were to wait

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.ready.append(callback)

    def call_later(self, _delay: float, callback: Callable[[], None]) -> None:
        self.pauses += 1
        self.ready.append(callback)

    def run(self, most: int = 100_000) -> int:
        """Run what is ready, and what that makes ready, up to a number of callbacks; return how many ran."""
        for count in range(most):
            if not self.ready:
                return count
            self.ready.popleft()()
        return most


class Reader(Session):
    """A session whose output stays in `out`."""

    def run(self, *argv: str | bytes | int) -> None:
        """Run or queue a request as if it had been received."""
        self.data_received(encode_event(*(word if isinstance(word, bytes) else str(word).encode() for word in argv)))


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    """A node that calls a thousand items long, and whose slices end after every part."""
    monkeypatch.setattr(long_replies, "LONG", 500)
    monkeypatch.setattr(long_replies, "PART", 50)
    monkeypatch.setattr(sample_sort, "STEP", 50)
    monkeypatch.setattr(slices, "SLICE", 1e-9)
    return Node()


@pytest.fixture
def loop(node: Node, monkeypatch: pytest.MonkeyPatch) -> Loop:
    """A loop for the slices."""
    made = Loop()
    node.engine.slices.attach(cast("asyncio.AbstractEventLoop", made))
    monkeypatch.setattr("asyncio.get_running_loop", lambda: made)
    return made


def reader(node: Node, resp: int = 2) -> Reader:
    """One more client."""
    client = Reader(node.engine, 77)
    client.resp = resp
    return client


def taken(client: Reader) -> bytes:
    """What was sent to a client since the last time."""
    out = bytes(client.out)
    client.out.clear()
    client.in_turn = False
    return out


def filled(node: Node) -> None:
    """A big value of every kind, with some that overlap."""
    words = [b"member:%d" % number for number in range(MANY)]
    random.Random(7).shuffle(words)
    node.run("HSET", "h", *(part for word in words for part in (word, word[::-1])))
    node.run("RPUSH", "l", *(str(number * 7919 % MANY) for number in range(MANY)))
    node.run("SADD", "s", *words)
    node.run("SADD", "t", *words[MANY // 2 :], "other")
    for number, word in enumerate(words):
        node.run("ZADD", "z", number % 50, word)
        if number % 2:
            node.run("ZADD", "y", number / 3, word)
    node.run("RPUSH", "words", *words)


COMMANDS = [
    "HGETALL h", "HKEYS h", "HVALS h", "SMEMBERS s", "LRANGE l 0 -1", "LRANGE l 3 -7", "ZRANGE z 0 -1", "ZREVRANGE z 1 -2",
    "ZRANGE z 0 -1 WITHSCORES", "ZRANGE z 2 -5 REV WITHSCORES", "ZRANGEBYSCORE z (3 +inf LIMIT 5 1000", "SUNION s t nothing",
    "SINTER s t", "SINTER s nothing", "SDIFF s t", "SDIFF t s", "ZUNION 2 z y WITHSCORES", "ZUNION 3 z s y WEIGHTS 2 3 inf",
    "ZUNION 2 z z AGGREGATE MIN WITHSCORES", "ZINTER 2 y z WITHSCORES", "ZINTER 2 z s AGGREGATE MAX", "ZDIFF 2 z y WITHSCORES",
    "SORT l", "SORT l DESC LIMIT 10 550", "SORT words ALPHA", "SORT_RO s ALPHA DESC LIMIT 1190 100", "SORT l LIMIT 9000000 5",
]  # fmt: skip
UNORDERED = ("SUNION", "SINTER", "SDIFF")


@pytest.mark.parametrize("resp", [2, 3])
def test_replies_in_slices_are_the_whole_replies(node: Node, loop: Loop, resp: int) -> None:
    filled(node)
    for line in COMMANDS:
        client = reader(node, resp)
        client.run(*line.split())
        assert client.halted, line
        assert loop.run() > 2, line
        assert not client.halted
        client.may_block = False  # now whole
        sliced = taken(client)
        client.run(*line.split())
        whole = taken(client)
        if line.startswith(UNORDERED):
            assert sorted(sliced.split(b"\r\n")) == sorted(whole.split(b"\r\n")), line
        else:
            assert sliced == whole, line
    assert not node.keyspace.pinned


def test_a_reply_is_of_the_moment_of_its_command(node: Node, loop: Loop) -> None:
    filled(node)
    changes = [
        ("HGETALL h", "HSET h new 1"), ("HKEYS h", "DEL h"), ("LRANGE l 0 -1", "LPUSH l x"), ("SMEMBERS s", "SPOP s"),
        ("SUNION s t", "SADD t another"), ("ZRANGE z 0 -1 WITHSCORES", "ZADD z 1 new"), ("SORT l", "LTRIM l 5 9"),
        ("ZUNION 2 z y", "RENAME y x"), ("ZINTER 2 z x", "SET x 1"), ("SMEMBERS s", "FLUSHALL"),
    ]  # fmt: skip
    for line, change in changes:
        client, other = reader(node), reader(node)
        other.may_block = False
        other.run(*line.split())
        expected = taken(other)
        client.run(*line.split())
        loop.run(4)
        other.run(*change.split())
        loop.run()
        assert sorted(taken(client).split(b"\r\n")) == sorted(expected.split(b"\r\n")), (line, change)
        node.keyspace._check()
    assert not node.keyspace.pinned
    assert not node.keyspace.kept


def test_a_value_that_is_gone_is_freed_after_it_was_read(node: Node, loop: Loop) -> None:
    node.run("SADD", "s", *range(5000))
    client = reader(node)
    client.run("SMEMBERS", "s")
    loop.run(2)
    node.run("DEL", "s")
    while not node.keyspace.free_slice(1000):
        pass
    loop.run()
    assert taken(client).count(b"\r\n") == 1 + 2 * 5000
    assert len(node.keyspace.graveyard) == 1


@pytest.mark.parametrize("seed", range(5))
def test_keys_lists_what_there_was_while_keys_come_and_go(node: Node, loop: Loop, seed: int) -> None:
    chance = random.Random(seed)
    node.run("MSET", *(word for number in range(MANY) for word in (f"key:{number}", "v")))
    client = reader(node)
    client.run("KEYS", "*")
    fresh = 0
    while client.halted:
        loop.run(1)
        for _ in range(chance.randrange(100)):
            if chance.random() < 0.6:
                node.run("DEL", f"key:{chance.randrange(MANY)}", f"new:{chance.randrange(300)}")
            else:
                node.run("SET", f"new:{fresh}", "v")
                fresh += 1
    lines = taken(client).split(b"\r\n")
    assert lines[0] == b"*%d" % MANY
    assert sorted(lines[2::2]) == sorted(b"key:%d" % number for number in range(MANY))
    assert not node.keyspace.databases[0].walks


def test_keys_goes_on_however_many_keys_have_changed_places(node: Node) -> None:
    db = node.keyspace.databases[0]
    for number in range(8000):
        db.put(b"%d" % number, b"v")
    walk = KeyWalk(db)
    walk.begin(Reading(reader(node), iter(()), (), walk))
    found = [entry.key for _ in range(2000) for entry in walk.take(2)]
    for number in range(4000):
        db.remove(b"%d" % number)
    while not walk.done:
        part = walk.take(2)
        assert len(part) <= 2
        found += [entry.key for entry in part]
    walk.end()
    assert sorted(found) == sorted(b"%d" % number for number in range(8000))


def test_a_reply_that_breaks_ends_its_client_only(node: Node, loop: Loop) -> None:
    node.run("SADD", "s", *range(MANY))
    broken, other = reader(node), reader(node)

    def steps() -> slices.Steps:
        yield None
        raise RuntimeError("steps broke")

    broken.run("SMEMBERS", "s")
    node.engine.slices.readings[0].steps = steps()
    other.run("SMEMBERS", "s")
    with pytest.raises(RuntimeError, match="steps broke"):
        loop.run()
    assert broken.closing
    assert not other.closing
    loop.run()
    assert taken(other).startswith(b"*%d\r\n" % MANY)
    assert not node.keyspace.pinned
    assert gc.isenabled()


def test_a_reply_that_breaks_while_a_write_completes_it_is_not_the_writers_trouble(node: Node, loop: Loop) -> None:
    node.run("SADD", "s", *range(MANY))
    broken = reader(node)

    def steps() -> slices.Steps:
        yield b"half of it"
        raise RuntimeError("steps broke")

    broken.run("SMEMBERS", "s")
    node.engine.slices.readings[0].steps = steps()
    assert node.run("SADD", "s", "new") == 1
    with pytest.raises(RuntimeError, match="steps broke"):
        loop.run()
    assert broken.closing
    assert not node.keyspace.pinned


def test_one_who_reads_nothing_keeps_no_other_reply_waiting(node: Node, loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "UNREAD", 100)
    node.run("SADD", "s", *range(MANY))
    stalled, other = reader(node), reader(node)
    stalled.run("SMEMBERS", "s")
    loop.run(10)
    other.run("SMEMBERS", "s")
    before = loop.pauses
    while other.halted:
        loop.run(1)
        taken(other)
    assert loop.pauses - before <= 1  # the one that was scheduled before there was another
    loop.run(5)
    assert stalled.halted
    assert loop.pauses - before >= 3  # alone again, it is looked at now and then only


@pytest.mark.parametrize("change", ["FLUSHALL", "SWAPDB 0 1", "FLUSHDB"])
def test_keys_is_complete_before_the_database_is_another(node: Node, loop: Loop, change: str) -> None:
    node.run("MSET", *(word for number in range(MANY) for word in (f"key:{number}", "v")))
    client = reader(node)
    client.run("KEYS", "key:*9")
    loop.run(3)
    node.run(*change.split())
    loop.run()
    assert taken(client).count(b"key:") == sum(str(number).endswith("9") for number in range(MANY))


def test_requests_and_messages_come_after_the_reply(node: Node, loop: Loop) -> None:
    node.run("SADD", "s", *range(MANY))
    client = reader(node, 3)
    client.run("SUBSCRIBE", "news")
    taken(client)
    client.run("SMEMBERS", "s")
    client.run("PING")
    loop.run(3)
    node.run("PUBLISH", "news", "hello")
    loop.run()
    sent = taken(client)
    assert sent.startswith(b"~%d\r\n" % MANY)
    assert sent.endswith(b"$5\r\nhello\r\n+PONG\r\n")


def test_messages_kept_for_a_client_count_as_its_output(node: Node, loop: Loop) -> None:
    node.run("SADD", "s", *range(MANY))
    client = reader(node, 3)
    client.run("SUBSCRIBE", "news")
    taken(client)
    client.run("SMEMBERS", "s")
    before = client.output_pending
    node.run("PUBLISH", "news", "x" * 2_000_000)
    assert client.output_pending > before + 2_000_000
    loop.run()
    assert not client.halted  # its own reply does not wait for them
    assert len(taken(client)) > 2_000_000


def test_who_reads_nothing_is_cut_off_by_what_is_kept_for_it(node: Node, loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "UNREAD", 100)
    node.run("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0")
    node.run("SADD", "s", *range(MANY))
    client = reader(node, 3)
    client.run("SUBSCRIBE", "news")
    client.run("SMEMBERS", "s")
    loop.run(20)  # nothing takes its output: the reply is stalled
    assert client.halted
    assert not client.closing
    node.run("PUBLISH", "news", "x" * 2_000_000)
    loop.run(20)
    assert client.closing
    assert not node.engine.slices.readings
    assert not node.keyspace.pinned


def test_transactions_scripts_and_muted_clients_get_it_whole_or_not(node: Node, loop: Loop) -> None:
    node.run("SADD", "s", *range(MANY))
    client = reader(node)
    client.run("MULTI")
    client.run("SMEMBERS", "s")
    client.run("EXEC")
    assert not client.halted
    assert taken(client).count(b"\r\n") > MANY
    client.run("CLIENT", "REPLY", "OFF")
    client.run("SMEMBERS", "s")
    assert not client.halted
    assert taken(client) == b""


def test_a_client_that_goes_lets_go_of_what_it_read(node: Node, loop: Loop) -> None:
    node.run("SADD", "s", *range(MANY))
    client = reader(node)
    client.run("SMEMBERS", "s")
    loop.run(2)
    client.abort()
    loop.run()
    assert not node.keyspace.pinned
    assert not node.engine.slices.readings


def test_an_error_that_is_found_late_is_the_whole_reply(node: Node, loop: Loop) -> None:
    node.run("RPUSH", "l", *range(MANY), "no number")
    client = reader(node)
    failed = node.engine.commands[b"sort"].failed
    client.run("SORT", "l")
    loop.run(3)
    node.run("RPUSH", "l", "1")
    loop.run()
    assert taken(client) == b"-ERR One or more scores can't be converted into double\r\n"
    assert node.engine.commands[b"sort"].failed == failed + 1


@pytest.mark.parametrize("descending", [False, True])
def test_sorting_by_samples_is_sorting(descending: bool) -> None:
    chance = random.Random(3)
    for items in ([chance.random() for _ in range(9000)], [chance.randrange(3) for _ in range(9000)], list(range(999)), []):
        expected = sorted(items, reverse=descending)
        assert [item for part in sorted_parts(items, descending) for item in part] == expected


def test_every_form_has_the_head_and_body_of_a_whole_reply() -> None:
    words: list[object] = [b"a", b"1", b"b", b"2"]
    for form, whole in ((long_replies.ARRAY, words), (long_replies.MAP, {b"a": b"1", b"b": b"2"})):
        for resp in (2, 3):
            assert form.head(4, resp) + form.body(words, resp) == encode(whole, resp)
