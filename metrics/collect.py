"""A scrape: read the node's counters into rows, section by section, with the event loop running in between.

Law: no section takes longer than about half a millisecond, however many clients, databases and replicas there are; what
grows with them (sessions, commands) is read in slices. Reading changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from metrics.families import END_OF_OPENMETRICS, Row, rendered
from metrics.history_rows import log_rows, replication_rows, snapshot_rows
from metrics.node_rows import command_rows, keyspace_rows, loop_rows, memory_rows, node_rows, stats_rows
from metrics.observe import Observer
from metrics.readiness import why_not_ready
from store.log.retention import first_time
from store.log.segment import list_segments
from store.log.writer import LogWriter

if TYPE_CHECKING:
    from store.client.session import Session
    from store.node import Node

T = TypeVar("T")
Made = TypeVar("Made")
SESSIONS, COMMANDS = 250, 40
"""Sessions and commands read before the loop runs again."""
BUDGET = 0.0003
"""CPU seconds of steps after which the loop runs: a node busy with long turns still answers within few of them."""
CLASSES = ("normal", "pubsub", "replica", "master")
"""The classes of clients, as in client-output-buffer-limit and CLIENT KILL TYPE; master: the link to the primary."""


class Queues:
    """Connections, output waiting in them and the longest queue of one, by class."""

    def __init__(self) -> None:
        self.count = dict.fromkeys(CLASSES, 0)
        self.bytes = dict.fromkeys(CLASSES, 0)
        self.longest = dict.fromkeys(CLASSES, 0)

    def add(self, sessions: Iterable[Session]) -> None:
        """Count a slice of sessions."""
        for session in sessions:
            role, waiting = session.role, session.output_pending
            self.count[role] = self.count.get(role, 0) + 1
            self.bytes[role] = self.bytes.get(role, 0) + waiting
            self.longest[role] = max(self.longest.get(role, 0), waiting)

    def rows(self, cut_off: dict[str, int]) -> Iterator[Row]:
        """Yield what was counted; cut_off: clients closed for reading too slowly, by class."""
        yield "redis_connected_clients", (), self.count["normal"] + self.count["pubsub"]
        yield "redis_pubsub_clients", (), self.count["pubsub"]
        for role in self.count:
            yield "chronis_clients", (role,), self.count[role]
            yield "chronis_output_queue_bytes", (role,), self.bytes[role]
            yield "chronis_output_queue_max_bytes", (role,), self.longest[role]
            yield "chronis_cut_off_total", (role,), cut_off.get(role, 0)


class Collector:
    """Scrapes one node. `scrapes`: how many were answered.

    `longest_step`: CPU seconds for which the last scrape held the loop at once; what the machine does beside is not in it.
    """

    def __init__(self, node: Node, observer: Observer | None = None) -> None:
        self.node = node
        self.observer = observer or Observer(node.engine)
        self.scrapes = 0
        self.longest_step = self._longest = 0.0
        self._horizon: tuple[int, float] = (-1, 0.0)  # first offset of the log, unix seconds of its first frame

    async def scrape(self, openmetrics: bool) -> bytes:
        """Return the exposition text of all metrics, in the format of OpenMetrics or of Prometheus."""
        rows = await self.rows()
        parts: list[bytes] = []
        await self._in_steps(rendered(rows, openmetrics), parts.append)
        self.scrapes += 1
        self.longest_step, self._longest = self._longest, 0.0
        if openmetrics:
            parts.append(END_OF_OPENMETRICS)
        return b"".join(parts)

    async def rows(self) -> list[Row]:
        """Read all sections."""
        rows: list[Row] = []
        began = await self._history_began()
        await self._in_steps((list(section) for section in self._sections(began)), rows.extend)
        table = self.node.engine.commands.values()
        commands = [row for command in table for row in (command, *command.subcommands.values())]
        await self._in_steps(_slices(commands, COMMANDS, command_rows), rows.extend)
        queues = Queues()
        sessions = list(self.node.engine.sessions.values())
        await self._in_steps(_slices(sessions, SESSIONS, list), queues.add)
        rows += queues.rows(self.node.engine.stats.cut_off)
        return rows

    def _sections(self, history_began: float) -> Iterator[Iterable[Row]]:
        """The sections that are short whatever the node does."""
        node = self.node
        now = time.time()
        yield node_rows(node, now, not why_not_ready(node))
        yield stats_rows(node.engine)
        yield memory_rows(node.engine)
        for db in node.engine.keyspace.databases:
            yield keyspace_rows(db, node.engine.clock.now_ms())
        yield replication_rows(node, self.observer.timeline, now)
        yield log_rows(node, self.observer.timeline, now, history_began)
        yield snapshot_rows(node, now)
        yield loop_rows(node, self.observer)
        yield ("chronis_scrapes_total", (), self.scrapes), ("chronis_scrape_step_seconds", (), self.longest_step)

    async def _history_began(self) -> float:
        """Unix seconds of the oldest frame still in the log (now if there is none); read from disk when the log was cut."""
        log, now = self.node.engine.log, time.time()
        first = log.first_offset
        if not isinstance(log, LogWriter):
            return now - self.observer.timeline.age(first, now)
        if self._horizon[0] != first or not self._horizon[1]:
            path = str(self.node.persistence.directory.path)
            self._horizon = first, await asyncio.to_thread(oldest_time, path)
        return self._horizon[1] or now

    async def _in_steps(self, steps: Iterable[T], take: Callable[[T], object]) -> None:
        """Run steps, handing each result to take; the loop runs once they have taken BUDGET, and at their end."""
        iterator, more = iter(steps), True
        while more:
            started, held = time.thread_time(), 0.0
            while more and held < BUDGET:
                try:
                    take(next(iterator))
                except StopIteration:
                    more = False
                held = time.thread_time() - started
            self._longest = max(self._longest, held)
            await asyncio.sleep(0)


def _slices(items: Sequence[T], size: int, read: Callable[[list[T]], Iterable[Made]]) -> Iterator[list[Made]]:
    """Yield what read makes of each slice of items."""
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield list(read(part))


def oldest_time(directory: str) -> float:
    """Unix seconds of the first frame on disk below a data directory; 0 when there is none. Raises OSError."""
    for segment in list_segments(directory)[:1]:
        return (first_time(segment) or 0) / 1000
    return 0.0
