"""Clients that wait: for keys (BLPOP), for replicas or fsync (WAIT), for the end of a pause (pauses.py).

Invariant: a session waits for at most one thing; while it does, its further requests queue up in the session.
Order of service (blocked.c 7.0): keys in the order they became ready, clients of a key in the order they came.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from store.errors import ReplyError
from store.pauses import Pauses
from store.replies import NO_REPLY

if TYPE_CHECKING:
    from store.client.session import Session
    from store.engine import Engine
    from store.observe.slowlog import Slow
    from store.tx import Tx

Serve = Callable[["Tx", bytes], object]
Place = tuple[int, bytes]


class Waiter:
    """One waiting client: what it waits for and what it gets when that does not come (a function: asked at that moment)."""

    __slots__ = ("gone", "on_timeout", "places", "serve", "session", "slow", "timer")

    def __init__(self, session: Session, places: list[Place], serve: Serve | None, on_timeout: object) -> None:
        self.session = session
        self.places = places
        self.serve = serve
        self.on_timeout = on_timeout
        self.slow: Slow | None = None  # for SLOWLOG when the wait is over
        self.timer: asyncio.TimerHandle | None = None
        self.gone = False  # it wants to hear of a key that was removed as well


class Blocking:
    """All waiting clients of a node. `clients`: how many wait for keys or replicas (INFO blocked_clients)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.waiters: dict[Session, Waiter] = {}
        self.postponed: deque[tuple[Session, list[bytes]]] = deque()
        self.pauses = Pauses(engine.gates, self._run_postponed)

    @property
    def clients(self) -> int:
        """Clients that wait for keys, replicas or the end of a pause."""
        return len(self.waiters) + len(self.postponed)

    def holds(self, session: Session) -> bool:
        """Tell whether a session waits, for whatever it may be."""
        return session in self.waiters or any(session is other for other, _ in self.postponed)

    # ── waiting for keys ───────────────────────────────────────────────────────────────────────────────────────────
    def wait(
        self,
        tx: Tx,
        keys: Sequence[bytes],
        timeout_ms: int,
        serve: Serve | None,
        on_timeout: object,
        gone: bool = False,
    ) -> object:
        """Make the session of tx wait; see Tx.block. Without keys something else ends the wait by `release`."""
        session = tx.session
        if self.engine.depth > 1 or not session.may_block:
            return on_timeout
        waiter = Waiter(session, [(tx.db.index, key) for key in dict.fromkeys(keys)], serve, on_timeout)
        waiter.gone = gone
        for place in waiter.places:
            queue = self.engine.keyspace.waiting.setdefault(place, {})
            queue[waiter] = None  # type: ignore[index]  # the keyspace only looks whether anybody waits
        self.waiters[session] = waiter
        session.halt()
        if timeout_ms > 0:
            loop = asyncio.get_running_loop()
            waiter.timer = loop.call_later(timeout_ms / 1000, self._time_out, waiter)
        return NO_REPLY

    def serve(self) -> None:
        """Give what became ready to those who wait for it, until nothing is ready."""
        keyspace = self.engine.keyspace
        keyspace.now = self.engine.clock.now_ms()  # the command that made keys ready may have taken long
        while keyspace.ready:
            ready, keyspace.ready = keyspace.ready, {}
            for place in ready:
                self._serve_place(place)

    def _serve_place(self, place: Place) -> None:
        for waiter in list(self.engine.keyspace.waiting.get(place, ())):  # type: ignore[call-overload]  # see wait
            self.engine.expire_keys(waiter.session.tx, [place[1]])
            if not waiter.gone and self.engine.keyspace.databases[place[0]].live(place[1]) is None:
                continue
            reply = self._attempt(waiter, place[1])
            if isinstance(reply, ReplyError):
                self._fail(waiter.session, reply)
            elif reply is not None:
                self.release(waiter.session, reply)
            self.engine.tracking.settle()

    def _attempt(self, waiter: Waiter, key: bytes) -> object:
        """Let a waiter's command decide once more, as a call of its own."""
        engine, mark = self.engine, self.engine.log.mark()
        engine.depth += 1
        engine.tracking.current = waiter.session
        try:
            return waiter.serve(waiter.session.tx, key) if waiter.serve is not None else None
        except ReplyError as error:
            return error
        finally:
            engine.depth -= 1
            engine.tracking.current = None
            if not engine.depth:
                engine.log.wrap_transaction(mark)

    def release(self, session: Session, reply: object) -> None:
        """End a session's wait with a reply and let its queued requests run."""
        waiter = self.waiters.get(session)
        self.forget(session)
        session.reply(reply)
        if waiter is not None and waiter.slow is not None:
            self.engine.slowlog.keep(waiter.slow)
        session.resume()

    def timed_out(self, session: Session, error: bool) -> bool:
        """CLIENT UNBLOCK: end a wait as by timeout or with an error; False if the session does not wait for keys."""
        waiter = self.waiters.get(session)
        if waiter is None:
            return False
        if error:
            self._fail(session, ReplyError("client unblocked via CLIENT UNBLOCK", "UNBLOCKED"))
        else:
            self._time_out(waiter)
        return True

    def _time_out(self, waiter: Waiter) -> None:
        """End a wait that brought nothing."""
        self.release(waiter.session, waiter.on_timeout() if callable(waiter.on_timeout) else waiter.on_timeout)

    def _fail(self, session: Session, error: ReplyError) -> None:
        """End a wait with an error, counted as the failure of the command that waited."""
        self.engine.stats.count_error(error.code)
        if session.last_command is not None:
            session.last_command.failed += 1
        self.release(session, error)

    def forget(self, session: Session) -> None:
        """Drop a session's wait without a reply (it is closed, or served)."""
        waiter = self.waiters.pop(session, None)
        if waiter is None:
            self.postponed = deque(item for item in self.postponed if item[0] is not session)
            return
        if waiter.timer is not None:
            waiter.timer.cancel()
        waiting = self.engine.keyspace.waiting
        for place in waiter.places:
            queue = waiting[place]
            del queue[waiter]  # type: ignore[attr-defined]  # see wait
            if not queue:
                del waiting[place]

    def fail_all(self, error: ReplyError) -> None:
        """End every wait with an error, and the connection behind it: the node becomes a replica."""
        for session in list(self.waiters):
            self._fail(session, error)
            session.close_after_reply()

    # ── pauses ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def postpone(self, session: Session, argv: list[bytes]) -> None:
        """Keep a request until the pause that holds it back ends."""
        self.postponed.append((session, argv))
        session.halt()

    def _run_postponed(self) -> None:
        """Run what was postponed, in order; what another pause holds back is postponed again."""
        postponed, self.postponed = self.postponed, deque()
        for session, argv in postponed:
            session.resume(argv)
