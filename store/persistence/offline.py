"""An engine that nobody is connected to and that logs nothing: for recovery, snapshots, exports and checks."""

from __future__ import annotations

from store.config.settings import Settings
from store.engine import Engine
from store.log.memory import MemoryLog


def offline_engine(databases: int = 16) -> Engine:
    """Return an engine with default settings whose keyspace is to be filled by recovery or an import."""
    import store.commands  # noqa: F401 - fills the command table, which events of a Redis history need

    settings = Settings()
    settings.databases = databases
    return Engine(settings, MemoryLog(0, limit=0))
