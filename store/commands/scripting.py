"""EVAL and EVALSHA, FCALL, and their read-only forms (eval.c, functions.c 7.0).

Law: what a script or function declares decides, in place of the command's own flags, under which conditions it may run:
`variant` gives the hub a row with those flags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.commands.arguments import parse_int
from store.commands.table import TABLE, Command, command
from store.errors import ReplyError
from store.scripting.metadata import script_head
from store.scripting.run import Run
from store.tx import Tx

if TYPE_CHECKING:
    from store.engine import Engine

GROUP = "scripting"
_CALL = "noscript stale skip_monitor no_mandatory_keys movablekeys"
_WRITING = f"{_CALL} may_replicate"
_READING = f"readonly {_CALL}"
_RW, _RO = "RW access update @2#1", "RO access @2#1"
_PER_SCRIPT = "Depends on the script that is executed."
_NO_SCRIPT = ReplyError("No matching script. Please use EVAL.", "NOSCRIPT")


@command("eval", _WRITING, keys=_RW, since="2.6.0", group=GROUP, complexity=_PER_SCRIPT)
def eval_(tx: Tx, script: bytes, numkeys: bytes, *args: bytes) -> object:
    """Run a Lua script."""
    return _evaluate(tx, "eval", script, numkeys, args)


@command("eval_ro", _READING, keys=_RO, since="7.0.0", group=GROUP, complexity=_PER_SCRIPT)
def eval_ro(tx: Tx, script: bytes, numkeys: bytes, *args: bytes) -> object:
    """Run a Lua script that writes nothing."""
    return _evaluate(tx, "eval_ro", script, numkeys, args)


@command("evalsha", _WRITING, keys=_RW, since="2.6.0", group=GROUP, complexity=_PER_SCRIPT)
def evalsha(tx: Tx, sha1: bytes, numkeys: bytes, *args: bytes) -> object:
    """Run a Lua script of the cache by its SHA1."""
    return _evaluate(tx, "evalsha", sha1, numkeys, args)


@command("evalsha_ro", _READING, keys=_RO, since="7.0.0", group=GROUP, complexity=_PER_SCRIPT)
def evalsha_ro(tx: Tx, sha1: bytes, numkeys: bytes, *args: bytes) -> object:
    """Run a Lua script of the cache, which writes nothing, by its SHA1."""
    return _evaluate(tx, "evalsha_ro", sha1, numkeys, args)


def _evaluate(tx: Tx, name: str, script: bytes, numkeys: bytes, args: tuple[bytes, ...]) -> object:
    argv = [name.encode(), script, numkeys, *args]
    _show(tx, argv)
    by_digest = name.startswith("evalsha")
    if by_digest and len(script) != 40:
        raise _NO_SCRIPT
    count = _check_count(parse_int(numkeys), args)
    scripts = tx.engine.scripts
    digest = script.lower() if by_digest else scripts.load(script)
    found = scripts.cached.get(digest)
    if found is None:
        raise _NO_SCRIPT
    read_only = name.endswith("_ro")
    _check_flags(tx, found.flags, read_only)
    run = Run(tx, digest, argv, found.flags, read_only, is_eval=True)
    return _answered(name, scripts.evaluate(run, found, list(args[:count]), list(args[count:])))


@command(
    "fcall", _WRITING, keys=_RW, since="7.0.0", group=GROUP, complexity="Depends on the function that is executed."
)
def fcall(tx: Tx, function: bytes, numkeys: bytes, *args: bytes) -> object:
    """Call a function of a library."""
    return _call(tx, "fcall", function, numkeys, args)


@command(
    "fcall_ro", _READING, keys=_RO, since="7.0.0", group=GROUP, complexity="Depends on the function that is executed."
)
def fcall_ro(tx: Tx, function: bytes, numkeys: bytes, *args: bytes) -> object:
    """Call a function of a library that writes nothing."""
    return _call(tx, "fcall_ro", function, numkeys, args)


def _call(tx: Tx, name: str, function: bytes, numkeys: bytes, args: tuple[bytes, ...]) -> object:
    argv = [name.encode(), function, numkeys, *args]
    _show(tx, argv)
    scripts = tx.engine.scripts
    found = scripts.libraries.functions.get(function.lower())
    if found is None:
        raise ReplyError("Function not found")
    count = _check_count(parse_int(numkeys, "Bad number of keys provided"), args)
    read_only = name.endswith("_ro")
    _check_flags(tx, found.flags, read_only)
    run = Run(tx, found.name, argv, found.flags, read_only, is_eval=False)
    return _answered(name, scripts.invoke(run, found, list(args[:count]), list(args[count:])))


# ── common parts ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _show(tx: Tx, argv: list[bytes]) -> None:
    """Let monitors see the call before the commands that it runs."""
    if tx.engine.monitors:
        tx.engine.bus.show(tx, argv)


def _check_count(count: int, args: tuple[bytes, ...]) -> int:
    if count > len(args):
        raise ReplyError("Number of keys can't be greater than number of args")
    if count < 0:
        raise ReplyError("Number of keys can't be negative")
    return count


def _check_flags(tx: Tx, flags: frozenset[str] | None, read_only: bool) -> None:
    """Refuse a script that declares flags, no-writes not among them, to a read-only command."""
    if read_only and flags is not None and "no-writes" not in flags:
        raise ReplyError("Can not execute a script with write flag using *_ro command.")


def _answered(name: str, reply: object) -> object:
    """An error that a command of the script had was counted there; here it only makes this call a failed one."""
    if isinstance(reply, ReplyError):
        TABLE[name.encode()].failed += 1
    return reply


# ── conditions ───────────────────────────────────────────────────────────────────────────────────────────────────────

_variants: dict[tuple[str, frozenset[str]], Command] = {}


def _with_flags(row: Command, declared: frozenset[str] | None) -> Command:
    """The row of a command for a script that declares these flags (script.c: scriptFlagsToCmdFlags)."""
    if declared is None:
        return row
    made = _variants.get((row.name, declared))
    if made is None:
        flags = set(row.flags - {"stale", "denyoom", "write", "may_replicate"})
        flags |= {"stale"} if "allow-stale" in declared else set()
        flags |= set() if "no-writes" in declared else {"write"}
        flags |= set() if declared & {"allow-oom", "no-writes"} else {"denyoom"}
        made = _variants[row.name, declared] = Command(
            row.name,
            row.handler,
            row.arity,
            frozenset(flags),
            row.keyspecs,
            row.categories,
            row.since,
            row.group,
            row.doc,
        )
        made.base = row
    return made


def _eval_variant(engine: Engine, row: Command, argv: list[bytes]) -> Command:
    if not argv[1].startswith(b"#!"):
        return row
    try:
        return _with_flags(row, script_head(argv[1])[0])
    except ReplyError:
        return row  # the command itself says what is wrong with the first line


def _evalsha_variant(engine: Engine, row: Command, argv: list[bytes]) -> Command:
    script = engine.scripts.cached.get(argv[1].lower())
    return row if script is None else _with_flags(row, script.flags)


def _fcall_variant(engine: Engine, row: Command, argv: list[bytes]) -> Command:
    function = engine.scripts.libraries.functions.get(argv[1].lower())
    return row if function is None else _with_flags(row, function.flags)


for _name, _variant in (("eval", _eval_variant), ("evalsha", _evalsha_variant), ("fcall", _fcall_variant)):
    TABLE[_name.encode()].variant = TABLE[f"{_name}_ro".encode()].variant = _variant
