"""Strings and keys against redis-server: the same replies and the same keyspace notifications, command by command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.servers import Server, redis_server, requires_redis
from tests.kit.side_by_side import EVERY_CLASS, Ours, compare, words

pytestmark = requires_redis

# One script a line (indented lines go on), commands separated by "|". Deadlines are absolute: the two clocks differ.
LATER, LATEST = "9000000000000", "9100000000000"
SCRIPTS = f"""
set k v | set k w nx | set k w xx get | set k 1 nx get | get k | set k | set k v get keepttl | set n v xx get
set k v pxat {LATER} | set k w keepttl | pexpiretime k | set k x | pexpiretime k | set k v exat 9000000000
set k v ex 0 | set k v ex -1 | set k v px x | set k v ex 9223372036854775807 | set k v pxat 0 | set k v ex
    | exists k
set k v nx xx | set k v ex 1 px 1 | set k v keepttl ex 1 | set k v persist | set k v ex 1 keepttl | set k v foo
rpush l a | set l v get | get l | getset l v | getdel l | getex l | append l x | incr l | strlen l | mget l l
    | set l v
rpush l a | setnx l v | msetnx l v m v | setrange l 0 x | getrange l 0 1 | incrbyfloat l 1 | lcs l l | type l
set k v pxat {LATER} | getex k | getex k persist | getex k persist | getex k pxat {LATEST} | getex k pxat 1
    | getex k
getex k ex | getex k ex 1 px 1 | getex k nx | set k v | getex k ex 0 | getex k exat 9223372036854775807
setex k 0 v | setex k x v | psetex k -1 v | setex k 9223372036854775807 v | setnx k v | setnx k w | getset k x
    | get k
mset a 1 b 2 a 3 | mget a b c | mset a | mset a 1 b | msetnx c 1 a 2 | msetnx c 1 c 2 | get c | getdel c | getdel c
append k 12 | object encoding k | append k 3 | object encoding k | append n "" | strlen n | exists n | strlen none
setrange k 0 "" | exists k | setrange k 3 x | getrange k 0 -1 | setrange k -1 x | setrange k 536870912 x
setrange k x y | setrange k 1 yy | setrange k 0 "" | substr k 1 2 | getrange k -2 -1 | getrange k -1 -2
    | getrange k 9 20
getrange k 0 x | getrange none 0 -1 | set k abc | getrange k -100 -3 | getrange k 2 1 | getrange k 0 -100
incr n | incrby n 5 | decrby n 7 | decr n | incrby n x | decrby n -9223372036854775808
    | incrby n -9223372036854775808
set n 9223372036854775807 | incr n | decr n | set n 01 | incr n | set n +1 | incr n | set n -0 | incr n
    | set n "" | incr n
incrbyfloat f 10.1 | incrbyfloat f 0.2 | incrbyfloat f x | incrbyfloat f inf | incrbyfloat f nan
    | incrbyfloat f 1e400
set f 3.0e3 | incrbyfloat f 200 | incrbyfloat f -3200 | set f 0x10 | incrbyfloat f 1 | set f " 1" | incrbyfloat f 1
set a ohmytext | set b mynewtext | lcs a b | lcs a b len | lcs a b idx | lcs a b idx withmatchlen minmatchlen 4
    | lcs a none
lcs a b len idx | lcs a b minmatchlen | lcs a b minmatchlen x | lcs a b foo | lcs a a idx minmatchlen -1
    | lcs none none idx
mset a 1 b 2 c 3 | del a x b a | unlink c c | exists a b c | mset a 1 b 2 | exists a a b x | touch a x b | type a
    | type x
rename x y | set a 1 | rename a a | renamenx a a | set b 2 pxat {LATER} | rename b a | pexpiretime a
    | renamenx a c | get c
set a 1 | set b 2 | renamenx a b | rpush l 1 2 | rename l a | type a | object encoding a | renamenx x a
set a 1 pxat {LATER} | copy a b | copy a b | copy a b replace | pexpiretime b | copy a a | copy a a db 1
    | copy a a db 1 replace
copy a b db | copy a b db x | copy a b db 16 | copy a b db 99999999999 | copy a b foo | copy x b
    | copy a b db 0 replace
set a 1 pxat {LATER} | move a 1 | move a 1 | select 1 | pexpiretime a | set b 2 | select 0 | set b 3 | move b 1
    | move b 0
move b x | move b 16 | move b 99999999999 | move x 1 | select 1 | move a 0 | select 0 | get a
set k v | pexpireat k {LATER} | pexpireat k {LATEST} lt | pexpireat k {LATEST} gt | pexpireat k {LATER} nx
    | pexpiretime k
set k v | pexpireat k {LATER} gt | pexpireat k {LATER} xx | pexpireat k {LATER} lt | persist k | persist k
    | persist x | ttl k
set k v | expire k x | expire k 1 foo | expire k 1 nx xx | expire k 1 gt lt | expire k 9223372036854775807
    | expire x 1
set k v | expireat k 1 | exists k | set k v | pexpire k -5 | set k v | expire k 0 xx | expire k -1 lt | ttl k
    | pttl k | expiretime k
set k v | expireat k -9223372036854775808 | pexpireat k -9223372036854775808 | exists k | expireat x 1 nx
mset a 1 ab 2 b 3 | keys a* | keys x* | keys [ab] | scan 0 count 100 match a* | scan 0 type STRING
    | scan 0 type list
scan x | scan " 0" | scan 0 count 0 | scan 0 count x | scan 0 match | scan 0 foo bar
    | scan 99999999999999999999999 | scan 0
randomkey | set k v | randomkey | dbsize | flushdb x | flushdb sync async | flushdb async | dbsize
    | flushall sync | flushall
set a 1 | select 1 | set b 2 | swapdb 0 1 | keys * | select 0 | keys * | swapdb 0 0 | swapdb x 1 | swapdb 0 x
    | swapdb 0 16
set k 12 | object encoding k | object refcount k | object idletime x | object freq k | object freq x
    | object foo k | object
set k abc | object encoding k | object refcount k | object encoding x | memory usage x
    | memory usage k samples -1 | memory usage k x
set k v | dump x | restore k 0 x | restore n 0 x | restore n -1 x | restore n x x | restore n 0 x foo
    | restore n 0 x freq 256
restore n 0 x idletime -1 | restore n 0 x freq 1 idletime 1 | restore n 0 x idletime | restore k 0 "" | set k v
    | restore k 0
"""


@pytest.fixture(scope="module")
def oracle() -> Iterator[Server]:
    with redis_server("--notify-keyspace-events", EVERY_CLASS) as server:
        yield server


@pytest.mark.parametrize("script", SCRIPTS.replace("\n    |", " |").strip().splitlines())
def test_replies_and_notifications_are_those_of_redis(oracle: Server, script: str) -> None:
    compare(oracle, script)


@pytest.mark.parametrize(
    "script",
    [
        "set k 12", "set k 123456789012", "set k text", "append k raw | append k raw", "rpush k a b 3",
        "sadd k 1 2 3", "sadd k a 1", "hset k f v g 2", "zadd k 1 a 2.5 b",
    ],
)  # fmt: skip
def test_payloads_go_both_ways(oracle: Server, script: str) -> None:
    ours = Ours()
    with oracle.client() as redis:
        redis.command("FLUSHALL")
        for command in script.split("|"):
            redis.command(*words(command))
        payload = redis.command("DUMP", "k")
        assert isinstance(payload, bytes)
        assert ours.node.run("RESTORE", "k", "0", payload) == "OK"
        back = ours.node.run("DUMP", "k")
        assert str(redis.command("RESTORE", "back", "0", back)) == "OK"
        assert redis.command("DEBUG", "DIGEST-VALUE", "back") == redis.command("DEBUG", "DIGEST-VALUE", "k")
        assert redis.command("OBJECT", "ENCODING", "back") == ours.command([b"object", b"encoding", b"k"])
    ours.node.check()
