"""Where nobody is connected and nothing is logged: a keyspace, or an engine, for recovery, snapshots, exports and checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.keyspace import Keyspace

if TYPE_CHECKING:
    from store.engine import Engine


def like(keyspace: Keyspace) -> Keyspace:
    """An empty keyspace with the same databases and limits."""
    fresh = Keyspace(len(keyspace.databases))
    fresh.limits, fresh.lfu = keyspace.limits, keyspace.lfu
    fresh.access_clock, fresh.fresh_access = keyspace.access_clock, keyspace.fresh_access
    return fresh


class Offline:
    """A keyspace that is to be filled. Its engine is made when it is asked for: to import that takes longer than many a replay."""

    def __init__(self, databases: int = 16) -> None:
        self.keyspace = Keyspace(databases)

    def engine(self) -> Engine:
        """An engine around the keyspace, with default settings."""
        return offline_engine(len(self.keyspace.databases), self.keyspace)


def offline_engine(databases: int = 16, keyspace: Keyspace | None = None) -> Engine:
    """Return an engine with default settings whose keyspace (or the given one) is to be filled by recovery or an import."""
    import store.commands  # noqa: F401 - fills the command table, which events of a Redis history need
    from store.config.settings import Settings
    from store.engine import Engine
    from store.log.memory import MemoryLog

    settings = Settings()
    settings.databases = databases
    return Engine(settings, MemoryLog(0, limit=0), keyspace)
