"""Commands of a history that a real Redis made: run like a client's, but with recording off, as they are history already.

Law: `keyspace.now` is 0 meanwhile, so nothing expires and no relative time is read.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from store.errors import ReplyError
from store.persistence.offline import Offline
from store.tx import Tx, internal_tx

if TYPE_CHECKING:
    from store.database import Database
    from store.engine import Engine


class ReplayTx(Tx):
    """A Tx whose events are history already: `record` only applies them."""

    __slots__ = ()

    @property
    def replays(self) -> bool:
        """It is history."""
        return True

    @property
    def longest(self) -> int:
        """Bytes that a string may have: what was within the primary's limit is."""
        return sys.maxsize

    def log(self, event: tuple[bytes, ...], db: int) -> None:
        """Append nothing."""


class Commands:
    """Runs commands on the keyspace of an engine."""

    def __init__(self, home: Engine | Offline) -> None:
        self.engine = home.engine() if isinstance(home, Offline) else home
        self.tx = ReplayTx(self.engine, internal_tx(self.engine).session)

    def run(self, db: Database, argv: list[bytes]) -> ReplyError | None:
        """Run one; return the error that it answers, if any."""
        keyspace, engine = self.engine.keyspace, self.engine
        self.tx.db = db
        now, keyspace.now = keyspace.now, 0
        engine.depth += 1
        try:
            command = engine.find(argv)
            command.handler(self.tx, *argv[command.words :])  # type: ignore[misc]  # find returns no container
        except ReplyError as error:
            return error
        finally:
            engine.depth -= 1
            keyspace.now = now
        return None
