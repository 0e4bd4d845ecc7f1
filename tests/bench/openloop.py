"""An open-loop client: requests leave at a fixed rate whether or not replies have come.

Law: a request's latency runs from the moment it was due, not from when it was sent, so a server that stalls is charged for
every request that should have been served meanwhile (coordinated omission is what a closed loop would hide).
What the client itself was late by is kept too: latencies can't be trusted below that.
"""

import random
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.kit.resp_client import encode
from tests.kit.servers import HOST

VALUE = b"x" * 100
SET_REPLY = b"+OK\r\n"
GET_REPLY = b"$%d\r\n%s\r\n" % (len(VALUE), VALUE)
VARIETY = 2048  # requests made beforehand
STALLED_SECONDS = 30.0


def key(number: int) -> str:
    """Return the name of one of the keys that are read and written."""
    return f"key:{number:012d}"


@dataclass(frozen=True)
class Window:
    """What to judge: from when to when (time.perf_counter) the server did the work in question."""

    begin: float
    end: float


@dataclass(frozen=True)
class Reading:
    """Latencies in milliseconds of the requests due within a window, what the client was late by, and its length."""

    latencies: list[float]
    late: list[float]
    seconds: float


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that share (0..1) of the values do not exceed. Raise ValueError if there are none."""
    if not values:
        raise ValueError("no request was due in the window")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


@dataclass
class Connection:
    """One connection: what is still to be written, what has come of the next reply, and who waits for it, in order."""

    socket: socket.socket
    unsent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)
    waiting: deque[tuple[float, bytes]] = field(default_factory=deque)

    def flush(self) -> None:
        """Write what the socket takes."""
        if self.unsent:
            try:
                del self.unsent[: self.socket.send(self.unsent)]
            except BlockingIOError:
                return  # the server doesn't read: what is due waits here, and its time runs

    def replies(self, now: float) -> Iterator[tuple[float, float]]:
        """Read, and yield (due, latency in ms) of every reply that is complete. Raise ValueError at another one."""
        data = self.socket.recv(65536)
        if not data:
            raise ValueError("the server closed the connection")
        self.received += data
        while self.waiting and len(self.received) >= len(self.waiting[0][1]):
            due, expected = self.waiting.popleft()
            if not self.received.startswith(expected):
                raise ValueError(f"unexpected reply {bytes(self.received[:100])!r}")
            del self.received[: len(expected)]
            yield due, (now - due) * 1000


class OpenLoop:
    """So many requests a second over so many connections, SET and GET in turn, on random ones of `keys` keys."""

    def __init__(self, port: int, rate: float, connections: int, keys: int) -> None:
        self.rate = rate
        self.connections = [Connection(socket.create_connection((HOST, port))) for _ in range(connections)]
        for connection in self.connections:
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.socket.setblocking(False)
        self.by_socket = {connection.socket: connection for connection in self.connections}
        names = [key(random.randrange(keys)) for _ in range(VARIETY)]
        self.requests = [
            (encode(("GET", name)), GET_REPLY) if number % 2 else (encode(("SET", name, VALUE)), SET_REPLY)
            for number, name in enumerate(names)
        ]
        self.answered: list[tuple[float, float]] = []
        self.sent: list[tuple[float, float]] = []

    def close(self) -> None:
        """Close all connections."""
        for connection in self.connections:
            connection.socket.close()

    def send(self, number: int, due: float) -> None:
        """Send request number, which was due then."""
        request, reply = self.requests[number % VARIETY]
        connection = self.connections[number % len(self.connections)]
        connection.waiting.append((due, reply))
        connection.unsent += request
        connection.flush()
        self.sent.append((due, (time.perf_counter() - due) * 1000))

    def receive(self, timeout: float) -> None:
        """Wait so long for replies and take what has come."""
        unsent = [connection.socket for connection in self.connections if connection.unsent]
        readable, writable, _ = select.select(self.by_socket, unsent, (), max(timeout, 0))
        now = time.perf_counter()
        for ready in readable:
            self.answered.extend(self.by_socket[ready].replies(now))
        for ready in writable:
            self.by_socket[ready].flush()

    def run(self, until: Callable[[], bool]) -> None:
        """Send at the rate until told to end, then wait for the replies still due."""
        begun = time.perf_counter()
        number = 0
        while not until():
            now = time.perf_counter()
            while (due := begun + number / self.rate) <= now:
                self.send(number, due)
                number += 1
            self.receive(due - time.perf_counter())
        given_up = time.perf_counter() + STALLED_SECONDS
        while any(connection.waiting for connection in self.connections):
            if time.perf_counter() > given_up:
                raise TimeoutError("the server has stopped answering")
            self.receive(0.1)

    def reading(self, window: Window) -> Reading:
        """Return what was seen of the requests due within the window."""
        latencies = [latency for due, latency in self.answered if window.begin <= due <= window.end]
        late = [delay for due, delay in self.sent if window.begin <= due <= window.end]
        return Reading(latencies, late, window.end - window.begin)


def during(client: OpenLoop, work: Callable[[], Window], before: float) -> Reading:
    """Run the client, `before` seconds later begin the work beside it; return what requests due during the work saw.

    The work has a thread of its own, which waits for the server most of the time. Raise what the work raises.
    """
    windows: list[Window] = []
    failures: list[BaseException] = []

    def control() -> None:
        time.sleep(before)
        try:
            windows.append(work())
        except BaseException as failure:  # handed to the caller's thread, which raises it
            failures.append(failure)

    thread = threading.Thread(target=control, daemon=True)
    thread.start()
    client.run(until=lambda: not thread.is_alive())
    thread.join()
    if failures:
        raise failures[0]
    return client.reading(windows[0])
