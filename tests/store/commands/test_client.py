"""CLIENT: describing, choosing, closing, muting, unblocking and pausing connections."""

from __future__ import annotations

import asyncio

import pytest

from store.errors import ReplyError
from tests.kit.inprocess import Client, Node


@pytest.fixture
def node() -> Node:
    return Node()


def line(reply: object) -> dict[bytes, bytes]:
    """The fields of a line of CLIENT LIST."""
    assert isinstance(reply, bytes)
    return dict(field.split(b"=", 1) for field in reply.rstrip(b"\n").split(b" "))  # type: ignore[misc]  # pairs


def listed(node: Node, *options: str | int) -> list[int]:
    """The ids in CLIENT LIST."""
    reply = node.run("client", "list", *options)
    assert isinstance(reply, bytes)
    return [int(line(text)[b"id"]) for text in reply.splitlines()]


def said(reply: object) -> str:
    assert isinstance(reply, ReplyError), reply
    return reply.line.decode()


# ── descriptions ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_client_describes_itself(node: Node) -> None:
    node.run("client", "setname", "me")
    node.run("select", 3)
    node.clock.advance(5000)
    fields = line(node.run("client", "info"))
    expected = {
        b"id": b"1", b"addr": b"127.0.0.1:1", b"name": b"me", b"age": b"5", b"flags": b"N", b"db": b"3", b"sub": b"0",
        b"multi": b"-1", b"qbuf": b"26", b"argv-mem": b"10", b"cmd": b"client|info", b"user": b"default", b"redir": b"-1",
        b"resp": b"2",
    }  # fmt: skip
    assert {name: fields[name] for name in expected} == expected


def test_the_fields_are_those_of_redis_in_its_order(node: Node) -> None:
    names = (
        "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem rbs rbp obl oll omem "
        "tot-mem events cmd user redir resp"
    )
    assert list(line(node.run("client", "info"))) == names.encode().split()


def test_flags_tell_the_state(node: Node) -> None:
    other = node.connect()

    def flags() -> bytes:
        reply = node.run("client", "list", "id", other.number)
        return line(reply)[b"flags"]

    other.run("client", "no-evict", "on")
    assert flags() == b"e"
    other.run("multi")
    other.run("set", "k", "value")
    assert flags() == b"xe"
    fields = line(node.run("client", "list", "id", other.number))
    assert (fields[b"multi"], fields[b"multi-mem"], fields[b"cmd"]) == (b"1", b"9", b"set")
    other.run("discard")
    other.run("watch", "k")
    node.run("set", "k", "v")
    assert flags() == b"de"
    other.run("unwatch")
    other.run("client", "tracking", "on", "bcast")
    assert flags() == b"tBe"
    other.run("subscribe", "c")
    assert flags() == b"PtBe"


def test_an_unknown_command_leaves_no_last_command(node: Node) -> None:
    other = node.connect()
    other.run("ping")
    other.run("nonsense")
    assert line(node.run("client", "list", "id", other.number))[b"cmd"] == b"NULL"


def test_list_by_type_and_id(node: Node) -> None:
    subscriber = node.connect()
    subscriber.run("subscribe", "c")
    assert listed(node) == [1, 2]
    assert listed(node, "type", "pubsub") == [2]
    assert listed(node, "type", "NORMAL") == [1]
    assert listed(node, "id", 2, 9, 1) == [2, 1]
    assert said(node.run("client", "list", "type", "x")) == "ERR Unknown client type 'x'"
    assert said(node.run("client", "list", "id", "x")) == "ERR Invalid client ID"
    assert said(node.run("client", "list", "id")) == "ERR syntax error"


def test_what_the_library_tells_is_shown(node: Node) -> None:
    assert b"lib-name" not in line(node.run("client", "info"))
    assert node.run("client", "setinfo", "LIB-NAME", "redis-py") == "OK"
    assert line(node.run("client", "info"))[b"lib-name"] == b"redis-py"
    assert said(node.run("client", "setinfo", "lib-name", "a b")) == (
        "ERR lib-name cannot contain spaces, newlines or special characters."
    )
    assert said(node.run("client", "setinfo", "x", "y")) == "ERR Unrecognized option 'x'"


# ── closing ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_kill_by_filters_spares_the_caller(node: Node) -> None:
    others = [node.connect() for _ in range(3)]
    others[0].run("subscribe", "c")
    node.run("acl", "setuser", "ann", "on", "nopass")
    others[1].run("auth", "ann", "x")
    assert node.run("client", "kill", "type", "normal", "user", "ann") == 1
    assert [client.closing for client in others] == [False, True, False]
    assert node.run("client", "kill", "type", "pubsub") == 1
    assert node.run("client", "kill", "id", 1) == 0
    assert node.run("client", "kill", "skipme", "yes") == 1
    assert listed(node) == [1]


def test_kill_by_address_in_the_old_form_may_hit_the_caller(node: Node) -> None:
    assert said(node.run("client", "kill", "1.1.1.1:1")) == "ERR No such client"
    assert node.run("client", "kill", "127.0.0.1:1") == "OK"
    assert node.client.closing


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("id 10 wrong_arg", "ERR syntax error"),
        ("id str", "ERR client-id should be greater than 0"),
        ("id 0", "ERR client-id should be greater than 0"),
        ("type wrong", "ERR Unknown client type 'wrong'"),
        ("user nobody", "ERR No such user 'nobody'"),
        ("skipme maybe", "ERR syntax error"),
    ],
)
def test_kill_with_wrong_filters(node: Node, options: str, error: str) -> None:
    assert said(node.run("client", "kill", *options.split())) == error


def test_a_closed_client_is_forgotten_everywhere(node: Node) -> None:
    other = node.connect()
    other.run("watch", "k")
    other.run("subscribe", "c")
    other.run("ssubscribe", "s")
    other.abort()
    assert (node.engine.bus.channels, node.engine.bus.shard_channels, node.keyspace.watched) == ({}, {}, {})
    other.connection_lost(None)  # what the transport reports later changes nothing


# ── replies ────────────────────────────────────────────────────────────────────────────────────────────────────────
class Muted(Client):
    """A client whose replies take the real way into the output."""

    def run(self, *argv: str | bytes | int | float) -> object:
        """Run a command and return the bytes it sent."""
        super().run(*argv)
        data = bytes(self.out)
        self.out.clear()
        return data

    def reply(self, reply: object) -> None:
        """Reply as sessions do."""
        super(Client, self).reply(reply)


def test_skip_leaves_out_the_reply_of_the_next_command(node: Node) -> None:
    client = Muted(node)
    assert [client.run(*words.split()) for words in ("client reply skip", "ping a", "ping b")] == [
        b"",
        b"",
        b"$1\r\nb\r\n",
    ]


def test_off_until_on(node: Node) -> None:
    client = Muted(node)
    sent = [
        client.run(*words.split())
        for words in ("client reply off", "ping", "client reply skip", "nonsense", "client reply on")
    ]
    assert sent == [b"", b"", b"", b"", b"+OK\r\n"]
    assert client.run("ping") == b"+PONG\r\n"


def test_on_takes_a_skip_back(node: Node) -> None:
    client = Muted(node)
    client.run("client", "reply", "skip")
    assert client.run("client", "reply", "on") == b"+OK\r\n"
    assert client.run("ping") == b"+PONG\r\n"


def test_subscriptions_are_confirmed_even_so(node: Node) -> None:
    client = Muted(node)
    client.run("client", "reply", "off")
    assert client.run("subscribe", "c") == b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"


# ── waiting ────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_unblock_by_timeout_or_with_an_error(node: Node) -> None:
    first, second = node.connect(), node.connect()
    for client in (first, second):
        assert client.run("blpop", "list", 0) is None
    assert node.run("client", "unblock", first.number) == 1
    assert node.run("client", "unblock", second.number, "error") == 1
    assert node.run("client", "unblock", second.number) == 0
    assert node.run("client", "unblock", 99) == 0
    assert said(second.replies[-1]) == "UNBLOCKED client unblocked via CLIENT UNBLOCK"
    assert node.keyspace.waiting == {}


async def test_a_pause_of_writes_lets_reads_through_and_keeps_the_order(node: Node) -> None:
    first, second = node.connect(), node.connect()
    assert node.run("client", "pause", 100_000, "write") == "OK"
    assert first.run("rpush", "list", "first") is None
    assert second.run("rpush", "list", "second") is None
    assert node.run("llen", "list") == 0
    assert node.engine.blocking.clients == 2
    assert node.run("client", "unpause") == "OK"
    for _ in range(3):
        await asyncio.sleep(0)
    assert (first.replies[-1], second.replies[-1]) == (1, 2)
    node.check()


async def test_a_pause_ends_by_itself(node: Node) -> None:
    other, answered = node.connect(), asyncio.Event()
    keep = other.reply

    def reply(reply: object) -> None:
        keep(reply)
        answered.set()

    node.run("client", "pause", 1)
    assert other.run("ping") is None
    other.reply = reply  # type: ignore[method-assign]  # tells that the reply came
    await asyncio.wait_for(answered.wait(), 30)
    assert other.replies == ["PONG"]


@pytest.mark.parametrize(
    ("timeout", "mode", "error"),
    [
        ("x", "all", "ERR timeout is not an integer or out of range"),
        ("-1", "all", "ERR timeout is negative"),
        (str((1 << 63) - 1), "all", "ERR timeout is out of range"),
        ("1", "reads", "ERR CLIENT PAUSE mode must be WRITE or ALL"),
    ],
)
def test_pause_with_wrong_arguments(node: Node, timeout: str, mode: str, error: str) -> None:
    assert said(node.run("client", "pause", timeout, mode)) == error
