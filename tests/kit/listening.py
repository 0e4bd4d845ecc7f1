"""A server that is none of ours: it answers whatever comes with the same bytes."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Iterator

from tests.kit.servers import HOST


@contextlib.contextmanager
def listening(answer: bytes) -> Iterator[int]:
    """Answer everything with `answer` on the port that is given, until the context ends."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            """Answer until the other side hangs up."""
            with contextlib.suppress(ConnectionError):
                while self.request.recv(65536):
                    self.request.sendall(answer)

    with socketserver.ThreadingTCPServer((HOST, 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
