"""The benchmark's arithmetic, and one small run of redis-server against itself."""

import json
from pathlib import Path

import pytest

from tests.bench.__main__ import REDIS, main
from tests.bench.measure import Case, Sample, parse_rps
from tests.bench.report import Row, summarise, table
from tests.kit.servers import requires_redis

CASE = Case("set", 16, 50, 1000, 0)


def test_the_ratio_is_the_median_of_the_pairs_own_ratios() -> None:
    # The third round ran on a machine half as fast: its ratio is as good as the others'.
    rounds = [
        (Sample(100.0, 2.0), Sample(90.0, 4.0)),
        (Sample(100.0, 2.0), Sample(110.0, 5.0)),
        (Sample(50.0, 4.0), Sample(50.0, 8.0)),
    ]
    row = summarise(CASE, rounds)
    assert row == Row("SET", 16, 100.0, 90.0, 1.0, 0.9, 1.1, 2.0, 5.0, 2.0)
    assert table([row], ("redis", "chronis")).splitlines()[2] == (
        "| SET | 16 | 100 | 90 | 1.00 | 0.90–1.10 | 2.00 | 5.00 | 2.00 |"
    )


def test_requests_per_second_come_from_the_one_line_of_results() -> None:
    header = '"test","rps","avg_latency_ms"\n'
    assert parse_rps(header + '"SET","123456.79","0.1"\n') == 123456.79
    with pytest.raises(ValueError, match="one line"):
        parse_rps(header)


def test_a_load_without_keys_uses_one_key() -> None:
    assert "-r" not in CASE.command(6379, 10)
    assert Case("get", 1, 5, 10, 7).command(6379, 10)[-2:] == ["-r", "7"]


@requires_redis
def test_a_run_writes_every_case_and_round(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--a", REDIS, "--b", REDIS, "--tests", "set,incr", "--pipelines", "1,16", "--rounds", "2"]
    assert main([*small, "--requests", "500", "--output", str(tmp_path)]) == 0
    (path,) = tmp_path.glob("*.json")
    result = json.loads(path.read_text())
    assert [(row["test"], row["pipeline"]) for row in result["rows"]] == [
        ("SET", 1),
        ("INCR", 1),
        ("SET", 16),
        ("INCR", 16),
    ]
    assert [len(rounds) for rounds in result["samples"].values()] == [2, 2, 2, 2]
    assert all(a["rps"] > 0 and b["rps"] > 0 for rounds in result["samples"].values() for a, b in rounds)
    assert result["version_a"] == {"redis_version": "7.0.15"}
    assert "| SET | 1 |" in capsys.readouterr().out
