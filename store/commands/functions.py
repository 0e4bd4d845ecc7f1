"""FUNCTION: libraries of functions, which are part of the state (functions.c 7.0).

Law: a library is compiled before it is recorded, so that history holds only such as can be called.
"""

from __future__ import annotations

from store.commands.help import help_reply
from store.commands.table import command, container
from store.errors import ReplyError
from store.glob import compile_glob
from store.rdb.functions import dump_functions, restore_functions
from store.replies import OK, SetReply
from store.scripting.library import Function, Library, checked_head
from store.scripting.metadata import FLAGS, shown
from store.tx import Tx

GROUP = "scripting"
_ALL_SHARDS = "request_policy:all_shards response_policy:all_succeeded"
_POLICIES = (b"APPEND", b"FLUSH", b"REPLACE")

container("function", "Manages libraries of functions.", since="7.0.0", group=GROUP)


@command(
    "function|load",
    "write denyoom noscript",
    since="7.0.0",
    group=GROUP,
    tips=_ALL_SHARDS,
    complexity="O(1) (considering compilation time is redundant)",
)
def function_load(tx: Tx, first: bytes, *more: bytes) -> bytes:
    """Create a library."""
    *options, code = first, *more
    for option in options:
        if option.lower() != b"replace":
            raise ReplyError(f"Unknown option given: {shown(option)}")
    store = tx.engine.scripts.libraries
    name = checked_head(code).name
    if name in store.loaded and not options:
        raise ReplyError(f"Library '{shown(name)}' already exists")
    library = store.compile(code)
    others = {other: one for other, one in store.loaded.items() if other != name}
    store.check_collisions(others, {name: library})
    tx.record(b"FUNCTION", b"LOAD", *([b"REPLACE"] if options else []), code)
    store.adopt({**others, name: library}, tx.keyspace.functions)
    return name


@command("function|delete", "write noscript", since="7.0.0", group=GROUP, tips=_ALL_SHARDS, complexity="O(1)")
def function_delete(tx: Tx, library_name: bytes) -> str:
    """Delete a library."""
    if library_name not in tx.keyspace.functions:
        raise ReplyError("Library not found")
    tx.record(b"FUNCTION", b"DELETE", library_name)
    return OK


@command(
    "function|flush",
    "write noscript",
    since="7.0.0",
    group=GROUP,
    tips=_ALL_SHARDS,
    complexity="O(N) where N is the number of functions deleted",
)
def function_flush(tx: Tx, *mode: bytes) -> str:
    """Delete all libraries."""
    if len(mode) > 1:
        raise _wrong("flush")
    if mode and mode[0].lower() not in (b"sync", b"async"):
        raise ReplyError("FUNCTION FLUSH only supports SYNC|ASYNC option")
    tx.record(b"FUNCTION", b"FLUSH", *mode)
    return OK


def _wrong(subcommand: str) -> ReplyError:
    return ReplyError(f"unknown subcommand or wrong number of arguments for '{subcommand}'. Try FUNCTION HELP.")


@command("function|dump", "noscript", since="7.0.0", group=GROUP, complexity="O(N) where N is the number of functions")
def function_dump(tx: Tx) -> bytes:
    """Reply all libraries as one payload for FUNCTION RESTORE."""
    return dump_functions(tx.keyspace.functions.values(), tx.engine.settings.rdbcompression)


@command(
    "function|restore",
    "write denyoom noscript",
    since="7.0.0",
    group=GROUP,
    tips=_ALL_SHARDS,
    complexity="O(N) where N is the number of functions on the payload",
)
def function_restore(tx: Tx, serialized_value: bytes, *policy: bytes) -> str:
    """Load the libraries of a payload."""
    if len(policy) > 1:
        raise _wrong("restore")
    how = policy[0].upper() if policy else b"APPEND"
    if how not in _POLICIES:
        raise ReplyError("Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
    store = tx.engine.scripts.libraries
    added = _compile_all(tx, restore_functions(serialized_value))
    kept = {} if how == b"FLUSH" else dict(store.loaded)
    for name in added:
        if name in kept and how == b"APPEND":
            raise ReplyError(f"Library {shown(name)} already exists")
        kept.pop(name, None)
    store.check_collisions(kept, added)
    tx.record(b"FUNCTION", b"RESTORE", serialized_value, how)
    store.adopt({**kept, **added}, tx.keyspace.functions)
    return OK


def _compile_all(tx: Tx, codes: list[bytes]) -> dict[bytes, Library]:
    """Compile the libraries of a payload, which may not contradict each other."""
    store = tx.engine.scripts.libraries
    added: dict[bytes, Library] = {}
    for code in codes:
        library = store.compile(code)
        if library.name in added:
            raise ReplyError(f"Library '{shown(library.name)}' already exists")
        store.check_collisions(added, {library.name: library})
        added[library.name] = library
    return added


@command(
    "function|list",
    "noscript",
    since="7.0.0",
    group=GROUP,
    tips="nondeterministic_output_order",
    complexity="O(N) where N is the number of functions",
)
def function_list(tx: Tx, *options: bytes) -> list[dict[bytes, object]]:
    """Describe the libraries."""
    with_code, pattern = _list_options(list(options))
    matches = compile_glob(pattern.lower()) if pattern is not None else None
    libraries = tx.engine.scripts.libraries.loaded.values()
    return [_described(library, with_code) for library in libraries if matches is None or matches(library.name.lower())]


def _list_options(options: list[bytes]) -> tuple[bool, bytes | None]:
    with_code, pattern = False, None
    while options:
        word = options.pop(0)
        if word.lower() == b"withcode" and not with_code:
            with_code = True
        elif word.lower() == b"libraryname" and pattern is None:
            if not options:
                raise ReplyError("library name argument was not given")
            pattern = options.pop(0)
        else:
            raise ReplyError(f"Unknown argument {shown(word)}")
    return with_code, pattern


def _described(library: Library, with_code: bool) -> dict[bytes, object]:
    described: dict[bytes, object] = {
        b"library_name": library.name,
        b"engine": b"LUA",
        b"functions": [_function(function) for function in library.functions.values()],
    }
    if with_code:
        described[b"library_code"] = library.code
    return described


def _function(function: Function) -> dict[bytes, object]:
    flags = SetReply(flag for flag in FLAGS if flag in function.flags)
    return {b"name": function.name, b"description": function.description, b"flags": flags}


@command(
    "function|stats", "noscript allow_busy", since="7.0.0", group=GROUP, complexity="O(1)",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
)  # fmt: skip
def function_stats(tx: Tx) -> dict[bytes, object]:
    """Describe the function that runs, and count the libraries."""
    scripts = tx.engine.scripts
    run = scripts.running
    if run is not None and run.is_eval:
        raise ReplyError(scripts.busy_message, "BUSY")
    running: object = None
    if run is not None:
        elapsed = (tx.engine.clock.ticks() - run.started) // 1_000_000
        running = {b"name": run.name, b"command": run.argv, b"duration_ms": elapsed}
    libraries = scripts.libraries
    counts = {b"libraries_count": len(libraries.loaded), b"functions_count": len(libraries.functions)}
    return {b"running_script": running, b"engines": {b"LUA": counts}}


@command(
    "function|kill", "noscript allow_busy", since="7.0.0", group=GROUP, complexity="O(1)",
    tips="request_policy:all_shards response_policy:one_succeeded",
)  # fmt: skip
def function_kill(tx: Tx) -> str:
    """End the running function, if it has written nothing."""
    tx.engine.scripts.kill(is_eval=False)
    return OK


@command("function|help", "loading stale", since="7.0.0", group=GROUP, complexity="O(1)")
def function_help(tx: Tx) -> list[str]:
    """Show the subcommands."""
    return help_reply(
        "FUNCTION",
        "LOAD [REPLACE] <FUNCTION CODE>",
        "    Create a library, or replace the one of that name.",
        "DELETE <LIBRARY NAME>",
        "    Delete a library.",
        "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
        "    Describe the libraries, or those whose name matches: name, engine, functions, code if asked for.",
        "STATS",
        "    Describe the running function (name, command, milliseconds so far) and count libraries and functions.",
        "KILL",
        "    End the running function.",
        "FLUSH [ASYNC|SYNC]",
        "    Delete all libraries.",
        "DUMP",
        "    Return all libraries as a payload for FUNCTION RESTORE.",
        "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
        "    Load the libraries of a payload. If one of that name exists:",
        "    * FLUSH: all libraries are deleted before.",
        "    * APPEND: nothing is loaded (this is the default).",
        "    * REPLACE: the new one takes its place, unless another library has a function of the same name.",
    )
