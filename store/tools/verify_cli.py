"""`chronis verify HOST:PORT HOST:PORT …`: prove that nodes hold the same data at one offset, while writes go on.

The first node is asked for its offset, then all for the digest at a point a little later (CHRONIS DIGEST). Where digests
differ, the keys of the databases concerned are compared one by one, and what differs is named (keys that are being written
meanwhile may show up there too: the digests are the proof, the list is where to look).

A replica that does not follow its primary never gets to the point: that is looked at before, and while answers are awaited.
"""

from __future__ import annotations

import argparse
import contextlib
import select
import socket
import time
from collections.abc import Callable
from typing import Any

import hiredis

from store.events import encode_event
from store.resp.foreign import next_value
from store.tools.progress import Advance, bar

TRIES = 8
SHOWN = 20
TIMEOUT = 300.0
"""Seconds that an answer may take."""
LOOK = 1.0
"""Seconds between two looks at the nodes whose answers are awaited."""
PATIENCE = 10.0
"""Seconds for which a replica may be without its link meanwhile: it may be about to come back."""


class Unanswered(Exception):
    """A node can't be reached, or answered with an error."""


class NodeLink:
    """A connection to one node."""

    def __init__(self, address: str, password: str | None) -> None:
        self.address = address
        host, _, port = address.rpartition(":")
        try:
            self._socket = socket.create_connection((host.strip("[]") or "127.0.0.1", int(port)), 10)
        except (OSError, ValueError) as error:
            raise Unanswered(f"{address}: {error}") from error
        self._socket.settimeout(TIMEOUT)
        self._reader = hiredis.Reader()
        self.password = password

    def __enter__(self) -> NodeLink:
        if self.password is not None:
            self.ask(b"AUTH", self.password.encode())
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, *words: bytes) -> None:
        """Send a command."""
        self._socket.sendall(encode_event(*words))

    def read(self, look: Callable[[], None] = lambda: None) -> Any:
        """Read a reply, an error as `hiredis.ReplyError`; raise Unanswered if there is none. look: called now and then meanwhile."""
        until = time.monotonic() + TIMEOUT
        while (reply := self._next()) is False:
            if not select.select([self._socket], [], [], LOOK)[0]:
                if time.monotonic() > until:
                    raise Unanswered(f"{self.address}: no answer within {TIMEOUT:g} seconds")
                look()
                continue
            try:
                data = self._socket.recv(65536)
            except OSError as error:
                raise Unanswered(f"{self.address}: {error}") from error
            if not data:
                raise Unanswered(f"{self.address}: the connection was closed")
            self._reader.feed(data)
        return reply

    def _next(self) -> Any:
        try:
            return next_value(self._reader)
        except hiredis.ProtocolError as error:
            raise Unanswered(f"{self.address}: {error}") from error

    def ask(self, *words: bytes) -> Any:
        """Send a command and return its reply; raise Unanswered for an error."""
        self.send(*words)
        reply = self.read()
        if isinstance(reply, hiredis.ReplyError):
            raise Unanswered(f"{self.address}: {reply}")
        return reply


def check_follows(link: NodeLink) -> None:
    """Raise Unanswered if the node is a replica that does not follow its primary."""
    lines = link.ask(b"INFO", b"replication").decode("utf-8", "backslashreplace").splitlines()
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    if facts.get("role") != "slave" or facts.get("master_link_status") == "up":
        return
    primary = f"{facts.get('master_host')}:{facts.get('master_port')}"
    why = "it is synchronizing" if facts.get("master_sync_in_progress") == "1" else "the link is down"
    raise Unanswered(f"{link.address} does not follow its primary {primary}: {facts.get('master_link_error', why)}")


class Watch:
    """Looks after the nodes whose answers are awaited, over connections of their own: the first ones wait."""

    def __init__(self, links: list[NodeLink]) -> None:
        self._links = links
        self._since: dict[NodeLink, float] = {}  # when a node was first seen not to follow

    def answered(self, link: NodeLink) -> None:
        """One is not awaited any more."""
        self._links = [other for other in self._links if other is not link]

    def __call__(self) -> None:
        """Raise Unanswered if a node has not followed its primary for PATIENCE."""
        for link in self._links:
            try:
                with NodeLink(link.address, link.password) as asking:
                    check_follows(asking)
            except Unanswered:
                if time.monotonic() - self._since.setdefault(link, time.monotonic()) >= PATIENCE:
                    raise
            else:
                self._since.pop(link, None)


def add_parser(subparsers: Any) -> None:
    """Register the tool."""
    parser = subparsers.add_parser("verify", help="compare the data of running nodes at one offset")
    parser.add_argument("nodes", nargs="+", metavar="HOST:PORT", help="two or more nodes of one history")
    parser.add_argument("--password", help="password of the default user")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare; return 0 if all are equal, 1 if not, 2 if they could not be compared."""
    if len(args.nodes) < 2:
        print("chronis verify: name two nodes or more")
        return 2
    try:
        with contextlib.ExitStack() as opened:
            links = [opened.enter_context(NodeLink(address, args.password)) for address in args.nodes]
            return report(links, digests(links))
    except Unanswered as error:
        print(f"chronis verify: {error}")
        return 2


def digests(links: list[NodeLink]) -> list[Any]:
    """Return every node's digest at the same offset; raise Unanswered if they can't be got there together."""
    margin = 64
    for link in links:
        check_follows(link)
    for _ in range(TRIES):
        _, offset = links[0].ask(b"CHRONIS", b"OFFSET")
        target = b"%d" % (offset + margin)
        for link in reversed(links):  # the first is the likeliest to be ahead
            link.send(b"CHRONIS", b"DIGEST", target)
        watch = Watch(links)
        with bar(f"digests at offset {offset + margin}", len(links), pieces=True) as advance:
            replies = []
            for link in links:
                replies.append(link.read(watch))
                watch.answered(link)
                advance(1)
        errors = [reply for reply in replies if isinstance(reply, hiredis.ReplyError)]
        foreign = [error for error in errors if not str(error).startswith("PASSED")]
        if foreign:
            raise Unanswered(str(foreign[0]))
        if not errors and len({reply[1] for reply in replies}) == 1:
            return replies
        margin *= 8
    raise Unanswered("the nodes could not be asked at one offset: are they of one history, and are the replicas up to date?")


def report(links: list[NodeLink], replies: list[Any]) -> int:
    """Say whether the digests are equal, and where not."""
    _, offset, expected, databases, libraries = replies[0]
    keys = sum(count for _, count, _ in databases)
    status = 0
    for link, reply in zip(links[1:], replies[1:], strict=True):
        if reply[2] == expected:
            print(f"{links[0].address} = {link.address}: {keys} keys at offset {offset}, digest {expected.decode()}")
            continue
        status = 1
        print(f"{links[0].address} and {link.address} differ at offset {offset}")
        if reply[4] != libraries:
            print("  function libraries")
        mine = {number: rest for number, *rest in databases}
        other = {number: rest for number, *rest in reply[3]}
        for number in sorted(mine.keys() | other.keys()):
            if mine.get(number) != other.get(number):
                count = mine.get(number, [0])[0] + other.get(number, [0])[0]
                print(f"  database {number}: {mine.get(number, [0])[0]} and {other.get(number, [0])[0]} keys")
                with bar(f"comparing database {number}", count, pieces=True) as advance:
                    found = differing(links[0], link, number, advance)
                for line in found:
                    print(f"    {line}")
    return status


def differing(first: NodeLink, second: NodeLink, database: int, advance: Advance) -> list[str]:
    """Name up to SHOWN keys of a database that differ now."""
    found: list[str] = []
    seen: set[bytes] = set()
    for one, other in ((first, second), (second, first)):
        for link in (one, other):
            link.ask(b"SELECT", b"%d" % database)
        cursor = b"0"
        while len(found) < SHOWN:
            cursor, keys = one.ask(b"SCAN", cursor, b"COUNT", b"500")
            advance(len(keys))
            fresh = [key for key in keys if key not in seen]
            seen.update(fresh)
            if fresh:
                pairs = zip(fresh, _values(one, fresh), _values(other, fresh), strict=True)
                found += [_named(key, mine, its, one, other) for key, mine, its in pairs if mine != its]
            if cursor == b"0":
                break
    return found[:SHOWN]


def _values(link: NodeLink, keys: list[bytes]) -> list[bytes]:
    values: list[bytes] = link.ask(b"CHRONIS", b"KEYDIGESTS", *keys)
    return values


def _named(key: bytes, mine: bytes, its: bytes, one: NodeLink, other: NodeLink) -> str:
    missing = b"0" * 40
    if missing in (mine, its):
        return f"{key!r}: only on {(one if its == missing else other).address}"
    return f"{key!r}: another value, deadline or consumer group"
