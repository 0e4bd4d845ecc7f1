"""Events to state without a client: recovery, the snapshot child, point-in-time reads and replicas all come through here.

Our own events take their apply function. A log that a real Redis fed, or an imported AOF, also holds commands we would not
have recorded ourselves (`INCRBY`, `SET … NX`): those run through their command with recording off (`foreign`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.apply import APPLY
from store.event_split import split_events
from store.log.frame import Stretch
from store.primitives import call_with

if TYPE_CHECKING:
    from store.engine import Engine
    from store.persistence.foreign import Commands
    from store.persistence.offline import Offline

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


class Replay:
    """Applies events one by one; `db` is the selected database, `refused` counts foreign commands that answered an error.

    home: an engine, or the keyspace of one that is only made if there is a foreign command to run.
    """

    def __init__(self, home: Engine | Offline, db: int = 0) -> None:
        self.home = home
        self.keyspace = home.keyspace
        self.db = self.keyspace.databases[db]
        self.events = 0
        self.refused: dict[str, int] = {}
        self.commands: Commands | None = None

    def run(self, argv: list[bytes], foreign: bool = False) -> None:
        """Apply one event; foreign: it comes from a real Redis, so it is a command in whatever form."""
        self.events += 1
        name = argv[0]
        apply = None if foreign else APPLY.get(name)
        if apply is not None and is_own_form(argv):
            call_with(apply, self.db, argv, 1)
            return
        name = name.upper()
        if name == b"SELECT":
            self.select(int(argv[1]))
        elif name not in _NO_STATE:
            self._command(argv)

    def run_all(self, events: list[list[bytes]], foreign: bool = False) -> None:
        """Apply events in a row; when one raises, `events` tells how many were begun."""
        for event in events:
            self.run(event, foreign)

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
        self.db = self.keyspace.databases[db]

    def _command(self, argv: list[bytes]) -> None:
        """Run a command with recording off; an error reply changes nothing, as it did where the command came from."""
        if self.commands is None:
            from store.persistence.foreign import Commands  # needs the engine, which events of our own do not

            self.commands = Commands(self.home)
        error = self.commands.run(self.db, argv)
        if error is not None:
            text = f"{argv[0].decode('ascii', 'replace')}: {error}"
            self.refused[text] = self.refused.get(text, 0) + 1
