"""SLOWLOG: the commands that took long, see `store.observe.slowlog` (slowlog.c 7.0)."""

from __future__ import annotations

from itertools import islice

from store.commands.arguments import INT64_MAX, parse_range
from store.commands.help import help_reply
from store.commands.table import command, container
from store.errors import ReplyError
from store.replies import OK
from store.tx import Tx

GROUP = "server"
_FLAGS = "admin loading stale"

container("SLOWLOG", "Look at the commands that took long.", since="2.2.12", group=GROUP)


@command(
    "SLOWLOG|GET", _FLAGS, since="2.2.12", group=GROUP, complexity="O(entries shown)",
    tips="request_policy:all_nodes nondeterministic_output",
)  # fmt: skip
def slowlog_get(tx: Tx, count: bytes = b"10", *excess: bytes) -> list[object]:
    """Show the newest entries, ten or as many as given (-1: all): id, time, microseconds, arguments, address, name."""
    if excess:
        raise ReplyError("unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.")
    wanted = parse_range(count, -1, INT64_MAX, "count should be greater than or equal to -1")
    entries = tx.engine.slowlog.entries
    shown = islice(entries, len(entries) if wanted < 0 else min(wanted, len(entries)))
    return [[slow.number, slow.time, slow.microseconds, slow.argv, slow.address, slow.name] for slow in shown]


@command(
    "SLOWLOG|LEN", _FLAGS, since="2.2.12", group=GROUP, complexity="O(1)",
    tips="request_policy:all_nodes response_policy:agg_sum nondeterministic_output",
)  # fmt: skip
def slowlog_len(tx: Tx) -> int:
    """Tell how many entries there are."""
    return len(tx.engine.slowlog.entries)


@command(
    "SLOWLOG|RESET", _FLAGS, since="2.2.12", group=GROUP, complexity="O(entries)",
    tips="request_policy:all_nodes response_policy:all_succeeded",
)  # fmt: skip
def slowlog_reset(tx: Tx) -> str:
    """Forget all entries."""
    tx.engine.slowlog.entries.clear()
    return OK


@command("SLOWLOG|HELP", "loading stale", since="6.2.0", group=GROUP, complexity="O(1)")
def slowlog_help(tx: Tx) -> list[str]:
    """Describe the subcommands."""
    return help_reply(
        "SLOWLOG",
        "GET [<count>]",
        "    The newest entries (default: 10, -1: all): id, unix time, microseconds,",
        "    arguments, address and name of the client.",
        "LEN",
        "    How many entries there are.",
        "RESET",
        "    Forget all entries.",
    )
