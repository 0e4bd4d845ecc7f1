"""What a scrape holds: every metric of the catalog and no other, with the values of the node."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from metrics.catalog import CATALOG, OWN
from metrics.collect import Collector, oldest_time
from store.node import Node
from store.topology import Follower, Leader
from tests.kit.inprocess import Client
from tests.metrics.peers import Peers


def client_of(node: Node) -> Client:
    """A client of a real node."""
    return Client(node)  # type: ignore[arg-type]  # needs its engine only


async def values(node: Node) -> dict[tuple[str, tuple[str, ...]], float]:
    """The plain values of a scrape by name and labels."""
    rows = await Collector(node).rows()
    return {(name, labels): value for name, labels, value in rows if isinstance(value, int | float)}


async def test_everything_declared_is_exposed_and_nothing_else(node: Node) -> None:
    client = client_of(node)
    client.run("SET", "a", "1", "PX", "60000")
    client.run("HGET", "a", "x")  # an error reply
    follower = Follower("10.0.0.2", 6380, "online", 0)
    node.engine.topology = Peers(Leader("10.0.0.1", 6379, "connected"), [follower])
    rows = await Collector(node).rows()
    assert {name for name, _, _ in rows} == set(CATALOG)
    for name, labels, _ in rows:
        assert len(labels) == len(CATALOG[name].labels), name


async def test_no_sample_twice(node: Node) -> None:
    rows = await Collector(node).rows()
    places = [(name, labels) for name, labels, _ in rows]
    assert len(places) == len(set(places))


@pytest.mark.parametrize("openmetrics", [False, True])
async def test_both_formats_are_what_prometheus_client_reads_back(node: Node, openmetrics: bool) -> None:
    client = client_of(node)
    for number in range(100):
        client.run("SET", f"key{number}", "x")
    text = (await Collector(node).scrape(openmetrics)).decode()
    families = list(parse_openmetrics(text) if openmetrics else parse_text(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), "a family with two headers"
    samples = {
        sample.name: sample for family in families for sample in family.samples if sample.labels.get("cmd") == "set"
    }
    assert samples["redis_commands_total"].value == 100
    assert samples["chronis_command_seconds_count"].value == 100


async def test_values_are_the_nodes(node: Node) -> None:
    client = client_of(node)
    client.run("SET", "a", "1")
    client.run("SET", "b", "1", "PX", "100000")
    client.run("SELECT", "3")
    client.run("SET", "c", "1")
    client.run("GET", "c")
    client.run("GET", "missing")
    client.run("LPUSH", "c", "1")
    found = await values(node)
    assert found["redis_db_keys", ("db0",)] == 2
    assert found["redis_db_keys", ("db3",)] == 1
    assert found["redis_db_keys_expiring", ("db0",)] == 1
    assert 0 < found["redis_db_avg_ttl_seconds", ("db0",)] <= 100
    assert found["redis_keyspace_hits_total", ()] == 1
    assert found["redis_keyspace_misses_total", ()] == 1
    assert found["redis_commands_total", ("set",)] == 3
    assert found["redis_commands_failed_calls_total", ("lpush",)] == 1
    assert found["redis_errors_total", ("WRONGTYPE",)] == 1
    assert found["chronis_log_offset_bytes", ()] == node.engine.log.offset > 0
    assert found["redis_master_repl_offset", ()] == node.engine.log.offset


async def test_lag_of_a_replica_in_bytes_events_and_seconds(node: Node) -> None:
    client, collector = client_of(node), Collector(node)
    log, timeline = node.engine.log, collector.observer.timeline
    client.run("SET", "a", "1")
    node.engine.turn.end()
    timeline.mark(time.time() - 10, log.written_offset, log.events)
    acknowledged = log.offset
    client.run("SET", "a", "2")
    client.run("SET", "a", "3")
    node.engine.turn.end()
    timeline.mark(time.time() - 4, log.written_offset, log.events)
    node.engine.topology = Peers(followers=[Follower("10.0.0.2", 1, "online", acknowledged)])
    label = ("10.0.0.2", "1", "online")
    found = {(name, labels): value for name, labels, value in await collector.rows()}
    assert found["chronis_replica_lag_bytes", label] == log.offset - acknowledged
    assert found["chronis_replica_lag_events", label] == 2
    assert found["chronis_replica_lag_seconds", label] == pytest.approx(4, abs=1)


async def test_horizon_is_the_age_of_the_oldest_frame_on_disk(node: Node, tmp_path: Path) -> None:
    assert oldest_time(str(tmp_path)) == 0
    before = time.time()
    client_of(node).run("SET", "a", "1")
    node.engine.turn.end()
    assert before - 0.01 <= oldest_time(str(tmp_path)) <= time.time()
    assert 0 <= (await values(node))["chronis_resync_horizon_seconds", ()] < 60


async def test_a_log_from_which_nothing_was_dropped_is_complete(node: Node) -> None:
    assert (await values(node))["chronis_log_complete", ()] == 1
    node.engine.log.reset(100, 0)  # as after the first segments have left
    assert (await values(node))["chronis_log_complete", ()] == 0


@pytest.mark.parametrize(("budget", "turns"), [(1e-12, 6), (1e9, 1)])
async def test_the_loop_runs_when_steps_have_used_their_budget(
    node: Node, monkeypatch: pytest.MonkeyPatch, budget: float, turns: int
) -> None:
    monkeypatch.setattr("metrics.collect.BUDGET", budget)
    seen: list[int] = []
    loop, taken = asyncio.get_running_loop(), []

    def turn() -> None:
        seen.append(len(taken))
        loop.call_soon(turn)

    loop.call_soon(turn)
    await Collector(node)._in_steps(range(5), taken.append)
    assert taken == [0, 1, 2, 3, 4]
    assert 1 <= len(set(seen)) <= turns
    assert (len(set(seen)) > 1) == (budget < 1)


def test_catalog_follows_the_naming_rules_of_prometheus() -> None:
    for metric in OWN:
        assert (metric.kind == "counter") == metric.name.endswith("_total"), metric.name
        assert metric.help.endswith("."), metric.name
        if metric.kind == "histogram":
            assert metric.name.endswith(("_seconds", "_commands")), metric.name
