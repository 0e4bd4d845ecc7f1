"""Chronis through redis-py, blocking and asyncio, in both protocols: what applications do every day."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
import redis
import redis.asyncio

from tests.kit.servers import Server, chronis_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for all tests of this file."""
    with chronis_server() as running:
        yield running


@pytest.fixture(params=[2, 3])
def client(server: Server, request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """A client on an empty server, once in each protocol."""
    with redis.Redis(port=server.port, protocol=request.param, decode_responses=True, socket_timeout=5) as made:
        made.flushall()
        yield made


def test_values_come_back_in_the_types_of_the_library(client: redis.Redis) -> None:
    client.hset("h", mapping={"a": "1", "b": "ü"})
    client.zadd("z", {"one": 1, "half": 0.5})
    client.sadd("s", "x", "y")
    client.rpush("l", "1", "2")
    client.xadd("x", {"field": "value"}, id="1-1")
    assert client.hgetall("h") == {"a": "1", "b": "ü"}
    assert [tuple(pair) for pair in client.zrange("z", 0, -1, withscores=True)] == [("half", 0.5), ("one", 1.0)]
    assert client.smembers("s") == {"x", "y"}
    assert client.lrange("l", 0, -1) == ["1", "2"]
    assert client.get("missing") is None
    assert client.exists("h", "z", "missing") == 2
    assert client.info("replication")["role"] == "master"
    assert client.config_get("appendonly") == {"appendonly": "yes"}
    assert client.command_count() > 200
    assert sorted(client.scan_iter(count=2)) == ["h", "l", "s", "x", "z"]


def test_a_pipeline_gives_all_replies_in_order(client: redis.Redis) -> None:
    with client.pipeline(transaction=False) as pipe:
        for number in range(1000):
            pipe.incrby("n", number)
        assert pipe.execute()[-1] == sum(range(1000))
    with client.pipeline() as pipe:
        pipe.set("a", 1).lpush("a", 2).incr("a")
        replies = pipe.execute(raise_on_error=False)
        assert replies[0] is True
        assert isinstance(replies[1], redis.ResponseError)
        assert replies[2] == 2


def test_watched_transactions_of_several_clients_lose_no_increment(server: Server, client: redis.Redis) -> None:
    def add(times: int) -> None:
        with redis.Redis(port=server.port, decode_responses=True) as own:
            for _ in range(times):
                own.transaction(lambda pipe: increment(pipe), "counter")

    def increment(pipe: redis.client.Pipeline) -> None:
        value = int(pipe.get("counter") or 0)
        pipe.multi()
        pipe.set("counter", value + 1)

    threads = [threading.Thread(target=add, args=(25,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get("counter") == "100"


def test_messages_reach_subscribers_in_order(client: redis.Redis) -> None:
    with client.pubsub() as pubsub:
        pubsub.subscribe("news")
        pubsub.psubscribe("ne?s")
        confirmations = [pubsub.get_message(timeout=2) for _ in range(2)]
        assert [message["type"] for message in confirmations if message] == ["subscribe", "psubscribe"]
        assert [client.publish("news", number) for number in range(3)] == [2, 2, 2]
        messages = [pubsub.get_message(timeout=2) for _ in range(6)]
        assert [message["data"] for message in messages if message] == ["0", "0", "1", "1", "2", "2"]


def test_a_lock_is_held_by_one(client: redis.Redis) -> None:
    lock = client.lock("lock", timeout=5, blocking_timeout=0.05)
    assert lock.acquire()
    assert not client.lock("lock", timeout=5, blocking_timeout=0.05).acquire()
    assert lock.owned()
    assert lock.extend(5)
    lock.release()
    assert client.lock("lock", timeout=5).acquire(blocking=False)


def test_a_blocking_pop_gets_what_another_client_pushes(server: Server, client: redis.Redis) -> None:
    def push() -> None:
        with redis.Redis(port=server.port) as own:
            own.rpush("queue", "job")

    timer = threading.Timer(0.1, push)
    timer.start()
    assert client.blpop("queue", timeout=5) in (("queue", "job"), ["queue", "job"])
    timer.join()


def test_keyspace_notifications_of_an_expiry(client: redis.Redis) -> None:
    client.config_set("notify-keyspace-events", "Ex")
    with client.pubsub() as pubsub:
        pubsub.subscribe("__keyevent@0__:expired")
        assert pubsub.get_message(timeout=2)
        client.set("short", "life", px=30)
        message = pubsub.get_message(timeout=5)
        assert message
        assert message["data"] == "short"


@pytest.mark.parametrize("protocol", [2, 3])
async def test_asyncio_clients_work_beside_each_other(server: Server, protocol: int) -> None:
    async with redis.asyncio.Redis(port=server.port, protocol=protocol, decode_responses=True) as client:
        await client.flushall()
        await asyncio.gather(*(client.incr("n") for _ in range(50)))
        assert await client.get("n") == "50"
        async with client.pipeline(transaction=True) as pipe:
            assert await pipe.set("a", "1").get("a").execute() == [True, "1"]
        async with client.pubsub() as pubsub:
            await pubsub.subscribe("news")
            assert await pubsub.get_message(timeout=2)
            await client.publish("news", "hello")
            message = await pubsub.get_message(timeout=2)
            assert message is not None
            assert message["data"] == "hello"
        async with client.lock("lock", timeout=5):
            assert await client.exists("lock")
        assert not await client.exists("lock")
