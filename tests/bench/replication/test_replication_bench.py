"""The replication benchmarks' arithmetic, and one small run."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.bench.replication.__main__ import main
from tests.bench.replication.failover import way_back
from tests.bench.replication.lag import Sample, row
from tests.bench.replication.nodes import percentile, set_request
from tests.bench.replication.outage import commands
from tests.kit.resp_client import encode


def test_percentiles_are_values_that_were_seen() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (51.0, 100.0, 7.0)
    assert math.isnan(percentile([], 0.5))


def test_the_way_back_is_read_from_the_log(tmp_path: Path) -> None:
    kept = tmp_path / "x.seg"
    kept.touch()
    partial = "MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.\n"
    assert way_back(partial) == "partial resync"
    assert (
        way_back(f"7 bytes of events from 2 up to 9 are kept in {kept}\n" + partial)
        == "partial resync, discarded tail named"
    )
    assert way_back("Full resync from master: 0:1\n") == "full resync"


def test_requests_are_whole_commands() -> None:
    assert set_request(3, bytes(range(256)), 4) == encode(("SET", "key:0000003", bytes(range(183, 187))))
    assert commands(250, 1) == encode(("SET", "big:50", b"250:" + b"x" * ((1 << 20) - 4)))


def test_a_ratio_is_to_the_same_round_of_redis_server() -> None:
    ours = [Sample(50, [2.0, 1.0], []), Sample(90, [3.0, 2.0], [])]
    theirs = [Sample(100, [1.0, 1.0], []), Sample(100, [1.0, 1.0], [])]
    assert row(1, "chronis", ours, theirs) == "| 1 | chronis | 70 | 0.70 | 2.50 | 1.50 | 4.00 | – |"


def test_reads_are_spread_over_three_nodes(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--keys", "100", "--requests", "200", "--rounds", "1", "--own-writes", "50"]
    assert main(["--servers", "chronis", "reads", *small]) == 0
    output = capsys.readouterr().out
    assert "| chronis |" in output
    assert "0 of 50 were stale" in output
