"""Streams against redis-server: the same replies, in both protocols, and the same notifications."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from store.values.stream import Stream
from tests.kit.resp_client import Error, Reply
from tests.kit.servers import Server, redis_server, requires_redis
from tests.kit.side_by_side import EVERY_CLASS, Ours, compare
from tests.oracle.generate import Generator

pytestmark = requires_redis

FILLED = (
    "xadd s 1-1 a 1 | xadd s 1-2 a 2 b 3 | xadd s 5-0 a 3 | xadd s 5-9 c 4 | xadd s 10 a 5 | set str x |"
    " xadd t 3-3 f v | xgroup create s g 0 | xgroup create s h 5-0 | xgroup create t g $ |"
)
SCRIPTS = """
xadd n 1-1 a b | xadd n 1-1 a b | xadd n 1-0 a b | xadd n 1-* a b | xadd n 0-0 a b | xadd m 0-0 a b | exists m
    | xadd m 0-* a b | xadd n 5 a b c d | xadd n 5 a b | xadd n 5-* a b | xadd n * a | xadd n * a b c | xadd n x a b
    | xadd n 1-x a b | xadd n -1 a b | xadd n - a b | xadd n + a b | xadd n 1-1-1 a b | xadd n 01-05 a b | xadd n +7-+8 a b
    | xadd n 18446744073709551616 a b | xadd n 18446744073709551615-18446744073709551614 a b
    | xadd n 18446744073709551615-* a b | xadd n 18446744073709551615-* a b | xadd n * a b | xrange n - + | xlen n
xadd n nomkstream 1-1 a b | exists n | xadd n nomkstream * a b | xadd s nomkstream 11 a b | xadd s maxlen 3 12 a b | xrange s - +
    | xadd s maxlen = 2 13 a b | xadd s minid 13 14 a b | xadd s minid = 99 15 a b | xrange s - + | xlen s | exists s
    | xadd s maxlen 0 16 a b | xadd s maxlen ~ 0 17 a b | xlen s | xadd s maxlen ~ 5 limit 0 18 a b | xlen s
xadd s maxlen x 9 a b | xadd s maxlen -1 9 a b | xadd s maxlen 1 minid 2 9 a b | xadd s limit 3 9 a b | xadd s limit x 9 a b
    | xadd s maxlen 1 limit 3 11 a b | xadd s maxlen ~ 1 limit -3 9 a b | xadd s minid x 11 a b | xadd s maxlen 1 11 a
    | xadd s maxlen ~ 1 limit 3 bad a b | xadd s limit 5 bad a b | xadd str 1 a b | xadd str x a b | xadd str 1 a | xadd s maxlen
    | xadd s maxlen 1 2 | xadd s 3 maxlen 3
xlen s | xlen none | xlen str | xrange s - + | xrange s 1 5 | xrange s (1-1 (5-9 | xrange s 1-2 1 | xrange s 5-0 + count 1
    | xrange s - + count 0 | xrange s - + count -1 | xrange none - + count 0 | xrange s - + count x | xrange s - + foo
    | xrange s - + count | xrange s ( + | xrange s (- + | xrange s x + | xrange s - x | xrange str - + | xrange str x +
    | xrange s (18446744073709551615-18446744073709551615 + | xrange s - (0 | xrange s - (0-0 | xrange s + -
xrevrange s + - | xrevrange s 5 1 | xrevrange s (5-9 (1-1 | xrevrange s + - count 2 | xrevrange none + - | xrevrange str + -
    | xrevrange s + - count 0 | xrevrange s x - | xrevrange s + x | xrevrange s 5-5 5-1 | xrevrange s - +
xdel s 1-1 | xdel s 1-1 | xdel s 1-2 5-0 5-0 9 | xdel none 1 | xdel str 1 | xdel s x | xdel s 5-9 x | xdel s 5-9 10 | exists s
    | xlen s | xinfo stream s | xadd s 10 a b | xadd s 11 a b | xinfo stream s | xinfo groups s
xtrim s maxlen 3 | xtrim s maxlen 3 | xtrim s minid 5-9 | xtrim s minid = 5-9 | xinfo stream s | xtrim s maxlen ~ 0 | xlen s
    | xtrim s maxlen ~ 0 limit 1 | xtrim s maxlen ~ 0 limit 2 | xtrim none maxlen 1 | xtrim str maxlen 1 | xtrim s maxlen
    | xtrim s foo 1 | xtrim s maxlen x | xtrim s maxlen 1 limit 2 | xtrim s maxlen 1 minid 2 | xtrim s limit 2 | xtrim s limit 0
    | xtrim s minid x | xtrim s maxlen = | xtrim s maxlen = 1 2 | xtrim s * 1
xsetid s 20 | xadd s 15 a b | xinfo stream s | xsetid s 5 | xsetid s 30 entriesadded 50 maxdeletedid 25 | xinfo stream s
    | xsetid s 30 entriesadded 1 | xsetid s 30 entriesadded -1 | xsetid s 30 maxdeletedid 31 | xsetid none 1 | xsetid str 1
    | xsetid s x | xsetid s 30 foo | xsetid s 30 entriesadded | xsetid s - | xinfo groups s
xread streams s 0 | xread count 2 streams s t 0 0 | xread streams s $ | xread streams s 10 | xread streams s t 5-0 0
    | xread streams s s 0 5 | xread count 0 streams s 0 | xread count -3 streams s 5 | xread streams none 0
    | xread streams s > | xread streams s x | xread streams s t 0 | xread streams str 0 | xread foo streams s 0
    | xread count x streams s 0 | xread block x streams s 0 | xread block -1 streams s 0 | xread group g c streams s 0
    | xread noack streams s 0 | xread count 1 streams | xread count 1 count
xgroup create s g 0 | xgroup create none g 0 | xgroup create none g 0 mkstream | xinfo stream none | xgroup create none k $ mkstream
    | xgroup create s k 5-0 entriesread 3 | xgroup create s l $ entriesread x | xgroup create s l $ entriesread -2
    | xgroup CREATE s l $ entriesread | xgroup create s l x | xgroup create str l $ | xgroup create s l - | xgroup CREATE s l 7 foo
    | xgroup create q l x mkstream | exists q | xinfo groups s | xgroup setid s k 1-1 | xgroup setid s k $ entriesread 2
    | xgroup setid s none 0 | xgroup setid none g 0 | xgroup setid s k + | xgroup setid s k - | xgroup setid s k x | xgroup setid str k 0
    | xinfo groups s | xgroup destroy s k | xgroup destroy s k | xgroup destroy none k | xgroup destroy str k
    | xgroup CREATE s k 0 mkstream mkstream mkstream mkstream | xgroup SETID s g 0 entriesread 1 entriesread 2
xgroup createconsumer s g c | xgroup createconsumer s g c | xgroup createconsumer s none c | xgroup createconsumer none g c
    | xgroup delconsumer s g c | xgroup delconsumer s g c | xreadgroup group g d streams s > | xgroup delconsumer s g d
    | xpending s g | xgroup delconsumer str g c | xgroup delconsumer s none c | xgroup foo s g | xgroup create s | xgroup create
xreadgroup group g c streams s > | xreadgroup group g c streams s > | xreadgroup group g c streams s 0
    | xreadgroup group g d count 2 streams s t 0 > | xadd t 4 f w | xreadgroup group g d streams s t > > | xinfo groups s
    | xreadgroup group g c streams s 5-0 | xpending s g | xack s g 1-1 5-9 7-7 | xack s g 1-1
    | xpending s g | xdel s 1-2 | xreadgroup group g c streams s 0 | xreadgroup group g c count 1 streams s 0 | xack s none 1
    | xack none g 1 | xack str g 1 | xack s g x | xack s none x | xreadgroup group h c noack count 1 streams s > | xpending s h
    | xinfo groups s | xreadgroup group h c noack streams s > | xreadgroup group h c streams s 0
xreadgroup group g c streams s $ | xreadgroup group g c streams s | xreadgroup group none c streams s > | xreadgroup group g c streams none >
    | xreadgroup group g c streams str > | xreadgroup group g c streams s x | xreadgroup streams s s s 0 0 0
    | xreadgroup group g c foo streams s > | xreadgroup group g c count 2 streams s >
    | xgroup setid s g 0 | xreadgroup group g d streams s > | xpending s g | xinfo groups s | xinfo groups t
    | xreadgroup group g c streams s 18446744073709551615-18446744073709551614
xreadgroup group g c count 2 streams s > | xclaim s g d 0 1-1 | xclaim s g d 0 1-1 justid | xclaim s g d 0 5-0 10 justid
    | xclaim s g d 0 5-0 10 force | xclaim s g d 0 5-0 99 force justid retrycount 7 | xpending s g | xclaim s g e 100000 1-1
    | xclaim s g d 0 1-1 1-1 | xdel s 1-1 | xclaim s g e 0 1-1 1-2 | xpending s g | xclaim s g d x 1 | xclaim s none d 0 1
    | xclaim none g d 0 1 | xclaim str g d 0 1 | xclaim s g d 0 1-2 foo | xclaim s g d 0 1-2 idle x | xclaim s g d 0 1-2 time x
    | xclaim s g d 0 1-2 retrycount x | xclaim s g d 0 1-2 lastid 9 justid | xinfo groups s | xclaim s g d 0 0 lastid 10 | xinfo groups s
    | xclaim s g d -5 1-2 idle | xclaim s g new 0 1-2 justid | xclaim s g d 0 justid 1-2
xreadgroup group g c streams s > | xautoclaim s g d 0 0 | xautoclaim s g e 0 0 count 2 justid | xautoclaim s g e 0 5-0 count 1
    | xdel s 1-2 5-0 | xautoclaim s g d 0 - count 2 | xautoclaim s g d 0 (5-0 | xautoclaim s g d 0 0 count 0 | xpending s g
    | xautoclaim s g d 100000 0 | xautoclaim s g d x 0 | xautoclaim s g d 0 x | xautoclaim s g d 0 0 foo | xautoclaim s none d 0 0
    | xautoclaim none g d 0 0 | xautoclaim str g d 0 0 | xautoclaim s g d 0 0 count | xautoclaim s g d 0 0 count x
    | xautoclaim s g d 0 (18446744073709551615-18446744073709551615 | xautoclaim s g d 0 0 count -1 | xautoclaim s g d 0 +
xpending s g | xpending none g | xpending s none | xpending str g | xpending s g - + | xpending s g - + x | xpending s g x + 1
    | xpending s g - x 1 | xpending s g idle 1 - + | xpending s g idle x - + 1 | xpending s g - + 10 none | xpending s g - + 1 c d e f
    | xpending s g - (0 1 | xpending none g idle
xinfo stream s | xinfo stream t | xinfo stream none | xinfo stream str | xinfo STREAM s foo | xinfo STREAM s full count
    | xinfo STREAM s full foo 1 | xinfo stream s full count x | xinfo stream t full | xinfo stream s full count 1 | xinfo groups none
    | xinfo groups str | xinfo consumers s g | xinfo consumers s none | xinfo consumers none g | xinfo consumers s
    | xinfo stream s full count -1 | xinfo foo s | xinfo groups s g
copy s c | xinfo stream c full | type c | object encoding c | rename c d | xlen d | dump s | dump t
    | xadd d 99 a b | xlen s | multi | xread block 0 streams s $ | xadd s 50 a b | xreadgroup group g c block 0 streams t > | exec
    | scan 0 match s type stream count 100 | del s | exists s
"""


@pytest.fixture(scope="module")
def oracle() -> Iterator[Server]:
    with redis_server("--notify-keyspace-events", EVERY_CLASS, "--enable-debug-command", "yes") as server:
        yield server


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("script", SCRIPTS.replace("\n    |", " |").strip().splitlines())
def test_replies_and_notifications_are_those_of_redis(oracle: Server, script: str, resp: int) -> None:
    compare(oracle, FILLED + script, resp)


@pytest.mark.parametrize(("node_bytes", "node_entries"), [(4096, 100), (0, 7), (200, 0)])
def test_nodes_are_cut_and_trimmed_as_in_redis(oracle: Server, node_bytes: int, node_entries: int) -> None:
    rng = random.Random(node_bytes)
    ours = Ours()
    settings = [(b"stream-node-max-bytes", b"%d" % node_bytes), (b"stream-node-max-entries", b"%d" % node_entries)]
    with oracle.client() as redis:
        redis.command("FLUSHALL")
        for name, value in settings:
            assert str(redis.command("CONFIG", "SET", name, value)) == "OK"
        assert ours.command([b"CONFIG", b"SET", *(word for pair in settings for word in pair)])
        ms = 1000
        for number in range(700):
            ms += rng.choice([0, 1, 200, 100000])
            bound = rng.choice([[], [], [b"MAXLEN", b"~", b"150"], [b"MINID", b"~", b"%d" % (ms - 900000)]])
            pairs = [b"field", rng.choice([b"-5", b"%d" % rng.randrange(1 << 40), b"x" * rng.randrange(90)])]
            pairs += rng.choice([[], [b"other", b"1.5"], [b"", b""]])
            argv = [b"XADD", b"s", *bound, b"%d-%d" % (ms, number), *pairs]
            assert ours.command(argv) == redis.command(*argv)
            if rng.random() < 0.1:
                argv = [b"XTRIM", b"s", b"MAXLEN", b"~", b"120", b"LIMIT", b"%d" % rng.choice([0, 5, 30, 500])]
                assert ours.command(argv) == redis.command(*argv), argv
            if number % 50 == 49:
                assert ours.command([b"DUMP", b"s"]) == redis.command("DUMP", "s")
                assert ours.command([b"XLEN", b"s"]) == redis.command("XLEN", "s")
        for name, value in ((b"stream-node-max-bytes", b"4096"), (b"stream-node-max-entries", b"100")):
            redis.command("CONFIG", "SET", name, value)
    ours.node.check()


@pytest.mark.parametrize("seed", range(3))
async def test_redis_reads_our_history_as_the_same_streams(oracle: Server, seed: int) -> None:
    ours = Ours()
    generator = Generator(seed, ["stream"])
    for _ in range(500):
        for sent in generator.step():
            client = ours.node.connect()
            client.run(*sent.command)
            client.connection_lost(None)
    with oracle.client() as redis:
        redis.command("FLUSHALL")
        for event in ours.node.events():
            reply = redis.command(*event)
            assert not isinstance(reply, Error), (event, reply)
        streams = [entry.key for entry in ours.node.keyspace.databases[0].order if isinstance(entry.value, Stream)]
        assert streams
        for key in streams:
            argv = [b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"]
            assert comparable(ours.command(argv)) == comparable(redis.command(*argv)), key


def comparable(reply: Reply) -> object:
    """An XINFO STREAM … FULL without the inner nodes of Redis's tree and when its consumers were seen."""
    if not isinstance(reply, list):
        return reply
    own = (b"radix-tree-nodes", b"radix-tree-keys", b"seen-time")
    return [comparable(item) for place, item in enumerate(reply) if not place or reply[place - 1] not in own]
