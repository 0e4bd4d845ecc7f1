"""`redis.*` of scripts, and of libraries while they are loaded (script_lua.c and function_lua.c 7.0)."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha1
from typing import TYPE_CHECKING

from store.logfile import log
from store.scripting.convert import is_text, text, to_lua
from store.scripting.errors import ScriptError, api_error
from store.scripting.interpreter import HostFunction, Interpreter, Libraries, LuaValue
from store.scripting.libraries import bit, structs
from store.scripting.libraries.arguments import to_number
from store.scripting.libraries.json import Json
from store.scripting.libraries.msgpack import MessagePack
from store.scripting.libraries.random import Generator

if TYPE_CHECKING:
    from store.scripting.run import Run
    from store.scripting.scripts import Scripts

Members = dict[str, HostFunction | bytes | int]
Register = Callable[..., None]
VERSION = b"7.0.15"
VERSION_NUMBER = 7 << 16 | 0 << 8 | 15
_LEVELS = (10, 10, 20, 30)  # debug, verbose, notice, warning as Python's logging counts them
_REPL_ALL = 3


class Api:
    """What one interpreter's scripts call. Everything but the plain helpers needs a running script."""

    def __init__(self, scripts: Scripts, lua: Interpreter) -> None:
        self.scripts = scripts
        self.lua = lua
        self.generator = Generator()

    def libraries(self, register: Register | None) -> Libraries:
        """All that the sandbox is given; register: takes the functions of a library that is being loaded."""
        return {
            "redis": self._redis(evaluated=register is None),
            "loading": {**self._constants(), "register_function": register or self._refuse_register},
            "cjson": Json(self.lua).library(),
            "cmsgpack": MessagePack(self.lua).library(),
            "bit": dict(bit.library()),
            "struct": dict(structs.library()),
            "math": {name: self._needs_run(f"math.{name}", call) for name, call in self.generator.library().items()},
        }

    def _redis(self, evaluated: bool) -> Members:
        members: Members = {
            **self._constants(),
            "call": self.call,
            "pcall": self.pcall,
            "error_reply": self.error_reply,
            "status_reply": self.status_reply,
            "sha1hex": self.sha1hex,
            "setresp": self.setresp,
            "set_repl": self.set_repl,
            "acl_check_cmd": self.acl_check_cmd,
            "REPL_NONE": 0,
            "REPL_AOF": 1,
            "REPL_SLAVE": 2,
            "REPL_REPLICA": 2,
            "REPL_ALL": _REPL_ALL,
        }
        if evaluated:
            members["replicate_commands"] = lambda *args: True
            members["breakpoint"] = lambda *args: False
            members["debug"] = lambda *args: None
        return members

    def _constants(self) -> Members:
        levels: Members = {"LOG_DEBUG": 0, "LOG_VERBOSE": 1, "LOG_NOTICE": 2, "LOG_WARNING": 3}
        return {**levels, "log": self.log, "REDIS_VERSION": VERSION, "REDIS_VERSION_NUM": VERSION_NUMBER}

    def _running(self, function: str) -> Run:
        run = self.scripts.running
        if run is None:
            raise api_error(f"{function} can only be called inside a script invocation")
        return run

    def _needs_run(self, name: str, call: HostFunction) -> HostFunction:
        def guarded(*args: LuaValue) -> object:
            self._running(name)
            return call(*args)

        return guarded

    # ── commands ───────────────────────────────────────────────────────────────────────────────────────────────────
    def call(self, *args: LuaValue) -> LuaValue:
        """redis.call(command, …): its reply; an error ends the script unless pcall catches it."""
        run = self._running("redis.call/pcall")
        reply = run.call(args)
        return reply if type(reply) in (bytes, int) else to_lua(self.lua, reply, run.resp)

    def pcall(self, *args: LuaValue) -> LuaValue:
        """redis.pcall(command, …): its reply, also if that is an error."""
        try:
            return self.call(*args)
        except ScriptError as error:
            fields: dict[bytes, object] = {b"err": error.line}
            if error.counted:
                fields[b"ignore_error_stats_update"] = True
            return self.lua.mapping(fields)

    def acl_check_cmd(self, *args: LuaValue) -> bool:
        """redis.acl_check_cmd(command, …): whether the caller may run it."""
        return self._running("redis.acl_check_cmd").may(args)

    # ── replies ────────────────────────────────────────────────────────────────────────────────────────────────────
    def error_reply(self, *args: LuaValue) -> LuaValue:
        """redis.error_reply(text): an error to return; a text without code gets ERR."""
        if len(args) != 1 or not isinstance(args[0], bytes):
            return self.lua.mapping({b"err": b"ERR wrong number or type of arguments"})
        code, blank, message = args[0].removeprefix(b"-").partition(b" ")
        line = code + b" " + message if blank else b"ERR " + code
        return self.lua.mapping({b"err": line.rstrip(b"\r\n")})

    def status_reply(self, *args: LuaValue) -> LuaValue:
        """redis.status_reply(text): a simple string to return."""
        if len(args) != 1 or not isinstance(args[0], bytes):
            return self.lua.mapping({b"err": b"ERR wrong number or type of arguments"})
        return self.lua.mapping({b"ok": args[0]})

    # ── settings and helpers ───────────────────────────────────────────────────────────────────────────────────────
    def setresp(self, *args: LuaValue) -> None:
        """redis.setresp(2 | 3): the protocol in whose terms replies come."""
        run = self._running("redis.setresp")
        if len(args) != 1:
            raise api_error("redis.setresp() requires one argument.")
        version = to_number(args[0])
        if version not in (2, 3):
            raise api_error("RESP version must be 2 or 3.")
        run.resp = int(version)

    def set_repl(self, *args: LuaValue) -> None:
        """redis.set_repl(flags): accepted, and without effect: every write is part of history."""
        self._running("redis.set_repl")
        if len(args) != 1:
            raise api_error("redis.set_repl() requires two arguments.")
        if int(to_number(args[0]) or 0) & ~_REPL_ALL:
            raise api_error("Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")

    def sha1hex(self, *args: LuaValue) -> bytes:
        """redis.sha1hex(text)."""
        if len(args) != 1:
            raise api_error("wrong number of arguments")
        data = text(args[0]) if is_text(args[0]) else b""
        return sha1(data, usedforsecurity=False).hexdigest().encode()

    def log(self, *args: LuaValue) -> None:
        """redis.log(level, text, …): a line in the server's log."""
        if len(args) < 2:
            raise api_error("redis.log() requires two arguments or more.")
        level = to_number(args[0])
        if level is None:
            raise api_error("First argument must be a number (log level).")
        if not 0 <= int(level) <= 3:
            raise api_error("Invalid debug level.")
        words = b" ".join(text(word) for word in args[1:] if is_text(word))
        log.log(_LEVELS[int(level)], "%s", words.decode("utf-8", "replace"))

    def _refuse_register(self, *args: LuaValue) -> None:
        raise api_error("redis.register_function can only be called on FUNCTION LOAD command")
