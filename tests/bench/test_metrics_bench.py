"""Small runs of what measures metrics: their cost, and how long a scrape holds the loop."""

import pytest

from tests.bench import metrics_cost, scrape
from tests.kit.servers import requires_redis


@requires_redis
def test_the_cost_of_metrics_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--rounds", "1", "--turns", "1", "--requests", "2000", "--interval", "0.01"]
    assert metrics_cost.main(small) == 0
    out = capsys.readouterr().out
    assert "| median |" in out
    assert "one scrape: " in out


def test_a_large_node_is_scraped_in_steps(capsys: pytest.CaptureFixture[str]) -> None:
    assert scrape.main(["--clients", "20", "--replicas", "2", "--keys", "10", "--scrapes", "5"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("20 clients, 16 databases, 2 replicas: ")
    assert "longest step: " in out
