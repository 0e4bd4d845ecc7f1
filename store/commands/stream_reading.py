"""Reading on from where one stopped: XREAD by an id of one's own, XREADGROUP by what the group has read; either may wait.

    call   = *option STREAMS key … id …
    option = BLOCK ms | COUNT count | GROUP group consumer | NOACK         (the last two: XREADGROUP only)
    id     = last one seen | "$" (the stream's last, XREAD) | ">" (what nobody in the group has read, XREADGROUP)

Law: a read that waits is served by entries only, never by an empty answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from store.commands.arguments import parse_int
from store.commands.stream_groups import (
    no_group,
    read_stream,
    record_claim,
    record_consumer,
    record_position,
    record_seen,
)
from store.commands.streams import entry_reply
from store.commands.table import command
from store.commands.timeouts import parse_milliseconds
from store.errors import ReplyError, syntax_error
from store.replies import NULL_ARRAY, MultiMap
from store.values.stream import Entry, Stream
from store.values.stream_group import UNKNOWN, Group
from store.values.stream_ids import parse_id
from store.values.stream_node import MAX_ID, id_text, signed

if TYPE_CHECKING:
    from store.tx import Tx

NEW = MAX_ID
"""What `>` is read as: no entry is beyond it, so as an id it would make no sense."""
_COUNT_OF_WAITING = 1000
_KEYS = "RO access @STREAMS+{}:-1/2"
_PER_STREAM = "O(N) for N streams and entries replied"


@dataclass(slots=True)
class Read:
    """A call. `timeout`: ms to wait, None = not at all; `count`: entries of a stream at most, 0 = all; `words`: keys, then ids."""

    by_group: bool
    timeout: int | None = None
    count: int = 0
    group: bytes | None = None
    consumer: bytes = b""
    acknowledged: bool = False
    words: tuple[bytes, ...] = ()

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The streams."""
        return self.words[: len(self.words) // 2]

    @property
    def ids(self) -> tuple[bytes, ...]:
        """The id of each stream, as given."""
        return self.words[len(self.words) // 2 :]


# ── the commands ─────────────────────────────────────────────────────────────────────────────────────────────────────
@command(
    "XREAD",
    "readonly blocking movablekeys",
    keys=_KEYS.format(1),
    since="5.0.0",
    group="stream",
    complexity=_PER_STREAM,
)
def xread(tx: Tx, first: bytes, second: bytes, third: bytes, *more: bytes) -> object:
    """Reply the entries of streams after given ids, waiting for some if need be."""
    read = _parse(tx, (first, second, third, *more), by_group=False)
    positions = [
        (key, _own_position(tx.db.typed(key, Stream), word)) for key, word in zip(read.keys, read.ids, strict=True)
    ]
    found: list[tuple[bytes, object]] = []
    for key, position in positions:
        entries = _entries_after(tx.db.typed(key, Stream), position, read.count)
        if entries:
            found.append((key, entries))
    if found:
        return _reply(tx, found)
    after = dict(reversed(positions))  # of a stream that is named twice the first counts

    def serve(tx: Tx, key: bytes) -> object:
        entries = _entries_after(_stream_at(tx, key), after[key], read.count or _COUNT_OF_WAITING)
        return _reply(tx, [(key, entries)]) if entries else None

    return NULL_ARRAY if read.timeout is None else tx.block(read.keys, read.timeout, serve, NULL_ARRAY)


@command(
    "XREADGROUP",
    "write blocking movablekeys",
    keys=_KEYS.format(4),
    since="5.0.0",
    group="stream",
    complexity=_PER_STREAM,
)
def xreadgroup(tx: Tx, a: bytes, b: bytes, c: bytes, d: bytes, e: bytes, f: bytes, *more: bytes) -> object:
    """Reply entries that no consumer of the group has had, which become this one's, or those that it has not acknowledged."""
    read = _parse(tx, (a, b, c, d, e, f, *more), by_group=True)
    positions = [_group_position(tx, read, key, word) for key, word in zip(read.keys, read.ids, strict=True)]
    found: list[tuple[bytes, object]] = []
    for key, position in zip(read.keys, positions, strict=True):
        if position != NEW:
            found.append((key, _history(tx, read, key, position)))
        elif entries := _deliver(tx, read, key, read.count):
            found.append((key, entries))
    if found:
        return _reply(tx, found)

    def serve(tx: Tx, key: bytes) -> object:
        _check_still_there(tx, read, key)
        entries = _deliver(tx, read, key, read.count or _COUNT_OF_WAITING)
        return _reply(tx, [(key, entries)]) if entries else None

    return NULL_ARRAY if read.timeout is None else tx.block(read.keys, read.timeout, serve, NULL_ARRAY, gone=True)


def _reply(tx: Tx, found: list[tuple[bytes, object]]) -> object:
    return MultiMap(found) if tx.session.resp == 3 else [[key, entries] for key, entries in found]


def _stream_at(tx: Tx, key: bytes) -> Stream | None:
    value = tx.db.peek(key)
    return value if isinstance(value, Stream) else None


# ── the arguments ────────────────────────────────────────────────────────────────────────────────────────────────────
def _parse(tx: Tx, words: tuple[bytes, ...], by_group: bool) -> Read:
    read = Read(by_group)
    place = 0
    while place < len(words):
        word, rest = words[place].upper(), words[place + 1 :]
        if word == b"STREAMS" and rest:
            if len(rest) % 2:
                raise ReplyError(
                    "Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."
                )
            read.words = rest
            break
        place += 1 + _parse_option(tx, read, word, rest)
    if not read.words:
        raise syntax_error()
    if by_group and read.group is None:
        raise ReplyError("Missing GROUP option for XREADGROUP")
    return read


def _parse_option(tx: Tx, read: Read, word: bytes, rest: tuple[bytes, ...]) -> int:
    """Read one option; return how many words after its name belong to it."""
    if word == b"BLOCK" and rest:
        if tx.session.scripted:
            name = "xreadgroup" if read.by_group else "xread"
            raise ReplyError(f"{name} command is not allowed with BLOCK option from scripts")
        read.timeout = parse_milliseconds(rest[0])
        return 1
    if word == b"COUNT" and rest:
        read.count = max(parse_int(rest[0]), 0)
        return 1
    if (word == b"GROUP" and len(rest) >= 2) or word == b"NOACK":
        if not read.by_group:
            text = f"The {word.decode()} option is only supported by XREADGROUP. You called XREAD instead."
            raise ReplyError(text)
        if word == b"NOACK":
            read.acknowledged = True
            return 0
        read.group, read.consumer = rest[0], rest[1]
        return 2
    raise syntax_error()


def _own_position(stream: Stream | None, word: bytes) -> int:
    """The id after which XREAD reads."""
    if word == b"$":
        return 0 if stream is None else stream.last
    if word == b">":
        raise ReplyError(
            "The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
        )
    return parse_id(word)


def _group_position(tx: Tx, read: Read, key: bytes, word: bytes) -> int:
    """The id after which XREADGROUP reads the consumer's own entries, or NEW; raise ReplyError if there is no such group."""
    stream = read_stream(tx, key)
    assert read.group is not None
    if stream is None or read.group not in stream.groups:
        raise no_group(key, read.group, " in XREADGROUP with GROUP option")
    if word == b"$":
        raise ReplyError(
            "The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by "
            "specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set."
        )
    return NEW if word == b">" else parse_id(word)


def _check_still_there(tx: Tx, read: Read, key: bytes) -> None:
    stream = _stream_at(tx, key)
    if stream is None:
        raise ReplyError("the stream key no longer exists", "UNBLOCKED")
    if read.group not in stream.groups:
        raise ReplyError("the consumer group this client was blocked on no longer exists", "NOGROUP")


# ── what is read ─────────────────────────────────────────────────────────────────────────────────────────────────────
def _entries_after(stream: Stream | None, last: int, count: int) -> list[object]:
    if stream is None or last >= stream.last:
        return []
    return [entry_reply(entry) for entry in _limited(stream.range(last + 1, MAX_ID), count)]


def _limited(entries: Iterator[Entry], count: int) -> Iterator[Entry]:
    return islice(entries, count) if count else entries


def _group(tx: Tx, read: Read, key: bytes) -> tuple[Stream, Group]:
    stream = _stream_at(tx, key)
    assert stream is not None
    assert read.group is not None
    return stream, stream.groups[read.group]


def _deliver(tx: Tx, read: Read, key: bytes, count: int) -> list[object]:
    """Record that the next entries of a group are with the consumer, and return them."""
    stream, group = _group(tx, read, key)
    if group.last >= stream.last:
        return []
    entries = list(_limited(stream.range(group.last + 1, MAX_ID), count))
    if not entries:
        return []
    assert read.group is not None
    position = entries[-1][0], _entries_read(stream, group, entries)
    if read.acknowledged:
        if not record_consumer(tx, key, read.group, group, read.consumer):
            record_seen(tx, key, read.group, read.consumer)
    else:
        record_claim(tx, key, read.group, read.consumer, [number for number, _ in entries], tx.now, 1)
    record_position(tx, key, read.group, *position)
    return [entry_reply(entry) for entry in entries]


def _entries_read(stream: Stream, group: Group, entries: list[Entry]) -> int:
    """How many entries a group has read once it has these too, or UNKNOWN."""
    count = group.read
    for number, _ in entries:
        if count != UNKNOWN and not stream.has_gap_after(number):
            count = signed(count + 1)
        elif stream.added:
            count = stream.distance(number)
    return count


def _history(tx: Tx, read: Read, key: bytes, last: int) -> list[object]:
    """Return the consumer's own entries after an id, and record that they were delivered once more."""
    stream, group = _group(tx, read, key)
    assert read.group is not None
    if not record_consumer(tx, key, read.group, group, read.consumer):
        record_seen(tx, key, read.group, read.consumer)
    pending = group.consumers[read.consumer].pending
    wanted = pending.irange(last + 1, None)
    reply: list[object] = []
    again: dict[int, list[int]] = {}
    for number in islice(wanted, read.count) if read.count else wanted:
        fields = stream.fields(number)
        reply.append([id_text(number), NULL_ARRAY if fields is None else fields])
        if fields is not None:
            again.setdefault(pending[number].count + 1, []).append(number)
    for count, ids in again.items():
        record_claim(tx, key, read.group, read.consumer, ids, tx.now, count)
    return reply
