"""Function libraries: compiled from their code, and kept the same as `Keyspace.functions`, which events change.

Law: the code in the keyspace is the state, what is compiled here only follows it. So a library that came by a snapshot, by
replay or from a primary is compiled when it is first needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.errors import ReplyError
from store.logfile import warn
from store.scripting.api import Api
from store.scripting.convert import fields_of, is_text, text
from store.scripting.errors import api_error
from store.scripting.interpreter import Interpreter, Libraries, LuaValue, is_function, is_table
from store.scripting.metadata import BAD_NAME, FLAGS, LibraryHead, is_name, library_head, shown

if TYPE_CHECKING:
    from store.scripting.scripts import Scripts

LOAD_TIMEOUT_MS = 500


def checked_head(code: bytes) -> LibraryHead:
    """A library's first line, if it is one that can be loaded; raise ReplyError in Redis's words."""
    head = library_head(code)
    if not is_name(head.name):
        raise ReplyError(BAD_NAME)
    if head.engine.lower() != b"lua":
        raise ReplyError(f"Engine '{shown(head.engine)}' not found")
    return head


class Function:
    """One function of a library."""

    def __init__(self, name: bytes, callback: LuaValue, flags: frozenset[str], description: bytes | None) -> None:
        self.name = name
        self.callback = callback
        self.flags = flags
        self.description = description


class Library:
    """A compiled library; `functions` by name."""

    def __init__(self, name: bytes, code: bytes) -> None:
        self.name = name
        self.code = code
        self.functions: dict[bytes, Function] = {}


class LibraryStore:
    """The libraries of a node, compiled. `loaded` by name; `functions`: by lower-case name, over all libraries."""

    def __init__(self, scripts: Scripts) -> None:
        self.scripts = scripts
        self.loaded: dict[bytes, Library] = {}
        self.functions: dict[bytes, Function] = {}
        self.lua = Interpreter(self._libraries, scripts.interrupt)
        self._followed: object = None
        self._loading: Library | None = None

    def _libraries(self, lua: Interpreter) -> Libraries:
        return Api(self.scripts, lua).libraries(self._register)

    # ── following the state ────────────────────────────────────────────────────────────────────────────────────────
    def follow(self, functions: dict[bytes, bytes]) -> None:
        """Compile what is new in the keyspace and forget what is gone from it."""
        if functions is self._followed:
            return
        kept = {name: library for name, library in self.loaded.items() if functions.get(name) == library.code}
        for name, code in functions.items():
            if name not in kept:
                try:
                    kept[name] = self.compile(code)
                except ReplyError as error:
                    warn(f"the function library {shown(name)} can't be used here: {error.message}")
                    kept[name] = Library(name, code)
        self.adopt(kept, functions)

    def adopt(self, libraries: dict[bytes, Library], followed: dict[bytes, bytes]) -> None:
        """Let these be the libraries; followed: the state that they are of."""
        self.loaded = libraries
        self.functions = {
            name.lower(): one for library in libraries.values() for name, one in library.functions.items()
        }
        self._followed = followed

    # ── compiling ──────────────────────────────────────────────────────────────────────────────────────────────────
    def compile(self, code: bytes) -> Library:
        """Run a library's code, which registers its functions; raise ReplyError in Redis's words."""
        head = checked_head(code)
        chunk, problem = self.lua.compile(head.body, b"@user_function")
        if chunk is None:
            raise ReplyError(f"Error compiling function: {shown(problem)}")
        library = self._loading = Library(head.name, code)
        try:
            with self.scripts.loading(LOAD_TIMEOUT_MS):
                ok, error = self.lua.load(chunk)
        finally:
            self._loading = None
        if not ok:
            line = fields_of(error).get(b"err") if is_table(error) else None
            raise ReplyError(f"Error registering functions: {shown(text(line)) if is_text(line) else 'unknown'}")
        if not library.functions:
            raise ReplyError("No functions registered")
        return library

    def check_collisions(self, libraries: dict[bytes, Library], added: dict[bytes, Library]) -> None:
        """Raise ReplyError if a function of the added libraries is in another one already."""
        known = {name.lower() for library in libraries.values() for name in library.functions}
        for library in added.values():
            for name in library.functions:
                if name.lower() in known:
                    raise ReplyError(f"Function {shown(name)} already exists")

    # ── registering ────────────────────────────────────────────────────────────────────────────────────────────────
    def _register(self, *args: LuaValue) -> None:
        """redis.register_function(name, callback) or with a table of named arguments."""
        library = self._loading
        if library is None:
            raise api_error("redis.register_function can only be called on FUNCTION LOAD command")
        if not 1 <= len(args) <= 2:
            raise api_error("wrong number of arguments to redis.register_function")
        function = _named(args[0]) if len(args) == 1 else _positional(args[0], args[1])
        if not is_name(function.name):
            raise api_error(BAD_NAME)
        if function.name in library.functions:
            raise api_error("Function already exists in the library")
        library.functions[function.name] = function


def _positional(name: LuaValue, callback: LuaValue) -> Function:
    if not is_text(name):
        raise api_error("first argument to redis.register_function must be a string")
    if not is_function(callback):
        raise api_error("second argument to redis.register_function must be a function")
    return Function(text(name), callback, frozenset(), None)


def _named(table: LuaValue) -> Function:
    if not is_table(table):
        raise api_error(
            "calling redis.register_function with a single argument is only applicable to Lua table"
            " (representing named arguments)."
        )
    name: bytes | None = None
    callback = description = None
    flags: frozenset[str] = frozenset()
    for key, value in table.items():
        if not is_text(key):
            raise api_error("named argument key given to redis.register_function is not a string")
        which = text(key).lower()
        if which == b"function_name":
            name = _string(value, "function_name")
        elif which == b"description":
            description = _string(value, "description")
        elif which == b"callback":
            if not is_function(value):
                raise api_error("callback argument given to redis.register_function must be a function")
            callback = value
        elif which == b"flags":
            flags = _flags(value)
        else:
            raise api_error("unknown argument given to redis.register_function")
    if name is None:
        raise api_error("redis.register_function must get a function name argument")
    if callback is None:
        raise api_error("redis.register_function must get a callback argument")
    return Function(name, callback, flags, description)


def _string(value: LuaValue, argument: str) -> bytes:
    if not is_text(value):
        raise api_error(f"{argument} argument given to redis.register_function must be a string")
    return text(value)


def _flags(table: LuaValue) -> frozenset[str]:
    if not is_table(table):
        raise api_error("flags argument to redis.register_function must be a table representing function flags")
    fields = fields_of(table)
    flags: set[str] = set()
    while (flag := fields.get(len(flags) + 1)) is not None:
        word = shown(text(flag)).lower() if is_text(flag) else ""
        if word not in FLAGS:
            raise api_error("unknown flag given")
        flags.add(word)
    return frozenset(flags)
