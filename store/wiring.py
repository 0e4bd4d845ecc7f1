"""What follows CONFIG SET: each option that has an effect at run time, and who hears of its change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING

from store import eviction, logfile
from store.client.open_files import serveable
from store.commands.table import OUT_OF_MEMORY
from store.errors import ConfigError
from store.log.memory import MemoryLog
from store.log.writer import LogWriter
from store.logfile import warn
from store.values.base import Limits

if TYPE_CHECKING:
    from store.engine import Engine

Follow = Callable[["Engine"], None]


def wire(engine: Engine) -> None:
    """Make the engine follow its settings, now and whenever they change; raise ConfigError for users that can't be had."""
    settings = engine.settings
    engine.rename_commands(settings.renamed_commands)
    _reduce_clients(engine)
    for follow, names in FOLLOWERS.items():
        listener = _bound(follow, engine)
        for name in names:
            settings.on_change(name, listener)
        listener()
    engine.users.start()
    settings.on_change("requirepass", lambda: engine.users.set_default_password(settings.requirepass))


def _bound(follow: Follow, engine: Engine) -> Callable[[], None]:
    return lambda: follow(engine)


def _memory(engine: Engine) -> None:
    engine.gates.set(OUT_OF_MEMORY, engine.settings.maxmemory > 0)
    eviction.configure(engine)


def _limits(engine: Engine) -> None:
    for limit in fields(Limits):
        setattr(engine.keyspace.limits, limit.name, getattr(engine.settings, limit.name))


def _log(engine: Engine) -> None:
    settings, log = engine.settings, engine.log
    log.origins = settings.log_origins
    if isinstance(log, LogWriter):
        log.fsync, log.segment_bytes = settings.appendfsync, settings.log_segment_size
    elif isinstance(log, MemoryLog) and engine.node is not None:
        log.tail.limit = settings.repl_backlog_size
        log.tail.trim()


def _parsers(engine: Engine) -> None:
    for session in engine.sessions.values():
        session.parser.bulk_max = engine.settings.proto_max_bulk_len


def _lines(engine: Engine) -> None:
    logfile.follow(engine.settings)


def _tracking(engine: Engine) -> None:
    engine.tracking.limit()


def _clients(engine: Engine) -> None:
    enough = serveable(engine.settings.maxclients)
    if enough < engine.settings.maxclients:
        raise ConfigError(
            f"The operating system is not able to handle the specified number of clients, try with {enough}"
        )


def _reduce_clients(engine: Engine) -> None:
    """At the start, be content with fewer clients than wished where the system allows no more."""
    wished, enough = engine.settings.maxclients, serveable(engine.settings.maxclients)
    if enough < wished:
        engine.settings.maxclients = max(1, enough)
        warn(
            f"maxclients is {engine.settings.maxclients} instead of {wished}: the limit of open files allows no more (ulimit -n)"
        )


FOLLOWERS: dict[Follow, tuple[str, ...]] = {
    _memory: ("maxmemory", "maxmemory-policy", "lfu-decay-time", "lfu-log-factor"),
    _limits: tuple(limit.name.replace("_", "-") for limit in fields(Limits)),
    _log: ("appendfsync", "log-segment-size", "log-origins", "repl-backlog-size"),
    _parsers: ("proto-max-bulk-len",),
    _clients: ("maxclients",),
    _lines: ("loglevel", "log-format"),
    _tracking: ("tracking-table-max-keys",),
}
"""Functions that bring the engine in line with its settings, each with the options that it follows."""
