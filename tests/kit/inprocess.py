"""A node in memory, without sockets, disk or event loop: for tests of commands, events and replay."""

from __future__ import annotations

import store.commands  # noqa: F401 - fills the command table
from store.client.session import Session
from store.clock import ManualClock
from store.config.settings import Settings
from store.digest import digest
from store.engine import Engine
from store.events import decode_events
from store.keyspace import Keyspace
from store.log.memory import MemoryLog
from store.persistence.replay import Replay
from store.proof import prove
from store.replies import NO_REPLY
from store.resp import encode
from store.wiring import wire


class Node:
    """An engine with a manual clock and one client. `run("SET", "k", "v")` gives the reply, errors as `ReplyError` objects."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.engine = Engine(Settings(), MemoryLog(0, limit=1 << 30), clock=self.clock)
        wire(self.engine)
        self.client = self.connect()

    def connect(self) -> Client:
        """A further client."""
        return Client(self)

    def run(self, *argv: str | bytes | int | float) -> object:
        """Run a command as the first client; return its reply (the last one if there are several)."""
        return self.client.run(*argv)

    @property
    def keyspace(self) -> Keyspace:
        """The state."""
        return self.engine.keyspace

    def events(self) -> list[list[bytes]]:
        """All events of history, SELECT and MULTI/EXEC included."""
        self.engine.log.commit(self.clock.now_ms())
        frames = self.engine.log.tail.since(0) or []  # type: ignore[attr-defined]  # a MemoryLog
        return [argv for frame in frames for _, argv in decode_events(frame.payload)]

    def replayed(self) -> Keyspace:
        """A fresh keyspace into which the whole history was replayed."""
        engine = Engine(Settings(), MemoryLog(0, limit=0), clock=self.clock)
        replay = Replay(engine)
        for argv in self.events():
            replay.run(argv)
        assert not replay.refused, replay.refused
        return engine.keyspace

    def digest(self) -> bytes:
        """The digest of the live state."""
        return digest(self.keyspace)

    def check(self) -> None:
        """Assert every invariant, and that replaying history gives the same data."""
        self.keyspace._check()
        replayed = self.replayed()
        replayed._check()
        assert digest(replayed) == self.digest()
        assert prove(replayed) == prove(self.keyspace)


class Client(Session):
    """A session whose replies are kept as Python values instead of being sent."""

    def __init__(self, node: Node) -> None:
        number = len(node.engine.sessions) + 1
        super().__init__(node.engine, number)
        node.engine.sessions[number] = self
        self.address = b"127.0.0.1:1"
        self.is_local = True
        self.replies: list[object] = []

    def run(self, *argv: str | bytes | int | float) -> object:
        """Run a command; return its last reply, or None if it has none yet (it blocks)."""
        before = len(self.replies)
        words = [word if isinstance(word, bytes) else str(word).encode() for word in argv]
        self.engine.execute(self, words)
        return self.replies[-1] if len(self.replies) > before else None

    def reply(self, reply: object) -> None:
        """Keep the reply, after making sure that it can be encoded both ways."""
        if reply is NO_REPLY:
            return
        encode(reply, 2)
        encode(reply, 3)
        self.replies.append(reply)


def events(node: Node) -> list[str]:
    """Events without SELECT, as text."""
    return [b" ".join(event).decode() for event in node.events() if event[0] != b"SELECT"]


def waiting(node: Node, command: str) -> Client:
    """A further client that waits in this command."""
    client = node.connect()
    assert client.run(*command.split()) is None
    assert node.engine.blocking.waiters[client]
    return client
