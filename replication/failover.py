"""FAILOVER: the roles of this primary and one of its replicas exchanged, without losing a write.

    state                 this node ...
    no-failover           does nothing
    waiting-for-sync      holds writes back until a replica has everything
    failover-in-progress  is a replica of that one already and asks it, by PSYNC … FAILOVER, to be primary

Source: replication.c of Redis 7.0 (failoverCommand). The time limit ends the second state: with FORCE by going on, else by
giving up. The third ends with the target's answer: it goes on with history, sends a snapshot or tells where histories parted, and
is the primary then; or it refuses, and this node is primary again. A log that can't be written ends the second state too: what
it lacks gets to no replica. In it heartbeats go on if there is no time limit: replicas must not take a long wait for silence.

Law: of the two never both are primaries by this node's doing. A target that is a primary already is asked to go on from where this
node is: one that does has our history. Redis would lead again there, and so when the connection is lost before the answer.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING

from replication.messages import Continue, FullResync, Parted
from store.errors import ReplyError
from store.logfile import notice, warn
from store.pauses import UNTIL_ENDED, Purpose

if TYPE_CHECKING:
    from replication.feed import ReplicaFeed
    from replication.roles import Replication

IS_PRIMARY = "PSYNC FAILOVER can't be sent to a master."
"""What a target answers that is a primary already: by an earlier request, whose answer was lost, or by its operator."""
CANT_LEAD = "This node can't become a primary, its new history id can't be stored"


class State(Enum):
    """Where a failover is; the value is what INFO shows."""

    NONE = "no-failover"
    WAITING = "waiting-for-sync"
    IN_PROGRESS = "failover-in-progress"


class Failover:
    """The failover that runs, if one does. `until`: the loop's time at which waiting ends, None: never."""

    def __init__(self, replication: Replication) -> None:
        self.replication = replication
        self.state = State.NONE
        self.target: tuple[str, int] | None = None
        self.force = False
        self.until: float | None = None

    def start(self, target: tuple[str, int] | None, timeout_ms: int | None, force: bool) -> None:
        """Hold writes back and wait for a replica (target, or whichever is first) to have everything; raise ReplyError.

        The checks come in the order of Redis.
        """
        replication = self.replication
        if self.state is not State.NONE:
            raise ReplyError("FAILOVER already in progress.")
        if replication.replica is not None:
            raise ReplyError("FAILOVER is not valid when server is a replica.")
        if replication.gathering is not None:  # Redis knows no such state; handed over, what is still awaited would be given up
            raise ReplyError("FAILOVER is not possible while a promotion waits for other nodes (promote-after-replicas).")
        if replication.engine.log.failed is not None:  # nor this: what waits for the disk gets to no replica
            raise ReplyError(f"FAILOVER is not possible while the log can't be written: {replication.engine.log.failed}")
        feeds = replication.primary.listed()
        if not feeds:
            raise ReplyError("FAILOVER requires connected replicas.")
        if force and (target is None or timeout_ms is None):
            raise ReplyError("FAILOVER with force option requires both a timeout and target HOST and IP.")
        if target is not None:
            named = [feed for feed in feeds if (feed.peer.ip, feed.peer.options.port) == target]
            if not named:
                raise ReplyError("FAILOVER target HOST and PORT is not a replica.")
            if not named[0].peer.following:
                raise ReplyError("FAILOVER target replica is not online.")
        self.target, self.force = target, force
        self.until = asyncio.get_running_loop().time() + timeout_ms / 1000 if timeout_ms else None
        self.state, replication.primary.stands_still = State.WAITING, self.until is not None
        notice(f"FAILOVER requested to {f'{target[0]}:{target[1]}' if target else 'any replica'}.")
        replication.primary.ask()  # before the pause, which holds that back too
        replication.engine.blocking.pauses.begin(Purpose.FAILOVER, UNTIL_ENDED, everything=False)

    def abort(self) -> None:
        """End a failover and let writes go on; raise ReplyError when none runs, or this node can't be primary again."""
        if self.state is State.NONE:
            raise ReplyError("No failover in progress.")
        try:
            self._give_up("Failover manually aborted")
        except OSError as error:
            raise ReplyError(f"{CANT_LEAD}: {error.strerror or error}") from error

    def _give_up(self, why: str) -> None:
        """Be primary again, if we are not; raises OSError, with all as it was."""
        notice(why)
        if self.state is State.IN_PROGRESS:
            self.replication.lead(complete=True)
        self._end()

    def _end(self) -> None:
        self.state, self.target, self.until = State.NONE, None, None
        self.replication.primary.stands_still = False
        self.replication.engine.blocking.pauses.end(Purpose.FAILOVER)

    def tick(self) -> None:
        """Ten times a second: go on, or give up."""
        if self.state is not State.WAITING:
            return
        replication = self.replication
        if replication.engine.log.failed is not None:
            self._give_up(f"Failover given up: the log can't be written: {replication.engine.log.failed}")
            return
        complete = [feed for feed in self._candidates() if feed.peer.acked >= replication.engine.log.offset]
        if complete:
            peer = complete[0].peer
            self._hand_over(peer.ip, peer.options.port)
        elif self.until is not None and asyncio.get_running_loop().time() >= self.until:
            if self.force and self.target is not None:
                notice(f"Failover to {self.target[0]}:{self.target[1]} time out exceeded, failing over.")
                self._hand_over(*self.target)
            else:
                self._give_up("Replica never caught up before timeout")

    def _candidates(self) -> list[ReplicaFeed]:
        feeds = [feed for feed in self.replication.primary.listed() if feed.peer.following and feed.peer.options.port]
        if self.target is None:
            return feeds
        return [feed for feed in feeds if (feed.peer.ip, feed.peer.options.port) == self.target]

    def _hand_over(self, host: str, port: int) -> None:
        notice(f"Failover target is {host}:{port}: demoting ourselves")
        self.state, self.target = State.IN_PROGRESS, (host, port)
        self.replication.follow(host, port, takes_over=True)

    # ── the target's answer ────────────────────────────────────────────────────────────────────────────────────────
    def answered(self, answer: Continue | FullResync | Parted) -> bool:
        """The node that we follow goes on: tell whether we do. With it a failover is complete."""
        replica = self.replication.replica
        if self.state is not State.IN_PROGRESS or replica is None:
            return True
        if not replica.takes_over and isinstance(answer, FullResync):
            self._lead_again("it is a primary already, of a history that is not ours")
            return False
        replica.takes_over = False
        notice("Failover is complete")
        self._end()
        return True

    def refused(self, reason: str) -> None:
        """The node that we follow does not serve us: be primary again, unless it is one."""
        replica = self.replication.replica
        if self.state is not State.IN_PROGRESS or replica is None or not replica.takes_over:
            return
        if IS_PRIMARY in reason:
            notice("The failover target is a primary already: asking it to go on from where we are")
            replica.takes_over = False
        else:
            self._lead_again(reason)

    def _lead_again(self, reason: str) -> None:
        try:
            self._give_up(f"Failover target rejected psync request: {reason}")
        except OSError as error:
            warn(f"{CANT_LEAD}: {error.strerror or error}; trying again")
