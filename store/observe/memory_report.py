"""Memory, counted and measured: INFO memory, MEMORY STATS and MEMORY DOCTOR read one report.

`used` is what the data, the replies held back and so on are accounted with, estimates kept up to date by every change:
what `maxmemory` is compared with. The process beside it (interpreter, code) is the resident size at the start, `baseline`;
fragmentation is what is resident beyond both.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from store.client.client_line import SESSION_COST, queued_bytes
from store.entry import ENTRY_COST

if TYPE_CHECKING:
    from store.client.session import Session
    from store.engine import Engine

_PAGE = os.sysconf("SC_PAGE_SIZE")
DEADLINE_COST = 72
"""Bytes of an entry in the heap of deadlines (a pair and its number)."""


def resident() -> int:
    """The resident size of this process in bytes (Linux; elsewhere 0)."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        return 0


def system_memory() -> int:
    """The memory of the machine in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * _PAGE


baseline = resident()
"""Bytes resident when the program had been loaded and held no data yet."""


@dataclass(frozen=True, slots=True)
class DatabaseOverhead:
    """What a database costs beside names and values: its entries and its deadlines, in bytes."""

    index: int
    keys: int
    entries: int
    deadlines: int


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """Bytes, unless said otherwise."""

    used: int
    peak: int
    resident: int
    clients: int
    replicas: int
    backlog: int
    log_buffer: int
    databases: tuple[DatabaseOverhead, ...]

    @property
    def keys(self) -> int:
        """Keys in all databases."""
        return sum(db.keys for db in self.databases)

    @property
    def overhead(self) -> int:
        """What is used beside names and values; clients and buffers are not part of `used` and so not of this."""
        return sum(db.entries + db.deadlines for db in self.databases)

    @property
    def dataset(self) -> int:
        """What names and values take."""
        return max(0, self.used - self.overhead)

    @property
    def dataset_percent(self) -> float:
        """The share of names and values in what is used."""
        return 100.0 * self.dataset / self.used if self.used else 0.0

    @property
    def peak_percent(self) -> float:
        """Used memory as a share of its peak."""
        return 100.0 * self.used / self.peak if self.peak else 100.0

    @property
    def expected(self) -> int:
        """What would be resident without any loss."""
        return baseline + self.used

    @property
    def fragmentation(self) -> float:
        """What is resident for each byte expected."""
        return self.resident / self.expected if self.expected else 1.0

    @property
    def fragmentation_bytes(self) -> int:
        """What is resident beyond what is expected (negative: swapped out, or estimated too high)."""
        return self.resident - self.expected


def report(engine: Engine) -> MemoryReport:
    """Measure now. Walks the clients, not the data."""
    used, log, stats = engine.used_memory(), engine.log, engine.stats
    stats.peak_memory = max(stats.peak_memory, used)
    kept = 0 if engine.settings.appendonly else log.written_offset - log.first_offset
    sessions = engine.sessions.values()
    return MemoryReport(
        used=used,
        peak=stats.peak_memory,
        resident=resident(),
        clients=sum(session_bytes(session) for session in sessions if session.role != "replica"),
        replicas=sum(session_bytes(session) for session in sessions if session.role == "replica"),
        backlog=kept,
        log_buffer=log.offset - log.written_offset,
        databases=tuple(
            DatabaseOverhead(db.index, len(db), len(db) * ENTRY_COST, len(db.deadlines) * DEADLINE_COST)
            for db in engine.keyspace.databases
            if len(db)
        ),
    )


def session_bytes(session: Session) -> int:
    """What a connection takes: itself, its unread output, what it has sent and what it has queued."""
    return SESSION_COST + session.output_pending + session.parser.pending + queued_bytes(session)


def human(size: int) -> str:
    """A size with a unit as INFO prints it: `1.50M`, bytes without decimals."""
    if size < 1024:
        return f"{size}B"
    number, units = float(size), "BKMGTPE"
    place = 0
    while number >= 1024 and place < len(units) - 1:
        number /= 1024
        place += 1
    return f"{number:.2f}{units[place]}"


def allocator() -> str:
    """The name of the memory allocator."""
    return f"pymalloc-{sys.version_info.major}.{sys.version_info.minor}"
