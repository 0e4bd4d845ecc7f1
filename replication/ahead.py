"""A replica whose own log can't be written: how far it follows all the same (option replica-ignore-disk-write-errors).

Law: what is not written is never acknowledged, nor sent to replicas of this one. By default nothing more is followed until
the log can be written again (Redis ends the process instead): readers see data that grow old, the primary sees the lag. With
the option on, history is applied in memory, up to `repl-backlog-size` bytes of it, and written when that is possible again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.logfile import warn

if TYPE_CHECKING:
    from store.engine import Engine

REMINDER_MS = 10_000
"""Least time between two warnings."""


class AheadOfLog:
    """How far one replica's state is ahead of its log on disk."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reminded_ms = 0

    @property
    def too_far(self) -> bool:
        """Tell whether nothing more may be followed before the log can be written again."""
        settings, log = self.engine.settings, self.engine.log
        if log.failed is None:
            return False
        return not settings.replica_ignore_disk_write_errors or log.offset - log.written_offset >= settings.repl_backlog_size

    def remind(self) -> None:
        """Say now and then that history is applied without being written."""
        now = self.engine.clock.now_ms()
        if self.engine.log.failed is not None and not self.too_far and now - self._reminded_ms > REMINDER_MS:
            self._reminded_ms = now
            warn("Replica is applying a command even though it is unable to write to disk.")
