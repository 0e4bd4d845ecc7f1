"""A snapshot that is arriving: written to a file and loaded into a keyspace of its own at the same time.

Law: nothing of it is seen by anybody before it is complete; given up, it leaves no file and no key behind. So memory holds
the old state and the new one for a while, under every choice of repl-diskless-load: dropping the old one before the new one
is known to be good (which Redis's `disabled` does) would lose what is served when the primary fails in the middle.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from replication.transfer import TransferReader
from store.commands.table import ASYNC_LOADING, LOADING
from store.persistence.offline import like
from store.persistence.replacement import received_path
from store.rdb.reader import RdbLoader
from store.steps import LoadFigures

if TYPE_CHECKING:
    from replication.messages import FullResync
    from store.engine import Engine


class Arrival:
    """One full synchronization in progress. `received`: bytes of the snapshot so far."""

    def __init__(self, engine: Engine, directory: Path, answer: FullResync, own_history: str) -> None:
        """Begin, instead of a state of own_history; raises OSError when the file can't be created."""
        self.engine = engine
        self.answer = answer
        self.begun_ms = engine.clock.now_ms()
        self.figures = LoadFigures()
        self._condition = condition_while_loading(engine, answer.history_id == own_history)
        self.reader = TransferReader()
        self.keyspace = like(engine.keyspace)
        self.loader = RdbLoader(self.keyspace, "(from master)", check_crc=engine.settings.rdbchecksum)
        self.path = received_path(directory, answer.offset)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(self.path, "wb")  # noqa: SIM115 - closed when the snapshot is complete or given up
        self._paused_keys = 0
        if self._condition:
            engine.loading = self.figures
            engine.gates.set(self._condition, True)

    def receive(self, data: bytes) -> bool:
        """Take received bytes; True when the snapshot is complete. Raise BadStream, CorruptSnapshot or OSError."""
        body = self.reader.feed(data)
        if body:
            self.file.write(body)
            self.loader.feed(body)
        figures = self.figures
        figures.total, figures.loaded, figures.keys = (
            self.reader.size or 0,
            self.reader.received,
            self.loader.report.keys,
        )
        if self.reader.done:
            self.loader.finish()
            self.file.flush()
        return self.reader.done

    def pause(self) -> float:
        """Seconds to wait before more is received, by the keys since the last call (option key-load-delay)."""
        fresh, self._paused_keys = self.figures.keys - self._paused_keys, self.figures.keys
        return fresh * max(0, self.engine.settings.key_load_delay) / 1_000_000

    def done(self) -> None:
        """Say that nothing is being loaded any more."""
        if self._condition:
            self.engine.loading = None
            self.engine.gates.set(self._condition, False)

    def give_up(self) -> None:
        """Forget what has come."""
        self.done()
        self.file.close()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()


def condition_while_loading(engine: Engine, same_history: bool) -> int:
    """What holds while a snapshot arrives (option repl-diskless-load); the present state is kept until it is complete.

    disabled: nothing, all is served as before. swapdb: it is served too, but not when it has nothing to do with what
    arrives. on-empty-db: there is nothing to be served.
    """
    mode = engine.settings.repl_diskless_load
    if mode == "swapdb":
        return ASYNC_LOADING if same_history else LOADING
    empty = not any(len(db) for db in engine.keyspace.databases)
    return LOADING if mode == "on-empty-db" and empty else 0
