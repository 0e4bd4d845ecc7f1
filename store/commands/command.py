"""COMMAND: what the table knows of the commands, for clients and proxies (server.c 7.0)."""

from __future__ import annotations

from collections.abc import Callable

from store.acl.catalog import CATEGORIES, every
from store.commands.help import help_reply
from store.commands.key_access import has_keys, key_uses
from store.commands.keyspecs import KeySpec
from store.commands.table import Command, command
from store.errors import ReplyError, syntax_error
from store.glob import compile_glob
from store.replies import SetReply
from store.tx import Tx

GROUP = "connection"
_FLAGS = "loading stale"
_SHOWN_FLAGS = (
    "write", "readonly", "denyoom", "module", "admin", "pubsub", "noscript", "blocking", "loading", "stale", "skip_monitor",
    "skip_slowlog", "asking", "fast", "no_auth", "no_mandatory_keys", "no_async_loading", "no_multi", "movablekeys", "allow_busy",
)  # fmt: skip
"""The flags that COMMAND INFO shows, in its order; others are for the server alone."""


# ── COMMAND, INFO, COUNT ───────────────────────────────────────────────────────────────────────────────────────────
@command("COMMAND", _FLAGS, since="2.8.13", group=GROUP, tips="nondeterministic_output_order", complexity="O(commands)")
def command_(tx: Tx, *none: bytes) -> list[object]:
    """Describe all commands: arity, flags, key positions, categories, subcommands."""
    return [describe(row) for row in tx.engine.commands.values()]


@command(
    "COMMAND|INFO", _FLAGS, since="2.8.13", group=GROUP, tips="nondeterministic_output_order", complexity="O(names)"
)
def command_info(tx: Tx, *names: bytes) -> list[object]:
    """Describe the commands of these names (`container|sub` for a subcommand), null for what is none; all without a name."""
    if not names:
        return [describe(row) for row in tx.engine.commands.values()]
    rows = [_named(tx, name) for name in names]
    return [None if row is None else describe(row) for row in rows]


def _named(tx: Tx, name: bytes) -> Command | None:
    words = name.split(b"|")
    row = tx.engine.lookup(words) if len(words) <= 2 else None
    return row if row is None or len(words) == row.words else None


def describe(row: Command) -> list[object]:
    """One command as COMMAND INFO shows it."""
    first, last, step = legacy_range(row.keyspecs)
    return [
        row.name.encode(), row.arity, SetReply(flag for flag in _SHOWN_FLAGS if flag in row.flags), first, last, step,
        SetReply(f"@{category}" for category in CATEGORIES if category in row.categories),
        SetReply(tip.encode() for tip in row.tips), SetReply(_key_spec(spec) for spec in row.keyspecs),
        [describe(sub) for sub in row.subcommands.values()],
    ]  # fmt: skip


def legacy_range(specs: tuple[KeySpec, ...]) -> tuple[int, int, int]:
    """First key, last key and step, the form before key specifications: of the specifications that join to one range."""
    ranges = [spec for spec in specs if not spec.unknown and not spec.numbered and spec.keyword is None]
    if len(specs) == 1 and ranges:
        spec = specs[0]
        return spec.begin, spec.last + spec.begin if spec.last >= 0 else spec.last, spec.step
    joined: list[KeySpec] = []
    last = 0
    for spec in ranges:
        if spec.step != 1 or (last and last != spec.begin - 1):
            continue
        joined.append(spec)
        ends = (last, spec.last + spec.begin if spec.last >= 0 else spec.last)
        last = max((end for end in ends if end < 0), default=max(ends))  # negative: from the end, so beyond all others
    return (joined[0].begin, last, 1) if joined else (0, 0, 0)


def _key_spec(spec: KeySpec) -> dict[object, object]:
    flags = SetReply(spec.flags)
    if spec.unknown:
        return {b"flags": flags, b"begin_search": _typed("unknown"), b"find_keys": _typed("unknown")}
    if spec.keyword is None:
        begin = _typed("index", index=spec.begin)
    else:
        begin = _typed("keyword", keyword=spec.keyword, startfrom=spec.begin)
    if spec.numbered:
        find = _typed("keynum", keynumidx=0, firstkey=spec.first, keystep=spec.step)
    else:
        find = _typed("range", lastkey=spec.last, keystep=spec.step, limit=spec.limit)
    return {b"flags": flags, b"begin_search": begin, b"find_keys": find}


def _typed(kind: str, **spec: object) -> dict[object, object]:
    return {b"type": kind.encode(), b"spec": {name.encode(): value for name, value in spec.items()}}


@command("COMMAND|COUNT", _FLAGS, since="2.8.13", group=GROUP, complexity="O(1)")
def command_count(tx: Tx) -> int:
    """Tell how many commands there are."""
    return len(tx.engine.commands)


# ── DOCS, LIST ─────────────────────────────────────────────────────────────────────────────────────────────────────
@command(
    "COMMAND|DOCS", _FLAGS, since="7.0.0", group=GROUP, tips="nondeterministic_output_order", complexity="O(names)"
)
def command_docs(tx: Tx, *names: bytes) -> dict[object, object]:
    """Explain the commands of these names, or all."""
    rows = [_named(tx, name) for name in names] if names else list(tx.engine.commands.values())
    return {row.name.encode(): _docs(row) for row in rows if row is not None}


def _docs(row: Command) -> dict[object, object]:
    docs: dict[object, object] = {}
    for name in ("doc", "since", "group", "complexity"):
        text = getattr(row, name)
        if text:
            docs[b"summary" if name == "doc" else name.encode()] = text.encode()
    if row.subcommands:
        docs[b"subcommands"] = {sub.name.encode(): _docs(sub) for sub in row.subcommands.values()}
    return docs


@command(
    "COMMAND|LIST", _FLAGS, since="7.0.0", group=GROUP, tips="nondeterministic_output_order", complexity="O(commands)"
)
def command_list(tx: Tx, *options: bytes) -> list[bytes]:
    """List the names of all commands, or of those that a filter lets through."""
    fits = _filter(options)
    return [row.name.encode() for row in every(tx.engine.commands) if fits(row)]


def _filter(options: tuple[bytes, ...]) -> Callable[[Command], bool]:
    if not options:
        return lambda row: True
    if len(options) != 3 or options[0].lower() != b"filterby":
        raise syntax_error()
    kind, wanted = options[1].lower(), options[2]
    if kind == b"module":
        return lambda row: False  # there are no modules
    if kind == b"aclcat":
        category = wanted.decode("utf-8", "surrogateescape").lower()
        return lambda row: category in row.categories
    if kind != b"pattern":
        raise syntax_error()
    matches = compile_glob(wanted, ignore_case=True)
    return lambda row: matches(row.name.encode())


# ── GETKEYS ────────────────────────────────────────────────────────────────────────────────────────────────────────
@command("COMMAND|GETKEYS", _FLAGS, since="2.8.13", group=GROUP, complexity="O(arguments)")
def command_getkeys(tx: Tx, command: bytes, argument: bytes, *arguments: bytes) -> list[bytes]:
    """List the keys of a request."""
    return [key for key, _ in _keys(tx, [command, argument, *arguments])]


@command("COMMAND|GETKEYSANDFLAGS", _FLAGS, since="7.0.0", group=GROUP, complexity="O(arguments)")
def command_getkeysandflags(tx: Tx, command: bytes, argument: bytes, *arguments: bytes) -> list[object]:
    """List the keys of a request, each with what is done with it."""
    return [[key, flags] for key, flags in _keys(tx, [command, argument, *arguments])]


def _keys(tx: Tx, argv: list[bytes]) -> list[tuple[bytes, SetReply]]:
    row = tx.engine.lookup(argv)
    if row is None:
        raise ReplyError("Invalid command specified")
    if not has_keys(row):
        raise ReplyError("The command has no key arguments")
    if not row.accepts(len(argv)):
        raise ReplyError("Invalid number of arguments specified for command")
    uses = key_uses(row, argv)
    if not uses and "no_mandatory_keys" not in row.flags:
        raise ReplyError("Invalid arguments specified for command")
    return [(argv[use.place], SetReply(use.flags)) for use in uses]


@command("COMMAND|HELP", _FLAGS, since="5.0.0", group=GROUP, complexity="O(1)")
def command_help(tx: Tx) -> list[str]:
    """Describe the subcommands."""
    return help_reply(
        "COMMAND",
        "(no subcommand)",
        "    Describe all commands.",
        "COUNT",
        "    How many commands there are.",
        "LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]",
        "    The names of all commands, or of those that fit.",
        "INFO [<command> ...]",
        "    Describe these commands, or all.",
        "DOCS [<command> ...]",
        "    Explain these commands, or all.",
        "GETKEYS <full-command>",
        "    The keys of a request.",
        "GETKEYSANDFLAGS <full-command>",
        "    The keys of a request, and what is done with each.",
    )
