"""Clients that wait until their writes are safe: on the disk here, on replicas (WAIT; WAITAOF of Redis 7.2).

Law: what a client waits for is an offset, so one look at the synced offset and at the acknowledgements serves all of them.
WAIT counts replicas that have applied it, WAITAOF those that have synced it to their disks.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from store.errors import LogFailed, ReplyError
from store.replies import NO_REPLY

if TYPE_CHECKING:
    from store.blocking import Waiter
    from store.engine import Engine
    from store.log import EventLog
    from store.tx import Tx


NEVER = 1 << 62
"""An offset that no history gets to."""
NO_LOG = ReplyError("WAITAOF cannot be used when numlocal is set but appendonly is disabled.")


@dataclass(frozen=True, slots=True)
class Goal:
    """History up to `offset` on `replicas` replicas; `on_disk` (WAITAOF): on their disks, and, if `local`, on the one here."""

    offset: int
    replicas: int
    local: bool = False
    on_disk: bool = False


class Waiting:
    """The sessions that wait for an offset to be safe, each with its goal."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.goals: dict[Waiter, Goal] = {}
        self._fsyncs: set[asyncio.Task[None]] = set()
        self.watch(engine.log)

    def watch(self, log: EventLog) -> None:
        """Hear from a log when its events are durable."""
        log.on_synced(self._synced)
        self.advanced()

    def _synced(self, offset: int) -> None:
        self.advanced()

    def wait(self, tx: Tx, goal: Goal, timeout_ms: int) -> object:
        """Answer at once if the goal is reached or the client may not wait; else let it wait, 0 = for ever. Raises ReplyError."""
        session = tx.session
        if goal.local and not self.engine.settings.appendonly:
            raise NO_LOG
        if self.reached(goal) or self.engine.depth > 1 or not session.may_block:
            return self.reply(goal)
        if self.engine.blocking.wait(tx, (), timeout_ms, None, lambda: self.reply(goal)) is NO_REPLY:
            self.goals[self.engine.blocking.waiters[session]] = goal
            if goal.local:
                self._make_durable(goal.offset)
            if goal.replicas:
                self.engine.topology.request_acknowledgements()
        return NO_REPLY

    def reached(self, goal: Goal) -> bool:
        """Tell whether a goal is reached."""
        if goal.local and not self._is_durable(goal.offset):
            return False
        return goal.replicas <= self._replicas(goal)

    def _replicas(self, goal: Goal) -> int:
        topology = self.engine.topology
        return topology.synced(goal.offset) if goal.on_disk else topology.acknowledged(goal.offset)

    def reply(self, goal: Goal) -> object:
        """What the client is told: how many replicas, or `[local, replicas]`."""
        replicas = self._replicas(goal)
        return [int(self._is_durable(goal.offset)), replicas] if goal.on_disk else replicas

    def _is_durable(self, offset: int) -> bool:
        return self.engine.settings.appendonly and self.engine.log.synced_offset >= offset

    def advanced(self) -> None:
        """Look who has what it waited for; called when the log was synced or replaced, or a replica acknowledged."""
        blocking = self.engine.blocking
        for waiter, goal in list(self.goals.items()):
            if blocking.waiters.get(waiter.session) is not waiter:
                del self.goals[waiter]  # its time was up, or the client left
            elif goal.local and not self.engine.settings.appendonly:
                del self.goals[waiter]
                blocking.release(waiter.session, NO_LOG)
            elif self.reached(goal):
                del self.goals[waiter]
                blocking.release(waiter.session, self.reply(goal))

    def _make_durable(self, offset: int) -> None:
        """Have the log synced without waiting for the second to be over."""
        task = asyncio.get_running_loop().create_task(self._sync(offset))
        self._fsyncs.add(task)
        task.add_done_callback(self._fsyncs.discard)

    async def _sync(self, offset: int) -> None:
        # The turn hears of a failed log itself and refuses writes; who waits here is told 0 when its time is up.
        with contextlib.suppress(LogFailed):
            await self.engine.log.durable(offset)


def last_write(tx: Tx) -> int:
    """The offset after the last event that the client of tx caused, 0 if it caused none."""
    session = tx.session
    return tx.engine.log.offset if session.wrote else session.write_offset


def last_write_to_wait_for(tx: Tx) -> int:
    """The same, but NEVER if this node gave that event up when it went over to another primary's history."""
    offset, reign = last_write(tx), tx.session.write_reign
    gone = offset > 0 and reign != tx.engine.reign and tx.engine.topology.gave_up(reign, offset)
    return NEVER if gone else offset
