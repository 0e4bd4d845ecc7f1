"""The event log: everything the database is, in order, with one coordinate, the offset (formats: FORMAT.md).

Reading order: disk, frame, segment, history, buffer, syncer, cutting, writer, memory, reader, check, repair, retention.
Nothing in here knows commands or the keyspace.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from store.errors import LogFailed
from store.log.frame import Frame


class EventLog(Protocol):
    """What the engine needs of a log; LogWriter keeps it on disk, MemoryLog in memory.

    Invariant: synced_offset <= written_offset <= offset, all in bytes of history.
    """

    offset: int
    events: int
    origins: bool
    written_offset: int
    failed: LogFailed | None
    subscribers: list[Callable[[Frame], None]]

    @property
    def synced_offset(self) -> int:
        """History up to here survives power loss."""

    @property
    def db(self) -> int:
        """The database selected at the end of the last frame."""

    @property
    def first_offset(self) -> int:
        """The oldest offset that can still be read back: the horizon of partial resync."""

    def append(self, event: bytes, db: int) -> None:
        """Make event the next of history, run in db (negative: any)."""

    def enter(self, words: tuple[bytes, ...], db: int) -> None:
        """Do what append does with an event that is not encoded yet."""

    def append_raw(self, data: bytes, db: int) -> None:
        """Append whole events from a Redis primary as they came; db is selected after them."""

    def append_frame(self, frame: Frame, db: int) -> None:
        """Queue a frame from a Chronis primary, byte for byte; db is selected after it."""

    def select_next(self) -> None:
        """Make the next event bring its SELECT."""

    def set_origin(self, user: str, address: str) -> None:
        """Say who causes the following events of this frame."""

    def mark(self) -> int:
        """Return the present place, for wrap_transaction."""

    def wrap_transaction(self, mark: int) -> None:
        """Wrap the events since mark into MULTI/EXEC, if two or more."""

    def seal_if_large(self) -> bool:
        """Seal a frame early when much is pending; only between commands."""

    def commit(self, now_ms: int, before: int | None = None) -> bool:
        """End the turn, or write what came before a mark: its frames; False when the log is failed and they wait."""

    def poll(self) -> None:
        """Take the outcome of an fsync that has ended, without the event loop; nothing if none has."""

    def retry(self) -> bool:
        """Try again what failed to be written; True when the log is healthy."""

    def tick(self) -> None:
        """Do what is due by time; call it several times a second."""

    def reset(self, offset: int, db: int) -> None:
        """Forget everything and go on at offset, after a full synchronization."""

    async def durable(self, offset: int) -> None:
        """Wait until history up to offset survives power loss; raises LogFailed."""

    def on_synced(self, callback: Callable[[int], None]) -> None:
        """Have callback called with synced_offset whenever it has moved."""

    def forget_synced(self, callback: Callable[[int], None]) -> None:
        """Call a callback of `on_synced` no more."""

    def on_failed(self, callback: Callable[[LogFailed], None]) -> None:
        """Have callback called when the log has failed."""

    def close(self) -> None:
        """End the log in order; raises LogFailed when something could not be made durable."""
