"""`rdb_changes_since_last_save`: each command adds to it what it adds in redis-server, so save points fall due at the same time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.cluster import info
from tests.kit.servers import Server, redis_server, requires_redis
from tests.kit.side_by_side import Ours, words

pytestmark = requires_redis

SCRIPTS = """
set k v | set k w pxat 9000000000000 | set k x keepttl | setnx k y | getset k z | append k a | append n a | setrange m 3 x
    | incr i | incrby i 5 | incrbyfloat f 1.5 | mset a 1 b 2 | msetnx c 1 d 2 | getdel a | getex b pxat 9000000000000
    | setbit bits 7 1 | bitop not bits2 bits | pfadd p a b c | pfmerge q p
set k v | rename k l | copy l m | copy l m replace | move m 1 | renamenx l k | pexpireat k 9000000000000 | persist k | del k l x
    | mset a 1 b 2 c 3 | unlink a b x | swapdb 0 1 | swapdb 0 0 | mset a 1 b 2 c 3 | flushdb | mset a 1 b 2 | flushall
rpush l a | rpush l b c d | lpush l x y | lpushx l z | lpop l | rpop l 2 | lset l 0 q | linsert l before q p | lrem l 0 q
    | lmove l m left right | rpoplpush m m | rpush l 1 2 3 4 5 6 | ltrim l 1 3 | lmpop 1 l left count 9 | exists l
hset h a 1 | hset h a 2 b 3 c 4 | hsetnx h d 5 | hincrby h n 5 | hincrbyfloat h x 1.5 | hdel h a b nope | hdel h c d n x
sadd s 1 2 3 | sadd s 3 4 | srem s 1 9 | smove s t 2 | smove s t 3 | smove s t 4 | srem t 2 3 4 | sadd a 1 2 | sadd b 2 3
    | sunionstore c a b | sinterstore c a b | sdiffstore c a a
zadd z 1 a 2 b | zadd z 1 a 3 b 4 c | zadd z 1 a | zincrby z 2 a | zrem z a b x | zadd z 1 a 2 b 3 d | zpopmin z | zpopmax z 2
    | zadd z 1 a 2 b 3 d | zremrangebyrank z 0 1 | zremrangebyscore z -inf inf | zadd z 1 a
    | zunionstore y 2 z z | geoadd g 1 2 a 3 4 b
xadd x 1-1 a b | xadd x maxlen 1 2-1 a b | xadd x 3-1 a b | xdel x 2-1 3-1 | xgroup create x g 0 | xgroup create y g 0 mkstream
    | xadd x 4-1 a b | xadd x 5-1 a b | xtrim x maxlen 0 | xsetid x 9-1 | xgroup destroy x g
rpush l 3 1 2 | sort l store s | lrange s 0 -1
"""


@pytest.fixture(scope="module")
def oracle() -> Iterator[Server]:
    with redis_server() as server:
        yield server


@pytest.mark.parametrize("script", SCRIPTS.replace("\n    |", " |").strip().splitlines())
def test_commands_count_as_in_redis(oracle: Server, script: str) -> None:
    ours = Ours()
    with oracle.client() as redis:
        redis.command("FLUSHALL")
        for command in script.split("|"):
            before = ours.node.keyspace.dirty, changes(oracle)
            assert ours.command(words(command)) == redis.command(*words(command)), command
            after = ours.node.keyspace.dirty, changes(oracle)
            assert after[0] - before[0] == after[1] - before[1], command


def changes(server: Server) -> int:
    return int(info(server, "persistence")["rdb_changes_since_last_save"])
