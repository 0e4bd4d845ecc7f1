"""What a replica tells its primary: up to where it has history, each second and whenever it is asked.

Law: only what is written is acknowledged, under `appendfsync always` only what is synced: an acknowledged event survives a
crash of this process, under `always` one of the machine. What is on the disk is told beside it (FACK, as Redis 7.2 does), by
a node whose log is in memory never: so a primary knows which of the two an acknowledgement means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from replication.messages import ack
from store.log.writer import LogWriter

if TYPE_CHECKING:
    from store.engine import Engine
    from store.log import EventLog
    from store.log.frame import Frame


class Acknowledgements:
    """`asked`: the offset at which the primary wants one, None when it does not; it leaves when all up to there is written.

    Another one follows when all up to there is synced: somebody may wait for that (WAITAOF).
    """

    def __init__(
        self, engine: Engine, send: Callable[[bytes], None], heartbeat_wanted: Callable[[], int] = lambda: 0
    ) -> None:
        """heartbeat_wanted: ms within which the primary is to be heard of again, 0: whenever it likes."""
        self.engine = engine
        self._heartbeat_wanted = heartbeat_wanted
        self.asked: int | None = None
        self._unsynced: tuple[int, int] | None = None  # the first and the last that was asked for and is not synced
        self._send = send
        self._following = False
        engine.on_log.append(self._attach)
        self._attach(engine.log)

    def begin(self) -> None:
        """History is being followed from now on."""
        self.asked, self._unsynced, self._following = None, None, True
        self.send()

    def end(self) -> None:
        """History is not followed any more."""
        self._following = False

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
            asked = self.asked
            self.send()
            if self.engine.log.synced_offset < asked:
                self._unsynced = (self._unsynced[0] if self._unsynced is not None else asked, asked)

    def _synced(self, offset: int) -> None:
        if self._waits_for_fsync:
            if self.asked is not None and offset >= self.asked:
                self.send()
        elif self._unsynced is not None and offset >= self._unsynced[0]:
            last = self._unsynced[1]
            self._unsynced = (last, last) if offset < last else None
            self.send()

    @property
    def _waits_for_fsync(self) -> bool:
        return self.engine.settings.appendfsync == "always"

    def send(self) -> None:
        """Tell the primary how far we are."""
        if self._following:
            self.asked = None
            log = self.engine.log
            held = log.synced_offset if self._waits_for_fsync else log.written_offset
            synced = log.synced_offset if isinstance(log, LogWriter) else None
            self._send(ack(held, synced, self._heartbeat_wanted()))
