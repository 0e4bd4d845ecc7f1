"""Read your writes anywhere: a client asks where its write is (CHRONIS OFFSET) and has any node wait until it is there.

Law: a position is a history id and an offset; a node whose history does not contain it never will, and says so.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from store.errors import ReplyError
from store.replies import NO_REPLY

if TYPE_CHECKING:
    from replication.primary import Primary
    from store.blocking import Waiter
    from store.log import EventLog
    from store.log.frame import Frame
    from store.tx import Tx


class Positions:
    """The clients that wait until this node has applied an offset."""

    def __init__(self, primary: Primary) -> None:
        self.primary = primary
        self.engine = primary.engine
        self._waiting: dict[Waiter, int] = {}
        self.engine.on_log.append(self._attach)
        self._attach(self.engine.log)

    def _attach(self, log: EventLog) -> None:
        log.subscribers.append(self._written)

    def check(self, history_id: str, offset: int) -> None:
        """Raise ReplyError unless (history_id, offset) is, or may become, a point of this node's history."""
        chain = self.primary.history.chain
        if history_id == chain[-1][0]:
            return
        for (known, _), (_, end) in pairwise(chain):
            if known == history_id and offset <= end:
                return
            if known == history_id:
                raise ReplyError(
                    f"history {history_id} ended here at offset {end}: the offset is not in this history", "PARTED"
                )
        raise ReplyError(f"history {history_id} is not known here", "PARTED")

    def wait(self, tx: Tx, offset: int, timeout_ms: int) -> object:
        """Reply 1 as soon as offset has been applied here, 0 after timeout_ms (0: wait for ever)."""
        log = self.engine.log
        if log.written_offset >= offset:
            return 1
        blocking = self.engine.blocking
        reply = blocking.wait(tx, (), timeout_ms, None, 0)
        if reply is NO_REPLY:
            self._waiting[blocking.waiters[tx.session]] = offset
        return reply

    def _written(self, frame: Frame) -> None:
        """History is longer: let those go who waited for it, after this turn."""
        if self._waiting:
            blocking = self.engine.blocking
            for waiter, offset in list(self._waiting.items()):
                if blocking.waiters.get(waiter.session) is not waiter:
                    del self._waiting[waiter]  # its time was up, or the client left
                elif frame.end >= offset and self.engine.log.offset >= offset:
                    del self._waiting[waiter]
                    blocking.release(waiter.session, 1)
