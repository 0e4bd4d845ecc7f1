"""Ending the node: SHUTDOWN and signals, what is waited for, what is saved, and what stops it from ending (db.c, server.c 7.0).

The log is on disk whatever happens, so by default nothing is saved; with `appendonly no` a snapshot is taken if save points
are configured, and while that fails the node does not end unless forced. Replicas get `shutdown-timeout` seconds to catch
up, during which writes wait.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable
from typing import TYPE_CHECKING

from store.commands.table import LOADING
from store.errors import ReplyError
from store.log.writer import LogWriter
from store.logfile import notice, warn
from store.pauses import UNTIL_ENDED, Purpose

if TYPE_CHECKING:
    from store.client.session import Session
    from store.node import Node

FAILED = "Errors trying to SHUTDOWN. Check logs."


class Shutdown:
    """The end of one node, if one has been asked for. Words are those of SHUTDOWN in lower case: save, nosave, now, force."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.asked: frozenset[str] | None = None  # by a signal, to be begun by the next tick
        self._words: frozenset[str] = frozenset()
        self._deadline = 0.0  # of the wait for replicas, on the loop's clock; 0: none
        self._clients: list[Session] = []  # that wait for the end

    @property
    def in_progress(self) -> bool:
        """Tell whether an end was asked for and can still be aborted."""
        return self.asked is not None or self._deadline > 0

    def milliseconds_left(self) -> int | None:
        """Milliseconds for which replicas are still waited for, None when they are not."""
        if not self._deadline:
            return None
        return int(1000 * max(0.0, self._deadline - asyncio.get_running_loop().time()))

    # ── asking for it ──────────────────────────────────────────────────────────────────────────────────────────────
    def signalled(self, number: int) -> None:
        """Take SIGINT or SIGTERM; the second one does not wait for anything."""
        settings = self.node.settings
        notice(f"Received {signal.Signals(number).name} scheduling shutdown...")
        words = settings.shutdown_on_sigint if number == signal.SIGINT else settings.shutdown_on_sigterm
        if self.in_progress:
            self.asked = None
            self._finish(frozenset({*words, "now", "force"}))
        else:
            self.asked = frozenset(words)

    def requested(self, session: Session, words: Iterable[str]) -> None:
        """SHUTDOWN: the client waits, and hears only of a failure."""
        self._clients.append(session)
        session.halt()
        self.asked = None
        self.begin(frozenset(words))

    def abort(self) -> None:
        """SHUTDOWN ABORT: go on serving. Raise ReplyError if nothing was in progress."""
        if not self.in_progress:
            raise ReplyError("No shutdown in progress.")
        self.asked = None
        warn("Shutdown manually aborted.")
        self._go_on()

    def tick(self) -> None:
        """Begin what a signal asked for; see whether the replicas have caught up. The timers call it ten times a second."""
        if self.asked is not None:
            words, self.asked = self.asked, None
            self.begin(words)
        elif self._deadline and (self._caught_up() or asyncio.get_running_loop().time() >= self._deadline):
            self._finish(self._words)

    # ── the way out ────────────────────────────────────────────────────────────────────────────────────────────────
    def begin(self, words: frozenset[str]) -> None:
        """End the node now, or once its replicas have caught up."""
        if self._deadline or self.node.stopping:
            return
        engine = self.node.engine
        if engine.gates.closed & LOADING:
            words = words - {"save"} | {"nosave"}  # half a data set must not replace a whole one
        warn("User requested shutdown...")
        timeout = engine.settings.shutdown_timeout
        if "now" in words or not timeout or self._caught_up():
            self._finish(words)
            return
        self._words, self._deadline = words, asyncio.get_running_loop().time() + timeout
        engine.topology.request_acknowledgements()
        engine.blocking.pauses.begin(Purpose.SHUTDOWN, UNTIL_ENDED, everything=False)
        notice("Waiting for replicas before shutting down.")

    def _caught_up(self) -> bool:
        engine = self.node.engine
        return all(follower.offset >= engine.log.offset for follower in engine.topology.followers)

    def _finish(self, words: frozenset[str]) -> None:
        engine, saving = self.node.engine, self.node.persistence.saving
        followers = engine.topology.followers
        if followers:
            behind = sum(follower.offset < engine.log.offset for follower in followers)
            notice(f"{len(followers) - behind} of {len(followers)} replicas are in sync when shutting down.")
        saving.kill()
        points_alone = bool(engine.settings.save) and not isinstance(engine.log, LogWriter)
        if "save" in words or (points_alone and "nosave" not in words):
            notice("Saving the final RDB snapshot before exiting.")
            try:
                saving.save()
            except OSError:
                if "force" not in words:
                    warn("Error trying to save the DB, can't exit.")
                    self._go_on()
                    return
                warn("Error trying to save the DB. Exit anyway.")
        self._deadline = 0.0
        self.node.stop()

    def _go_on(self) -> None:
        """Serve on: tell those who asked for the end, and let writes run again."""
        if self._deadline:
            self._deadline = 0.0
            self.node.engine.blocking.pauses.end(Purpose.SHUTDOWN)
        clients, self._clients = self._clients, []
        for session in clients:
            self.node.engine.stats.count_error("ERR")
            session.reply(ReplyError(FAILED))
            session.resume()
