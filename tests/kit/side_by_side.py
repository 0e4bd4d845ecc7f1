"""Commands run by a node in memory and by redis-server: replies and keyspace notifications have to be the same."""

from __future__ import annotations

import io

from store.database import Database
from store.resp import encode
from tests.kit.inprocess import Node
from tests.kit.resp_client import Reply, RespClient
from tests.kit.servers import Server

EVERY_CLASS = "KEAmn"
Notices = list[tuple[int, bytes, bytes]]
"""Keyspace notifications: database, event, key."""


class Ours:
    """A node whose replies are read back from their bytes, so that they compare with a server's by type."""

    def __init__(self, resp: int = 2) -> None:
        self.node = Node()
        self.resp = self.node.client.resp = resp
        self.node.engine.settings.set([(b"notify-keyspace-events", EVERY_CLASS.encode())])
        self.notices: Notices = []
        self.node.keyspace.on_notify = self._notice

    def _notice(self, db: Database, _notice_class: int, notice: bytes, key: bytes) -> None:
        self.notices.append((db.index, notice, key))

    def command(self, argv: list[bytes]) -> Reply:
        """Run a command; its reply must not be a wait."""
        reader = RespClient.__new__(RespClient)
        reader.file = io.BufferedReader(io.BytesIO(encode(self.node.run(*argv), self.resp)))  # type: ignore[arg-type]
        return reader.read()

    def take_notices(self) -> Notices:
        """The notifications since the last call."""
        taken, self.notices = self.notices, []
        return taken


def take_notices(subscriber: RespClient) -> Notices:
    """The notifications that have come to a RESP2 client subscribed to `__keyevent@*`, up to the answer of a PING."""
    subscriber.send("PING", "end")
    notices: Notices = []
    while (message := subscriber.read()) != [b"pong", b"end"]:
        assert isinstance(message, list)
        channel, key = message[2], message[3]
        assert isinstance(channel, bytes)
        assert isinstance(key, bytes)
        notices.append((int(channel.split(b"@")[1].split(b"__")[0]), channel.split(b":", 1)[1], key))
    return notices


def words(command: str) -> list[bytes]:
    """Split a command at blanks; double quotes keep blanks and stand for an empty word."""
    argv: list[bytes] = []
    for place, part in enumerate(command.split('"')):
        argv += [part.encode()] if place % 2 else [word.encode() for word in part.split()]
    return argv


def in_order(argv: list[bytes], reply: Reply) -> Reply:
    """Sort what comes in any order: keys, alone (KEYS) or after the cursor (SCAN)."""
    return _sorted(reply) if argv[0] in (b"keys", b"scan") else reply


def _sorted(reply: Reply) -> Reply:
    return sorted(map(_sorted, reply), key=str) if isinstance(reply, list) else reply


def compare(oracle: Server, script: str, resp: int = 2) -> None:
    """Run a script, commands separated by `|`, on both; the oracle has to notify of EVERY_CLASS."""
    ours = Ours(resp)
    with oracle.client(resp) as redis, oracle.client() as subscriber:
        redis.command("FLUSHALL")
        subscriber.command("PSUBSCRIBE", "__keyevent@*")
        for command in script.split("|"):
            argv = words(command)
            expected = in_order(argv, redis.command(*argv))
            assert in_order(argv, ours.command(argv)) == expected, command
            assert ours.take_notices() == take_notices(subscriber), command
    ours.node.check()
