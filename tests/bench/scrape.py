"""How long a scrape holds the event loop of a large node: 10,000 clients, 16 databases, 50 replicas.

`python -m tests.bench.scrape` fills a server, connects everybody over loopback and scrapes it: prints the CPU time of the longest
step (`chronis_scrape_step_seconds`: how long the loop was held at once).
"""

import argparse
import http.client
import resource
import socket
import sys
from contextlib import ExitStack
from statistics import median

from tests.bench.metrics_cost import ACCEPT
from tests.kit.resp_client import RespClient
from tests.kit.servers import HOST, Server, chronis_server, free_port

DATABASES = 16
SPARE_FILES = 500
"""File descriptors left for everything else than clients."""


def connections(port: int, count: int, opened: ExitStack) -> int:
    """Open idle connections, as many of count as this process may have; return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(count, hard - SPARE_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + SPARE_FILES), hard))
    for _ in range(count):
        opened.enter_context(socket.create_connection((HOST, port)))
    return count


def fill(server: Server, keys: int) -> None:
    """Write keys into every database, half of them with a time to live, and call a few more commands."""
    with server.client() as client:
        for number in range(DATABASES):
            client.command("SELECT", number)
            client.command(
                "EVAL", "for i = 1, ARGV[1] do redis.call('SET', 'k' .. i, i, 'PX', 10000000 + i) end", 0, keys
            )
        for words in ("GET a", "INCR b", "LPUSH l 1", "HSET h a 1", "ZADD z 1 a", "SADD s 1", "XADD x * a 1", "TTL a"):
            client.command(*words.split())


def follow(server: Server, count: int, opened: ExitStack) -> None:
    """Become count replicas that have a snapshot and acknowledge it."""
    links = [opened.enter_context(RespClient(HOST, server.port)) for _ in range(count)]
    for number, link in enumerate(links):
        link.command("REPLCONF", "listening-port", 20_000 + number)
        link.send("PSYNC", "?", -1)
    for link in links:
        offset = int(link.file.readline().split()[2])
        while (line := link.file.readline()) == b"\n":
            pass
        link.file.read(int(line[1:]))
        link.send("REPLCONF", "ACK", offset)


def scrape(link: http.client.HTTPConnection) -> tuple[int, float]:
    """Scrape once; return the bytes of the answer and the longest step of the scrape before, in seconds."""
    link.request("GET", "/metrics", headers=ACCEPT)
    text = link.getresponse().read()
    line = next(line for line in text.splitlines() if line.startswith(b"chronis_scrape_step_seconds "))
    return len(text), float(line.split()[1])


def main(argv: list[str] | None = None) -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scrape", description=__doc__)
    parser.add_argument("--clients", type=int, default=10_000, help="idle connections (default 10000)")
    parser.add_argument("--replicas", type=int, default=50, help="replicas (default 50)")
    parser.add_argument("--keys", type=int, default=1000, help="keys in each of the 16 databases (default 1000)")
    parser.add_argument("--scrapes", type=int, default=30, help="scrapes to measure (default 30)")
    options = parser.parse_args(argv)
    port = free_port()
    with chronis_server("--maxclients", "12000", "--metrics-port", str(port)) as server, ExitStack() as opened:
        fill(server, options.keys)
        follow(server, options.replicas, opened)
        clients = connections(server.port, options.clients, opened)
        link = http.client.HTTPConnection(HOST, port, timeout=60)
        found = [scrape(link) for _ in range(options.scrapes + 1)]
        link.close()
    first, *others = [step for _, step in found[1:]]
    print(f"{clients} clients, {DATABASES} databases, {options.replicas} replicas: {found[-1][0]} bytes a scrape")
    print(
        f"longest step: {max(others) * 1e3:.3f} ms, of the first scrape {first * 1e3:.3f} ms (median {median(others) * 1e3:.3f})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
