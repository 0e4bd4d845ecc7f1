"""What a replica tells its primary: up to where it has history, each second and whenever it is asked.

Law: only what is written is acknowledged, under `appendfsync always` only what is synced: an acknowledged event survives a
crash of this process, under `always` one of the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from replication.messages import ack

if TYPE_CHECKING:
    from store.engine import Engine
    from store.log import EventLog
    from store.log.frame import Frame


class Acknowledgements:
    """`asked`: the offset at which the primary wants one, None when it does not; it leaves when all up to there is written."""

    def __init__(self, engine: Engine, send: Callable[[bytes], None]) -> None:
        self.engine = engine
        self.asked: int | None = None
        self._send = send
        self._framed: bool | None = None  # None: nobody is followed
        engine.on_log.append(self._attach)
        self._attach(engine.log)

    def begin(self, framed: bool) -> None:
        """History is being followed from now on; framed: a Chronis node's, which wants to know what is on disk too."""
        self.asked, self._framed = None, framed
        self.send()

    def end(self) -> None:
        """History is not followed any more."""
        self._framed = None

    def close(self) -> None:
        """Listen to the log no longer."""
        self.end()
        self.engine.on_log.remove(self._attach)
        self.engine.log.subscribers.remove(self._written)
        self.engine.log.forget_synced(self._synced)

    def _attach(self, log: EventLog) -> None:
        log.subscribers.append(self._written)
        log.on_synced(self._synced)

    def _written(self, frame: Frame) -> None:
        if self.asked is not None and frame.end >= self.asked and not self._waits_for_fsync:
            self.send()

    def _synced(self, offset: int) -> None:
        if self.asked is not None and offset >= self.asked and self._waits_for_fsync:
            self.send()

    @property
    def _waits_for_fsync(self) -> bool:
        return self.engine.settings.appendfsync == "always"

    def send(self) -> None:
        """Tell the primary how far we are."""
        if self._framed is not None:
            self.asked = None
            log = self.engine.log
            held = log.synced_offset if self._waits_for_fsync else log.written_offset
            self._send(ack(held, log.synced_offset if self._framed else None))
