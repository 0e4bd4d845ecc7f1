"""Why a command is not simply run: each condition, in the order Redis checks them (server.c 7.0, processCommand).

`Gates.closed` holds the conditions of the whole node, `Session.conditions` those of one client. The hub ANDs them with the
command's `gate`, so a command that nothing concerns pays one operation. Each check returns a reply, or None to go on, or raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from store import eviction
from store.commands.table import (
    ASYNC_LOADING,
    BUSY,
    FEW_REPLICAS,
    FOLLOWING,
    LOADING,
    NO_MULTI,
    OUT_OF_MEMORY,
    PAUSED,
    POISONED,
    PROTECTED,
    QUEUEING,
    READ_ONLY,
    RESTRICTED,
    STALE,
    SUBSCRIBED,
    UNAUTHENTICATED,
    Command,
)
from store.errors import ReplyError
from store.replies import NO_REPLY

if TYPE_CHECKING:
    from store.client.session import Session
    from store.engine import Engine

Check = Callable[["Engine", "Session", Command, list[bytes]], object]
_chosen: dict[int, tuple[Check, ...]] = {}  # the checks of conditions that hold together


class Gates:
    """The node's own conditions. `open`/`close` one bit; `writes_paused`: a pause holds writes back.

    `out_of_memory`: there was no room to be made for the newest command (what a script that it runs goes by).
    """

    __slots__ = ("closed", "disk_error", "out_of_memory", "writes_paused")

    def __init__(self) -> None:
        self.closed = PROTECTED  # DEBUG and MODULE ask their option each time
        self.writes_paused = False
        self.out_of_memory = False
        self.disk_error = ""

    def set(self, condition: int, holds: bool) -> None:
        """Let a condition hold or not."""
        self.closed = self.closed | condition if holds else self.closed & ~condition


def divert(engine: Engine, session: Session, command: Command, argv: list[bytes], conditions: int) -> object:
    """Pass a command through the checks of the conditions that concern it; return a reply, or None to run it."""
    checks = _chosen.get(conditions)
    if checks is None:
        checks = _chosen[conditions] = checks_of(conditions)
    for check in checks:
        reply = check(engine, session, command, argv)
        if reply is not None:
            return reply
    return None


def checks_of(conditions: int) -> tuple[Check, ...]:
    """The checks of conditions, in their order."""
    return tuple(check for condition, check in CHECKS if conditions & condition)


def _concerns(session: Session, command: Command, flag: str) -> bool:
    """A command has a flag, or it is EXEC of a transaction in which one has it."""
    if command.name == "exec":
        return any(flag in queued.flags for queued, _ in session.transaction_commands())
    return flag in command.flags


def _lacks(session: Session, command: Command, flag: str) -> bool:
    if command.name == "exec":
        return any(flag not in queued.flags for queued, _ in session.transaction_commands())
    return flag not in command.flags


def _unauthenticated(engine: Engine, session: Session, command: Command, argv: list[bytes]) -> object:
    raise ReplyError("Authentication required.", "NOAUTH")


def _protected(engine: Engine, session: Session, command: Command, argv: list[bytes]) -> object:
    option = "enable-module-command" if command.name.startswith("module") else "enable-debug-command"
    permission = getattr(engine.settings, option.replace("-", "_"))
    if permission == "yes" or (permission == "local" and session.is_local):
        return None
    name = command.name.partition("|")[0].upper()
    raise ReplyError(
        f'{name} command not allowed. If the {option} option is set to "local", you can run it from a local connection, '
        "otherwise you need to set this option in the configuration file, and then restart the server."
    )


def _no_multi(engine: Engine, session: Session, command: Command, argv: list[bytes]) -> object:
    if session.conditions & QUEUEING:
        raise ReplyError("Command not allowed inside a transaction")
    return None


def _restricted(engine: Engine, session: Session, command: Command, argv: list[bytes]) -> object:
    return session.check_permissions(command, argv)


def _memory(engine: Engine, session: Session, command: Command, argv: list[bytes]) -> object:
    """maxmemory is set: make room before a command that may need more."""
    if engine.gates.closed & BUSY:
        return None  # a script is at work: what it evicted would come in between its events
    full = engine.gates.out_of_memory = eviction.make_room(engine) is eviction.Room.NONE
    queued = session.conditions & QUEUEING and command.name not in ("exec", "discard", "quit", "reset")
    if full and (queued or _concerns(session, command, "denyoom")):
        raise ReplyError("command not allowed when used memory > 'maxmemory'.", "OOM")
    return None


def _poisoned(engine: Engine, session: Session, command: Command, argv: list[bytes]) -> object:
    if command.name == "ping" or _concerns(session, command, "write"):
        raise ReplyError(engine.gates.disk_error, "MISCONF")
    return None


def _few_replicas(engine: Engine, session: Session, command: Command, argv: list[bytes]) -> object:
    if _concerns(session, command, "write"):
        raise ReplyError(engine.topology.promotion or "Not enough good replicas to write.", "NOREPLICAS")
    return None


def _read_only(engine: Engine, session: Session, command: Command, argv: list[bytes]) -> object:
    if _concerns(session, command, "write"):
        raise ReplyError("You can't write against a read only replica.", "READONLY")
    return None


def _subscribed(engine: Engine, session: Session, command: Command, argv: list[bytes]) -> object:
    if session.resp != 2:
        return None
    raise ReplyError(
        f"Can't execute '{command.name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
    )


def _stale(engine: Engine, session: Session, command: Command, argv: list[bytes]) -> object:
    if _lacks(session, command, "stale") and engine.settings.replica_serve_stale_data:
        raise ReplyError("What this replica knows is older than 'replica-max-staleness' allows.", "MASTERDOWN")
    if _lacks(session, command, "stale"):
        raise ReplyError("Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "MASTERDOWN")
    return None


def _loading(engine: Engine, session: Session, command: Command, argv: list[bytes]) -> object:
    if _lacks(session, command, "loading"):
        raise ReplyError("Redis is loading the dataset in memory", "LOADING")
    return None


def _async_loading(engine: Engine, session: Session, command: Command, argv: list[bytes]) -> object:
    """Another state of the same history is being loaded while this one is served (repl-diskless-load swapdb)."""
    if _concerns(session, command, "no_async_loading"):
        raise ReplyError("Redis is loading the dataset in memory", "LOADING")
    return None


def _busy(engine: Engine, session: Session, command: Command, argv: list[bytes]) -> object:
    if "allow_busy" not in command.flags:
        raise ReplyError(engine.scripts.busy_message, "BUSY")
    return None


def _following(engine: Engine, session: Session, command: Command, argv: list[bytes]) -> object:
    if any(_concerns(session, command, flag) for flag in ("write", "readonly", "may_replicate")):
        raise ReplyError("Replica can't interact with the keyspace")
    return None


def _paused(engine: Engine, session: Session, command: Command, argv: list[bytes]) -> object:
    writes = _concerns(session, command, "write") or _concerns(session, command, "may_replicate")
    if engine.blocking.pauses.hold(writes):
        engine.blocking.postpone(session, argv)
        return NO_REPLY
    return None


def _queueing(engine: Engine, session: Session, command: Command, argv: list[bytes]) -> object:
    return session.queue_command(command, argv)


CHECKS: tuple[tuple[int, Check], ...] = (
    (PROTECTED, _protected),
    (UNAUTHENTICATED, _unauthenticated),
    (NO_MULTI, _no_multi),
    (RESTRICTED, _restricted),
    (OUT_OF_MEMORY, _memory),
    (POISONED, _poisoned),
    (FEW_REPLICAS, _few_replicas),
    (READ_ONLY, _read_only),
    (SUBSCRIBED, _subscribed),
    (STALE, _stale),
    (LOADING, _loading),
    (ASYNC_LOADING, _async_loading),
    (BUSY, _busy),
    (FOLLOWING, _following),
    (PAUSED, _paused),
    (QUEUEING, _queueing),
)
