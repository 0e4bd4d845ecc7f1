"""Sorted sets against redis-server: the same replies, in both protocols, and the same notifications."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.kit.servers import Server, redis_server, requires_redis
from tests.kit.side_by_side import EVERY_CLASS, Ours, compare

pytestmark = requires_redis

FILLED = "zadd z -inf a 1 b 1.5 c 1.5 d 2 e 1e20 f +inf g | zadd y 0 a 0 b 0 bb 0 c 0 d 0 e | zadd w 1 a 2 b 3 h |"
SCRIPTS = """
zadd n 1 a 2 b 1 a | zadd n 1 a | zadd n ch 3 a 4 c | zadd n nx 9 a 9 d | zadd n xx 8 a 8 q | zadd n gt 1 a 9 b 5 r
    | zadd n lt ch 1 a 99 b | zadd n incr 5 a | zadd n nx incr 5 a | zadd n xx incr 5 none | zadd n gt incr -5 a
    | zadd n xx gt ch 7 a | zrange n 0 -1 withscores
zadd n 1 a 2 a 1 a | zadd n ch 2 a 1 a | zadd x xx 1 a | exists x | zadd x xx incr 1 a | zadd n 0.1 a 1e300 b -0 c
    | zscore n a | zscore n b | zscore n c | zadd n 0 c
zadd z nx xx 1 a | zadd z gt lt 1 a | zadd z nx gt 1 a | zadd z nx lt 1 a | zadd z incr 1 a 2 b | zadd z 1 | zadd z nx
    | zadd z 1 a 2 | zadd z x a | zadd z 1 a x b | zadd z nan a | zadd z "" a | zadd z " 1" a | zadd z 1e400 a
    | zadd z 0x1p4 a | zadd z nx nx 1 q | zadd z foo 1 a | zadd z 1e-400 a | zadd | zadd z
set s 1 | zadd s 1 a | zadd s x a | zincrby s 1 a | zrem s a | zcard s | zscore s a | zmscore s a | zrank s a
    | zrevrank s a
    | zcount s 0 1 | zcount s x 1 | zlexcount s - + | zlexcount s a b | zrange s 0 1 | zrange s x 1 | zpopmin s
    | zpopmax s x | zmpop 1 s min | zmpop 2 x s max | bzpopmin s 0 | bzpopmax x s 0 | bzmpop 0 1 s min
set s 1 | zremrangebyrank s 0 1 | zremrangebyscore s 0 1 | zremrangebylex s - + | zrangestore d s 0 1 | zunion 1 s
    | zinter 2 z s foo | zunionstore s 1 z | zrange s 0 -1 | zscan s 0
set s 1 | zunionstore d 1 s | zinterstore d 1 s | zdiffstore d 1 s | zintercard 1 s | zrandmember s 1
    | zrandmember s x
    | zscan s x | zscan s 0 foo | zrangestore s z 0 -1 | type s | zrangestore s nokey 0 -1 | exists s
zincrby z 2.5 b | zincrby z 1 new | zincrby z inf a | zincrby z -inf g | zincrby z x b | zincrby z nan b
    | zincrby n 1e308 a
    | zincrby n 1e308 a | zincrby n 0 a | zincrby n 0 zero | zincrby n 3 int | zincrby z 0.1 c | zincrby z 0.2 c
zrem z a b b none | zrem z none | zrem nokey a | zrem z c d e f g z | exists z | zrem z a
zcard z | zcard nokey | zscore z b | zscore z c | zscore z f | zscore z none | zscore nokey a | zmscore z b none g a
    | zmscore nokey a b | zrank z a | zrank z g | zrank z none | zrank nokey a | zrevrank z a | zrevrank z g
    | zrevrank z none
zcount z -inf +inf | zcount z (1 (2 | zcount z 1 1.5 | zcount z (1.5 1.5 | zcount z 5 1 | zcount z 1 x
    | zcount z nan 1
    | zcount z (nan 1 | zcount nokey 0 1 | zcount z "" "" | zcount z " 1" 2 | zcount z ( 2 | zcount z "1 " 2
    | zcount z (-inf (inf | zcount z 1e400 inf | zcount z 0x1 0x1p1
zlexcount y - + | zlexcount y [a [c | zlexcount y (a (c | zlexcount y + - | zlexcount y [b (b | zlexcount y a b
    | zlexcount y [ [b | zlexcount y ( + | zlexcount y -a + | zlexcount y - ++ | zlexcount nokey - +
    | zlexcount y "" +
zrange z 0 -1 | zrange z 0 -1 withscores | zrange z 1 3 | zrange z -3 -2 | zrange z 5 100 | zrange z 3 1
    | zrange z -100 1
    | zrange z 7 9 | zrange z -9 -8 | zrange z 0 x | zrange nokey 0 -1 | zrange z 0 1 foo
    | zrange z 0 -1 rev withscores
    | zrange z 1 2 rev | zrange z -2 -1 rev | zrevrange z 0 1 | zrevrange z 0 1 withscores | zrevrange z -2 -1
    | zrevrange z 0 -1 byscore | zrevrange z 5 9 | zrange z 9223372036854775807 -1 | zrange z 9223372036854775808 1
zrange z 0 1 limit 0 1 | zrange z 0 1 limit 0 -1 | zrange z 0 1 limit 0 | zrange z 0 1 limit x 1
    | zrange z 0 1 rev rev
    | zrange z 0 9 byscore bylex | zrange z - + bylex withscores | zrange z 0 1 byscore limit 0 x
    | zrange z x y byscore
    | zrange z a b bylex | zrange z 0 1 limit x y z | zrange z 0 1 byscore byscore
    | zrange z 0 1 withscores withscores
zrange z 1 2 byscore | zrange z (1 2 byscore withscores | zrange z 2 1 byscore rev | zrange z 1 2 byscore rev
    | zrange z 1 2 byscore limit 1 2 | zrange z 1 2 byscore limit 1 -1 | zrange z 2 1 byscore rev limit 1 2
    | zrange z -inf inf byscore limit -1 2 | zrange z -inf inf byscore limit 2 0 | zrange z -inf inf byscore limit 9 1
    | zrange z inf -inf byscore rev limit -1 2 | zrange z inf -inf byscore rev limit 6 9
zrangebyscore z 1 2 | zrangebyscore z -inf (2 withscores limit 1 2 | zrangebyscore z 1 2 rev | zrangebyscore z 1 x
    | zrangebyscore z 2 1 | zrevrangebyscore z 2 1 | zrevrangebyscore z +inf -inf withscores limit 2 3
    | zrevrangebyscore z 1 2 | zrangebyscore nokey 0 1 | zrangebyscore z 1 2 limit 0
    | zrangebyscore z 1 2 withscores foo
zrangebylex y - + | zrangebylex y [b (d | zrangebylex y - [bb limit 1 1 | zrevrangebylex y + -
    | zrevrangebylex y [d (b
    | zrevrangebylex y + - limit 2 2 | zrevrangebylex y - + | zrangebylex y b d | zrange y [c [a bylex rev
    | zrangebylex y - + withscores | zrange y - + bylex limit 1 2 | zrange y + - bylex rev limit -1 2
    | zrangebylex y [x +
zrangestore d z 0 -1 | zrange d 0 -1 withscores | zrangestore d z 1 2 byscore limit 1 1 | zrange d 0 -1
    | zrangestore d z 9 10 | exists d | zrangestore d z 9 10 | zrangestore d y [c [a bylex rev | zrange d 0 -1
    | zrangestore z z 1 2 rev | zrange z 0 -1 | zrangestore d z 0 -1 withscores | zrangestore d nokey 0 -1 | exists d
    | zrangestore d z x 1 | zrangestore d z 0 1 limit 0 1 | object encoding z
zremrangebyrank z 1 2 | zrange z 0 -1 | zremrangebyrank z 9 10 | zremrangebyrank z -1 -1 | zremrangebyrank z x 1
    | zremrangebyrank nokey 0 1 | zremrangebyrank z 0 -1 | exists z
zremrangebyscore z (1 (2 | zrange z 0 -1 | zremrangebyscore z 5 6 | zremrangebyscore z x 6
    | zremrangebyscore nokey 0 1
    | zremrangebyscore z -inf inf | exists z
zremrangebylex y [b (c | zrange y 0 -1 | zremrangebylex y [x [z | zremrangebylex y a b | zremrangebylex nokey - +
    | zremrangebylex y - + | exists y
zpopmin z | zpopmax z | zpopmin z 0 | zpopmin z 2 | zpopmax z 1 | zpopmin z -1 | zpopmin z x | zpopmin z 1 2
    | zpopmax z 99 | exists z | zpopmin z | zpopmax z 3
zmpop 2 nokey z min | zmpop 1 z max count 2 | zmpop 1 nokey min | zmpop 0 z min | zmpop x z min | zmpop 1 z foo
    | zmpop 2 z min | zmpop 1 z min count 0 | zmpop 1 z min count x | zmpop 1 z min count | zmpop 1 z min foo 1
    | zmpop 1 z min count 1 count 1 | zmpop 1 z MAX COUNT 100 | exists z
bzpopmin nokey z 0 | bzpopmax z y 0.5 | bzpopmin z x | bzpopmin z -1 | bzmpop 1 2 nokey z max count 2
    | bzmpop 1 1 z min | bzmpop x 1 z min | bzmpop 1 0 z min | bzmpop -1 1 z foo | zcard z
multi | bzpopmin nokey 0 | bzmpop 0 1 nokey min | bzpopmax z 0 | exec
zunion 2 z w | zunion 2 z w withscores | zunion 2 z w weights 2 -1 withscores
    | zunion 3 z w w aggregate min withscores
    | zunion 3 z w w aggregate max withscores | zunion 2 z z weights 1 -1 withscores | zunion 1 nokey
    | zunion 2 z z weights 0 inf aggregate min withscores | zunion 2 z w aggregate foo | zunion 2 z w weights 1
    | zunion 2 z w weights 1 x | zunion 2 z w weights 1 2 3 | zunion 0 z | zunion -1 z | zunion x z | zunion 3 z w
    | zunion 2 z w withscores withscores | zunion 2 z w foo | zunion 2 z w weights nan 1 | zunion 1 z aggregate
zinter 2 z w withscores | zinter 2 z w weights 0.5 2 withscores | zinter 2 z z weights 0 inf aggregate min withscores
    | zinter 2 z nokey | zinter 2 z w aggregate sum aggregate max withscores | zinter 3 w z w withscores | zinter 1 w
    | zinter 2 z z weights inf -inf withscores | zinter 2 z z weights inf 0 aggregate max withscores
zdiff 2 z w withscores | zdiff 2 z nokey | zdiff 2 nokey z | zdiff 1 z | zdiff 2 z z | zdiff 2 z w weights 1 2
    | zdiff 2 z w aggregate sum | zdiff 3 z w y withscores
zintercard 2 z w | zintercard 2 z w limit 1 | zintercard 2 z w limit 0 | zintercard 2 z w limit 9
    | zintercard 2 z nokey
    | zintercard 2 z w limit -1 | zintercard 2 z w limit x | zintercard 2 z w limit | zintercard 2 z w withscores
    | zintercard 0 z | zintercard 2 z w weights 1 2
zunionstore d 2 z w | zrange d 0 -1 withscores | zunionstore d 1 nokey | exists d | zunionstore d 1 nokey
    | zunionstore z 2 z w weights 1 2 aggregate max | zrange z 0 -1 withscores | zunionstore d 2 z w withscores
    | zunionstore d 0 z | zunionstore d 2 z | zunionstore d 1 z weights x
zinterstore d 2 z w | zrange d 0 -1 withscores | zinterstore d 2 z nokey | exists d | zinterstore w 2 w y
    | zrange w 0 -1 withscores
zdiffstore d 2 z w | zrange d 0 -1 withscores | zdiffstore d 2 z z | exists d | zdiffstore z 2 z w | zrange z 0 -1
    | zdiffstore d 1 z withscores
zscan z 0 | zscan z 0 match [a-c] | zscan z 0 count 2 | zscan z 0 count 0 | zscan z x | zscan z 0 foo bar
    | zscan nokey 0
    | zscan nokey x | zscan y 0 match b* count 100 | zscan w 5
zrandmember nokey | zrandmember nokey 2 | zrandmember z 0 | zrandmember z x | zrandmember z 1 foo
    | zrandmember z 1 withscores foo | zrandmember z -9223372036854775808
    | zrandmember z 4611686018427387905 withscores
object encoding z | zadd z 1 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
    | object encoding z
    | zrange z 0 -1 withscores | zunionstore d 1 y | object encoding d | zunionstore d 1 z | object encoding d
    | zrangestore d z 0 1 | object encoding d | copy z c | object encoding c | zrange c 0 -1
"""


@pytest.fixture(scope="module")
def oracle() -> Iterator[Server]:
    with redis_server("--notify-keyspace-events", EVERY_CLASS) as server:
        yield server


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("script", SCRIPTS.replace("\n    |", " |").strip().splitlines())
def test_replies_and_notifications_are_those_of_redis(oracle: Server, script: str, resp: int) -> None:
    compare(oracle, FILLED + script, resp)


def test_many_members_are_ordered_as_in_redis(oracle: Server) -> None:
    rng = random.Random(3)
    ours = Ours()
    with oracle.client() as redis:
        redis.command("FLUSHALL")
        for _ in range(60):
            pairs = [word for _ in range(50) for word in (b"%.3g" % rng.gauss(0, 30), b"m%d" % rng.randrange(2500))]
            assert ours.command([b"ZADD", b"z", *pairs]) == redis.command("ZADD", "z", *pairs)
        for start in range(-3000, 3000, 250):
            for argv in (
                [b"ZRANGE", b"z", b"%d" % start, b"%d" % (start + 40), b"WITHSCORES"],
                [b"ZREVRANGE", b"z", b"%d" % start, b"%d" % (start + 40), b"WITHSCORES"],
                [b"ZCOUNT", b"z", b"%d" % (start // 50), b"(%d" % (start // 40)],
                [b"ZRANK", b"z", b"m%d" % abs(start)],
                [b"ZREVRANGEBYSCORE", b"z", b"%d" % (start // 40), b"(%d" % (start // 50), b"LIMIT", b"3", b"7"],
            ):
                assert ours.command(argv) == redis.command(*argv), argv
    ours.node.check()
