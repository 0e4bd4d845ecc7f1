"""A closed-loop client for what redis-benchmark can't send: MULTI, SET, GET, EXEC, written as one.

Replies of known length are counted, not parsed, so that the client stays faster than the servers; the first ones of each
connection are compared to the byte.
"""

import random
import select
import socket
import time
from dataclasses import dataclass

from tests.kit.resp_client import encode
from tests.kit.servers import HOST

REPLY = b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n$3\r\nxxx\r\n"
RECEIVE = 256 * 1024
SILENT_SECONDS = 30.0


@dataclass
class Connection:
    """One client: the batch it sends again and again, how many times it still has to, and the reply bytes it awaits."""

    socket: socket.socket
    batch: bytes
    batches: int
    reply: bytes
    awaited: int = 0
    seen: bytes = b""

    def send(self) -> None:
        """Send the batch once more."""
        self.batches -= 1
        self.awaited = len(self.reply)
        self.socket.sendall(self.batch)

    def receive(self) -> bool:
        """Take what has arrived; send again if that was all; return False after the last batch."""
        data = self.socket.recv(RECEIVE)
        if len(self.seen) < len(REPLY):
            self.check(data)
        self.awaited -= len(data)
        if self.awaited < 0 or not data:
            raise ValueError(f"transactions: the server sent more than expected, or hung up: {data[-200:]!r}")
        if self.awaited == 0 and self.batches:
            self.send()
        return self.awaited > 0

    def check(self, data: bytes) -> None:
        """Compare the first replies with what they should be; raise ValueError if they differ."""
        self.seen = (self.seen + data)[: len(REPLY)]
        if not REPLY.startswith(self.seen):
            raise ValueError(f"transactions: unexpected reply {self.seen!r}")


def batch(pipeline: int, keys: int) -> bytes:
    """Return so many transactions on random keys, as one write."""
    parts = []
    for _ in range(pipeline):
        key = f"key:{random.randrange(max(keys, 1)):012d}"
        parts += [encode(words) for words in (("MULTI",), ("SET", key, "xxx"), ("GET", key), ("EXEC",))]
    return b"".join(parts)


def run(port: int, *, pipeline: int, clients: int, requests: int, keys: int) -> float:
    """Run requests transactions in all and return how many a second were made."""
    batches = max(requests // (pipeline * clients), 1)
    connections: dict[int, Connection] = {}
    with select.epoll() as poller:
        try:
            for _ in range(clients):
                link = socket.create_connection((HOST, port), SILENT_SECONDS)
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connections[link.fileno()] = Connection(link, batch(pipeline, keys), batches, REPLY * pipeline)
                poller.register(link.fileno(), select.EPOLLIN)
            begun = time.perf_counter()
            loop(poller, connections)
            return batches * pipeline * clients / (time.perf_counter() - begun)
        finally:
            for connection in connections.values():
                connection.socket.close()


def loop(poller: select.epoll, connections: dict[int, Connection]) -> None:
    """Send the first batches and serve every connection until its last reply has come."""
    for connection in connections.values():
        connection.send()
    left = len(connections)
    while left:
        events = poller.poll(SILENT_SECONDS)
        if not events:
            raise TimeoutError("transactions: the server is silent")
        for number, _ in events:
            if not connections[number].receive():
                left -= 1
