"""The same rules and requests to redis-server and to Chronis: the same permissions, refusals and error texts."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from store.errors import ReplyError
from tests.kit.inprocess import Node
from tests.kit.resp_client import Error, Null, RespClient, Set, Simple
from tests.kit.servers import redis_server, requires_redis

ROUNDS = 150
RULES = [
    rule.replace("HASH", "a" * 64)
    for line in (
        "on off nopass resetpass >a >b <a #HASH !HASH #xyz sanitize-payload reset clearselectors",
        "~* ~k* ~k ~ %R~r* %W~w* %RW~x %wr~y %~z %R %X~a %RR~a allkeys resetkeys",
        "&* &c* &c allchannels resetchannels +@all -@all allcommands nocommands +get -get +@read -@write +@nope",
        "+config|get -config|set +config|nope +select|0 -select|0 +select| +nope +get|a|b",
        "() (+get (+set ~w* ) (+@all~a) (+@read %R~r*) (~a &b &*)",
    )
    for rule in line.split()
]
REQUESTS = [
    line.split()
    for line in (
        "get k1", "get r1", "set w1 v", "set w1 v get", "set r1 v", "mget k1 k2 r1", "mset w1 1 k2 2", "lmove r1 w1 left right",
        "strlen w1", "exists nothing", "del w1", "rename r1 w1", "copy r1 w1", "sort r1 store w1", "sort w1 store w2 by k*",
        "zunionstore w1 2 r1 r2", "zunionstore w1 9 r1", "zunion 2 r1 r2", "sinter r1 k1", "publish c1 m", "spublish d m",
        "subscribe c c1", "subscribe d", "psubscribe c*", "psubscribe c", "unsubscribe d", "select 0", "select 1", "config get x",
        "config set x y", "config", "ping", "auth x", "multi", "acl whoami", "object encoding r1", "getdel w1", "getex r1",
        "smove w1 w2 m", "sintercard 1 w1", "lmpop 1 w1 left", "blpop r1 w1 0", "set", "nope x",
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def oracle() -> Iterator[RespClient]:
    with redis_server() as server, server.client(resp=3) as client:
        yield client


def theirs(reply: object) -> object:
    """redis-server's reply as a comparable value."""
    if isinstance(reply, Simple | Error):
        return reply.text
    return None if isinstance(reply, Null) else reply


def ours(reply: object) -> object:
    """Our reply in the same form."""
    if isinstance(reply, ReplyError):
        return reply.line
    return reply.encode() if isinstance(reply, str) else reply


def described(client: RespClient, name: str) -> dict[str, object]:
    """What can be compared of ACL GETUSER: commands may be described in several ways."""
    reply = client.command("ACL", "GETUSER", name)
    fields = {str(key, "ascii"): value for key, value in reply.pairs}  # type: ignore[union-attr, arg-type]  # a map of bulk strings
    selectors = [dict(selector.pairs) for selector in fields["selectors"]]  # type: ignore[union-attr, misc]  # maps again
    flags = fields["flags"]
    assert isinstance(flags, Set)
    return {
        "flags": flags.members, "passwords": fields["passwords"], "keys": fields["keys"], "channels": fields["channels"],
        "selectors": [(selector[b"keys"], selector[b"channels"]) for selector in selectors],
    }  # fmt: skip


def described_here(node: Node, name: str) -> dict[str, object]:
    reply = node.run("acl", "getuser", name)
    assert isinstance(reply, dict)
    return {
        "flags": list(reply[b"flags"]), "passwords": reply[b"passwords"], "keys": reply[b"keys"], "channels": reply[b"channels"],
        "selectors": [(selector[b"keys"], selector[b"channels"]) for selector in reply[b"selectors"]],
    }  # fmt: skip


@requires_redis
@pytest.mark.parametrize("seed", range(3))
def test_random_rules(oracle: RespClient, seed: int) -> None:
    chance, node = random.Random(seed), Node()
    for number in range(ROUNDS):
        name = f"user{seed}-{number // 5}"
        rules = chance.choices(RULES, k=chance.randint(0, 4))
        expected = theirs(oracle.command("ACL", "SETUSER", name, *rules))
        assert ours(node.run("acl", "setuser", name, *rules)) == expected, rules
        if node.run("acl", "getuser", name) is None:
            assert isinstance(oracle.command("ACL", "GETUSER", name), Null)
            continue
        assert described_here(node, name) == described(oracle, name), rules
        for request in chance.sample(REQUESTS, 8):
            expected = theirs(oracle.command("ACL", "DRYRUN", name, *request))
            assert ours(node.run("acl", "dryrun", name, *request)) == expected, (rules, request)


@requires_redis
@pytest.mark.parametrize(
    "line",
    [
        "acl", "acl nope", "acl setuser", "acl getuser", "acl getuser nobody", "acl deluser default", "acl dryrun nobody get x",
        "acl genpass -1", "acl genpass 5000", "acl genpass x", "acl load", "acl save", "acl cat nope", "acl log x", "acl whoami",
        "auth", "auth a b c", "auth x", "auth nobody x", "hello 9", "hello x", "hello 3 auth a", "hello 2 nope",
        "client", "client nope", "client list nope", "client kill", "client kill id", "client reply", "client reply x",
        "client no-evict x", "client unblock x", "client unblock 1 x", "client pause", "client pause x", "client pause -1",
        "client pause 1 x", "client caching yes", "client tracking", "client tracking maybe", "client tracking on nope",
        "client tracking on prefix a", "client getredir", "client trackinginfo", "client getname", "config", "config nope",
        "config get", "config set a", "config set a b c", "config set nope 1", "config rewrite", "command nope", "command count x",
        "command getkeys", "command getkeys nope x", "command getkeys ping x", "command getkeys get", "command getkeys get k",
        "command getkeys config get", "command getkeys set k", "command getkeys zunionstore d 2 a b",
            "command getkeys zunionstore d x a",
        "command getkeysandflags sort a store b", "command getkeysandflags set a b get", "command list nope",
        "command list filterby nope x", "command list filterby module x", "command list filterby aclcat nope",
        "command list filterby pattern SET", "command info nope", "command info get|x config|get|x", "slowlog", "slowlog get x",
        "slowlog get -2", "slowlog len x", "latency", "latency history nope", "latency graph nope", "latency reset nope",
        "latency histogram nope",
    ],
)  # fmt: skip
def test_the_same_answer(oracle: RespClient, line: str) -> None:
    with RespClient(*oracle.socket.getpeername()[:2]) as client:
        expected = plain(client.command(*line.split()))
    reply = ours(Node().run(*line.split()))
    assert plain(reply) == expected


def plain(reply: object) -> object:
    """Replies of both kinds with maps flat and text as bytes, as RESP2 has them."""
    reply = theirs(ours(reply))
    if isinstance(reply, dict):
        return [plain(item) for pair in reply.items() for item in pair]
    if isinstance(reply, list):
        return [plain(item) for item in reply]
    return reply
