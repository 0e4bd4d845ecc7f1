"""One execution of a script or function: who runs it, what it may do, and the commands it calls (script.c 7.0).

Law: a command that a script calls passes the checks that a client's would, in Redis's order; once a script has called a
write command, conditions that come up afterwards no longer stop it: it is all or nothing as far as the node can help it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from store.commands.table import FEW_REPLICAS, POISONED, READ_ONLY, RESTRICTED, STALE, Command
from store.errors import ReplyError
from store.scripting.errors import ScriptError, api_error
from store.scripting.interpreter import LuaValue

if TYPE_CHECKING:
    from store.engine import Engine
    from store.tx import Tx

_DENIED = {
    "command": "can't run this command or subcommand",
    "key": "can't access at least one of the keys mentioned in the command arguments",
    "channel": "can't publish to the channel mentioned in the command",
}


class Run:
    """A script at work. `flags`: those it declared, None if it declared none; `resp`: the protocol it asked for."""

    def __init__(
        self, tx: Tx, name: bytes, argv: list[bytes], flags: frozenset[str] | None, read_only: bool, is_eval: bool
    ) -> None:
        engine = tx.engine
        self.tx = tx
        self.name = name
        self.argv = argv
        self.read_only = read_only or (flags is not None and "no-writes" in flags)
        self.is_eval = is_eval
        self.allow_oom = flags is not None and "allow-oom" in flags
        self.started = engine.clock.ticks()
        self.mark = engine.log.mark() if engine.depth <= 1 else engine.scripts.transaction_mark
        self.dirty = False
        self.killed = False
        self.busy = False
        self.obeyed = tx.session.number == 0  # events of a primary or a log: they were accepted where they come from
        self.out_of_memory = engine.settings.maxmemory > 0 and engine.gates.out_of_memory

    @property
    def resp(self) -> int:
        """The protocol in whose terms the script gets replies."""
        return self.tx.session.resp

    @resp.setter
    def resp(self, version: int) -> None:
        self.tx.session.resp = version

    @contextmanager
    def in_session(self) -> Iterator[None]:
        """Let the caller's session be the script's for the time: RESP2, never waiting, its own selected database."""
        tx, session = self.tx, self.tx.session
        before = (session.resp, session.may_block, session.scripted)
        db = tx.db
        session.resp, session.may_block, session.scripted = 2, False, True
        try:
            yield
        finally:
            session.resp, session.may_block, session.scripted = before
            tx.db = db

    # ── commands ───────────────────────────────────────────────────────────────────────────────────────────────────
    def call(self, args: tuple[LuaValue, ...]) -> object:
        """Run a command of the script and return its reply; raise ScriptError for every error."""
        argv = arguments(args)
        engine = self.tx.engine
        command = engine.lookup(argv)
        self._admit(engine, command, argv)
        assert command is not None
        self.dirty = self.dirty or command.writes
        try:
            return engine.call(self.tx, command, argv)
        except ReplyError as error:
            engine.stats.count_error(error.code)
            raise ScriptError(error.line, counted=True) from error

    def _admit(self, engine: Engine, command: Command | None, argv: list[bytes]) -> None:
        """Raise ScriptError, counted as a rejected command, if the script may not run it."""
        try:
            self._check(engine, command, argv)
        except ReplyError as error:
            if command is not None:
                command.rejected += 1
            engine.stats.count_error(error.code)
            raise ScriptError(error.line, counted=True) from error

    def _check(self, engine: Engine, command: Command | None, argv: list[bytes]) -> None:
        if command is None:
            raise ReplyError("Unknown Redis command called from script")
        if not command.accepts(len(argv)):
            raise ReplyError("Wrong number of args calling Redis command from script")
        if "noscript" in command.flags and not engine.scripts.all_commands:
            raise ReplyError("This Redis command is not allowed from script")
        if engine.gates.closed & STALE and "stale" not in command.flags:
            raise ReplyError("Can not execute the command on a stale replica")
        self._check_user(engine, command, argv)
        if self.read_only and command.flags & {"write", "may_replicate"}:
            raise ReplyError("Write commands are not allowed from read-only scripts.")
        if not self.dirty and not self.obeyed:
            self._check_state(engine, command)

    def _check_user(self, engine: Engine, command: Command, argv: list[bytes]) -> None:
        session = self.tx.session
        if not session.conditions & RESTRICTED or session.user is None:
            return
        denied = session.user.refusal(command, argv)
        if denied is not None:
            subject = command.name.encode() if denied.reason == "command" else argv[denied.place]
            engine.users.note(session, denied.reason, "lua", subject, session.user.name)
            raise ReplyError(f"The user executing the script {_DENIED[denied.reason]}")

    def _check_state(self, engine: Engine, command: Command) -> None:
        closed = engine.gates.closed
        if command.writes:
            if closed & READ_ONLY:
                raise ReplyError("You can't write against a read only replica.", "READONLY")
            if closed & POISONED:
                raise ReplyError(engine.gates.disk_error, "MISCONF")
            if closed & FEW_REPLICAS:
                raise ReplyError("Not enough good replicas to write.", "NOREPLICAS")
        if self.out_of_memory and not self.allow_oom and "denyoom" in command.flags:
            raise ReplyError("command not allowed when used memory > 'maxmemory'.", "OOM")

    def may(self, args: tuple[LuaValue, ...]) -> bool:
        """Tell whether the user could run a command; raise ScriptError if there is no such command."""
        argv = arguments(args)
        command = self.tx.engine.lookup(argv)
        if command is None:
            raise api_error("Invalid command passed to redis.acl_check_cmd()")
        user = self.tx.session.user
        return user is None or user.refusal(command, argv) is None


def arguments(args: tuple[LuaValue, ...]) -> list[bytes]:
    """A command's arguments as a request has them; raise ScriptError for what is neither string nor number."""
    if not args:
        raise api_error("Please specify at least one argument for this redis lib call")
    return [arg if type(arg) is bytes else _number_text(arg) for arg in args]


def _number_text(value: LuaValue) -> bytes:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return b"%.17g" % value
    raise api_error("Lua redis lib command arguments must be strings or integers")
