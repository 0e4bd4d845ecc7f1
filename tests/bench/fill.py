"""Put data on a server quickly: many elements a command, many commands a write, replies checked.

The requests of one filling are made once and sent to both servers.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

from tests.bench.cpu import settle
from tests.kit.resp_client import Error, RespClient, encode
from tests.kit.servers import Server

ELEMENTS = 500  # a command
LONG = 1000  # elements in the list of LRANGE
COMMANDS = 50  # a write to the socket; few enough that unread replies fit into its buffers


def strings(count: int) -> Iterator[list[object]]:
    """Yield MSETs of count keys as redis-benchmark names them, with its value."""
    for start in range(0, count, ELEMENTS):
        pairs = ((f"key:{number:012d}", "xxx") for number in range(start, min(start + ELEMENTS, count)))
        yield ["MSET", *(word for pair in pairs for word in pair)]


def no_list(_count: int) -> Iterator[list[object]]:
    """Yield what makes the list of pushes empty."""
    yield ["DEL", "pushed"]


def elements(key: str, count: int) -> Iterator[list[object]]:
    """Yield the making of a list of count elements."""
    yield ["DEL", key]
    for start in range(0, count, ELEMENTS):
        yield ["RPUSH", key, *["xxx"] * min(ELEMENTS, count - start)]


def long_list(_count: int) -> Iterator[list[object]]:
    """Yield the making of the list that ranges are read from."""
    return elements("longlist", LONG)


def poppable_list(count: int) -> Iterator[list[object]]:
    """Yield the making of a list to be popped."""
    return elements("poplist", count)


def poppable_set(count: int) -> Iterator[list[object]]:
    """Yield the making of a set of count members."""
    yield ["DEL", "popset"]
    for start in range(0, count, ELEMENTS):
        yield ["SADD", "popset", *(f"element:{number:012d}" for number in range(start, min(start + ELEMENTS, count)))]


def poppable_zset(count: int) -> Iterator[list[object]]:
    """Yield the making of a sorted set of count members, scores in no order."""
    yield ["DEL", "popzset"]
    for start in range(0, count, ELEMENTS):
        numbers = range(start, min(start + ELEMENTS, count))
        yield ["ZADD", "popzset", *(word for n in numbers for word in (n * 7919 % count, f"element:{n:012d}"))]


Filling = Callable[[int], Iterator[list[object]]]


@lru_cache(maxsize=8)
def encoded(filling: Filling, count: int) -> list[tuple[bytes, int]]:
    """Return the writes of a filling: bytes, and how many replies follow each."""
    commands = [encode(command) for command in filling(count)]
    parts = [commands[start : start + COMMANDS] for start in range(0, len(commands), COMMANDS)]
    return [(b"".join(part), len(part)) for part in parts]


def send(client: RespClient, commands: list[tuple[bytes, int]]) -> None:
    """Send encoded commands and read their replies. Raise ValueError at the first error among them."""
    for data, replies in commands:
        client.send_raw(data)
        for _ in range(replies):
            reply = client.read()
            if isinstance(reply, Error):
                raise ValueError(f"filling the server: {reply}")


def fill(server: Server, filling: Filling, count: int) -> None:
    """Carry a filling out on a server and wait until the server is idle again."""
    with server.client() as client:
        send(client, encoded(filling, count))
    settle(server.pid)
