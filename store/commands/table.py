"""The command table: one row a command, registered where the command is written.

A row holds the name, arity (from the function's signature), flags, key positions, ACL categories, since, group and doc.
COMMAND INFO/DOCS/GETKEYS, MULTI's queueing, ACL, expiry of a command's keys and cluster-aware clients read it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from store.commands.keyspecs import KeySpec, parse_keyspecs
from store.primitives import bit_length, call_with

Handler = Callable[..., object]
Variant = Callable[[Any, "Command", list[bytes]], "Command"]

GROUP_CATEGORY = {
    "string": "string", "hash": "hash", "list": "list", "set": "set", "sorted-set": "sortedset", "generic": "keyspace",
    "bitmap": "bitmap", "hyperloglog": "hyperloglog", "geo": "geo", "stream": "stream", "pubsub": "pubsub",
    "connection": "connection", "transactions": "transaction", "scripting": "scripting",
}  # fmt: skip

# Conditions under which a command is not simply run (bits; see store/gates.py for what each does).
UNAUTHENTICATED, RESTRICTED, QUEUEING, SUBSCRIBED, OUT_OF_MEMORY, POISONED, READ_ONLY = (1 << n for n in range(7))
LOADING, STALE, PAUSED, FEW_REPLICAS, BUSY, PROTECTED, NO_MULTI, FOLLOWING = (1 << n for n in range(7, 15))
ASYNC_LOADING = 1 << 15


class Command:
    """One row. `arity` counts the name too, negative = at least; `gate`: the conditions that stop or divert this command."""

    def __init__(
        self,
        name: str,
        handler: Handler | None,
        arity: int,
        flags: frozenset[str],
        keyspecs: tuple[KeySpec, ...],
        categories: tuple[str, ...],
        since: str,
        group: str,
        doc: str,
        tips: tuple[str, ...] = (),
        complexity: str = "",
    ) -> None:
        self.name = name.lower()  # registrations write it as manuals do
        self.handler = handler
        self.arity = arity
        self.flags = flags
        self.keyspecs = keyspecs
        self.categories = categories
        self.since = since
        self.group = group
        self.doc = doc
        self.tips = tips
        self.complexity = complexity
        self.words = 2 if "|" in name else 1
        self.subcommands: dict[bytes, Command] = {}
        self.gate = gate_of(flags, name)
        self.writes = "write" in flags
        self.reads = "readonly" in flags
        self.base = self  # the row that this one is a form of (a script's flags take the place of the command's)
        self.variant: Variant | None = None  # finds that form for a request
        self.reset_statistics()

    def reset_statistics(self) -> None:
        """Set the counters to zero (CONFIG RESETSTAT)."""
        self.calls = self.nanoseconds = self.failed = self.rejected = 0
        self.buckets = [0] * 64  # calls by bit length of their nanoseconds

    def keys(self, argv: list[bytes]) -> list[bytes]:
        """The keys among the arguments of a call (argv with the name)."""
        found: list[bytes] = []
        for spec in self.keyspecs:
            found += spec.find(argv)
        return found

    def run(self, tx: object, argv: list[bytes]) -> object:
        """Call the handler with the arguments of argv; a container has none and never gets here."""
        return call_with(self.handler, tx, argv, self.words)  # type: ignore[arg-type]  # see above

    def accepts(self, count: int) -> bool:
        """Tell whether a call with count arguments (name included) fits the arity."""
        return count == self.arity if self.arity >= 0 else count >= -self.arity

    def ran(self, duration: int) -> None:
        """Account for a call that took duration nanoseconds."""
        self.calls += 1
        self.nanoseconds += duration
        self.buckets[bit_length(duration)] += 1


TABLE: dict[bytes, Command] = {}
"""Commands by lower-case name."""


def command(
    name: str,
    flags: str = "",
    *,
    keys: str = "",
    since: str,
    group: str,
    acl: str = "",
    tips: str = "",
    complexity: str = "",
) -> Callable[[Handler], Handler]:
    """Register a function as the command `name` (`config|get` for a subcommand).

    `flags`: Redis's flag words, separated by spaces; `keys`: see `keyspecs`; `acl`: categories beyond those that follow from
    flags and group; `tips`: words as in COMMAND INFO. Arity follows from the signature: (tx, a, b) is 3, (tx, a, *rest) is -2.
    """

    def register(function: Handler) -> Handler:
        words = frozenset(flags.split())
        row = Command(
            name, function, arity_of(function, 2 if "|" in name else 1), words, parse_keyspecs(keys),
            categories_of(words, group, acl), since, group, inspect.cleandoc(function.__doc__ or "").partition("\n")[0],
            tuple(tips.split()), complexity,
        )  # fmt: skip
        add(row)
        return function

    return register


def add(row: Command) -> None:
    """Put a row into the table, under its container for a subcommand; names are unique."""
    container, _, sub = row.name.partition("|")
    if not sub:
        known = TABLE.setdefault(container.lower().encode(), row)
        if known is not row and known.handler is None:
            row.subcommands.update(known.subcommands)
            TABLE[container.lower().encode()] = row
        elif known is not row:
            raise ValueError(f"two commands named {row.name}")
        return
    parent = TABLE.get(container.lower().encode())
    if parent is None:
        parent = Command(container, None, -2, frozenset(), (), ("slow",), row.since, row.group, "")
        TABLE[container.lower().encode()] = parent
    if parent.subcommands.setdefault(sub.lower().encode(), row) is not row:
        raise ValueError(f"two commands named {row.name}")


def container(name: str, doc: str, *, since: str, group: str, acl: str = "") -> None:
    """Register a container command that has only subcommands (CONFIG, OBJECT), with its one-line doc."""
    add(Command(name, None, -2, frozenset(), (), categories_of(frozenset(), "", acl), since, group, doc))


def arity_of(function: Handler, words: int) -> int:
    """Count a handler's arguments as Redis's arity: words of the name plus parameters, negative with optional ones."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    least = words + sum(p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty for p in parameters)
    open_ended = any(p.kind is p.VAR_POSITIONAL or p.default is not p.empty for p in parameters)
    return -least if open_ended else least


def categories_of(flags: frozenset[str], group: str, acl: str) -> tuple[str, ...]:
    """Derive ACL categories as Redis does: from flags, from the group, and what the row adds (`-keyspace`: takes away)."""
    names = set(acl.split())
    names |= {"write"} & flags
    if "readonly" in flags and group != "scripting":
        names.add("read")
    if "admin" in flags:
        names |= {"admin", "dangerous"}
    names |= {"pubsub", "blocking"} & flags
    if group in GROUP_CATEGORY:
        names.add(GROUP_CATEGORY[group])
    names.add("fast" if "fast" in flags else "slow")
    return tuple(sorted(name for name in names if name[0] != "-" and f"-{name}" not in names))


def gate_of(flags: frozenset[str], name: str) -> int:
    """Compute which conditions concern a command, so that running it costs one AND when none holds."""
    gate = RESTRICTED | PAUSED | BUSY | OUT_OF_MEMORY
    for word, condition in (("protected", PROTECTED), ("no_multi", NO_MULTI), ("no_async_loading", ASYNC_LOADING)):
        if word in flags:
            gate |= condition
    if "no_auth" not in flags:
        gate |= UNAUTHENTICATED
    if name.lower() not in ("exec", "discard", "multi", "watch", "quit", "reset"):
        gate |= QUEUEING
    if name.lower() not in (
        "subscribe",
        "unsubscribe",
        "psubscribe",
        "punsubscribe",
        "ssubscribe",
        "sunsubscribe",
        "ping",
        "quit",
        "reset",
    ):
        gate |= SUBSCRIBED
    if flags & {"write", "readonly", "may_replicate"} or name.lower() == "exec":
        gate |= FOLLOWING
    if "write" in flags:
        gate |= POISONED | READ_ONLY | FEW_REPLICAS
    if "loading" not in flags:
        gate |= LOADING
    if "stale" not in flags:
        gate |= STALE
    if name.lower() == "exec":  # what its queue holds decides
        gate |= POISONED | READ_ONLY | FEW_REPLICAS | LOADING | ASYNC_LOADING | STALE
    if name.lower() == "ping":
        gate |= POISONED
    return gate
