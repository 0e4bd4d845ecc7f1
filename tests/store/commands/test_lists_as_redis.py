"""Lists and SORT against redis-server: the same replies, in both protocols, and the same notifications."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.kit.servers import Server, redis_server, requires_redis
from tests.kit.side_by_side import EVERY_CLASS, Ours, compare

pytestmark = requires_redis

SCRIPTS = """
lpush l a b c | lrange l 0 -1 | rpush l d e | llen l | lpushx l f | rpushx l g h | lrange l 0 -1 | type l
    | lpushx x a
rpushx x a | exists x | object encoding l | lpush l | lpop | llen | lrange l 0 | lset l 0 | linsert l before a
set s 1 | lpush s a | rpush s a | lpushx s a | lpop s | rpop s 1 | llen s | lrange s 0 1 | lindex s 0
    | lset s 0 a
set s 1 | linsert s before a b | lrem s 0 a | ltrim s 0 1 | lpos s a | lmove s s left left
    | rpoplpush s l | lmpop 1 s left
set s 1 | rpush l a | lmove l s left left | rpoplpush l s | rpoplpush x s | lrange l 0 -1
    | lmpop 2 x s left | lpos x a
set s 1 | blpop s 1 | blpop x s l 1 | brpop s 1 | blmpop 1 2 x s left | blmove s l left left 1
    | brpoplpush s l 1
set s 1 | lset s x a | lindex s x | lrem s x a | ltrim s x 1 | lrange s x 1 | lpos s a rank 0 | lpop s x
    | lpop s -1 | lpop s 0
set s 1 | rpush l a | blmove l s left left 1 | brpoplpush l s 1 | lrange l 0 -1
rpush l a b c d e f | lpop l | rpop l | lpop l 2 | rpop l 9 | exists l | lpop l | lpop l 1 | rpop l 0
    | lpop l x | lpop l -1
rpush l a b c | lpop l 0 | lpop l 1 2 | rpop l 1 2 | rpop l 9223372036854775807
    | lpop x 9223372036854775808 | lpop x 0
rpush l a b c | rpop l 2 | lpop l 1 | lpop l 1
rpush l a b c d e | lrange l 1 3 | lrange l -2 -1 | lrange l 3 1 | lrange l -100 100 | lrange l 5 9
    | lrange l -9 -6
rpush l a b c d e | lrange l x 1 | lrange l 1 x | lrange x x 1 | lrange x 0 -1
    | lrange l 9223372036854775808 1 | lrange l 1 +1
rpush l a b c d e | lindex l 0 | lindex l -1 | lindex l 4 | lindex l 5 | lindex l -6 | lindex l x
    | lindex x x | lindex l 01
rpush l a b c | lset l 0 x | lset l -1 z | lset l 3 y | lset l -4 y | lset l x y | lset x x y
    | lset x 0 y | lrange l 0 -1
rpush l a b a c | linsert l before a x | linsert l AFTER a y | linsert l after z q | linsert l foo a q
    | linsert x before a q
rpush l a b a c | linsert x foo a q | linsert l before c "" | lrange l 0 -1 | linsert l after c z
    | lrange l 0 -1
rpush l a b a c a | lrem l 1 a | lrange l 0 -1 | lrem l -1 a | lrange l 0 -1 | lrem l 0 x | lrem l x a
    | lrem x x a | lrem x 0 a
rpush l a a a | lrem l -2 a | lrem l 5 a | exists l | rpush l 1 01 1 | lrem l 0 1 | lrange l 0 -1
rpush l a b c d e | ltrim l 1 3 | lrange l 0 -1 | ltrim l 0 -1 | ltrim l 5 9 | exists l | ltrim l 0 1
    | ltrim x x 0 | ltrim x 0 x
rpush l a b c d e | ltrim l -3 -2 | lrange l 0 -1 | ltrim l 1 0 | rpush l a b | ltrim l -100 0
    | lrange l 0 -1 | ltrim l 3 -100
rpush l a b c 1 2 3 c c | lpos l c | lpos l c rank 2 | lpos l c rank -1 | lpos l c rank -2
    | lpos l c rank 4 | lpos l x | lpos l 1
rpush l a b c 1 2 3 c c | lpos l c count 2 | lpos l c count 0 | lpos l c count 0 rank 2
    | lpos l c count 0 rank -1 | lpos l x count 1
rpush l a b c 1 2 3 c c | lpos l c maxlen 1 | lpos l c maxlen 3 | lpos l c maxlen 6 count 0
    | lpos l c rank -1 maxlen 1 count 0
rpush l a b c 1 2 3 c c | lpos l c rank -2 maxlen 3 count 0 | lpos l c rank 0 | lpos l c rank x
    | lpos l c count -1 | lpos l c count x
rpush l a b c 1 2 3 c c | lpos l c maxlen -1 | lpos l c maxlen | lpos l c foo 1 | lpos l c rank 2 rank 1
    | lpos x c | lpos x c count 1
rpush l a | lpos l a rank 9223372036854775807 count 9223372036854775807 maxlen 9223372036854775807
    | lpos l a RANK
rpush l a b c | lmove l m left right | lmove l m RIGHT Left | lrange m 0 -1 | lmove l m left up
    | lmove x m up left
rpush l a b c | lmove l l left right | lrange l 0 -1 | lmove l l right right | rpoplpush l l | lrange l 0 -1
rpush l a | lmove l m right left | exists l | lmove m m left right | rpoplpush m m | rpoplpush x m
    | lmove x m left left | rpoplpush m
lmpop 0 l left | lmpop x l left | lmpop -1 l left | lmpop 2 l left | lmpop 1 l up | lmpop 1 l left count
    | lmpop 1 l left count 0
lmpop 1 l left count 1 count 2 | lmpop 1 l left foo 1 | lmpop 1 l left count x | lmpop 1 l left count 1 x
    | lmpop 1 l left x count
rpush l a b c d | rpush m 1 2 | lmpop 2 x l left | lmpop 2 l m right count 2 | lmpop 2 l m left count 9
    | lmpop 2 l m right count 9
lmpop 3 l m left | lmpop 9223372036854775807 l left | lmpop 1 x left | lmpop 1 x left count 3 | lmpop 1 l
    | lmpop 2 x y left count 1
rpush l a b c | blpop l 0 | brpop x l 1 | blpop l x 1 | blpop l x | blpop l -1 | blpop l inf
    | blpop l nan | blpop l 1e400
blpop l "" | blpop l " 1" | blpop l 0x7FFFFFFFFFFFFFFF | blpop l 1e18 | blpop l -0.01 | blpop l
rpush l a b c d | blmpop 0 2 x l left | blmpop 0 1 l right count 2 | blmpop x 1 l left
    | blmpop -1 1 l left | blmpop x 0 l left
blmpop 1 0 l left | blmpop 1 1 l up | blmpop 1 1 l left count 0 | blmpop 1 2 l left
    | blmpop 1 1 l left foo | blmpop 1 1 l
rpush l a b | blmove l m left right 0 | blmove l m up left x | blmove l m left right x
    | blmove l m left right -1 | brpoplpush l m 0
rpush l a | brpoplpush l m x | brpoplpush l m -1 | brpoplpush l l 1 | brpoplpush l m 0x1p-3
    | lrange m 0 -1 | exists l
multi | blpop x 0 | brpop x 0 | blmpop 0 1 x left | blmove x y left left 0 | brpoplpush x y 0 | exec
rpush l 3 1 2 10 | sort l | sort l desc | sort l alpha | sort l ALPHA desc | sort l limit 1 2
    | sort l limit -5 2 | sort l limit 4 1
rpush l 3 1 2 10 | sort l limit 0 -1 | sort l limit 0 0 | sort l limit 2 -7 | sort l limit x 1
    | sort l limit 1 x | sort l limit 1
rpush l 3 1 2 10 | sort l limit 9223372036854775807 9223372036854775807
    | sort l by a limit 2 9223372036854775807 | sort l foo
rpush l 3 1 2 10 | sort l by | sort l get | sort l store | sort l asc desc asc | sort l desc desc
    | sort_ro l store x | sort_ro l
rpush l 3 1 2 10 | sort l by nosort | sort l by nosort desc | sort l by nosort limit 1 2
    | sort l by nosort desc limit 1 2
rpush l 3 1 2 10 | sort l by nosort limit 3 9 desc | sort l by nosort limit 4 9 desc
    | sort l by x limit 0 -1 | sort l by # desc
rpush l 1 2 3 4 | mset w1 30 w2 10 w3 20 | sort l by w* | sort l by w* desc | sort l by w* get # get w*
    | sort l by w* alpha
rpush l 1 2 3 4 | mset w1 30 w2 10 w3 20 | sort l by w* alpha desc | sort l by w* limit 1 2
    | sort l get w* | sort l get foo get #
rpush l 1 2 3 | hset h1 a 3 b x | hset h2 a 1 | set h3 y | sort l by h*->a | sort l get h*->b
    | sort l get h*->a get h*-> get h*
rpush l 1 2 | set h1-> v | hset h1 "" e | sort l get h*-> | set h1->a z | sort l get h*->a
    | sort l get h->*a | set h->1a q | sort l get h->*a
rpush l 1 2 | hset h1x a 3 | hset h1 b->c 4 | sort l get h*x->a | sort l get h*->b->c | set *1 a
    | sort l get ** | sort l by nosort by w*
rpush l 1 a | sort l | sort l alpha | sort l by nosort | sort l store x | exists x | sort l by w*
    | set wa nan | sort l by w*
rpush n " 1" -inf 0x10 .5 1e2 +3 | sort n | rpush o "1 " | sort o | rpush p nan | sort p | rpush q 0x1p-3 .1 | sort q
rpush l "" 5 -1 | sort l | rpush n 0x | sort n | rpush o 1e | sort o | rpush p infinity INF 0 -0 | sort p | sort p desc
rpush l b a c a | sort l alpha | set wa 1 | set wb 1 | sort l by w* | sort l by w* desc
    | sort l by w* alpha get # | sort l by w*x
sadd s 3 1 2 | sort s | sort s desc get # | sort s by nosort store d | lrange d 0 -1
    | sort s by nosort desc store d | lrange d 0 -1
sadd s c b a aa | sort s | sort s alpha | sort s alpha limit 1 2 store d | lrange d 0 -1
    | sort s by nosort store d | lrange d 0 -1
zadd z 1 a 5 b 2 c 10 d 3 e | sort z alpha | sort z by nosort | sort z by nosort desc
    | sort z by nosort desc limit 1 2 | sort z
zadd z 1 3 5 2 2 1 | sort z | sort z desc | sort z by nosort limit 5 10 | sort z by nosort limit -10 100
    | sort z limit 1 1 store d
rpush l 3 1 2 | sort l store d | sort l store d | set s x | sort l store s | type s
    | sort l by w* get w* store d | lrange d 0 -1
rpush l 3 1 2 | sort l store l | lrange l 0 -1 | sort x store l | sort x store l
    | sort l limit 9 9 store x | set s x ex 100
rpush l 3 1 2 | set s x ex 100 | sort l store s | ttl s | sort l limit 9 9 store s | exists s
    | sort l store d store e | exists d
set s x | sort s | sort_ro s | hset h a 1 | sort h | sort s limit x | sort s foo | sort x | sort x foo
    | sort x store s | exists s
"""


@pytest.fixture(scope="module")
def oracle() -> Iterator[Server]:
    with redis_server("--notify-keyspace-events", EVERY_CLASS) as server:
        yield server


@pytest.mark.parametrize("script", SCRIPTS.replace("\n    |", " |").strip().splitlines())
def test_replies_and_notifications_are_those_of_redis(oracle: Server, script: str) -> None:
    compare(oracle, script)
    compare(oracle, script, resp=3)


KEYS = ["k", "l", "m"]
ELEMENTS = ["a", "b", "c", "1", "2", "10"]
# A command is a line of placeholders: K a key, E an element, I an index, N a small count, D a side.
SHAPES = """
lpush K E | lpush K E E E | rpush K E | rpush K E E E E E | lpushx K E | rpushx K E E | lpop K | rpop K | lpop K N
rpop K N | llen K | lrange K I I | lindex K I | lset K I E | linsert K before E E | linsert K after E E | lrem K I E
ltrim K I I | lpos K E | lpos K E rank I | lpos K E count N rank I | lpos K E maxlen N rank I | lmove K K D D
rpoplpush K K | lmpop 2 K K D count N | sort K alpha store K | sort K alpha desc limit I N | sort K by nosort limit I N
del K | copy K K replace
"""


@pytest.mark.parametrize("seed", range(8))
def test_random_commands_have_the_replies_of_redis(oracle: Server, seed: int) -> None:
    choice = random.Random(seed)
    shapes = [shape.split() for line in SHAPES.strip().splitlines() for shape in line.split("|")]
    words = {
        "K": lambda: choice.choice(KEYS),
        "E": lambda: choice.choice(ELEMENTS),
        "I": lambda: str(choice.randint(-7, 7)),
        "N": lambda: str(choice.randint(0, 7)),
        "D": lambda: choice.choice(["left", "right"]),
    }
    commands = [
        [words[word]().encode() if word in words else word.encode() for word in choice.choice(shapes)]
        for _ in range(400)
    ]
    ours = Ours()
    with oracle.client() as redis:
        redis.command("FLUSHALL")
        for command, expected in zip(commands, redis.pipeline(commands), strict=True):
            assert ours.command(command) == expected, command
    ours.node.check()
