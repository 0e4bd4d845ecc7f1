"""Consumer groups: XGROUP, XACK, and what reading by a group records (used by XREADGROUP, XCLAIM and XAUTOCLAIM).

Law: a delivery is recorded as its outcome: XCLAIM says which entries are pending with whom, since when, how often delivered;
XGROUP SETID how far the group has read; XCLAIM of the id 0-0, which no entry has, when a consumer was last seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from store.commands.arguments import parse_int
from store.commands.help import help_reply
from store.commands.lookups import read_for_write
from store.commands.table import command, container
from store.errors import ReplyError, wrong_type
from store.notifications import UNHEARD
from store.replies import OK
from store.values.stream import Stream
from store.values.stream_group import UNKNOWN, Group
from store.values.stream_ids import parse_id, parse_special_id
from store.values.stream_node import id_text

if TYPE_CHECKING:
    from store.tx import Tx

_NEEDS_KEY = (
    "The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to "
    "create an empty stream automatically."
)


def shown(text: bytes) -> str:
    """A name from a request, as part of an error's text."""
    return text.decode("utf-8", "surrogateescape")


def no_group(key: bytes, name: bytes, where: str = "") -> ReplyError:
    """The error for a missing stream or group in the commands that read by groups."""
    return ReplyError(f"No such key '{shown(key)}' or consumer group '{shown(name)}'{where}", "NOGROUP")


def read_stream(tx: Tx, key: bytes) -> Stream | None:
    """The stream at key for a write command that reads it too: counts a hit or miss; raise WRONGTYPE for another type."""
    value = read_for_write(tx, key)
    if value is not None and not isinstance(value, Stream):
        raise wrong_type()
    return value


# ── recording ────────────────────────────────────────────────────────────────────────────────────────────────────────
def record_claim(tx: Tx, key: bytes, name: bytes, consumer: bytes, ids: Sequence[int], time: int, count: int) -> None:
    """Record that entries are pending with a consumer since time (unix ms), delivered count times; it may be new."""
    words = [id_text(number) for number in ids]
    options = (b"TIME", b"%d" % time, b"RETRYCOUNT", b"%d" % count, b"FORCE", b"JUSTID")
    tx.record(b"XCLAIM", key, name, consumer, b"0", *words, *options)


def record_seen(tx: Tx, key: bytes, name: bytes, consumer: bytes) -> None:
    """Record that a consumer was seen now."""
    tx.record(b"XCLAIM", key, name, consumer, b"0", b"0-0", b"TIME", b"%d" % tx.now, b"FORCE", b"JUSTID")


def record_position(tx: Tx, key: bytes, name: bytes, last: int, read: int) -> None:
    """Record how far a group has read: Redis notifies nobody of that."""
    words = (b"SETID", key, name, id_text(last), b"ENTRIESREAD", b"%d" % read)
    tx.record_as(b"xgroup-setid", b"XGROUP", *words, notice_class=UNHEARD)


def record_consumer(tx: Tx, key: bytes, name: bytes, group: Group, consumer: bytes) -> bool:
    """Record a new consumer, seen now; False if it is there."""
    if consumer in group.consumers:
        return False
    tx.record(b"XGROUP", b"CREATECONSUMER", key, name, consumer)
    record_seen(tx, key, name, consumer)
    return True


# ── XGROUP ───────────────────────────────────────────────────────────────────────────────────────────────────────────
container("XGROUP", "Manage the consumer groups of a stream.", since="5.0.0", group="stream")


def _bad_call(subcommand: str) -> ReplyError:
    return ReplyError(f"unknown subcommand or wrong number of arguments for '{subcommand}'. Try XGROUP HELP.")


def _read_options(subcommand: str, options: tuple[bytes, ...]) -> tuple[bool, int]:
    """Read MKSTREAM (CREATE only) and ENTRIESREAD: (make the stream, entries read)."""
    make, read, place = False, UNKNOWN, 0
    while place < len(options):
        word = options[place].upper()
        if word == b"MKSTREAM" and subcommand == "CREATE":
            make = True
        elif word == b"ENTRIESREAD" and place + 1 < len(options):
            place += 1
            read = parse_int(options[place])
            if read < UNKNOWN:
                raise ReplyError("value for ENTRIESREAD must be positive or -1")
        else:
            raise _bad_call(subcommand)
        place += 1
    return make, read


def _stream_of(tx: Tx, key: bytes) -> Stream:
    stream = tx.db.typed(key, Stream)
    if stream is None:
        raise ReplyError(_NEEDS_KEY)
    return stream


def _group_of(tx: Tx, key: bytes, name: bytes) -> tuple[Stream, Group]:
    stream = _stream_of(tx, key)
    group = stream.groups.get(name)
    if group is None:
        raise ReplyError(f"No such consumer group '{shown(name)}' for key name '{shown(key)}'", "NOGROUP")
    return stream, group


@command("XGROUP|CREATE", "write denyoom", keys="RW insert @2", since="5.0.0", group="stream", complexity="O(1)")
def xgroup_create(tx: Tx, key: bytes, name: bytes, start: bytes, *options: bytes) -> str:
    """Add a consumer group that reads from after the given id, or from the end with `$`."""
    make, read = _read_options("CREATE", options)
    stream = tx.db.typed(key, Stream)
    if stream is None and not make:
        raise ReplyError(_NEEDS_KEY)
    if len(options) > 3:
        raise _bad_call("CREATE")
    newest = 0 if stream is None else stream.last
    last = newest if start == b"$" else parse_id(start)
    if stream is not None and name in stream.groups:
        raise ReplyError("Consumer Group name already exists", "BUSYGROUP")
    words = [b"MKSTREAM"] if stream is None else []
    if read != UNKNOWN:
        words += (b"ENTRIESREAD", b"%d" % read)
    tx.record(b"XGROUP", b"CREATE", key, name, id_text(last), *words)
    return OK


@command("XGROUP|SETID", "write", keys="RW update @2", since="5.0.0", group="stream", complexity="O(1)")
def xgroup_setid(tx: Tx, key: bytes, name: bytes, last: bytes, *options: bytes) -> str:
    """Let a group read on from after the given id."""
    _, read = _read_options("SETID", options)
    stream, _ = _group_of(tx, key, name)
    if len(options) > 2:
        raise _bad_call("SETID")
    number = stream.last if last == b"$" else parse_special_id(last)
    tx.record(b"XGROUP", b"SETID", key, name, id_text(number), b"ENTRIESREAD", b"%d" % read)
    return OK


@command(
    "XGROUP|DESTROY",
    "write",
    keys="RW delete @2",
    since="5.0.0",
    group="stream",
    complexity="O(N) for N entries pending",
)
def xgroup_destroy(tx: Tx, key: bytes, name: bytes) -> object:
    """Remove a group; reply whether it was there."""
    return tx.record(b"XGROUP", b"DESTROY", key, name) if name in _stream_of(tx, key).groups else 0


@command(
    "XGROUP|CREATECONSUMER", "write denyoom", keys="RW insert @2", since="6.2.0", group="stream", complexity="O(1)"
)
def xgroup_createconsumer(tx: Tx, key: bytes, name: bytes, consumer: bytes) -> int:
    """Add a consumer to a group; reply whether it is new."""
    _, group = _group_of(tx, key, name)
    return int(record_consumer(tx, key, name, group, consumer))


@command("XGROUP|DELCONSUMER", "write", keys="RW delete @2", since="5.0.0", group="stream", complexity="O(1)")
def xgroup_delconsumer(tx: Tx, key: bytes, name: bytes, consumer: bytes) -> object:
    """Remove a consumer and forget what is pending with it; reply how many entries that were."""
    _, group = _group_of(tx, key, name)
    return tx.record(b"XGROUP", b"DELCONSUMER", key, name, consumer) if consumer in group.consumers else 0


@command("XGROUP|HELP", "loading stale", since="5.0.0", group="stream", acl="stream", complexity="O(1)")
def xgroup_help(tx: Tx) -> list[str]:
    """Describe the subcommands."""
    return help_reply(
        "XGROUP",
        "CREATE <key> <group> <id|$> [MKSTREAM] [ENTRIESREAD <count>]",
        "    Add a group that reads from after the id; MKSTREAM makes the stream if there is none.",
        "CREATECONSUMER <key> <group> <consumer>",
        "    Add a consumer to the group.",
        "DELCONSUMER <key> <group> <consumer>",
        "    Remove a consumer and what is pending with it.",
        "DESTROY <key> <group>",
        "    Remove the group.",
        "SETID <key> <group> <id|$> [ENTRIESREAD <count>]",
        "    Let the group read on from after the id.",
    )


@command("XACK", "write fast", keys="RW update @1", since="5.0.0", group="stream", complexity="O(1) for each id")
def xack(tx: Tx, key: bytes, name: bytes, first: bytes, *more: bytes) -> object:
    """Acknowledge entries that were delivered to a group; reply how many were pending."""
    stream = read_stream(tx, key)
    group = None if stream is None else stream.groups.get(name)
    if group is None:
        return 0
    ids = [parse_id(text) for text in (first, *more)]
    pending = [id_text(number) for number in dict.fromkeys(ids) if number in group.pending]
    return tx.record(b"XACK", key, name, *pending) if pending else 0
