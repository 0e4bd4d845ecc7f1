"""The HTTP side: /metrics for Prometheus, /healthz and /readyz for probes, on a port of its own.

Law: a scraper can't hurt the node: requests are bounded in size, time and number, and none of them changes anything.
Grammar served (RFC 9112, the part a scraper needs): GET and HEAD without a body, keep-alive as asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from prometheus_client.exposition import choose_encoder

from metrics.collect import Collector
from metrics.readiness import why_not_ready
from store.errors import ConfigError

if TYPE_CHECKING:
    from store.node import Node

HEAD_LIMIT = 16 * 1024
"""Bytes of a request; a longer one ends the connection."""
IDLE_SECONDS = 120.0
"""How long a connection may be silent; Prometheus scrapes every 15 s to 60 s."""
CONNECTIONS = 32
"""Connections served at once; more are closed on arrival."""
TEXT = "text/plain; charset=utf-8"

Answer = tuple[str, str, bytes]
"""Status line's text, content type, body."""
INDEX = (
    b"<html><body><h1>Chronis</h1>"
    b"<a href='/metrics'>metrics</a> <a href='/healthz'>healthz</a> <a href='/readyz'>readyz</a></body></html>\n"
)


class Endpoint:
    """The listener. `port`: the one listened on (that of the configuration, or a free one for 0)."""

    def __init__(self, node: Node, collector: Collector | None = None) -> None:
        self.node = node
        self.collector = collector or Collector(node)
        self.port = 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._paths: dict[str, Callable[[str], Awaitable[Answer]]] = {
            "/": self._index, "/metrics": self._metrics, "/healthz": self._alive, "/readyz": self._ready,
        }  # fmt: skip

    async def start(self, address: str, port: int) -> None:
        """Listen, and observe the node once it has its state; raise ConfigError when the address can't be had."""
        try:
            self._server = await asyncio.start_server(self._accept, address or None, port, limit=HEAD_LIMIT)
        except OSError as error:
            raise ConfigError(
                f"Could not create the metrics listening socket {address}:{port}: {error.strerror}"
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]
        if self.node.timers is None:  # it is starting: probes are answered, and told so
            self.node.on_recovered.append(self.collector.observer.start)
        else:
            self.collector.observer.start()

    async def close(self) -> None:
        """Stop listening and close every connection."""
        self.collector.observer.stop()
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    # ── one connection ─────────────────────────────────────────────────────────────────────────────────────────────
    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= CONNECTIONS:
            writer.close()
            return
        self._connections.add(task)
        try:
            while await self._serve(reader, writer):
                pass
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return  # the scraper left, said nothing for too long or would not stop talking: not worth an answer
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection is to be closed."""
        async with asyncio.timeout(IDLE_SECONDS):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, path, version, headers = parse_head(head)
        keep = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        keep = keep and headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        if method in ("GET", "HEAD"):
            found = self._paths.get(path.partition("?")[0], _missing)
            answer = await found(headers.get("accept", ""))
        else:
            answer = ("405 Method Not Allowed", TEXT, b"only GET and HEAD\n")
        writer.write(response(answer, keep, head_only=method == "HEAD"))
        await writer.drain()
        return keep

    # ── pages ──────────────────────────────────────────────────────────────────────────────────────────────────────
    async def _metrics(self, accept: str) -> Answer:
        _, content_type = choose_encoder(accept)
        openmetrics = content_type.startswith("application/openmetrics-text")
        return "200 OK", content_type, await self.collector.scrape(openmetrics)

    async def _alive(self, accept: str) -> Answer:
        return "200 OK", TEXT, b"alive\n"

    async def _ready(self, accept: str) -> Answer:
        reasons = why_not_ready(self.node)
        if reasons:
            return "503 Service Unavailable", TEXT, "".join(f"{reason}\n" for reason in reasons).encode()
        return "200 OK", TEXT, b"ready\n"

    async def _index(self, accept: str) -> Answer:
        return "200 OK", "text/html; charset=utf-8", INDEX


async def _missing(accept: str) -> Answer:
    return "404 Not Found", TEXT, b"try /metrics, /healthz or /readyz\n"


def parse_head(head: str) -> tuple[str, str, str, dict[str, str]]:
    """Split a request's head into method, path, version and headers by lower-case name; what is malformed comes out empty."""
    request, *lines = head.split("\r\n")
    method, path, version = (*request.split(" "), "", "", "")[:3]
    pairs = (line.partition(":") for line in lines if ":" in line)
    return method, path, version, {name.strip().lower(): value.strip() for name, _, value in pairs}


def response(answer: Answer, keep: bool, head_only: bool) -> bytes:
    """Put an HTTP response together."""
    status, content_type, body = answer
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
    )
    return head.encode() + (b"" if head_only else body)
