"""SCRIPT: the cache of EVAL's scripts (eval.c 7.0)."""

from __future__ import annotations

from store.commands.help import help_reply
from store.commands.table import command, container
from store.errors import ReplyError
from store.replies import OK
from store.tx import Tx

GROUP = "scripting"
_EVERYWHERE = "request_policy:all_nodes response_policy:all_succeeded"

container("script", "Manages the cache of Lua scripts.", since="2.6.0", group=GROUP)


@command(
    "script|load",
    "noscript stale",
    since="2.6.0",
    group=GROUP,
    tips=_EVERYWHERE,
    complexity="O(N) with N being the length in bytes of the script body.",
)
def script_load(tx: Tx, script: bytes) -> bytes:
    """Put a script into the cache; reply its SHA1."""
    return tx.engine.scripts.load(script)


@command(
    "script|exists", "noscript", since="2.6.0", group=GROUP, complexity="O(N) with N being the number of scripts to check.",
    tips="request_policy:all_shards response_policy:agg_logical_and",
)  # fmt: skip
def script_exists(tx: Tx, sha1: bytes, *more: bytes) -> list[int]:
    """Tell which scripts are in the cache."""
    cached = tx.engine.scripts.cached
    return [int(digest in cached) for digest in (sha1, *more)]


@command(
    "script|flush",
    "noscript",
    since="2.6.0",
    group=GROUP,
    tips=_EVERYWHERE,
    complexity="O(N) with N being the number of scripts in cache",
)
def script_flush(tx: Tx, *mode: bytes) -> str:
    """Empty the cache."""
    if len(mode) > 1 or (mode and mode[0].lower() not in (b"sync", b"async")):
        raise ReplyError("SCRIPT FLUSH only support SYNC|ASYNC option")
    tx.engine.scripts.flush()
    return OK


@command(
    "script|kill", "noscript allow_busy", since="2.6.0", group=GROUP, complexity="O(1)",
    tips="request_policy:all_shards response_policy:one_succeeded",
)  # fmt: skip
def script_kill(tx: Tx) -> str:
    """End the running script, if it has written nothing."""
    tx.engine.scripts.kill(is_eval=True)
    return OK


@command("script|debug", "noscript", since="3.2.0", group=GROUP, complexity="O(1)")
def script_debug(tx: Tx, mode: bytes) -> str:
    """Turn the script debugger off: there is none here."""
    if mode.lower() == b"no":
        return OK
    if mode.lower() not in (b"yes", b"sync"):
        raise ReplyError("Use SCRIPT DEBUG YES/SYNC/NO")
    raise ReplyError("the Lua debugger is not available")


@command("script|help", "loading stale", since="5.0.0", group=GROUP, complexity="O(1)")
def script_help(tx: Tx) -> list[str]:
    """Show the subcommands."""
    return help_reply(
        "SCRIPT",
        "DEBUG (YES|SYNC|NO)",
        "    Accept NO; there is no debugger.",
        "EXISTS <sha1> [<sha1> ...]",
        "    Return which of the scripts are in the cache.",
        "FLUSH [ASYNC|SYNC]",
        "    Empty the script cache.",
        "KILL",
        "    End the running Lua script.",
        "LOAD <script>",
        "    Put a script into the cache without running it.",
    )
