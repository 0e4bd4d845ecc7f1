"""DEBUG (debug.c 7.0): the subcommands that tests and inspections use, one function each in a table.

It is one command, not a container: a subcommand takes the arguments after its name, and the table says how many.
Those about data are in `store.debugging.data`, those about the process in `store.debugging.process`.
"""

from __future__ import annotations

from store.commands.table import command
from store.debugging import data, keys, process, protocol
from store.debugging.table import Row
from store.errors import ReplyError
from store.tx import Tx

ROWS: dict[bytes, Row] = {
    row.name: row for table in (data.ROWS, keys.ROWS, process.ROWS, protocol.ROWS) for row in table
}


@command("DEBUG", "admin noscript loading stale protected", since="1.0.0", group="server")
def debug(tx: Tx, subcommand: bytes, *arguments: bytes) -> object:
    """Look inside the node, or bring it into a state that tests need."""
    name = subcommand.lower()
    if name == b"help" and not arguments:
        return help_lines()
    row = ROWS.get(name)
    if row is None or not row.least <= len(arguments) <= row.most:
        shown = subcommand[:128].decode("utf-8", "surrogateescape")
        raise ReplyError(f"unknown subcommand or wrong number of arguments for '{shown}'. Try DEBUG HELP.")
    return row.run(tx, *arguments)


def help_lines() -> list[str]:
    """The reply of DEBUG HELP."""
    lines = ["DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    for _, row in sorted(ROWS.items()):
        lines += [f"{row.name.decode().upper()} {row.usage}".rstrip(), f"    {row.doc}"]
    return [*lines, "HELP", "    Print this help."]
