"""`chronis top`: what it makes of samples, and a look at real nodes."""

from __future__ import annotations

import pytest
from rich.console import Console

from store.tools.main import main
from store.tools.top_cli import Link, Picture, Sample, count, hit_ratio, lag, parse_info, rate, sample
from tests.kit.listening import listening
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


GOOD = {
    "role": "master", "run_id": "a", "master_repl_offset": "1234567890123", "connected_clients": "1051", "used_memory": "1288490188",
    "maxmemory": "4294967296", "log_fsync_p99_milliseconds": "12.25", "total_commands_processed": "0", "keyspace_hits": "0",
    "keyspace_misses": "0", "slave0": "ip=a,port=1,state=online,offset=1234567000000,lag=0",
}  # fmt: skip
LATER = GOOD | {
    "total_commands_processed": "123456", "keyspace_hits": "3", "keyspace_misses": "1", "master_repl_offset": "1234567990123",
}  # fmt: skip
BEHIND = LATER | {"role": "slave", "master_link_status": "up", "master_last_io_seconds_ago": "0"}
TOLD = ("primary", "replica", "1 × ≤ 966.9kB", "123.5k", "75 %", "1051", "1.2GB / 4.0GB", "1234567990123", "97.7kB", "12.2 ms")


def drawn(width: int, *nodes: tuple[str, Sample]) -> list[str]:
    """The lines of a picture of nodes, a second after GOOD was told by each."""
    links = [Link(address) for address, _ in nodes]
    console = Console(width=width, height=24)
    with console.capture() as captured:
        console.print(Picture(links, [Sample(0.0, GOOD)] * len(nodes), [now for _, now in nodes]))
    return captured.get().splitlines()


SLOW: list[list[object]] = [[number, 1_700_000_000, 12_300, ["SORT", "a-key", "x" * 100]] for number in range(5)]


@pytest.mark.parametrize("width", [80, 100, 140, 200])
def test_all_is_told_at_every_width_and_beside_an_error(width: int) -> None:
    refused = Sample(1.0, error="[Errno 111] Connection refused")
    lines = drawn(
        width, ("127.0.0.1:6379", Sample(1.0, LATER, SLOW)), ("127.0.0.1:6380", Sample(1.0, BEHIND)), ("127.0.0.1:6381", refused)
    )
    text = "\n".join(lines)
    assert "…" not in "".join(line for line in lines if "SORT" not in line), text
    assert [told for told in TOLD if told not in text] == []
    assert "127.0.0.1:6381 is down: [Errno 111] Connection refused" in lines
    assert sum("SORT a-key" in line for line in lines) == 5
    assert len(lines) <= 24
    assert max(map(len, lines)) <= width
    assert len([line for line in lines if "primary" in line]) == (2 if width < 120 else 1)


def test_a_long_address_costs_lines_and_no_figures() -> None:
    address = "chronis-0.chronis-headless.production.svc.cluster.local:6379"
    text = "\n".join(drawn(80, (address, Sample(1.0, LATER))))
    assert [told for told in TOLD if told not in text] == ["replica"]


def test_a_look_at_nodes_that_run_and_that_do_not(capsys: pytest.CaptureFixture[str]) -> None:
    gone = free_port()
    with chronis_server("--slowlog-log-slower-than", "0", "--requirepass", "secret") as server:
        link = Link(f"{HOST}:{server.port}", "secret")
        assert link.ask("SET", "some-key", "1") == "OK"
        link.close()
        arguments = ["top", f"{HOST}:{server.port}", f"{HOST}:{gone}", "--password", "secret"]
        assert main([*arguments, "--count", "1", "--interval", "0.1", "--width", "170"]) == 0
        assert sample(Link(f"{HOST}:{server.port}", "wrong")).error
    with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert "Protocol error" in sample(Link(f"{HOST}:{port}")).error
    shown = capsys.readouterr().out
    assert "primary" in shown
    assert "is down: " in shown
    assert " ms" in shown
    assert "SET some-key 1" in shown
