"""All scripts of a node: the cache of EVAL's, the function libraries, the one that runs now, and how it is ended.

Invariant: at most one script runs; `running` is that one. Interpreters are made when they are first needed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha1
from typing import TYPE_CHECKING

from store.errors import ReplyError
from store.logfile import warn
from store.scripting.api import Api
from store.scripting.busy import Busy
from store.scripting.convert import Fields, error_of, fields_of, is_text, text, to_reply
from store.scripting.interpreter import Interpreter, LuaValue, is_table
from store.scripting.library import Function, LibraryStore
from store.scripting.metadata import script_head, shown
from store.scripting.run import Run

if TYPE_CHECKING:
    from store.engine import Engine

KILLED = b"ERR Script killed by user with SCRIPT KILL..."
LOAD_TIMEOUT = b"ERR FUNCTION LOAD timeout"
BUSY_SCRIPT = "Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
BUSY_FUNCTION = "Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
_UNKILLABLE = (
    "Sorry the script already executed write commands against the dataset. You can either wait the script termination"
    " or kill the server in a hard way using the SHUTDOWN NOSAVE command."
)


class Script:
    """A script of EVAL in the cache."""

    def __init__(self, body: bytes, flags: frozenset[str] | None, chunk: LuaValue) -> None:
        self.body = body
        self.flags = flags
        self.chunk = chunk


class Scripts:
    """`cached`: EVAL's scripts by SHA1; `all_commands`: DEBUG SET-DISABLE-DENY-SCRIPTS.

    `transaction_mark`: where in the log the last EXEC began; a script within it is part of that transaction.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.cached: dict[bytes, Script] = {}
        self.running: Run | None = None
        self.all_commands = False
        self.transaction_mark = 0
        self._eval: Interpreter | None = None
        self._libraries: LibraryStore | None = None
        self._busy: Busy | None = None
        self._load_deadline = 0

    # ── interpreters ───────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def eval_interpreter(self) -> Interpreter:
        """The interpreter of EVAL's scripts."""
        if self._eval is None:
            self._eval = Interpreter(lambda lua: Api(self, lua).libraries(None), self.interrupt)
        return self._eval

    @property
    def libraries(self) -> LibraryStore:
        """The function libraries, compiled as the keyspace has them now."""
        if self._libraries is None:
            self._libraries = LibraryStore(self)
        self._libraries.follow(self.engine.keyspace.functions)
        return self._libraries

    @property
    def eval_memory(self) -> int:
        """Bytes that the interpreter of EVAL's scripts holds."""
        return self._eval.memory if self._eval is not None else 0

    @property
    def functions_memory(self) -> int:
        """Bytes that the interpreter of function libraries holds."""
        return self._libraries.lua.memory if self._libraries is not None else 0

    @property
    def cache_memory(self) -> int:
        """Bytes of the cached scripts' sources."""
        return sum(len(script.body) + 150 for script in self.cached.values())

    # ── the cache ──────────────────────────────────────────────────────────────────────────────────────────────────
    def load(self, body: bytes) -> bytes:
        """Compile a script unless it is in the cache; return its SHA1. Raise ReplyError if it is no Lua."""
        digest = sha1(body, usedforsecurity=False).hexdigest().encode()
        if digest not in self.cached:
            flags, code = script_head(body)
            chunk, problem = self.eval_interpreter.compile(code, b"@user_script")
            if chunk is None:
                raise ReplyError(f"Error compiling script (new function): {shown(problem)}")
            self.cached[digest] = Script(body, flags, chunk)
        return digest

    def flush(self) -> None:
        """Forget all scripts and begin with a fresh interpreter."""
        self.cached.clear()
        self._eval = None

    # ── running ────────────────────────────────────────────────────────────────────────────────────────────────────
    def evaluate(self, run: Run, script: Script, keys: list[bytes], args: list[bytes]) -> object:
        """Run a script of the cache; return its reply, or a ReplyError that the statistics have counted already."""
        lua = self.eval_interpreter
        lua.set_globals(lua.table(keys), lua.table(args))
        return self._execute(run, lua, lambda watch: lua.call(script.chunk, None, None, watch))

    def invoke(self, run: Run, function: Function, keys: list[bytes], args: list[bytes]) -> object:
        """Run a function of a library; as `evaluate`."""
        lua = self.libraries.lua
        tables = lua.table(keys), lua.table(args)
        return self._execute(run, lua, lambda watch: lua.call(function.callback, *tables, watch))

    def _execute(self, run: Run, lua: Interpreter, call: Callable[[bool], tuple[bool, LuaValue]]) -> object:
        if self.running is not None:
            raise ReplyError("a script can't run inside another one")
        self.running = run
        try:
            with run.in_session():
                ok, result = call(self.engine.settings.busy_reply_threshold > 0)
                return self._result(run, ok, result)
        finally:
            self.running = None
            if self._busy is not None:
                self._busy.end()
                self._busy = None

    def _result(self, run: Run, ok: bool, result: LuaValue) -> object:
        fields = fields_of(result) if is_table(result) else {}
        if is_text(fields.get(b"err")):
            return self._error(run, fields, located=not ok)
        if not ok:
            shown_as = text(result)[:100] if is_text(result) else b"execution failure"
            raise ReplyError(f"Error running script {shown(run.name)}, {shown(shown_as)}")
        return to_reply(result, run.resp)

    @staticmethod
    def _error(run: Run, fields: Fields, located: bool) -> ReplyError:
        line = text(fields[b"err"])
        source, place = fields.get(b"source"), fields.get(b"line")
        if located and is_text(source) and is_text(place):
            line += b" script: %b, on %b:%b." % (run.name, text(source), text(place))
        error = error_of(line)
        if fields.get(b"ignore_error_stats_update") is True:
            return error
        raise error

    # ── ending ─────────────────────────────────────────────────────────────────────────────────────────────────────
    @contextmanager
    def loading(self, timeout_ms: int) -> Iterator[None]:
        """Give a library's code a time in which it must have registered its functions."""
        self._load_deadline = self.engine.clock.ticks() + timeout_ms * 1_000_000
        try:
            yield
        finally:
            self._load_deadline = 0

    def interrupt(self) -> bytes | None:
        """The interpreter asks from time to time whether the script has to end; serve others once it takes too long."""
        now = self.engine.clock.ticks()
        if self._load_deadline:
            return LOAD_TIMEOUT if now > self._load_deadline else None
        run = self.running
        if run is None:
            return None
        if self._busy is None:
            elapsed = (now - run.started) // 1_000_000
            if elapsed < self.engine.settings.busy_reply_threshold:
                return None
            kill = "SCRIPT KILL" if run.is_eval else "FUNCTION KILL"
            warn(
                f"Slow script detected: still in execution after {elapsed} milliseconds. "
                f"You can try killing the script using the {kill} command. Script name is: {shown(run.name)}."
            )
            self._busy = Busy(self.engine, run)
        self._busy.serve()
        return KILLED if run.killed else None

    def kill(self, is_eval: bool) -> None:
        """End the running script, if it is of that kind and has written nothing; raise ReplyError otherwise."""
        run = self.running
        if run is None:
            raise ReplyError("No scripts in execution right now.", "NOTBUSY")
        if run.obeyed:
            raise ReplyError(
                "The busy script was sent by a master instance in the context of replication and cannot be killed.",
                "UNKILLABLE",
            )
        if run.dirty:
            raise ReplyError(_UNKILLABLE, "UNKILLABLE")
        if is_eval != run.is_eval:
            raise ReplyError(self.busy_message, "BUSY")
        warn("Lua script killed by user with SCRIPT KILL.")
        run.killed = True

    def end_for_shutdown(self, unsaved: bool) -> None:
        """SHUTDOWN while a script is busy: end the script. Raise ReplyError unless nothing is to be saved.

        One that has written can't be undone in memory, so the process ends at once, as if killed: nothing of the script is
        in the log, everything acknowledged is.
        """
        run = self.running
        if run is None:
            return
        if not unsaved:
            raise ReplyError(self.busy_message, "BUSY")
        if run.dirty:
            warn("SHUTDOWN NOSAVE while a script that has written is running: ending at once, without what it wrote")
            sys.stdout.flush()
            if self.engine.node is not None:
                self.engine.node.server.refuse()  # the system closes the newest sockets first: clients', then the listening ones
            os._exit(0)
        run.killed = True

    @property
    def busy_message(self) -> str:
        """What other clients are told while a script takes too long."""
        return BUSY_FUNCTION if self.running is not None and not self.running.is_eval else BUSY_SCRIPT
