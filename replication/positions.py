"""Read your writes anywhere: a client asks where its write is (CHRONIS OFFSET) and has any node wait until it is there.

Law: a position is a history id and an offset; a node whose history can't come to contain it says so. A replica that has never
heard of the id may yet: after a failover clients know of the new history before every replica does. What a node's history is may
change while a client waits, so the whole position is looked at whenever it may have been reached.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from store.errors import ReplyError
from store.replies import NO_REPLY
from store.waiting import last_write

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
        self._waiting: dict[Waiter, tuple[str, int]] = {}
        self._chain: list[tuple[str, int]] | None = None  # the history that those who wait were told of
        self._past: dict[int, str] = {}  # the history id of each reign of this node that has ended
        self.engine.on_log.append(self._attach)
        self._attach(self.engine.log)

    def _attach(self, log: EventLog) -> None:
        log.subscribers.append(self._written)

    # ── where writes are ───────────────────────────────────────────────────────────────────────────────────────────
    def reign_ended(self) -> None:
        """This node is no primary any more: what was written here is of the history id of now, whatever comes."""
        history = self.primary.node.persistence.history
        if history is not None:  # else it is only starting
            self._past[self.engine.reign] = history.current
        self.engine.reign += 1

    def last_write(self, tx: Tx) -> tuple[str, int]:
        """The position after the last write of the client of tx; of everything, if it has written nothing."""
        current, offset = self.primary.history.current, last_write(tx)
        return (self._past.get(tx.session.write_reign, current), offset) if offset else (current, self.engine.log.offset)

    def gave_up(self, reign: int, offset: int) -> bool:
        """Tell whether a write of an earlier reign of this node is in its history no more."""
        history_id = self._past.get(reign)
        return history_id is not None and not self.primary.history.allows(history_id, offset)

    # ── waiting for them ───────────────────────────────────────────────────────────────────────────────────────────
    def check(self, history_id: str, offset: int) -> bool:
        """Tell whether history_id is known here; raise ReplyError unless (history_id, offset) is or may become a point of ours."""
        chain = self.primary.history.chain
        if history_id == chain[-1][0]:
            return True
        for (known, _), (_, end) in pairwise(chain):
            if known == history_id and offset <= end:
                return True
            if known == history_id:
                raise ReplyError(
                    f"history {history_id} ended here at offset {end}: the offset is not in this history", "PARTED"
                )
        if self.engine.primary:
            raise ReplyError(f"history {history_id} is not known here", "PARTED")
        return False

    def wait(self, tx: Tx, history_id: str, offset: int, timeout_ms: int) -> object:
        """Reply 1 once a position has been applied here, 0 after timeout_ms (0: wait for ever); raise ReplyError if it can't be."""
        if self.check(history_id, offset) and self.engine.log.written_offset >= offset:
            return 1
        blocking = self.engine.blocking
        reply = blocking.wait(tx, (), timeout_ms, None, 0)
        if reply is NO_REPLY:
            self._waiting[blocking.waiters[tx.session]] = (history_id, offset)
        return reply

    def _written(self, frame: Frame) -> None:
        """History is longer: let those go who waited for it, after this turn."""
        if self._waiting:
            self._look()

    def tick(self) -> None:
        """Ten times a second: tell those who wait for what is not to come, the history being another one."""
        if self._waiting and self.primary.history.chain is not self._chain:
            self._look()
            self._chain = self.primary.history.chain

    def _look(self) -> None:
        blocking = self.engine.blocking
        for waiter, (history_id, offset) in list(self._waiting.items()):
            if blocking.waiters.get(waiter.session) is not waiter:
                del self._waiting[waiter]  # its time was up, or the client left
                continue
            answer = self._answer(history_id, offset)
            if answer is not None:
                del self._waiting[waiter]
                blocking.release(waiter.session, answer)

    def _answer(self, history_id: str, offset: int) -> ReplyError | int | None:
        """What is to be said to who waits for a position; None: nothing yet."""
        try:
            ours = self.check(history_id, offset)
        except ReplyError as error:
            self.engine.stats.count_error(error.code)
            return error
        return 1 if ours and self.engine.log.written_offset >= offset else None
