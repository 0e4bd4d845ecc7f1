"""Hashes and sets against redis-server: the same replies and the same keyspace notifications, command by command.

Sets are of integers, or have one member, where a reply lists them: only then does Redis promise an order.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.servers import Server, redis_server, requires_redis
from tests.kit.side_by_side import EVERY_CLASS, compare

pytestmark = requires_redis

MOST = "9223372036854775807"
# One script a line (indented lines go on), commands separated by "|".
SCRIPTS = f"""
hset h a 1 b 2 | hset h a 3 c 4 c 5 | hgetall h | hkeys h | hvals h | hlen h | hstrlen h c | hstrlen h x | hexists h a
    | hexists h x | hget h a | hget h x | hmget h a x c
hset h a | hset h a 1 b | hmset h a 1 b | HMSET h a | hmset h a 1 b 2 | hsetnx h a 9 | hsetnx h c 9 | hsetnx i a 1
    | hset h "" "" | hget h "" | hstrlen h ""
hget x a | hmget x a b | hgetall x | hkeys x | hvals x | hlen x | hstrlen x a | hexists x a | hdel x a | hrandfield x
    | hrandfield x 3 | hrandfield x -3 withvalues | hscan x 0
hset h a 1 b 2 c 3 | hdel h a x | hdel h x y | hdel h b b c a | exists h | hset h a 1 | hdel h a | hlen h
hincrby h n 5 | hincrby h n -15 | hincrby h n 0 | hget h n | hincrby h n x | hincrby h n 1.5 | hincrby h n " 1"
    | hincrby h n {MOST} | hset h n {MOST} | hincrby h n 1 | hincrby h n -1 | hincrby h n -{MOST}
hset h n -9223372036854775808 | hincrby h n -1 | hincrby h n 1 | hset h n 01 m 1a o "" p 1.0 q +1 | hincrby h n 1
    | hincrby h m 1 | hincrby h o 1 | hincrby h p 1 | hincrby h q 1
hincrbyfloat h f 10.1 | hincrbyfloat h f 0.2 | hincrbyfloat h f x | hincrbyfloat h f inf | hincrbyfloat h f -INFINITY
    | hincrbyfloat h f nan | hincrbyfloat h f "" | hincrbyfloat h f " 1" | hget h f
hset h a 3.0e3 b x c 0x10 d " 1" e inf g "" | hincrbyfloat h a 200 | hincrbyfloat h b 1 | hincrbyfloat h c 1
    | hincrbyfloat h d 1 | hincrbyfloat h e 1 | hincrbyfloat h g 1 | hincrbyfloat h a 1e4930 | hincrbyfloat h a -1e4930
hset h a 1 | hrandfield h | hrandfield h 1 | hrandfield h 5 | hrandfield h -3 | hrandfield h -2 withvalues
    | hrandfield h 2 WITHVALUES | hrandfield h 0 | hrandfield h 0 withvalues
hset h a 1 b 2 c 3 | hrandfield h 3 | hrandfield h 7 withvalues | hrandfield h x | hrandfield h 1 foo
    | hrandfield h x foo | hrandfield h 1 withvalues x | hrandfield h -9223372036854775808
    | hrandfield h -{MOST} withvalues | hrandfield h {MOST} withvalues | hrandfield h {MOST}
hset h a 1 ab 2 b 3 | hscan h 0 | hscan h 0 match a* | hscan h 0 match * count 1 | hscan h 0 count 0 | hscan h 0 count x
    | hscan h 0 count | hscan h 0 match | hscan h 0 foo bar | hscan h 0 type hash | hscan h 0 nosuch
hscan h x | hscan h " 0" | hscan h "" | hscan h +0 | hscan h 18446744073709551615 | hscan h 18446744073709551616
    | hscan h 000000000000000000000000 | hscan x 0 foo | hscan x x
set s v | hset s a 1 | hset s a | hsetnx s a 1 | hget s a | hmget s a | hgetall s | hkeys s | hvals s | hlen s
    | hstrlen s a | hexists s a | hdel s a | hincrby s a 1 | hincrby s a x | hincrbyfloat s a 1 | hincrbyfloat s a x
set s v | hincrbyfloat s a inf | hrandfield s | hrandfield s 1 | hrandfield s x | hscan s 0 | hscan s 0 foo | hscan s x
sadd s 3 1 2 | sadd s 3 4 | sadd s 1 2 | smembers s | scard s | sismember s 3 | sismember s x | smismember s 1 9 3
    | srem s 1 x | srem s 9 | srem s 2 3 4 | exists s
scard x | sismember x a | smismember x a b | smembers x | srem x a | spop x | spop x 3 | srandmember x | srandmember x 3
    | srandmember x -3 | sscan x 0 | sinter x | sunion x y | sdiff x y | sintercard 1 x
sadd s 1 | spop s | exists s | sadd s 1 2 3 | spop s 0 | spop s 3 | exists s | sadd s 2 1 | spop s 9 | spop s 1
sadd s 1 2 | spop s x | spop s -1 | spop s 1 1 | spop s 99999999999999999999 | srandmember s x | srandmember s 1 1
    | srandmember s -9223372036854775808 | srandmember s {MOST} | srandmember s 0 | spop x x | srandmember x x
sadd s 7 | srandmember s | srandmember s 1 | srandmember s 5 | srandmember s -3 | sadd s 8 | srandmember s 2
    | srandmember s 9
sadd s 1 2 | sadd t 2 | smove s t 2 | smove s t 1 | smove s t 1 | exists s | smembers t | smove t t 1 | smove t t 9
    | smove x t 1 | smove t u 2 | smove t u 9
sadd s 1 | set k v | smove s k 1 | smove k s 1 | smove s k 9 | smove x k 1 | smove k k 1 | smove k x 1
sadd a 3 1 2 4 | sadd b 2 3 9 | sadd c 3 | sinter a b | sinter a b c | sinter a x | sinter a | sunion a b | sunion a x c
    | sdiff a b | sdiff a b c x | sdiff x a | sdiff a a | sunion a a | sinter a a
sadd a 1 2 3 | sadd b 2 3 | sadd c m | sinter a c | sunion c x | sdiff c a | sintercard 2 a b | sintercard 2 a b limit 1
    | sintercard 2 a b limit 0 | sintercard 2 a b LIMIT 9 limit 1 | sintercard 1 a | sintercard 3 a b x
sadd a 1 | sintercard 0 a | sintercard x a | sintercard 2 a | sintercard 1 a b | sintercard 1 a limit
    | sintercard 1 a limit -1 | sintercard 1 a limit x | sintercard 1 a foo 1 | sintercard -1 a | sintercard 1
    | sintercard {MOST} a
sadd a 1 2 3 | sadd b 2 3 4 | sunionstore d a b | smembers d | sinterstore d a b | smembers d | sdiffstore d a b
    | smembers d | sdiffstore d a a | exists d | sdiffstore d a a | sinterstore d a x | sunionstore d x y
sadd a 1 2 3 | sadd b 2 3 4 | sinterstore a a b | smembers a | sunionstore b a b | smembers b | sdiffstore b b a
    | smembers b | sdiffstore b b b | exists b
sadd a 1 2 | set k v | sunionstore k a | type k | set k v | sinterstore k a x | exists k | set k v | sdiffstore k a
    | set k v | sdiffstore k x a | sunionstore k x | ttl a
sadd a 1 2 | set d v ex 1000 | sunionstore d a | ttl d | pexpireat d 9000000000000 | sadd d 5 | pexpiretime d
    | sunionstore d d | pexpiretime d
sadd a 1 | set k v | sunionstore a a k | sinterstore a x k | sinterstore a k x | sdiffstore a a k | sinter a k
    | sinter x k | sunion a k | sdiff x k | sintercard 2 x k | smembers a
set k v | sadd k 1 | srem k 1 | scard k | sismember k 1 | smismember k 1 | smembers k | spop k | spop k 1 | spop k x
    | srandmember k | srandmember k 1 | srandmember k x | sscan k 0 | sscan k 0 foo | sscan k x | spop k 1 1
sadd s 1 2 10 20 | sscan s 0 | sscan s 0 match 1* | sscan s 0 match * count 1 | sscan s 0 count 0 | sscan s 0 type set
    | sscan s 5 | sscan s 0 match 1* match 2* count 1 COUNT 100 | sscan s -1
sadd s m | object encoding s | srem s m | sadd s 1 | object encoding s | sadd s 01 | object encoding s | srem s 01
    | object encoding s | sadd t -0 | object encoding t | sadd u 9223372036854775808 | object encoding u
hset h a 1 | object encoding h | hset h b xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
    | object encoding h | hset h b xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
    | object encoding h | hdel h b | object encoding h
multi | hset h a 1 | hincrby h a x | sadd s 1 | spop s | hgetall h | exec | exists h s
"""


@pytest.fixture(scope="module")
def oracle() -> Iterator[Server]:
    with redis_server("--notify-keyspace-events", EVERY_CLASS) as server:
        yield server


@pytest.mark.parametrize("script", SCRIPTS.replace("\n    |", " |").strip().splitlines())
def test_replies_and_notifications_are_those_of_redis(oracle: Server, script: str) -> None:
    compare(oracle, script)
    compare(oracle, script, resp=3)
