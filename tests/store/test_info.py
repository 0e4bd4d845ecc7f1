"""INFO: the sections and fields of redis-server, each in its place, with values that follow what happens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store import info
from store.info.activity import average_ttl, percentile
from store.observe.memory_report import human
from tests.kit.inprocess import Node
from tests.kit.resp_client import Verbatim
from tests.kit.servers import Server, chronis_server, redis_server, requires_redis

OWN_FIELDS = {"chronis_version", "chronis_engine", "python_version", "process_baseline"}
VARYING = {"commandstats", "errorstats", "latencystats", "chronis", "keyspace"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One Chronis for all tests of this file."""
    with chronis_server() as running:
        yield running


def sections_of(server: Server, *words: str) -> dict[str, dict[str, str]]:
    """The sections of a server's INFO with their fields, in order."""
    reply = server.command_reply("INFO", *words)
    assert isinstance(reply, bytes)
    found: dict[str, dict[str, str]] = {}
    for line in reply.decode().split("\r\n"):
        if line.startswith("# "):
            section = found[line[2:].lower()] = {}
        elif line:
            name, _, value = line.partition(":")
            section[name] = value
    return found


@requires_redis
def test_every_field_of_redis_is_there_and_in_its_order(server: Server) -> None:
    with redis_server("--appendonly", "yes") as redis:
        theirs, ours = sections_of(redis, "everything"), sections_of(server, "everything")
    assert [name for name in ours if name != "chronis"] == list(theirs)
    for section in theirs.keys() - VARYING:
        assert [field for field in ours[section] if field not in OWN_FIELDS] == list(theirs[section]), section


@requires_redis
def test_the_same_sections_as_redis_are_shown(server: Server) -> None:
    with redis_server() as redis:
        for words in ("", "default", "all", "Server CPU", "server server", "keyspace none", "none", "modules", "all x"):
            theirs, ours = (list(sections_of(one, *words.split())) for one in (redis, server))
            assert [name for name in ours if name != "chronis"] == theirs, words


def test_the_text_has_redis_line_ends_and_a_blank_line_between_sections(server: Server) -> None:
    with server.client(3) as client:
        reply = client.command("INFO", "cluster", "modules")
    assert reply == Verbatim(b"txt:# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n")


def test_counters_follow_what_happens() -> None:
    node = Node()
    node.run("CONFIG", "RESETSTAT")  # rows of commands are one for all nodes of a process
    node.run("CONFIG", "RESETSTAT")  # the rows of the table have counted what other tests did
    for _ in range(3):
        node.run("SET", "k", "v")
    node.run("GET", "missing")
    node.run("GET")
    node.run("LPUSH", "k", "v")
    sections = {name: section(node.engine) for name, section in info.SECTIONS.items()}
    assert (
        sections["commandstats"]["cmdstat_set"] == "calls=3,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=0"
    )
    assert str(sections["commandstats"]["cmdstat_lpush"]).endswith("rejected_calls=0,failed_calls=1")
    assert str(sections["commandstats"]["cmdstat_get"]).startswith("calls=1,")
    assert str(sections["commandstats"]["cmdstat_get"]).endswith("rejected_calls=1,failed_calls=0")
    assert sections["errorstats"] == {"errorstat_ERR": "count=1", "errorstat_WRONGTYPE": "count=1"}
    assert sections["stats"]["total_error_replies"] == 2
    assert (sections["stats"]["keyspace_hits"], sections["stats"]["keyspace_misses"]) == (0, 1)
    assert sections["persistence"]["rdb_changes_since_last_save"] == 3
    assert sections["keyspace"] == {"db0": "keys=1,expires=0,avg_ttl=0"}
    assert sections["replication"]["master_repl_offset"] == sections["chronis"]["log_offset"] == node.engine.log.offset


def test_the_mean_time_to_live_is_that_of_the_deadlines_in_force() -> None:
    node = Node()
    node.run("SET", "a", "1", "PX", 1000)
    node.run("SET", "b", "1", "PX", 3000)
    node.run("SET", "c", "1", "PX", 9000)
    node.run("PERSIST", "c")
    assert average_ttl(node.keyspace.databases[0], node.clock.now_ms()) == 2000
    assert info.SECTIONS["keyspace"](node.engine) == {"db0": "keys=3,expires=2,avg_ttl=2000"}


def test_rates_are_those_of_the_last_samples() -> None:
    node = Node()
    rates = node.engine.rates
    for _ in range(40):
        node.run("SET", "k", "v")
        node.clock.advance(100)
        rates.sample()
    assert rates.per_second("commands") == pytest.approx(10)
    for _ in range(20):
        node.clock.advance(100)
        rates.sample()
    assert rates.per_second("commands") == 0
    node.run("SET", "k", "v")
    node.engine.stats.reset()
    rates.sample()
    assert rates.per_second("commands") == 0, "set to zero in between"


def test_time_over_maxmemory_is_counted() -> None:
    node = Node()
    node.run("SET", "k", "v" * 100)
    node.engine.settings.maxmemory = 10
    node.engine.rates.sample()
    node.clock.advance(250)
    assert info.SECTIONS["stats"](node.engine)["current_eviction_exceeded_time"] == 250
    node.engine.settings.maxmemory = 0
    node.engine.rates.sample()
    stats = info.SECTIONS["stats"](node.engine)
    assert (stats["total_eviction_exceeded_time"], stats["current_eviction_exceeded_time"]) == (250, 0)


def test_percentiles_come_from_counts_by_powers_of_two() -> None:
    buckets = [0] * 64
    buckets[10], buckets[20] = 90, 10
    assert [percentile(buckets, percent) for percent in (0, 50, 90, 91, 100)] == [
        1023,
        1023,
        1023,
        (1 << 20) - 1,
        (1 << 20) - 1,
    ]


def test_unsafe_characters_of_names_do_not_break_lines() -> None:
    node = Node()
    node.engine.stats.count_error("A:B#C\r\n")
    assert b"errorstat_A_B_C__:count=1\r\n" in info.render(node.engine, info.chosen([b"errorstats"]))


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (1023, "1023B"), (1024, "1.00K"), (1536 << 10, "1.50M"), (5 << 40, "5.00T")]
)
def test_sizes_are_shown_with_units(size: int, text: str) -> None:
    assert human(size) == text
