"""Events to state without a client: recovery, the snapshot child, point-in-time reads and replicas all come through here.

Our own events take their apply function. A log that a real Redis fed, or an imported AOF, also holds commands we would not
have recorded ourselves (`INCRBY`, `SET … NX`): those run through their command with recording off. `keyspace.now` stays 0
meanwhile, so nothing expires and no relative time is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.apply import APPLY
from store.errors import ReplyError
from store.event_split import split_events
from store.log.frame import Stretch
from store.primitives import call_with
from store.tx import Tx, internal_tx

if TYPE_CHECKING:
    from store.engine import Engine

LONG = 256 * 1024
"""Bytes of a frame whose events are applied in several steps."""
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
        return _is_absolute(argv)
    return True


def _is_absolute(restore: list[bytes]) -> bool:
    return any(word.upper() == b"ABSTTL" for word in restore[4:])


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
        apply = None if foreign else APPLY.get(name)
        if apply is not None and is_own_form(argv):
            call_with(apply, self.tx.db, argv, 1)
            return
        name = name.upper()
        if name == b"SELECT":
            self.select(int(argv[1]))
        elif name not in _NO_STATE:
            self._command(argv)

    def run_stretches(self, stretches: list[Stretch], start: int, since: int, until: int, latest: int) -> int:
        """Apply frames from stretches[start] on; return the place of the first that takes a closer look.

        Those are what begins before the offset `since`, ends after the offset `until`, is later than `latest` (unix ms), has
        an event that is not in canonical form, or is long.
        """
        place = start
        while place < len(stretches):
            offset, unix_ms, db, payload = stretches[place]
            size = len(payload)
            if offset < since or offset + size > until or unix_ms > latest or size > LONG:
                break
            events, stop = split_events(payload, 0, size)
            if stop < size:
                break
            self.select(db)
            for event in events:
                self.run(event[1])
            place += 1
        return place

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
