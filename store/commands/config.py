"""CONFIG: options at run time, the configuration file, and setting the statistics to zero (config.c 7.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.acl.catalog import every
from store.commands.help import help_reply
from store.commands.table import ASYNC_LOADING, LOADING, TABLE, command, container
from store.config import ConfigRefused, rewrite
from store.errors import ReplyError, syntax_error
from store.logfile import warn
from store.replies import OK
from store.tx import Tx

if TYPE_CHECKING:
    from store.engine import Engine

GROUP = "server"
_FLAGS = "admin noscript loading stale"

container("CONFIG", "Look at and change the options of the server.", since="2.0.0", group=GROUP)


@command("CONFIG|GET", _FLAGS, since="2.0.0", group=GROUP, complexity="O(patterns × options)")
def config_get(tx: Tx, pattern: bytes, *patterns: bytes) -> dict[object, object]:
    """Show the options whose names match a pattern, with their values."""
    return dict(tx.engine.settings.get((pattern, *patterns)))


@command(
    "CONFIG|SET", _FLAGS, since="2.0.0", group=GROUP, complexity="O(options)",
    tips="request_policy:all_nodes response_policy:all_succeeded",
)  # fmt: skip
def config_set(tx: Tx, name: bytes, value: bytes, *more: bytes) -> str:
    """Change options, all of them or none."""
    if len(more) % 2:
        raise syntax_error()
    pairs = [(name, value), *zip(more[::2], more[1::2], strict=True)]
    loading = bool(tx.engine.gates.closed & (LOADING | ASYNC_LOADING))
    try:
        tx.engine.settings.set(pairs, local=tx.session.is_local, loading=loading)
    except ConfigRefused as error:
        raise ReplyError(error.message, error.code) from error
    return OK


@command("CONFIG|REWRITE", _FLAGS, since="2.8.0", group=GROUP, complexity="O(options)")
def config_rewrite(tx: Tx) -> str:
    """Bring the configuration file up to date with the options in force."""
    write_configuration(tx.engine)
    return OK


def write_configuration(engine: Engine, everything: bool = False) -> None:
    """Rewrite the configuration file, users included; everything: options at their default too. Raise ReplyError."""
    users = [b"%b %b" % (user.name, user.describe()) for user in engine.users.by_name()]
    try:
        rewrite(engine.settings, users, everything=everything)
    except ConfigRefused as error:
        warn(f"CONFIG REWRITE failed: {error.message}")
        raise ReplyError(error.message, error.code) from error
    warn("CONFIG REWRITE executed with success.")


@command("CONFIG|RESETSTAT", _FLAGS, since="2.0.0", group=GROUP, complexity="O(commands)")
def config_resetstat(tx: Tx) -> str:
    """Set the statistics that INFO and LATENCY HISTOGRAM show to zero."""
    tx.engine.stats.reset()
    tx.engine.topology.reset_statistics()
    tx.keyspace.hits = tx.keyspace.misses = tx.keyspace.freed = 0
    for row in every(TABLE):
        row.reset_statistics()
    return OK


@command("CONFIG|HELP", "loading stale", since="5.0.0", group=GROUP, complexity="O(1)")
def config_help(tx: Tx) -> list[str]:
    """Describe the subcommands."""
    return help_reply(
        "CONFIG",
        "GET <pattern> [<pattern> ...]",
        "    The options whose names match, with their values.",
        "SET <option> <value> [<option> <value> ...]",
        "    Change options, all of them or none.",
        "RESETSTAT",
        "    Set the statistics of INFO to zero.",
        "REWRITE",
        "    Bring the configuration file up to date.",
    )
