"""Proof of equality: the digest of the whole data at an offset, computed by a forked child while the server goes on.

`CHRONIS DIGEST X` is answered at the first end of a frame at or after offset X. Frames are the same on every Chronis node,
so every node that gets there answers for the same state; a primary makes sure that history moves on to such an end.
"""

from __future__ import annotations

import json
import os
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from store.digest import digest
from store.errors import ReplyError
from store.events import ANY_DB, PING
from store.keyspace import Keyspace
from store.persistence.snapshot import leave_with
from store.replies import NO_REPLY

if TYPE_CHECKING:
    from replication.primary import Primary
    from store.client.session import Session
    from store.log import EventLog
    from store.log.frame import Frame
    from store.tx import Tx

MOST_CHILDREN = 2
"""Digests that are computed at the same time; others wait for a later offset."""
NICENESS = 10


@dataclass(slots=True)
class Child:
    """A digest being computed: of the state at offset, told through the pipe `fd`."""

    pid: int
    fd: int
    offset: int
    history_id: str
    sessions: list[Session]
    answer: bytes = b""


@dataclass(slots=True)
class Digests:
    """The requests for digests and the children that compute them."""

    primary: Primary
    wanted: deque[tuple[int, Session]] = field(default_factory=deque)
    children: list[Child] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.primary.engine.on_log.append(self._attach)
        self._attach(self.primary.engine.log)

    def _attach(self, log: EventLog) -> None:
        log.subscribers.append(self._written)

    def request(self, tx: Tx, offset: int | None) -> object:
        """Let a client wait for the digest at the first end of a frame from offset on (None: the next one)."""
        engine = self.primary.engine
        if offset is not None and offset < engine.log.offset:
            raise ReplyError(f"history is at offset {engine.log.offset} already", "PASSED")
        reply = engine.blocking.wait(tx, (), 0, None, None)
        if reply is not NO_REPLY:
            raise ReplyError("CHRONIS DIGEST can't wait inside a transaction or script")
        self.wanted.append((engine.log.offset if offset is None else offset, tx.session))
        if engine.log.written_offset == engine.log.offset:
            self.passed(engine.log.offset)
        self._move_on()
        return NO_REPLY

    def _move_on(self) -> None:
        """On a primary, make sure that there will be an end of a frame."""
        engine = self.primary.engine
        if self.wanted and engine.primary and not engine.gates.writes_paused:
            engine.log.append(PING, ANY_DB)
            engine.turn.schedule()

    def _written(self, frame: Frame) -> None:
        """On a primary a turn has ended: the state is that of its last frame's end."""
        if self.wanted and self.primary.engine.primary and frame.end == self.primary.engine.log.offset:
            self.passed(frame.end)

    def passed(self, offset: int) -> None:
        """The state is that of offset, the end of a frame: compute what was asked for up to here."""
        if not self.wanted or len(self.children) >= MOST_CHILDREN:
            return
        due = [session for wanted, session in self.wanted if wanted <= offset]
        if due:
            self.wanted = deque(item for item in self.wanted if item[0] > offset)
            self.children.append(self._fork(offset, due))

    def _fork(self, offset: int, sessions: list[Session]) -> Child:
        reader, writer = os.pipe()
        parent, pid = os.getpid(), os.fork()
        if pid == 0:
            _run_child(self.primary.engine.keyspace, writer, parent)
        os.close(writer)
        os.set_blocking(reader, False)
        return Child(pid, reader, offset, self.primary.history.current, sessions)

    def tick(self) -> None:
        """Ten times a second: answer for the children that are done."""
        self._move_on()
        for child in list(self.children):
            try:
                data = os.read(child.fd, 65536)
            except BlockingIOError:
                continue
            child.answer += data
            if data:
                continue
            os.close(child.fd)
            os.waitpid(child.pid, 0)
            self.children.remove(child)
            self._answer(child)

    def _answer(self, child: Child) -> None:
        blocking = self.primary.engine.blocking
        reply: object = ReplyError("the digest could not be computed")
        if child.answer:
            total, databases = json.loads(child.answer)
            each = [[number, keys, text.encode()] for number, keys, text in databases]
            reply = [child.history_id.encode(), child.offset, total.encode(), each]
        for session in child.sessions:
            if session in blocking.waiters:
                blocking.release(session, reply)


def summary(keyspace: Keyspace) -> tuple[str, list[tuple[int, int, str]]]:
    """The digest of everything, and number, keys and digest of each database that has keys."""
    databases = []
    for db in keyspace.databases:
        if db.order:
            alone = Keyspace(1)
            alone.databases[0].entries = db.entries
            databases.append((db.index, len(db.order), digest(alone).decode()))
    return digest(keyspace).decode(), databases


def _run_child(keyspace: Keyspace, writer: int, parent: int) -> None:
    """The forked child: compute, tell, and leave without touching anything that the parent shares; at once if that is killed."""
    try:
        leave_with(parent)
        os.nice(NICENESS)
        data = json.dumps(summary(keyspace)).encode()
        while data:
            data = data[os.write(writer, data) :]
    finally:
        os._exit(0)
