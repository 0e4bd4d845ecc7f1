"""`chronis top`: what it makes of samples, and a look at real nodes."""

from __future__ import annotations

import pytest

from store.tools.main import main
from store.tools.top_cli import Link, Sample, count, hit_ratio, lag, parse_info, rate, sample
from tests.kit.servers import HOST, chronis_server, free_port


def test_numbers_in_few_characters() -> None:
    assert [count(value) for value in (None, 0, 999, 1500, 2.5e6)] == ["–", "0", "999", "1.5k", "2.5M"]
    assert count(3 * 1024 * 1024, "B", 1024) == "3.0MB"


def test_rates_need_two_samples_of_the_same_process() -> None:
    first, second = Sample(1.0, {"run_id": "a", "n": "10"}), Sample(3.0, {"run_id": "a", "n": "30"})
    assert rate(first, second, "n") == 10
    assert rate(None, second, "n") is None
    assert rate(first, second, "missing") is None
    assert rate(first, Sample(3.0, {"run_id": "b", "n": "0"}), "n") is None
    hits = {"run_id": "a", "keyspace_hits": "0", "keyspace_misses": "0"}
    assert hit_ratio(Sample(1.0, hits), Sample(2.0, hits | {"keyspace_hits": "3", "keyspace_misses": "1"})) == "75 %"


def test_lag_of_either_role() -> None:
    assert lag(parse_info("role:slave\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:2\r\n")) == "2 s"
    assert lag({"role": "slave", "master_link_status": "down"}) == "link down"
    replicas = "slave0:ip=a,port=1,state=online,offset=90,lag=0\r\nslave1:ip=b,port=1,state=online,offset=40,lag=1\r\n"
    assert lag(parse_info("role:master\r\nmaster_repl_offset:100\r\nslave_read_only:1\r\n" + replicas)) == "2 × ≤ 60B"
    assert lag({"role": "master", "master_repl_offset": "5"}) == "–"


def test_a_look_at_nodes_that_run_and_that_do_not(capsys: pytest.CaptureFixture[str]) -> None:
    gone = free_port()
    with chronis_server("--slowlog-log-slower-than", "0", "--requirepass", "secret") as server:
        link = Link(f"{HOST}:{server.port}", "secret")
        assert link.ask("SET", "some-key", "1") == "OK"
        link.close()
        arguments = ["top", f"{HOST}:{server.port}", f"{HOST}:{gone}", "--password", "secret"]
        assert main([*arguments, "--count", "1", "--interval", "0.1", "--width", "170"]) == 0
        assert sample(Link(f"{HOST}:{server.port}", "wrong")).error
    shown = capsys.readouterr().out
    assert "primary" in shown
    assert "down:" in shown
    assert " ms" in shown
    assert "SET some-key 1" in shown
