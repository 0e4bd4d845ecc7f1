"""FAILOVER: the roles of this primary and one of its replicas exchanged, without losing a write.

    state                 this node ...
    no-failover           does nothing
    waiting-for-sync      holds writes back until a replica has everything
    failover-in-progress  is a replica of that one already and asks it, by PSYNC … FAILOVER, to be primary

Source: replication.c of Redis 7.0 (failoverCommand). The time limit ends the second state: with FORCE by going on, else by
giving up.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING

from replication.link import State as LinkState
from store.errors import ReplyError
from store.logfile import notice
from store.pauses import UNTIL_ENDED, Purpose

if TYPE_CHECKING:
    from replication.feed import ReplicaFeed
    from replication.roles import Replication


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
        """Hold writes back and wait for a replica (target, or whichever is first) to have everything; raise ReplyError."""
        replication = self.replication
        if self.state is not State.NONE:
            raise ReplyError("FAILOVER already in progress.")
        if replication.replica is not None:
            raise ReplyError("FAILOVER is not valid when server is a replica.")
        feeds = replication.primary.listed()
        if not feeds:
            raise ReplyError("FAILOVER requires connected replicas.")
        if target is not None:
            named = [feed for feed in feeds if (feed.peer.ip, feed.peer.options.port) == target]
            if not named:
                raise ReplyError("FAILOVER target HOST and PORT is not a replica.")
            if not named[0].peer.following:
                raise ReplyError("FAILOVER target replica is not online.")
        self.target, self.force = target, force
        self.until = asyncio.get_running_loop().time() + timeout_ms / 1000 if timeout_ms else None
        self.state = State.WAITING
        notice(f"FAILOVER requested to {f'{target[0]}:{target[1]}' if target else 'any replica'}.")
        replication.primary.ask()  # before the pause, which holds that back too
        replication.engine.blocking.pauses.begin(Purpose.FAILOVER, UNTIL_ENDED, everything=False)

    def abort(self) -> None:
        """End a failover and let writes go on; raise ReplyError when none runs."""
        if self.state is State.NONE:
            raise ReplyError("No failover in progress.")
        self._end("Failover manually aborted")

    def _end(self, why: str) -> None:
        notice(why)
        in_progress, self.state = self.state is State.IN_PROGRESS, State.NONE
        self.target = self.until = None
        self.replication.engine.blocking.pauses.end(Purpose.FAILOVER)
        if in_progress:
            self.replication.lead()

    def tick(self) -> None:
        """Ten times a second: go on, or give up."""
        if self.state is State.WAITING:
            self._wait()
        elif self.state is State.IN_PROGRESS:
            replica = self.replication.replica
            if replica is None or replica.link.state in (LinkState.CONNECTED, LinkState.TRANSFER):
                self._done()

    def _wait(self) -> None:
        replication = self.replication
        complete = [feed for feed in self._candidates() if feed.peer.acked >= replication.engine.log.offset]
        if complete:
            peer = complete[0].peer
            self._hand_over(peer.ip, peer.options.port)
        elif self.until is not None and asyncio.get_running_loop().time() >= self.until:
            if self.force and self.target is not None:
                notice(f"Failover to {self.target[0]}:{self.target[1]} time out exceeded, failing over.")
                self._hand_over(*self.target)
            else:
                self._end("Replica never caught up before timeout")

    def _candidates(self) -> list[ReplicaFeed]:
        feeds = [feed for feed in self.replication.primary.listed() if feed.peer.following and feed.peer.options.port]
        if self.target is None:
            return feeds
        return [feed for feed in feeds if (feed.peer.ip, feed.peer.options.port) == self.target]

    def _hand_over(self, host: str, port: int) -> None:
        notice(f"Failover target is {host}:{port}: demoting ourselves")
        self.state, self.target = State.IN_PROGRESS, (host, port)
        self.replication.follow(host, port, takes_over=True)

    def refused(self, reason: str) -> None:
        """The target does not become primary: be it again ourselves."""
        if self.state is State.IN_PROGRESS:
            self._end(f"Failover target rejected psync request: {reason}")

    def _done(self) -> None:
        notice("Failover is complete")
        self.state, self.target, self.until = State.NONE, None, None
        self.replication.engine.blocking.pauses.end(Purpose.FAILOVER)
