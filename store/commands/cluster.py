"""CLUSTER and its companions, as a Redis without cluster mode has them: in the table, and refused."""

from __future__ import annotations

from store.commands.table import Command, add, categories_of, command, container
from store.errors import ReplyError
from store.tx import Tx

GROUP = "cluster"
_WRITES = "admin stale no_async_loading"
_READS = "stale"

# name, arity, flags, tips, since
SUBCOMMANDS = (
    ("addslots", -3, _WRITES, "", "3.0.0"),
    ("addslotsrange", -4, _WRITES, "", "7.0.0"),
    ("bumpepoch", 2, _WRITES, "nondeterministic_output", "3.0.0"),
    ("count-failure-reports", 3, "admin stale", "nondeterministic_output", "3.0.0"),
    ("countkeysinslot", 3, _READS, "", "3.0.0"),
    ("delslots", -3, _WRITES, "", "3.0.0"),
    ("delslotsrange", -4, _WRITES, "", "7.0.0"),
    ("failover", -2, _WRITES, "", "3.0.0"),
    ("flushslots", 2, _WRITES, "", "3.0.0"),
    ("forget", 3, _WRITES, "", "3.0.0"),
    ("getkeysinslot", 4, _READS, "nondeterministic_output", "3.0.0"),
    ("help", 2, "loading stale", "", "5.0.0"),
    ("info", 2, _READS, "nondeterministic_output", "3.0.0"),
    ("keyslot", 3, _READS, "", "3.0.0"),
    ("links", 2, _READS, "nondeterministic_output", "7.0.0"),
    ("meet", -4, _WRITES, "", "3.0.0"),
    ("myid", 2, _READS, "", "3.0.0"),
    ("nodes", 2, _READS, "nondeterministic_output", "3.0.0"),
    ("replicas", 3, "admin stale", "nondeterministic_output", "5.0.0"),
    ("replicate", 3, _WRITES, "", "3.0.0"),
    ("reset", -2, "admin noscript stale", "", "3.0.0"),
    ("saveconfig", 2, _WRITES, "", "3.0.0"),
    ("set-config-epoch", 3, _WRITES, "", "3.0.0"),
    ("setslot", -4, _WRITES, "", "3.0.0"),
    ("shards", 2, _READS, "nondeterministic_output", "7.0.0"),
    ("slaves", 3, "admin stale", "nondeterministic_output", "3.0.0"),
    ("slots", 2, _READS, "nondeterministic_output", "3.0.0"),
)


def disabled(_tx: Tx, *_arguments: bytes) -> object:
    """Refuse: there is no cluster mode."""
    raise ReplyError("This instance has cluster support disabled")


container("CLUSTER", "There is no cluster mode: every subcommand is refused.", since="3.0.0", group=GROUP)
for _name, _arity, _flags, _tips, _since in SUBCOMMANDS:
    _words = frozenset(_flags.split())
    _row = (f"cluster|{_name}", disabled, _arity, _words, (), categories_of(_words, GROUP, ""))
    add(Command(*_row, _since, GROUP, "Refused: there is no cluster mode.", tuple(_tips.split()), "O(1)"))


@command("ASKING", "fast", since="3.0.0", group=GROUP, acl="connection", complexity="O(1)")
def asking(tx: Tx) -> object:
    """Refused: there is no cluster mode."""
    return disabled(tx)


@command("READONLY", "loading stale fast", since="3.0.0", group=GROUP, acl="connection", complexity="O(1)")
def readonly(tx: Tx) -> object:
    """Refused: there is no cluster mode."""
    return disabled(tx)


@command("READWRITE", "loading stale fast", since="3.0.0", group=GROUP, acl="connection", complexity="O(1)")
def readwrite(tx: Tx) -> object:
    """Refused: there is no cluster mode."""
    return disabled(tx)
