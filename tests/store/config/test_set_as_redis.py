"""CONFIG SET side by side with redis-server: the same replies and the same values afterwards, for every option."""

from collections.abc import Iterator

import pytest

from store.config import OPTIONS, ConfigRefused, Settings
from store.config.numerals import INT_MAX, LONG_MAX
from tests.kit.resp_client import Error, Reply, RespClient, Simple
from tests.kit.servers import redis_server, requires_redis
from tests.store.config.test_options import OWN

pytestmark = requires_redis

# Setting these would change the oracle's process, network or files, or cut off the connection that asks; or the default differs.
NOT_TRIED = {
    "port",
    "bind",
    "tls-port",
    "tls-cluster",
    "tls-replication",
    "maxclients",
    "maxmemory-clients",
    "client-output-buffer-limit",
    "oom-score-adj",
    "oom-score-adj-values",
    "appendonly",
    "repl-diskless-sync-delay",
    "watchdog-period",
    "jemalloc-bg-thread",
    "enable-debug-command",
    "dir",
    "pidfile",
}
VALUES: list[bytes] = [
    *(b"", b" ", b"yes", b"NO", b"no ", b"0", b"1", b"-1", b"7", b"01", b"+1", b" 1", b"1 ", b"0x1", b"1_0"),
    *(b"100", b"101", b"501", b"1kb", b"5MB", b"2g", b"1gb", b"3k", b"4b", b"gb", b"1tb", b"-1kb", b"50%", b"1.5"),
    *(b"65535", b"65536", b"1048575", b"1048576", b"%d" % INT_MAX, b"%d" % (INT_MAX + 1), b"-2147483649"),
    *(b"%d" % LONG_MAX, b"%d" % (LONG_MAX + 1), b"99999999999999999999", b"18446744073709551615gb"),
    *(b"always", b"EVERYSEC", b"debug", b"allkeys-lru", b"volatile-ttl", b"local", b"swapdb", b"hostname", b"default"),
    *(b"save", b"nosave now", b"save nosave", b"now force save", b"force force", b"default now", b"clients"),
    *(b"AKE", b"KEA", b"g$lshzxetdnm", b"Kxn", b"An", b"q", b"mnE", b"a/b", b"a\\b", b"caf\xc3\xa9\xff", b"a\x00b"),
    *(b"3600 1", b"3600 1 60", b"0 1", b"1 -1", b"10 ", b"60 0 60 0", b"a b", b"60  5", b"50 99.9 100", b"101 5"),
    *(b"0.000001 1e1", b"nan", b"inf", b"1e999", b"{title}", b"{port} {x}", b"x{{", b"{", b"host-name.x", b"host_name"),
]
CASES: list[list[bytes]] = [
    [b"nothing", b"1"],
    [b"maxmemory", b"1", b"nothing", b"1", b"daemonize", b"yes"],
    [b"daemonize", b"yes", b"nothing", b"1"],
    [b"DAEMONIZE", b"yes"],
    [b"slaveof", b"no one"],
    [b"DBfilename", b"x"],
    [b"dir", b"/"],
    [b"maxmemory", b"1", b"MaxMemory", b"2"],
    [b"replica-priority", b"1", b"slave-priority", b"2"],
    [b"SLAVE-priority", b"x"],
    [b"maxmemory", b"7mb", b"timeout", b"x"],
    [b"maxmemory-clients", b"200%"],
    [b"maxmemory-clients", b"x"],
    [b"maxmemory-clients", b"-5"],
    [b"maxclients", b"0"],
    [b"port", b"65536"],
    [b"port", b"-1"],
    [b"bind", b" ".join([b"127.0.0.1"] * 17)],
    [b"oom-score-adj", b"perhaps"],
    [b"oom-score-adj-values", b"1 2"],
    [b"oom-score-adj-values", b"1 2 3000"],
    [b"appendonly", b"maybe"],
    [b"client-output-buffer-limit", b"normal 0 0"],
    [b"client-output-buffer-limit", b"master 0 0 0"],
    [b"client-output-buffer-limit", b"pubsub 1mb 2x 0"],
    [b"client-output-buffer-limit", b"pubsub 1mb 2kb -1"],
    [b"client-output-buffer-limit", b"pubsub 1mb 2kb 6x"],
    [b"client-output-buffer-limit", b"PubSub 1mb 2kb 60 replica 1gb 5 0"],
    [b"client-output-buffer-limit", b""],
    [b"watchdog-period", b"-5"],
]


@pytest.fixture(scope="module")
def oracle() -> Iterator[RespClient]:
    with redis_server("--save", "3600 1 300 100 60 10000") as redis, redis.client() as client:
        yield client


def set_and_get(settings: Settings, pairs: list[bytes]) -> tuple[Reply, dict[bytes, bytes]]:
    reply: Reply = Simple(b"OK")
    try:
        settings.set(list(zip(pairs[::2], pairs[1::2], strict=True)))
    except ConfigRefused as error:
        reply = Error(error.line)
    return reply, dict(settings.get(pairs[::2]))


def oracle_set_and_get(oracle: RespClient, cases: list[list[bytes]]) -> list[tuple[Reply, dict[Reply, Reply]]]:
    commands = [command for pairs in cases for command in ([b"SET", *pairs], [b"GET", *pairs[::2]])]
    replies = oracle.pipeline([b"CONFIG", *command] for command in commands)
    results = []
    for outcome, got in zip(replies[::2], replies[1::2], strict=True):
        assert isinstance(got, list)
        results.append((outcome, dict(zip(got[::2], got[1::2], strict=True))))
    return results


def agree(oracle: RespClient, settings: Settings, cases: list[list[bytes]]) -> None:
    ours = [(pairs, *set_and_get(settings, pairs)) for pairs in cases]
    theirs = [(pairs, *result) for pairs, result in zip(cases, oracle_set_and_get(oracle, cases), strict=True)]
    assert [(a, b) for a, b in zip(ours, theirs, strict=True) if a != b] == []


@pytest.mark.parametrize("name", sorted(OPTIONS.keys() - NOT_TRIED - OWN))
def test_every_option_takes_and_refuses_what_redis_does(oracle: RespClient, name: str) -> None:
    settings = Settings()
    original = dict(settings.get([name.encode()]))[name.encode()]
    agree(oracle, settings, [[name.encode(), value] for value in [*VALUES, original]])


def test_requests_are_refused_in_the_words_and_the_order_of_redis(oracle: RespClient) -> None:
    settings = Settings()
    for pairs in CASES:
        ours, _ = set_and_get(settings, pairs)
        assert ours == oracle.command("CONFIG", "SET", *pairs), pairs
    limits = oracle.command("CONFIG", "GET", "client-output-buffer-limit")
    assert limits == [b"client-output-buffer-limit", settings.get([b"client-output-buffer-limit"])[0][1]]
