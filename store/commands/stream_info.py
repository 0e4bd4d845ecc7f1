"""XINFO: streams, groups and consumers as they are."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from store.commands.arguments import parse_int
from store.commands.help import help_reply
from store.commands.stream_groups import shown
from store.commands.streams import entry_reply
from store.commands.table import command, container
from store.errors import ReplyError, no_such_key
from store.values.stream import Entry, Stream
from store.values.stream_group import UNKNOWN, Consumer, Group
from store.values.stream_node import MAX_ID, id_text, signed

if TYPE_CHECKING:
    from store.tx import Tx

Map = dict[object, object]

container("XINFO", "Describe streams, groups and consumers.", since="5.0.0", group="stream")


def _stream_of(tx: Tx, key: bytes) -> Stream:
    stream = tx.db.typed(key, Stream)
    if stream is None:
        raise no_such_key()
    return stream


def _known(count: int) -> int | None:
    return None if count == UNKNOWN else count


def lag(stream: Stream, group: Group) -> int | None:
    """How many entries a group has yet to read, or None where deletions make that unknowable (t_stream.c 7.0)."""
    if not stream.added:
        return 0
    if group.read != UNKNOWN and not stream.has_gap_after(group.last):
        return signed(stream.added - group.read)
    read = stream.distance(group.last)
    return None if read == UNKNOWN else signed(stream.added - read)


# ── XINFO STREAM ─────────────────────────────────────────────────────────────────────────────────────────────────────
@command("XINFO|STREAM", "readonly", keys="RO access @2", since="5.0.0", group="stream", complexity="O(1)")
def xinfo_stream(tx: Tx, key: bytes, *options: bytes) -> Map:
    """Describe a stream, with FULL its entries, groups and consumers too."""
    stream = _stream_of(tx, key)
    count = _read_full(options)
    reply: Map = {
        b"length": stream.length,
        b"radix-tree-keys": len(stream.nodes),
        b"radix-tree-nodes": len(stream.nodes) + 1,  # Redis counts the inner nodes of its tree; here there are none
        b"last-generated-id": id_text(stream.last),
        b"max-deleted-entry-id": id_text(stream.max_deleted),
        b"entries-added": signed(stream.added),
        b"recorded-first-entry-id": id_text(stream.first()),
    }
    if count is None:
        reply[b"groups"] = len(stream.groups)
        reply[b"first-entry"] = _one(stream.range(0, MAX_ID))
        reply[b"last-entry"] = _one(stream.backwards(0, MAX_ID))
    else:
        reply[b"entries"] = [entry_reply(entry) for entry in _limited(stream, count)]
        reply[b"groups"] = [_full_group(stream, name, group, count) for name, group in sorted(stream.groups.items())]
    return reply


def _read_full(options: tuple[bytes, ...]) -> int | None:
    """Read `[FULL [COUNT count]]` as how many of each are shown, 0 = all; None without FULL."""
    if not options:
        return None
    words = [option.upper() for option in options]
    if words[0] != b"FULL" or len(words) not in (1, 3) or (len(words) == 3 and words[1] != b"COUNT"):
        raise ReplyError("unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.")
    count = parse_int(options[2]) if len(options) == 3 else 10
    return count if count >= 0 else 10


def _one(entries: Iterable[Entry]) -> object:
    return next((entry_reply(entry) for entry in entries), None)


def _limited(stream: Stream, count: int) -> Iterable[Entry]:
    return islice(stream, count or None)


def _full_group(stream: Stream, name: bytes, group: Group, count: int) -> Map:
    return {
        b"name": name,
        b"last-delivered-id": id_text(group.last),
        b"entries-read": _known(group.read),
        b"lag": lag(stream, group),
        b"pel-count": len(group.pending),
        b"pending": [
            [id_text(number), pending.consumer.name, pending.time, pending.count]
            for number, pending in islice(group.pending.items(), count or None)
        ],
        b"consumers": [_full_consumer(consumer, count) for _, consumer in sorted(group.consumers.items())],
    }


def _full_consumer(consumer: Consumer, count: int) -> Map:
    return {
        b"name": consumer.name,
        b"seen-time": consumer.seen,
        b"pel-count": len(consumer.pending),
        b"pending": [
            [id_text(number), pending.time, pending.count]
            for number, pending in islice(consumer.pending.items(), count or None)
        ],
    }


# ── XINFO GROUPS, CONSUMERS ──────────────────────────────────────────────────────────────────────────────────────────
@command("XINFO|GROUPS", "readonly", keys="RO access @2", since="5.0.0", group="stream", complexity="O(1)")
def xinfo_groups(tx: Tx, key: bytes) -> list[Map]:
    """Describe the groups of a stream: consumers, what is pending, how far they have read."""
    stream = _stream_of(tx, key)
    return [
        {
            b"name": name,
            b"consumers": len(group.consumers),
            b"pending": len(group.pending),
            b"last-delivered-id": id_text(group.last),
            b"entries-read": _known(group.read),
            b"lag": lag(stream, group),
        }
        for name, group in sorted(stream.groups.items())
    ]


@command(
    "XINFO|CONSUMERS", "readonly", keys="RO access @2", since="5.0.0", group="stream", tips="nondeterministic_output",
    complexity="O(1)",
)  # fmt: skip
def xinfo_consumers(tx: Tx, key: bytes, name: bytes) -> list[Map]:
    """Describe the consumers of a group: what is pending with each, and ms since it was last seen."""
    group = _stream_of(tx, key).groups.get(name)
    if group is None:
        raise ReplyError(f"No such consumer group '{shown(name)}' for key name '{shown(key)}'", "NOGROUP")
    return [
        {b"name": consumer.name, b"pending": len(consumer.pending), b"idle": max(tx.now - consumer.seen, 0)}
        for _, consumer in sorted(group.consumers.items())
    ]


@command("XINFO|HELP", "loading stale", since="5.0.0", group="stream", acl="stream", complexity="O(1)")
def xinfo_help(tx: Tx) -> list[str]:
    """Describe the subcommands."""
    return help_reply(
        "XINFO",
        "CONSUMERS <key> <group>",
        "    The consumers of a group.",
        "GROUPS <key>",
        "    The groups of a stream.",
        "STREAM <key> [FULL [COUNT <count>]]",
        "    The stream itself; FULL adds its entries, groups and consumers.",
    )
