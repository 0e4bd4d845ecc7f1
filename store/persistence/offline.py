"""An engine that nobody is connected to and that logs nothing: for recovery, snapshots, exports and checks."""

from __future__ import annotations

from store.config.settings import Settings
from store.engine import Engine
from store.keyspace import Keyspace
from store.log.memory import MemoryLog


def like(keyspace: Keyspace) -> Keyspace:
    """An empty keyspace with the same databases and limits."""
    fresh = Keyspace(len(keyspace.databases))
    fresh.limits, fresh.lfu = keyspace.limits, keyspace.lfu
    fresh.access_clock, fresh.fresh_access = keyspace.access_clock, keyspace.fresh_access
    return fresh


def offline_engine(databases: int = 16, keyspace: Keyspace | None = None) -> Engine:
    """Return an engine with default settings whose keyspace (or the given one) is to be filled by recovery or an import."""
    import store.commands  # noqa: F401 - fills the command table, which events of a Redis history need

    settings = Settings()
    settings.databases = databases
    return Engine(settings, MemoryLog(0, limit=0), keyspace)
