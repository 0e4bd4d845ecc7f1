"""Events to state without a client: recovery, the snapshot child, point-in-time reads and replicas all come through here.

Our own events take their apply function. A log that a real Redis fed, or an imported AOF, also holds commands we would not
have recorded ourselves (`INCRBY`, `SET … NX`): those run through their command with recording off. `keyspace.now` stays 0
meanwhile, so nothing expires and no relative time is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.apply import APPLY
from store.errors import ReplyError
from store.tx import Tx, internal_tx

if TYPE_CHECKING:
    from store.engine import Engine

_NO_STATE = {b"MULTI", b"EXEC", b"PING", b"REPLCONF"}


def is_own_form(argv: list[bytes]) -> bool:
    """Tell whether an event has the form in which our commands record it (source: the apply functions' docstrings)."""
    name, count = argv[0], len(argv)
    if name == b"SET":
        return count == 3 or (count == 4 and argv[3] == b"KEEPTTL") or (count == 5 and argv[3] == b"PXAT")
    if name == b"ZADD":
        return count % 2 == 0 and count >= 4 and argv[2][:1] not in b"nxglciNXGLCI"
    if name == b"PEXPIREAT":
        return count == 3
    if name == b"RESTORE":
        return any(word.upper() == b"ABSTTL" for word in argv[4:])
    return True


class ReplayTx(Tx):
    """A Tx whose events are history already: `record` only applies them."""

    __slots__ = ()

    def log(self, event: bytes, db: int) -> None:
        """Append nothing."""


class Replay:
    """Applies events one by one; `tx.db` is the selected database, `refused` counts foreign commands that answered an error."""

    def __init__(self, engine: Engine, db: int = 0) -> None:
        self.engine = engine
        self.tx = ReplayTx(engine, internal_tx(engine).session)
        self.tx.db = engine.keyspace.databases[db]
        self.events = 0
        self.refused: dict[str, int] = {}

    def run(self, argv: list[bytes], foreign: bool = False) -> None:
        """Apply one event; foreign: it comes from a real Redis, so it is a command in whatever form."""
        self.events += 1
        name = argv[0]
        if name == b"SELECT" or name.upper() == b"SELECT":
            self.select(int(argv[1]))
            return
        apply = None if foreign else APPLY.get(name)
        if apply is not None and is_own_form(argv):
            apply(self.tx.db, *argv[1:])
        elif name.upper() not in _NO_STATE:
            self._command(argv)

    def select(self, db: int) -> None:
        """Choose the database of the events that follow."""
        self.tx.db = self.engine.keyspace.databases[db]

    def _command(self, argv: list[bytes]) -> None:
        """Run a command with recording off; an error reply changes nothing, as it did where the command came from."""
        keyspace, engine = self.engine.keyspace, self.engine
        now, keyspace.now = keyspace.now, 0
        engine.depth += 1
        try:
            command = engine.find(argv)
            command.handler(self.tx, *argv[command.words :])  # type: ignore[misc]  # find returns no container
        except ReplyError as error:
            text = f"{argv[0].decode('ascii', 'replace')}: {error}"
            self.refused[text] = self.refused.get(text, 0) + 1
        finally:
            engine.depth -= 1
            keyspace.now = now
