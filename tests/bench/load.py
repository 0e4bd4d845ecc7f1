"""Fill a server quickly: many commands in one write, replies counted and thrown away."""

from collections.abc import Iterable, Iterator
from itertools import islice

from tests.kit.resp_client import encode
from tests.kit.servers import Server

PER_WRITE = 64
"""Commands sent before their replies are read."""


def fill(server: Server, commands: Iterable[tuple[object, ...]]) -> int:
    """Run commands that answer `+OK` or an integer; return how many; raise RuntimeError for the first error."""
    count = 0
    source = iter(commands)
    with server.client() as client:
        client.socket.settimeout(120)
        while batch := list(islice(source, PER_WRITE)):
            client.send_raw(b"".join(map(encode, batch)))
            for _ in batch:
                line = client.file.readline()
                if line[:1] not in b"+:":
                    raise RuntimeError(f"{batch[0][0]!r}: {line!r}")
            count += len(batch)
    return count


def groups(name: str, key: str, items: Iterable[tuple[object, ...]], size: int = 1000) -> Iterator[tuple[object, ...]]:
    """Commands `name key item item …` (an empty key: none) with `size` items each."""
    source = iter(items)
    while part := list(islice(source, size)):
        yield (name, *([key] if key else []), *(word for item in part for word in item))
