"""Proof of equality: the digest of the whole data at an offset, computed by a forked child while the server goes on.

`CHRONIS DIGEST X` is answered at the first end of a frame at or after offset X. Frames are the same on every Chronis node,
so every node that gets there answers for the same state; a primary makes sure that history moves on to such an end.
"""

from __future__ import annotations

import json
import os
import traceback
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from store.errors import ReplyError
from store.keyspace import Keyspace
from store.persistence.snapshot import leave_with
from store.proof import prove
from store.replies import NO_REPLY

if TYPE_CHECKING:
    from replication.primary import Primary
    from store.blocking import Waiter
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
    waiters: list[Waiter]
    answer: bytes = b""


@dataclass(slots=True)
class Digests:
    """The requests for digests, each as long as its client waits for it, and the children that compute them."""

    primary: Primary
    wanted: deque[tuple[int, Waiter]] = field(default_factory=deque)
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
        waiter = engine.blocking.waiters[tx.session]
        self.wanted.append((engine.log.offset if offset is None else offset, waiter))
        if engine.log.written_offset == engine.log.offset:
            self.passed(engine.log.offset)
        self._move_on()
        return NO_REPLY

    def _move_on(self) -> None:
        """On a primary, make sure that there will be an end of a frame."""
        if self.wanted:
            self.primary.move_on()

    def _written(self, frame: Frame) -> None:
        """On a primary a turn has ended: the state is that of its last frame's end."""
        if self.wanted and self.primary.engine.primary and frame.end == self.primary.engine.log.offset:
            self.passed(frame.end)

    def passed(self, offset: int) -> None:
        """The state is that of offset, the end of a frame: compute what was asked for up to here."""
        if not self.wanted or len(self.children) >= MOST_CHILDREN:
            return
        due = [waiter for wanted, waiter in self.wanted if wanted <= offset and self._waits(waiter)]
        self.wanted = deque(item for item in self.wanted if item[0] > offset)
        if due:
            self.children.append(self._fork(offset, due))

    def _waits(self, waiter: Waiter) -> bool:
        """Tell whether a client still waits for its digest: it may have left, or been unblocked, and wait for something else."""
        return self.primary.engine.blocking.waiters.get(waiter.session) is waiter

    def _fork(self, offset: int, waiters: list[Waiter]) -> Child:
        reader, writer = os.pipe()
        parent, pid = os.getpid(), os.fork()
        if pid == 0:
            _run_child(self.primary.engine.keyspace, writer, parent)
        os.close(writer)
        os.set_blocking(reader, False)
        return Child(pid, reader, offset, self.primary.history.current, waiters)

    def tick(self) -> None:
        """Ten times a second: forget who waits no more, answer for the children that are done."""
        if self.wanted:
            self.wanted = deque(item for item in self.wanted if self._waits(item[1]))
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
            total, databases, libraries = json.loads(child.answer)
            each = [[number, keys, text.encode()] for number, keys, text in databases]
            reply = [child.history_id.encode(), child.offset, total.encode(), each, libraries.encode()]
        for waiter in child.waiters:
            if self._waits(waiter):
                blocking.release(waiter.session, reply)


def _run_child(keyspace: Keyspace, writer: int, parent: int) -> None:
    """The forked child: let go of all that is the parent's (sockets, the directory's lock), compute, tell, and leave.

    It ends with the parent: who starts in its place must find nothing of this one.
    """
    try:
        os.closerange(3, writer)
        os.closerange(writer + 1, os.sysconf("SC_OPEN_MAX"))
        leave_with(parent)
        os.nice(NICENESS)
        data = json.dumps(prove(keyspace)).encode()
        while data:
            data = data[os.write(writer, data) :]
    except Exception:
        traceback.print_exc()  # where the server's own go; who asked is told that there is no digest
    finally:
        os._exit(0)
