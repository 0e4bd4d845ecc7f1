"""One Lua state in its sandbox: compiling, calling, and passing errors and interrupts across the border.

Law: only bytes, numbers, booleans, Lua's own tables and functions cross; host objects never reach a script. A host function
that fails in a way no script should handle (an event that can't be applied) ends the run: `failure` is raised after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from typing import Any

from lupa import lua51

from store.scripting.errors import LibraryError, ScriptError

LuaValue = Any
"""What comes from Lua: bytes, int, float, bool, None, or a table, function, thread or userdata of lupa."""
HostFunction = Callable[..., object]
Libraries = Mapping[str, Mapping[str, HostFunction | bytes | int]]
FAILED = b"ERR the script was ended by a failure of the server"
INSTRUCTIONS = 100_000
"""Lua instructions between two interrupts (about a millisecond)."""


def _no_attributes(value: object, name: object, setting: bool) -> object:
    raise AttributeError("host objects are closed to scripts")


def is_table(value: LuaValue) -> bool:
    """Tell whether a value is a Lua table."""
    return bool(lua51.lua_type(value) == "table")


def is_function(value: LuaValue) -> bool:
    """Tell whether a value is a function: Lua's, or one of the host's that comes back."""
    kind = lua51.lua_type(value)
    return bool(kind == "function") or (kind is None and callable(value))


def type_name(value: LuaValue) -> str:
    """Lua's name for the type of a value."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, bytes):
        return "string"
    return "function" if is_function(value) else lua51.lua_type(value) or "userdata"


class Interpreter:
    """A Lua state. `interrupt` is asked every INSTRUCTIONS whether the run has to end: it returns the reason, or None."""

    def __init__(self, libraries: Callable[[Interpreter], Libraries], interrupt: Callable[[], bytes | None]) -> None:
        self.failure: BaseException | None = None
        self._interrupt = interrupt
        self._lua = lua51.LuaRuntime(
            encoding=None,
            source_encoding="utf-8",
            unpack_returned_tuples=True,
            register_eval=False,
            register_builtins=False,
            attribute_filter=_no_attributes,
        )
        as_function, load = self._lua.eval(b"python.as_function"), self._lua.eval(b"loadstring")
        hooks: Mapping[bytes, HostFunction] = {b"interrupt": self.ask, b"plain": self._guard(self._plain)}
        setup = load(files("store.scripting").joinpath("sandbox.lua").read_bytes(), b"@sandbox")
        shared = {
            name.encode(): self._lua.table_from(self._guarded(members)) for name, members in libraries(self).items()
        }
        host = setup(self._lua.table_from(shared), self._lua.table_from(hooks), as_function)
        self.null = host[b"null"]
        self._where, self._compile, self._run = host[b"where"], host[b"compile"], host[b"run"]
        self._load, self._globals, self._rawequal = host[b"load"], host[b"globals"], host[b"rawequal"]
        self._library = host[b"library"]
        self._memory = host[b"memory"]

    def _guarded(self, members: Mapping[str, HostFunction | bytes | int]) -> dict[bytes, object]:
        return {
            name.encode(): self._guard(member) if lua51.lua_type(member) is None and callable(member) else member
            for name, member in members.items()
        }

    def _guard(self, function: HostFunction) -> HostFunction:
        """Wrap a host function: what it raises is either meant for the script or ends the run."""

        def guarded(*args: LuaValue) -> object:
            if self.failure is not None:
                raise ScriptError(FAILED)
            try:
                return function(*args)
            except LibraryError as error:
                error.place = error.place or self._where()
                raise
            except ScriptError:
                raise
            except BaseException as error:
                self.failure = error
                raise ScriptError(FAILED) from error

        return guarded

    def _plain(self, error: object) -> LuaValue:
        """What a script sees of an exception: an error table or a string."""
        if isinstance(error, ScriptError):
            fields: dict[bytes, object] = {b"err": error.line}
            if error.counted:
                fields[b"ignore_error_stats_update"] = True
            return self._lua.table_from(fields)
        if isinstance(error, LibraryError):
            return error.place + str(error).encode("utf-8", "surrogateescape")
        return str(error).encode("utf-8", "replace") if isinstance(error, BaseException) else b"userdata"

    def ask(self) -> bytes | None:
        """Tell whether the run has to end, and why. It has after a failure: a script can catch the error, but not go on."""
        if self.failure is None:
            try:
                return self._interrupt()
            except BaseException as error:
                self.failure = error
        return FAILED

    # ── calling ────────────────────────────────────────────────────────────────────────────────────────────────────
    def compile(self, code: bytes, name: bytes) -> tuple[LuaValue, bytes]:
        """Compile a chunk; return it, or None, and the message if it is no Lua."""
        made = self._compile(code, name)
        return made if isinstance(made, tuple) else (made, b"")

    def call(self, function: LuaValue, keys: LuaValue, argv: LuaValue, watch: bool) -> tuple[bool, LuaValue]:
        """Run a compiled function; return True and its first result, or False and an error table."""
        return self._outcome(self._run, function, keys, argv, watch)

    def load(self, chunk: LuaValue) -> tuple[bool, LuaValue]:
        """Run a library's chunk where it can do nothing but register functions; as `call`."""
        return self._outcome(self._load, chunk)

    def _outcome(self, run: LuaValue, *args: LuaValue) -> tuple[bool, LuaValue]:
        """Call one of the sandbox's runners; a failure of the server within is raised, one of Lua itself is an outcome."""
        try:
            outcome = run(*args)
        except lua51.LuaError as error:  # out of memory, or an error while one was handled
            outcome = False, str(error).encode("utf-8", "replace") or b"execution failure"
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure
        ok, *rest = outcome if isinstance(outcome, tuple) else (outcome,)
        return bool(ok), rest[0] if rest else None

    def set_globals(self, keys: LuaValue, argv: LuaValue) -> None:
        """Give KEYS and ARGV their values for the next run of a script."""
        self._globals(keys, argv)

    # ── values ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def table(self, values: Iterable[object]) -> LuaValue:
        """Make a Lua array."""
        return self._lua.table_from(values)

    def mapping(self, values: Mapping[Any, object]) -> LuaValue:
        """Make a Lua table of keys and values."""
        return self._lua.table_from(values)

    def library(self, members: Mapping[str, HostFunction | LuaValue]) -> LuaValue:
        """Make a Lua table of host functions and values that scripts may have as their own."""
        return self._library(self._lua.table_from(self._guarded(members)))

    def is_null(self, value: LuaValue) -> bool:
        """Tell whether a value is `cjson.null`."""
        return bool(self._rawequal(value, self.null))

    @property
    def memory(self) -> int:
        """Bytes that Lua holds."""
        return int(self._memory())
