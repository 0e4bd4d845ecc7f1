"""The benchmark's arithmetic, and one tiny run of every part of it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from store.persistence.offline import Offline
from store.persistence.recovery import recover
from tests.bench import (
    footprint,
    latency,
    loads,
    memory,
    openloop,
    publish,
    recovery,
    results,
    throughput,
    transactions,
)
from tests.bench.__main__ import REDIS, main
from tests.bench.cpu import process_seconds, tree_seconds
from tests.bench.measure import Case, Sample, parse_csv
from tests.bench.report import Row, full_table, markdown, short_table, summarise
from tests.bench.sides import Side
from tests.kit.resp_client import encode
from tests.kit.servers import redis_server, requires_redis

SET = loads.BY_NAME["SET"]
ROW = {
    "test": "SET", "pipeline": 16, "rps_a": 100.0, "rps_b": 90.0, "ratio": 1.0, "lowest": 0.9, "highest": 1.1,
    "cpu_a": 2.0, "cpu_b": 5.0, "cpu_ratio": 2.0, "cpu_lowest": 2.0, "cpu_highest": 2.5,
}  # fmt: skip


def test_the_ratio_is_the_median_of_the_pairs_own_ratios() -> None:
    # The third round ran on a machine half as fast: its ratio is as good as the others'.
    rounds = [
        (Sample(100.0, 2.0, 1), Sample(90.0, 4.0, 1)),
        (Sample(100.0, 2.0, 1), Sample(110.0, 5.0, 1)),
        (Sample(50.0, 4.0, 1), Sample(50.0, 8.0, 1)),
    ]
    assert summarise("SET", 16, rounds) == Row(**ROW)  # type: ignore[arg-type]


def test_tables_have_the_medians_and_the_spread() -> None:
    assert markdown(*full_table([ROW], ("redis", "chronis"))).splitlines()[2] == (
        "| SET | 16 | 100 | 90 | 1.00 | 0.90–1.10 | 2.00 | 5.00 | 2.00 | 2.00–2.50 |"
    )
    assert markdown(*short_table([ROW, ROW | {"pipeline": 64, "ratio": 0.5}])).splitlines()[2:] == [
        "| SET | 1.00 | 0.50 | 2.00 | 2.00 |",
        "| geometric mean | 1.00 | 0.50 | 2.00 | 2.00 |",
    ]


def test_figures_come_from_the_one_line_of_results() -> None:
    header = '"test","rps","p99_latency_ms"\n'
    assert parse_csv(header + '"SET","123456.79","0.1"\n') == {"rps": 123456.79, "p99_latency_ms": 0.1}
    with pytest.raises(ValueError, match="one line"):
        parse_csv(header)


def test_requests_fill_every_clients_pipelines_and_stay_below_what_is_put_there_to_pop() -> None:
    assert Case(SET, 16, 50, 0).whole(2000) == 1600
    assert Case(SET, 16, 50, 0).whole(1) == 800
    assert Case(loads.BY_NAME["LPOP"], 1, 50, 0).whole(10**9) == loads.CONSUMED_MOST


def test_a_load_without_keys_uses_one_key() -> None:
    assert "-r" not in Case(SET, 1, 50, 0).command(6379, 10)
    assert Case(SET, 1, 5, 7).command(6379, 10)[-5:] == ["-r", "7", "SET", "key:__rand_int__", "xxx"]


def test_rounds_shrink_to_the_time_that_is_left() -> None:
    assert throughput.fit(10.0, 100.0, 4) == 1.0
    assert throughput.fit(10.0, 20.0, 4) == 0.5
    assert throughput.fit(10.0, -1.0, 4) == 0.0
    assert throughput.fit(10.0, 0.0, 0) == 1.0


def test_an_unknown_test_is_refused_by_name() -> None:
    assert [load.name for load in loads.select("get, lrange_100")] == ["GET", "LRANGE_100"]
    with pytest.raises(ValueError, match="no such test: NOPE"):
        loads.select("set,nope")


@requires_redis
def test_pops_find_what_they_pop_and_the_transactions_are_made() -> None:
    with redis_server() as server:
        for name in ("LPOP", "SPOP", "ZPOPMIN"):
            loads.BY_NAME[name].prepare(server, 1234)
        assert server.command_reply("LLEN", "poplist") == 1234
        assert server.command_reply("SCARD", "popset") == 1234
        assert server.command_reply("ZCARD", "popzset") == 1234
        before = tree_seconds(server.pid)
        assert transactions.run(server.port, pipeline=4, clients=3, requests=120, keys=10) > 0
        assert tree_seconds(server.pid) > before > 0
        assert tree_seconds(server.pid) >= process_seconds(server.pid)
        stats = server.command_reply("INFO", "commandstats")
        assert isinstance(stats, bytes)
        assert b"cmdstat_exec:calls=120," in stats


@requires_redis
def test_a_client_of_transactions_notices_a_wrong_reply() -> None:
    with redis_server("--maxmemory", "1") as server, pytest.raises(ValueError, match="transactions: unexpected reply"):
        transactions.run(server.port, pipeline=1, clients=1, requests=2, keys=1)


@requires_redis
def test_a_run_writes_every_case_and_round(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--a", REDIS, "--b", REDIS, "--tests", "set,multi", "--pipelines", "1,16", "--quick"]
    assert main([*small, "--output", str(tmp_path)]) == 0
    result = results.newest("quick-throughput", tmp_path)
    assert result is not None
    cases = ["SET P=1", "MULTI P=1", "SET P=16", "MULTI P=16"]
    assert [f"{row['test']} P={row['pipeline']}" for row in result["rows"]] == cases
    assert {name: len(rounds) for name, rounds in result["samples"].items()} == {f"{name} c=50": 1 for name in cases}
    assert all(a["rps"] > 0 and b["rps"] > 0 for rounds in result["samples"].values() for a, b in rounds)
    assert result["versions"]["redis"] == {"redis_version": "7.0.15"}
    assert "MULTI" in capsys.readouterr().out
    assert results.newest("throughput", tmp_path) is None


@requires_redis
def test_latency_is_seen_during_every_kind_of_work() -> None:
    with redis_server() as server:
        seen = latency.run([server], 1, latency.Size.quick())
    header, cells = latency.table(seen, ["redis"])
    assert [line[:2] for line in cells] == [[work, "redis"] for work in seen]
    assert len(cells) == 5
    assert len(header) == len(cells[0])
    assert all(one.requests > 0 and one.worst >= one.p999 >= one.p99 >= one.p50 > 0 for ((one,),) in seen.values())


@requires_redis
def test_a_stalled_server_is_charged_for_every_request_that_was_due() -> None:
    with redis_server() as server, server.client() as other:
        client = openloop.OpenLoop(server.port, 500, 5, 10)
        loads.fill.send(
            other, [(encode(["MSET", *(w for n in range(10) for w in (openloop.key(n), openloop.VALUE))]), 1)]
        )

        def stall() -> openloop.Window:
            return latency.timed(lambda: other.command("DEBUG", "SLEEP", "0.4"))

        reading = openloop.during(client, stall, 0.05)
        client.close()
    # 500 a second were due while it slept 0.4 s, whatever the client did: a closed loop would have sent five.
    assert max(reading.latencies) > 350
    assert sum(latency_ms > 100 for latency_ms in reading.latencies) > 140


def test_percentiles_are_values_that_were_seen() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [openloop.percentile(values, share) for share in (0.5, 0.99, 0.999, 0.0)] == [50.0, 99.0, 100.0, 1.0]
    with pytest.raises(ValueError, match="no request"):
        openloop.percentile([], 0.5)


@requires_redis
@pytest.mark.parametrize("part", ["fsync", "peers"])
def test_the_other_parts_run(part: str, tmp_path: Path) -> None:
    assert main([part, "--a", REDIS, "--b", REDIS, "--quick", "--output", str(tmp_path)]) == 0
    result = results.newest(f"quick-{part}", tmp_path)
    assert result is not None
    assert all(len(line) == len(result["header"]) for line in result["cells"])
    assert [line[0] for line in result["cells"]] == {"fsync": ["1", "10"], "peers": ["SET"]}[part]


def test_memory_has_a_line_for_every_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "measure", lambda command, name, scale: 100.0 if command == "one" else 150.0)
    _, cells = footprint.memory_table([Side("one", "one"), Side("two", "two")], 0.1)
    assert [line[0] for line in cells] == list(memory.SETS)
    assert cells[0] == ["short-strings", "100,000", "100", "150", "1.50"]


@requires_redis
def test_restart_has_a_line_for_every_case_and_server() -> None:
    _, cells = footprint.restart_table([Side("one", REDIS), Side("two", REDIS)], 0.001)
    assert [line[:2] for line in cells] == [
        ["replay of 2,000 events", "one"],
        ["replay of 2,000 events", "two"],
        ["load of 1,200 keys", "one"],
        ["load of 1,200 keys", "two"],
    ]


def example() -> dict[str, Any]:
    """Return a small result of the main part."""
    machine = {"cpu": "x", "cores": 2, "kernel": "6.1", "python": "3.11.1", "load": 0.1}
    return {
        "part": "throughput", "time": "2026-01-02T03:04:05+0000", "commit": "abc1234", "machine": machine,
        "servers": {"redis": "redis-server", "chronis": "chronis-server"}, "versions": {"redis": {}, "chronis": {}},
        "rounds": 1, "clients": 50, "keys": 9, "cpu_seconds": [1.0, 2.0], "rows": [ROW],
    }  # fmt: skip


def test_results_are_published_between_their_markers_and_once_in_the_history(tmp_path: Path) -> None:
    results.save(example(), tmp_path / "results")
    (tmp_path / "README.md").write_text("before\n<!-- bench: throughput -->\nold\n<!-- /bench -->\nafter\n")
    for _ in range(2):
        assert publish.publish(tmp_path / "results", tmp_path) == ["throughput"]
    readme = (tmp_path / "README.md").read_text()
    assert readme.startswith("before\n<!-- bench: throughput -->\n![")
    assert readme.endswith("<!-- /bench -->\nafter\n")
    assert "old" not in readme
    assert "| SET | 1.00 | 2.00 |" in readme
    assert "| SET | 16 | 100 | 90 |" in (tmp_path / publish.FULL).read_text()
    assert "<svg" in (tmp_path / publish.PICTURE).read_text()
    (entry,) = json.loads((tmp_path / "tests/bench/history.json").read_text())
    assert entry["ratios"] == {"SET P=16": [1.0, 2.0]}


def test_readme_has_a_place_for_every_part(tmp_path: Path) -> None:
    shutil.copy(publish.ROOT / "README.md", tmp_path)
    text = (tmp_path / "README.md").read_text()
    for part in publish.SECTIONS:
        assert publish.between_markers(text, part, "figures") != text
    with pytest.raises(ValueError, match="no place for nothing"):
        publish.between_markers(text, "nothing", "figures")


def test_the_log_that_recovery_is_measured_with_is_one(tmp_path: Path) -> None:
    ends = recovery.write_log(tmp_path, recovery.mixture(70), 8)
    found = recover(Offline(), str(tmp_path))
    assert (found.events, found.torn, found.end.offset) == (70, None, ends[-1])
