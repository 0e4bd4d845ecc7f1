"""One running node: engine, persistence, sockets and timers put together, started and stopped in order."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from store import __version__, eviction
from store.client.server import Server
from store.commands.table import LOADING
from store.engine import Engine
from store.errors import ApplyFailed, ConfigError, LogFailed, Unfinished
from store.log.memory import MemoryLog
from store.logfile import log, notice, warn
from store.persistence.control import Persistence
from store.shutdown import Shutdown
from store.steps import sliced
from store.timers import Timers
from store.wiring import wire

if TYPE_CHECKING:
    from store.config.settings import Settings


class Node:
    """A server process. `run_id`: 40 hex digits, new each start (INFO run_id)."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.engine = Engine(settings, MemoryLog(0, limit=0))
        self.engine.node = self
        self.persistence = Persistence(self.engine, warn, notice)
        self.server = Server(self.engine)
        self.shutdown = Shutdown(self)
        self.timers: Timers | None = None
        self.run_id = secrets.token_hex(20)
        self.stopped = asyncio.Event()
        self.exit_status = 0
        self.stopping = False
        self.on_prepared: list[Callable[[], None]] = []  # called before anybody is let in; the state is not there yet
        self.on_recovered: list[Callable[[], None]] = []  # called when the state is there
        self.on_stop: list[Callable[[], None]] = []  # called when stopping begins

    async def start(self) -> None:
        """Listen, recover, and be ready; raise ConfigError, CorruptLog or CorruptSnapshot."""
        await self.listen()
        await self.load()

    async def listen(self) -> None:
        """Take the data directory and let clients in, who are told that the data are being loaded; raise ConfigError."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._unexpected)
        wire(self.engine)
        self.persistence.directory.lock()
        self._set_loading(True)
        self.settings.on_change("appendonly", self.persistence.switch_appendonly)
        for name in ("dir", "dbfilename"):
            self.settings.on_change(name, self.persistence.follow_names)
        self.engine.turn.attach(loop)
        self.engine.slices.attach(loop)
        eviction.configure(self.engine)
        self.timers = Timers(self.engine, loop)
        self.timers.every_tick += (self.persistence.saving.poll, self.shutdown.tick)
        self.timers.every_second.append(self.persistence.saving.check_due)
        for function in self.on_prepared:
            function()
        await self._open_sockets()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.shutdown.signalled, number)
        write_pidfile(self.settings.pidfile)
        notice("Server initialized")

    async def _open_sockets(self) -> None:
        """Listen, then say who we are: who reads the line may connect."""
        try:
            await self.server.start()
        except ConfigError:
            warn(f"Failed listening on port {self.settings.port} (TCP), aborting.")
            raise
        notice(f"Chronis {__version__} starting, PID: {os.getpid()}, port {self.settings.port}, data in {self.settings.dir}")

    async def load(self) -> None:
        """Get the state back while clients are answered in between, then serve it; return early if the node is to stop.

        Raise ConfigError, CorruptLog, CorruptSnapshot or OSError; nobody is served any more then.
        """
        try:
            await sliced(self.persistence.opening(), lambda: self.stopping, self._load_delay())
        except BaseException:
            await self._give_up()
            raise
        if self.stopping:
            return
        self._set_loading(False)
        tune_gc()
        for function in self.on_recovered:
            function()
        notice("Ready to accept connections")

    def _set_loading(self, loading: bool) -> None:
        """While data are loaded, nothing that clients do (PUBLISH) is history."""
        self.engine.gates.set(LOADING, loading)
        self.engine.unlogged = loading
        self.engine.loading = self.persistence.loading if loading else None

    def _load_delay(self) -> Callable[[], float]:
        """Seconds to wait after each step of loading, by its keys (option key-load-delay)."""
        figures, keys = self.persistence.loading, 0

        def delay() -> float:
            nonlocal keys
            fresh, keys = figures.keys - keys, figures.keys
            return fresh * max(0, self.settings.key_load_delay) / 1_000_000

        return delay

    async def _give_up(self) -> None:
        """The state can't be had: turn everybody away."""
        if self.timers is not None:
            self.timers.stop()
        await self.server.close()
        remove_pidfile(self.settings.pidfile)
        self.persistence.directory.unlock()

    def stop(self, status: int = 0) -> None:
        """End the node after the running turn: close the log in order, then everything else. See Shutdown for the way here."""
        if not self.stopping:
            self.stopping = True
            self.exit_status = status
            for function in self.on_stop:
                function()
            self._ending = asyncio.get_running_loop().create_task(self._end())

    async def _end(self) -> None:
        if self.timers is not None:
            self.timers.stop()
        self.engine.turn.end()
        try:
            self.persistence.close()
        except (LogFailed, OSError) as error:
            warn(f"The log could not be closed in order, what was not acknowledged may be missing from it: {error}")
            self.exit_status = self.exit_status or 1
        await self.server.close()
        remove_pidfile(self.settings.pidfile)
        notice("Chronis is now ready to exit, bye bye...")
        self.stopped.set()

    def _unexpected(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """An exception nobody handled: stop after one that lets memory and disk differ; else the link is closed."""
        error = context.get("exception")
        self.engine.stats.unexpected_errors += 1
        log.error(
            "%s",
            context.get("message", "error in the event loop"),
            exc_info=error if isinstance(error, BaseException) else None,
        )
        if isinstance(error, (ApplyFailed, Unfinished)):
            why = str(error) if isinstance(error, Unfinished) else "an event could not be applied: memory and log may differ"
            warn(f"{why}; stopping without writing more. Restart to recover")
            sys.stdout.flush()
            os._exit(70)


def tune_gc() -> None:
    """Leave what was loaded out of garbage collection, and collect the rest rarely: the data set has no cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 5, 1000)


def write_pidfile(path: str) -> None:
    """Write the process id to a file if one is configured."""
    if path:
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")


def remove_pidfile(path: str) -> None:
    """Remove the pid file, if it is there."""
    if path and os.path.exists(path):
        os.unlink(path)
