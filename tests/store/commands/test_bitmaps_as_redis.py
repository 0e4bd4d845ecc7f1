"""Bit commands against redis-server: the same replies and the same notifications."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.kit.servers import Server, redis_server, requires_redis
from tests.kit.side_by_side import EVERY_CLASS, Ours, compare

pytestmark = requires_redis

SCRIPTS = """
setbit k 7 1 | setbit k 7 1 | setbit k 7 0 | setbit k 40 0 | strlen k | getbit k 7 | getbit k 100 | getbit none 0
    | setbit k x 1
    | setbit k 1 x | setbit k 1 2 | setbit k 1 -1 | setbit k -1 1 | setbit k 4294967296 1 | getbit k 4294967296
    | getbit k -1
    | setbit k 01 1 | getbit k #1 | object encoding k | set n 12 | setbit n 0 1 | get n | setbit | getbit k
rpush l a | setbit l 1 1 | setbit l x 1 | getbit l 1 | bitcount l | bitcount l x | bitpos l 1 | bitpos l 2
    | bitop not d l
    | bitop and d k l | bitop foo d l | bitfield l get u8 0 | bitfield l set u8 0 1 | bitfield l
    | bitfield_ro l get u8 0
set k foobar | bitcount k | bitcount k 0 0 | bitcount k 1 1 | bitcount k 0 -5 | bitcount k -2 -1 | bitcount k 5 30 bit
    | bitcount k 5 30 byte | bitcount k 0 | bitcount k 0 1 foo | bitcount k x 1 | bitcount k 1 x
    | bitcount k -1 -2 foo
    | bitcount k 0 1 bit foo | bitcount none 0 | bitcount none | bitcount k 2 1 | bitcount k 100 200
    | bitcount k -100 -90
    | bitcount k 7 8 bit | bitcount k 0 -1 bit | bitcount k -9 -2 bit | bitcount k 9223372036854775807 -1
set k "" | bitcount k | bitcount k 0 -1 | bitpos k 0 | bitpos k 1 | bitpos k 0 0 | bitpos k 0 0 -1
    | bitpos k 1 0 -1 bit
setbit k 23 0 | bitpos k 1 | bitpos k 0 | setbit k 20 1 | bitpos k 1 | bitpos k 1 2 | bitpos k 1 3 | bitpos k 1 0 1
    | bitpos k 1 -1 | bitpos k 0 0 19 bit | bitpos k 1 21 22 bit | bitpos k 1 20 20 bit | bitpos k 1 0 -1 byte
    | bitpos k 2
    | bitpos k x | bitpos k 1 x | bitpos k 1 0 x | bitpos k 1 0 1 foo | bitpos k 1 0 x foo | bitpos k 1 0 1 bit foo
    | bitpos none 0 | bitpos none 1 | bitpos none 1 0 1 foo bar | bitpos none 2 | bitpos k 1 -100 -90 bit
set k aaa | bitfield k set u8 0 255 set u8 8 255 set u8 16 255 | bitpos k 0 | bitpos k 0 0 | bitpos k 0 0 -1
    | bitpos k 0 1 1
    | bitpos k 0 3 | bitpos k 0 3 5 | bitpos k 0 2 | bitpos k 0 4 12 bit | bitpos k 1 4 3 bit | bitpos k 0 17 -1 bit
set a abcdef | set b zz | bitop and d a b | get d | bitop or d a b | get d | bitop xor d a b none | get d
    | bitop not d a
    | get d | bitop not d none | exists d | bitop and d x y | bitop not d a b | bitop NAND d a | set e ""
    | bitop or d e
    | bitop AND a a b | get a | bitop and d a none | get d | pexpireat b 9000000000000 | bitop or b a b | ttl b
    | bitop and d
bitfield k set u8 0 255 get u8 0 incrby u8 0 10 get i8 0 | bitfield k overflow sat incrby u8 0 300
    | bitfield k overflow fail
    incrby u8 0 1 | bitfield k overflow wrap incrby i8 0 100 | bitfield k set i64 #1 -1 get i64 64 get u63 64
    | strlen k
    | bitfield k get u1 0 get i1 0 | bitfield k get u8 10000 | bitfield none get u8 0 get i64 #5 | exists none
bitfield k | bitfield k get | bitfield k get u8 | bitfield k set u8 0 | bitfield k foo u8 0 | bitfield k get u64 0
    | bitfield k get i65 0 | bitfield k get u0 0 | bitfield k get x8 0 | bitfield k get u08 0 | bitfield k get u8 x
    | bitfield k get u8 -1 | bitfield k get u8 #-1 | bitfield k get u8 # | bitfield k set u8 0 x | bitfield k overflow
    | bitfield k overflow foo | bitfield k set u8 4294967296 1 | bitfield k set u8 #536870912 1 | exists k
    | bitfield k get u 0 | bitfield k get "" 0 | bitfield k set u8 0 9223372036854775808
bitfield k set u8 0 -1 | bitfield k overflow sat set u8 0 -1 | bitfield k overflow sat set i8 0 200 | get k
    | bitfield k overflow sat set i8 0 -200 | bitfield k overflow fail set u4 0 16
    | bitfield k overflow fail set u4 0 -1
    | bitfield k set u63 0 -1 | bitfield k set i64 0 9223372036854775807 | bitfield k incrby i64 0 1
    | bitfield k overflow sat incrby i64 0 -9223372036854775808
    | bitfield k overflow sat incrby u63 0 -9223372036854775808
    | bitfield k overflow sat incrby i64 0 9223372036854775807 incrby i64 0 9223372036854775807
bitfield k set u8 0 5 | bitfield k set u8 0 5 | bitfield k incrby u8 0 0 | bitfield k set u8 3 7 set u8 3 0 | get k
    | bitfield_ro k get u8 0 get u8 #1 | bitfield_ro k set u8 0 1 | bitfield_ro k | bitfield_ro none get u8 0
    | bitfield_ro k get u8 | bitfield_ro k overflow sat get u8 0 | bitfield_ro k incrby u8 0
"""


@pytest.fixture(scope="module")
def oracle() -> Iterator[Server]:
    with redis_server("--notify-keyspace-events", EVERY_CLASS) as server:
        yield server


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("script", SCRIPTS.replace("\n    |", " |").replace("\n    ", " ").strip().splitlines())
def test_replies_and_notifications_are_those_of_redis(oracle: Server, script: str, resp: int) -> None:
    compare(oracle, script, resp)


def test_random_fields_are_those_of_redis(oracle: Server) -> None:
    rng = random.Random(5)
    ours = Ours()
    with oracle.client() as redis:
        redis.command("FLUSHALL")
        for _ in range(400):
            argv = [b"BITFIELD", b"k"]
            for _ in range(rng.randrange(1, 5)):
                bits = rng.randrange(1, 65)
                kind = b"i%d" % bits if bits == 64 or rng.random() < 0.5 else b"u%d" % bits
                place = rng.choice((b"%d" % rng.randrange(300), b"#%d" % rng.randrange(5)))
                argv += [b"OVERFLOW", rng.choice((b"WRAP", b"SAT", b"FAIL"))]
                value = b"%d" % rng.choice((rng.randrange(-9, 9), rng.randrange(-(1 << 63), 1 << 63)))
                argv += rng.choice(([b"GET", kind, place], [b"SET", kind, place, value], [b"INCRBY", kind, place, value]))
            assert ours.command(argv) == redis.command(*argv), argv
            assert ours.command([b"GET", b"k"]) == redis.command("GET", "k"), argv
    ours.node.check()
