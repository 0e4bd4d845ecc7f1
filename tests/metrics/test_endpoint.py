"""The HTTP endpoint of a node: pages, formats, probes, and requests it does not like."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from metrics import endpoint as endpoint_module
from metrics.endpoint import HEAD_LIMIT, Endpoint, parse_head
from metrics.readiness import why_not_ready
from store.commands.table import FEW_REPLICAS, LOADING, POISONED, STALE
from store.config.settings import Settings
from store.errors import ConfigError
from store.node import Node
from store.topology import Leader
from tests.metrics.peers import Peers


@pytest.fixture
async def endpoint(node: Node) -> AsyncIterator[Endpoint]:
    """The node's endpoint on a free port."""
    made = Endpoint(node)
    await made.start("127.0.0.1", 0)
    yield made
    await made.close()


async def ask(endpoint: Endpoint, request: str) -> bytes:
    """Send a request and read until the connection closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
    writer.write(request.encode())
    answer = await reader.read()
    writer.close()
    return answer


async def answer_or_reset(endpoint: Endpoint, request: str) -> bytes:
    """Like ask; nothing when the connection is reset, as happens when what was sent is not read to the end."""
    try:
        return await ask(endpoint, request)
    except ConnectionResetError:
        return b""


def get(path: str, *headers: str, method: str = "GET") -> str:
    """A request after which the connection closes."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""])


async def test_pages(endpoint: Endpoint) -> None:
    assert (await ask(endpoint, get("/healthz"))).startswith(b"HTTP/1.1 200 OK\r\n")
    assert (await ask(endpoint, get("/readyz"))).endswith(b"\r\n\r\nready\n")
    assert b"redis_up 1\n" in await ask(endpoint, get("/metrics?x=1"))
    assert b"/metrics" in await ask(endpoint, get("/"))
    assert (await ask(endpoint, get("/nothing"))).startswith(b"HTTP/1.1 404 ")


async def test_format_follows_accept(endpoint: Endpoint) -> None:
    plain = await ask(endpoint, get("/metrics"))
    assert b"Content-Type: text/plain; version=0.0.4" in plain
    assert b"# EOF" not in plain
    modern = await ask(endpoint, get("/metrics", "Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1"))
    assert b"Content-Type: application/openmetrics-text; version=1.0.0" in modern
    assert modern.endswith(b"# EOF\n")


async def test_head_has_the_length_and_no_body(endpoint: Endpoint) -> None:
    answer = await ask(endpoint, get("/healthz", method="HEAD"))
    assert b"Content-Length: 6\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_connections_are_kept_and_requests_served_in_order(endpoint: Endpoint) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    writer.write(request + request)
    for _ in range(2):
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"keep-alive" in head
        assert await reader.readexactly(6) == b"alive\n"
    writer.close()


async def test_what_is_refused(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await ask(endpoint, get("/metrics", method="DELETE"))).startswith(b"HTTP/1.1 405 ")
    assert await answer_or_reset(endpoint, get("/metrics", "X: " + "x" * 4 * HEAD_LIMIT)) == b""
    assert (await ask(endpoint, "nonsense\r\n\r\n")).startswith(b"HTTP/1.1 405 ")
    monkeypatch.setattr(endpoint_module, "CONNECTIONS", 0)
    assert await answer_or_reset(endpoint, get("/healthz")) == b""


async def test_a_taken_port_is_a_config_error(endpoint: Endpoint, node: Node) -> None:
    with pytest.raises(ConfigError, match="metrics listening socket"):
        await Endpoint(node).start("127.0.0.1", endpoint.port)


async def test_scrapes_during_scrapes(endpoint: Endpoint) -> None:
    answers = await asyncio.gather(*(ask(endpoint, get("/metrics")) for _ in range(5)))
    assert all(answer.startswith(b"HTTP/1.1 200 OK") for answer in answers)
    assert endpoint.collector.scrapes == 5


async def test_not_ready_says_why(endpoint: Endpoint, node: Node) -> None:
    gates = node.engine.gates
    gates.set(LOADING, True)
    answer = await ask(endpoint, get("/readyz"))
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert answer.endswith(b"\r\n\r\nthe data set is being loaded\n")
    gates.set(LOADING, False)
    assert why_not_ready(node) == []
    gates.set(FEW_REPLICAS, True)
    assert why_not_ready(node) == ["fewer replicas in sync than min-replicas-to-write"]
    gates.set(FEW_REPLICAS, False)
    gates.disk_error = "Errors writing to the AOF file: No space left on device"
    gates.set(POISONED, True)
    assert why_not_ready(node) == [gates.disk_error]
    gates.set(POISONED, False)


async def test_a_node_that_starts_is_alive_and_not_ready(tmp_path: Path) -> None:
    settings = Settings()
    settings.port, settings.dir = 0, str(tmp_path)
    node = Node(settings)
    endpoint = Endpoint(node)
    await endpoint.start("127.0.0.1", 0)
    assert (await ask(endpoint, get("/healthz"))).startswith(b"HTTP/1.1 200 OK\r\n")
    assert (await ask(endpoint, get("/readyz"))).endswith(b"\r\n\r\nthe data set is being loaded\n")
    scrape = await ask(endpoint, get("/metrics"))
    assert b"\nredis_loading_dump_file 1\n" in scrape
    assert b"\nchronis_ready 0\n" in scrape
    await node.start()
    assert (await ask(endpoint, get("/readyz"))).endswith(b"\r\n\r\nready\n")
    assert b"\nredis_loading_dump_file 0\n" in await ask(endpoint, get("/metrics"))
    assert node.timers is not None
    assert endpoint.collector.observer.tick in node.timers.every_tick
    await endpoint.close()
    node.stop()
    await node.stopped.wait()


async def test_a_replica_is_ready_while_it_follows_and_hears_of_its_primary(node: Node) -> None:
    leader = Leader("10.0.0.1", 6379, "sync")
    node.engine.topology = Peers(leader)
    assert why_not_ready(node) == ["not in sync with 10.0.0.1:6379: sync"]
    leader.state = "connected"
    assert why_not_ready(node) == []
    leader.details["master_last_io_seconds_ago"] = 61
    assert why_not_ready(node) == ["heard nothing of 10.0.0.1:6379 for 61 seconds"]
    node.settings.replica_max_staleness = 100
    assert why_not_ready(node) == []
    node.engine.gates.set(STALE, True)
    assert why_not_ready(node) == ["what it knows is older than replica-max-staleness"]


def test_heads_are_split_whatever_they_hold() -> None:
    assert parse_head("GET /x HTTP/1.1\r\nAccept : a:b\r\nbroken\r\n\r\n") == (
        "GET",
        "/x",
        "HTTP/1.1",
        {"accept": "a:b"},
    )
    assert parse_head("\r\n\r\n") == ("", "", "", {})
