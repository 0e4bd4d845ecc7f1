"""A snapshot that is arriving: written to a file and loaded into a keyspace of its own at the same time.

Law: nothing of it is seen by anybody before it is complete; given up, it leaves no file and no key behind. So memory holds
the old state and the new one for a while, under every choice of repl-diskless-load: dropping the old one before the new one
is known to be good (which Redis's `disabled` does) would lose what is served when the primary fails in the middle.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from replication.received_file import ReceivedFile
from replication.transfer import TransferReader
from store.commands.table import ASYNC_LOADING, LOADING
from store.log.disk import Disk
from store.logfile import warn
from store.persistence.offline import like
from store.persistence.replacement import received_path
from store.rdb.reader import RdbLoader
from store.steps import LoadFigures

if TYPE_CHECKING:
    from replication.messages import FullResync
    from store.engine import Engine


class Arrival:
    """One full synchronization in progress. `received`: bytes of the snapshot so far."""

    def __init__(
        self, engine: Engine, directory: Path, answer: FullResync, own_history: str, moved: Callable[[], None]
    ) -> None:
        """Begin, instead of a state of own_history; raises OSError when the file can't be created.

        moved is called when `takes_more` may have changed.
        """
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
        self.file = ReceivedFile(self.path, Disk(), moved)
        self._moved = moved
        self._rest: asyncio.TimerHandle | None = None
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
        else:
            self._pause()
        return self.reader.done

    def _pause(self) -> None:
        """Take nothing for a while, by the keys since the last time (option key-load-delay)."""
        fresh, self._paused_keys = self.figures.keys - self._paused_keys, self.figures.keys
        seconds = fresh * max(0, self.engine.settings.key_load_delay) / 1_000_000
        if seconds > 0:
            self._rest = asyncio.get_running_loop().call_later(seconds, self._rested)

    def _rested(self) -> None:
        self._rest = None
        self._moved()

    @property
    def takes_more(self) -> bool:
        """Tell whether more is to be received: not when it is complete, nor while the disk is behind."""
        return self._rest is None and not self.reader.done and not self.file.behind

    def done(self) -> None:
        """Say that nothing is being loaded any more."""
        if self._condition:
            self.engine.loading = None
            self.engine.gates.set(self._condition, False)

    def give_up(self) -> None:
        """Forget what has come."""
        self.done()
        if self._rest is not None:
            self._rest.cancel()
        try:
            self.file.close()
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()
        except OSError as error:
            warn(f"{self.path}, which is not needed any more, can't be removed: {error.strerror}")


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
