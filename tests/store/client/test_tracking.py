"""Client-side caching: who is told of which change, when, and in which form."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from store.errors import ReplyError
from tests.kit.inprocess import Client, Node
from tests.kit.resp_client import Null, Push, Reply, RespClient


@pytest.fixture
def node() -> Node:
    return Node()


def tracking(node: Node, *options: str) -> Client:
    """A RESP3 client that tracks."""
    client = node.connect()
    client.run("hello", 3)
    assert client.run("client", "tracking", "on", *options) == "OK"
    return client


def heard(client: Client) -> list[Reply]:
    """The messages that a client was sent since it was last asked."""
    client.engine.tracking.end_turn()
    reader = object.__new__(RespClient)
    reader.file = io.BytesIO(bytes(client.out))  # type: ignore[assignment]  # a file of bytes, as a socket's
    size = len(bytes(client.out))
    client.out.clear()
    messages = []
    while reader.file.tell() < size:
        messages.append(reader.read())
    return messages


def invalid(*keys: bytes) -> Push:
    return Push([b"invalidate", list(keys)])


def test_a_key_that_was_read_is_told_once(node: Node) -> None:
    client = tracking(node)
    client.run("mget", "a", "b")
    node.run("set", "c", "1")
    assert heard(client) == []
    node.run("mset", "a", "1", "c", "2")
    node.run("set", "a", "2")
    assert heard(client) == [invalid(b"a")]


def test_ones_own_change_is_told_after_its_reply(node: Node) -> None:
    client = tracking(node)
    client.run("get", "a")
    order: list[object] = []
    client.reply = lambda reply: order.append(("reply", len(client.out)))  # type: ignore[method-assign]
    client.run("set", "a", "1")
    assert order == [("reply", 0)]
    assert heard(client) == [invalid(b"a")]


def test_noloop_leaves_out_ones_own_changes(node: Node) -> None:
    client = tracking(node, "noloop")
    client.run("mget", "a", "b")
    client.run("set", "a", "1")
    node.run("set", "b", "1")
    assert heard(client) == [invalid(b"b")]


def test_changes_of_a_transaction_are_told_after_exec(node: Node) -> None:
    client = tracking(node)
    client.run("get", "a")
    client.run("multi")
    client.run("incr", "a")
    client.run("get", "a")
    assert heard(client) == []
    assert client.run("exec") == [1, b"1"]
    assert heard(client) == [invalid(b"a")]


def test_a_script_that_reads_tracks_the_keys_that_it_declared(node: Node) -> None:
    client = tracking(node)
    client.run("eval", "redis.call('set', 'c', '1')", 2, "a", "b")
    client.run("eval_ro", "redis.call('ping')", 2, "a", "b")
    node.run("mset", "a", "1", "b", "1", "c", "1")
    assert heard(client) == []
    client.run("eval", "redis.call('get', 'c')", 2, "a", "b")
    node.run("mset", "a", "2", "b", "2", "c", "2")
    assert heard(client) == [invalid(b"a"), invalid(b"b")]


def test_an_expired_key_is_a_changed_one(node: Node) -> None:
    client = tracking(node)
    node.run("set", "a", "1", "px", "10")
    client.run("get", "a")
    node.clock.advance(11)
    assert node.run("get", "a") is None
    assert heard(client) == [invalid(b"a")]


def test_optin_tracks_only_what_is_announced(node: Node) -> None:
    client = tracking(node, "optin")
    client.run("get", "a")
    client.run("client", "caching", "yes")
    client.run("get", "b")
    client.run("get", "c")
    node.run("mset", "a", "1", "b", "1", "c", "1")
    assert heard(client) == [invalid(b"b")]


def test_optout_tracks_all_but_what_is_announced(node: Node) -> None:
    client = tracking(node, "optout")
    client.run("client", "caching", "no")
    client.run("get", "a")
    client.run("get", "b")
    node.run("mset", "a", "1", "b", "1")
    assert heard(client) == [invalid(b"b")]


def test_broadcast_tells_all_changes_with_a_prefix_at_the_end_of_the_turn(node: Node) -> None:
    client = tracking(node, "bcast", "prefix", "user:", "prefix", "cart:")
    node.run("mset", "user:1", "a", "cart:1", "b", "other", "c")
    node.run("set", "user:2", "a")
    assert not client.out
    assert heard(client) == [invalid(b"user:1", b"user:2"), invalid(b"cart:1")]


def test_broadcast_with_noloop(node: Node) -> None:
    client = tracking(node, "bcast", "noloop")
    client.run("set", "mine", "1", "px", "10")
    node.run("set", "other", "1")
    assert heard(client) == [invalid(b"other")]
    node.clock.advance(11)
    client.run("get", "mine")
    assert heard(client) == [invalid(b"mine")]  # it expired: that was nobody's command


def test_flushing_makes_everything_invalid(node: Node) -> None:
    client = tracking(node)
    client.run("get", "a")
    node.run("set", "a", "1")
    heard(client)
    client.run("get", "a")
    node.run("flushall")
    assert [message.items[1] for message in heard(client) if isinstance(message, Push)] == [NULL]
    assert node.engine.tracking.keys == {}


NULL = Null("_")


def test_redirected_to_a_subscriber_that_speaks_resp2(node: Node) -> None:
    listener = node.connect()
    listener.run("subscribe", "__redis__:invalidate")
    client = tracking(node, "redirect", str(listener.number))
    client.run("get", "a")
    node.run("set", "a", "1")
    assert heard(client) == []
    assert heard(listener) == [[b"message", b"__redis__:invalidate", [b"a"]]]


def test_a_broken_redirection_is_told(node: Node) -> None:
    listener = node.connect()
    client = tracking(node, "redirect", str(listener.number))
    client.run("get", "a")
    listener.abort()
    node.run("set", "a", "1")
    assert heard(client) == [Push([b"tracking-redir-broken", listener.number])]
    info = client.run("client", "trackinginfo")
    assert info == {b"flags": [b"on", b"broken_redirect"], b"redirect": listener.number, b"prefixes": []}


def test_the_table_has_a_limit(node: Node) -> None:
    client = tracking(node, "noloop")
    client.run("mget", "a", "b", "c")
    client.run("config", "set", "tracking-table-max-keys", "1")
    assert heard(client) == [invalid(b"a"), invalid(b"b")]
    assert list(node.engine.tracking.keys) == [b"c"]


def test_nothing_is_left_of_clients_that_went(node: Node) -> None:
    clients = [tracking(node), tracking(node, "bcast", "prefix", "p")]
    clients[0].run("get", "a")
    for client in clients:
        client.connection_lost(None)
    table = node.engine.tracking
    assert (table.clients, table.items, table.keys, table.prefixes) == (0, 0, {}, {})
    assert node.keyspace.on_touch is None


OVERLAP = "Prefix '{}' overlaps with {} prefix '{}'. Prefixes for a single client must not overlap."


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("prefix a", "PREFIX option requires BCAST mode to be enabled"),
        ("bcast optin", "OPTIN and OPTOUT are not compatible with BCAST"),
        ("optin optout", "You can't specify both OPTIN mode and OPTOUT mode"),
        ("redirect 99", "The client ID you want redirect to does not exist"),
        ("redirect 1 redirect 1", "A client can only redirect to a single other client"),
        ("bcast prefix", "syntax error"),
        ("bcast prefix ab prefix a", OVERLAP.format("ab", "another provided", "a")),
    ],
)
def test_options_that_do_not_fit(node: Node, options: str, error: str) -> None:
    reply = node.run("client", "tracking", "on", *options.split())
    assert isinstance(reply, ReplyError)
    assert reply.message == error
    assert node.client.tracking is None


def test_modes_cannot_be_switched_under_way(node: Node) -> None:
    attempts: list[tuple[Callable[[], Client], tuple[str, ...], str]] = [
        (
            lambda: tracking(node, "bcast", "prefix", "a"),
            ("bcast", "prefix", "ab"),
            OVERLAP.format("ab", "an existing", "a"),
        ),
        (lambda: tracking(node), ("bcast",), "You can't switch BCAST mode on/off before disabling tracking"),
        (lambda: tracking(node, "optin"), ("optout",), "You can't switch OPTIN/OPTOUT mode before disabling tracking"),
    ]
    for begin, options, error in attempts:
        reply = begin().run("client", "tracking", "on", *options)
        assert isinstance(reply, ReplyError)
        assert reply.message.startswith(error)
