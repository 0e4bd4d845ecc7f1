"""What is pending in a group: XPENDING tells, XCLAIM and XAUTOCLAIM give it to another consumer.

Law: an entry that is claimed but no longer in the stream is acknowledged instead; what is recorded are final values, so the
same events lead to the same group whenever they are applied.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from store.commands.arguments import INT64_MAX, parse_int, parse_range
from store.commands.stream_groups import no_group, read_stream, record_claim, record_position, record_seen
from store.commands.streams import entry_reply
from store.commands.table import command
from store.errors import ReplyError, syntax_error
from store.replies import NULL_ARRAY
from store.values.stream import Stream
from store.values.stream_group import Group
from store.values.stream_ids import parse_end, parse_id, parse_start
from store.values.stream_node import id_text

if TYPE_CHECKING:
    from store.tx import Tx

_ATTEMPTS = 10
"""Entries that XAUTOCLAIM looks at for each that it may claim."""


# ── XPENDING ─────────────────────────────────────────────────────────────────────────────────────────────────────────
@command(
    "XPENDING", "readonly", keys="RO access @1", since="5.0.0", group="stream", tips="nondeterministic_output",
    complexity="O(N) for N entries replied, O(1) without a range",
)  # fmt: skip
def xpending(tx: Tx, key: bytes, name: bytes, *options: bytes) -> object:
    """Summarize what is pending in a group, or list it: id, consumer, ms since delivery, deliveries."""
    query = _read_query(options) if options else None
    stream = tx.db.typed(key, Stream)
    group = None if stream is None else stream.groups.get(name)
    if group is None:
        raise no_group(key, name)
    return _summary(group) if query is None else query.list(group, tx.now)


@dataclass(slots=True)
class _Query:
    start: int
    end: int
    count: int
    idle: int = 0
    consumer: bytes | None = None

    def list(self, group: Group, now: int) -> list[object]:
        if self.consumer is not None and self.consumer not in group.consumers:
            return []
        pending = group.pending if self.consumer is None else group.consumers[self.consumer].pending
        wanted = (
            [id_text(number), one.consumer.name, max(now - one.time, 0), one.count]
            for number, one in ((number, pending[number]) for number in pending.irange(self.start, self.end))
            if not self.idle or now - one.time >= self.idle
        )
        return list(islice(wanted, self.count))


def _read_query(options: tuple[bytes, ...]) -> _Query:
    """Read `[IDLE ms] start end count [consumer]`, errors in Redis's order."""
    if not 3 <= len(options) <= 6:
        raise syntax_error()
    idle = 0
    if options[0].upper() == b"IDLE":
        idle = parse_int(options[1])
        if len(options) < 5:
            raise syntax_error()
        options = options[2:]
    count = max(parse_int(options[2]), 0)
    start, end = parse_start(options[0]), parse_end(options[1])
    return _Query(start, end, count, idle, options[3] if len(options) > 3 else None)


def _summary(group: Group) -> list[object]:
    if not group.pending:
        return [0, None, None, NULL_ARRAY]
    shares = [
        [name, b"%d" % len(consumer.pending)] for name, consumer in sorted(group.consumers.items()) if consumer.pending
    ]
    return [len(group.pending), id_text(group.pending.peekitem(0)[0]), id_text(group.pending.peekitem(-1)[0]), shares]


# ── claiming ─────────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(slots=True)
class _Claims:
    """The outcome of a claim: ids with the deliveries they will have, ids in the order named, ids whose entries are gone."""

    tx: Tx
    key: bytes
    name: bytes
    consumer: bytes
    counts: dict[int, int] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)

    def add(self, number: int, count: int) -> None:
        self.ids.append(number)
        self.counts[number] = count

    def record(self, time: int) -> None:
        """Make the outcome history; time: unix ms that the entries count as delivered at."""
        if self.gone:
            self.tx.record(b"XACK", self.key, self.name, *map(id_text, self.gone))
        claimed: dict[int, list[int]] = {}
        for number, count in self.counts.items():
            claimed.setdefault(count, []).append(number)
        for count, ids in claimed.items():
            record_claim(self.tx, self.key, self.name, self.consumer, ids, time, count)
        if self.ids and time != self.tx.now:
            record_seen(self.tx, self.key, self.name, self.consumer)

    def reply(self, stream: Stream, just_ids: bool) -> list[object]:
        if just_ids:
            return [id_text(number) for number in self.ids]
        return [entry_reply((number, stream.fields(number) or ())) for number in self.ids]


def _group_of(tx: Tx, key: bytes, name: bytes) -> tuple[Stream, Group]:
    stream = read_stream(tx, key)
    group = None if stream is None else stream.groups.get(name)
    if stream is None or group is None:
        raise no_group(key, name)
    return stream, group


@dataclass(slots=True)
class _Options:
    """XCLAIM's options. `time`: unix ms of delivery, `retries`: deliveries, each None if not given."""

    time: int | None = None
    retries: int | None = None
    force: bool = False
    just_ids: bool = False
    last: int = 0


@command(
    "XCLAIM", "write fast", keys="RW update @1", since="5.0.0", group="stream", tips="nondeterministic_output",
    complexity="O(log N) for each id, with N entries pending",
)  # fmt: skip
def xclaim(tx: Tx, key: bytes, name: bytes, consumer: bytes, min_idle: bytes, first: bytes, *more: bytes) -> object:
    """Give pending entries of certain ids to a consumer; reply those it got."""
    stream, group = _group_of(tx, key, name)
    idle = max(parse_int(min_idle, "Invalid min-idle-time argument for XCLAIM"), 0)
    words = (first, *more)
    ids = _leading_ids(words)
    options = _read_options(words[len(ids) :], tx.now)
    claims = _Claims(tx, key, name, consumer)
    for number in ids:
        if stream.fields(number) is None:
            if number in group.pending and number not in claims.gone:
                claims.gone.append(number)
        elif (count := _deliveries(group, claims, number, options, tx.now - idle if idle else INT64_MAX)) is not None:
            claims.add(number, count if options.retries is None else options.retries)
    if options.last > group.last:
        record_position(tx, key, name, options.last, group.read)
    claims.record(tx.now if options.time is None else options.time)
    return claims.reply(stream, options.just_ids)


def _deliveries(group: Group, claims: _Claims, number: int, options: _Options, latest: int) -> int | None:
    """How often an entry was delivered once it is claimed, or None if it is not: a later delivery than latest forbids it."""
    pending = group.pending.get(number)
    if number in claims.counts:  # named twice in one call: with the first it was delivered just now
        return claims.counts[number] + (not options.just_ids) if latest == INT64_MAX else None
    if pending is None:
        return 1 + (not options.just_ids) if options.force else None
    return pending.count + (not options.just_ids) if pending.time <= latest else None


def _leading_ids(words: tuple[bytes, ...]) -> list[int]:
    """The ids up to the first word that is none: there the options begin."""
    ids: list[int] = []
    for word in words:
        try:
            ids.append(parse_id(word))
        except ReplyError:
            break
    return ids


def _read_options(words: tuple[bytes, ...], now: int) -> _Options:
    options = _Options()
    place = 0
    while place < len(words):
        word, more = words[place].upper(), words[place + 1 :]
        if word == b"FORCE":
            options.force = True
        elif word == b"JUSTID":
            options.just_ids = True
        elif word in (b"IDLE", b"TIME", b"RETRYCOUNT", b"LASTID") and more:
            _read_option(options, word, more[0], now)
            place += 1
        else:
            text = words[place].decode("utf-8", "surrogateescape")
            raise ReplyError(f"Unrecognized XCLAIM option '{text}'")
        place += 1
    # A time in the future is a client's clock that is ahead; while history is applied there is no now to compare with.
    if options.time is not None and now and not (0 <= options.time <= now):
        options.time = None
    return options


def _read_option(options: _Options, word: bytes, text: bytes, now: int) -> None:
    if word == b"LASTID":
        options.last = parse_id(text)
        return
    number = parse_int(text, f"Invalid {word.decode()} option argument for XCLAIM")
    if word == b"RETRYCOUNT":
        options.retries = number if number >= 0 else None
    else:
        options.time = now - number if word == b"IDLE" else number


@command(
    "XAUTOCLAIM", "write fast", keys="RW delete @1", since="6.2.0", group="stream", tips="nondeterministic_output",
    complexity="O(1) for each entry looked at",
)  # fmt: skip
def xautoclaim(
    tx: Tx, key: bytes, name: bytes, consumer: bytes, min_idle: bytes, start: bytes, *words: bytes
) -> list[object]:
    """Give pending entries that nobody has worked on for a time to a consumer; reply where to go on, entries, ids of deleted ones."""
    idle = max(parse_int(min_idle, "Invalid min-idle-time argument for XAUTOCLAIM"), 0)
    first = parse_start(start)
    count, just_ids = _read_auto_options(words)
    stream, group = _group_of(tx, key, name)
    claims = _Claims(tx, key, name, consumer)
    following, attempts = 0, count * _ATTEMPTS
    for number in group.pending.irange(first, None):
        if not attempts or len(claims.ids) + len(claims.gone) == count:
            following = number
            break
        attempts -= 1
        pending = group.pending[number]
        if stream.fields(number) is None:
            claims.gone.append(number)
        elif not idle or tx.now - pending.time >= idle:
            claims.add(number, pending.count + (not just_ids))
    claims.record(tx.now)
    return [id_text(following), claims.reply(stream, just_ids), [id_text(number) for number in claims.gone]]


def _read_auto_options(words: tuple[bytes, ...]) -> tuple[int, bool]:
    count, just_ids, place = 100, False, 0
    while place < len(words):
        word = words[place].upper()
        if word == b"COUNT" and place + 1 < len(words):
            place += 1
            count = parse_range(words[place], 1, INT64_MAX // 16, "COUNT must be > 0")
        elif word == b"JUSTID":
            just_ids = True
        else:
            raise syntax_error()
        place += 1
    return count, just_ids
