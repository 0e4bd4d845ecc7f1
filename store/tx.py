"""What a command sees of the node: the selected database, the client, and `record`, the one door to change state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.apply.table import APPLY
from store.errors import ApplyFailed
from store.events import encode_event

if TYPE_CHECKING:
    from store.engine import Engine
    from store.keyspace import Database, Keyspace
    from store.session import Session


class Tx:
    """The running command's view. `db`: the selected database; `now`: its frozen unix ms; `resp`: 2 or 3."""

    __slots__ = ("db", "engine", "keyspace", "session")

    def __init__(self, engine: Engine, session: Session) -> None:
        self.engine = engine
        self.keyspace: Keyspace = engine.keyspace
        self.session = session
        self.db: Database = engine.keyspace.databases[0]

    @property
    def now(self) -> int:
        """Unix ms at which the command started: its only clock reading."""
        return self.keyspace.now

    def record(self, name: bytes, *args: bytes) -> object:
        """Make an event part of history, then of the state; return what its apply function returns."""
        self.engine.log.append(encode_event(name, *args), self.db.index)
        try:
            return APPLY[name](self.db, *args)
        except Exception as error:
            raise ApplyFailed(f"{name!r} {args[:1]!r} in db {self.db.index}: {error!r}") from error

    def record_as(self, notice: bytes, name: bytes, *args: bytes) -> object:
        """Record an event, naming its keyspace notification after the command (INCR is recorded as SET)."""
        self.keyspace.notice = notice
        try:
            return self.record(name, *args)
        finally:
            self.keyspace.notice = None

    def delete(self, key: bytes, notice: bytes = b"del") -> bool:
        """Record the removal of key if it exists; True if it did."""
        if key not in self.db.entries:
            return False
        self.record_as(notice, b"DEL", key)
        return True
