"""Apply: events on streams and their consumer groups.

    XADD key [MAXLEN = length] id field value …     XTRIM key MAXLEN = length     XDEL key id …     XACK key group id …
    XSETID key id [ENTRIESADDED n] [MAXDELETEDID id]
    XGROUP CREATE key group id [MKSTREAM] [ENTRIESREAD n] | SETID key group id [ENTRIESREAD n] | DESTROY key group
         | CREATECONSUMER key group consumer | DELCONSUMER key group consumer
    XCLAIM key group consumer 0 id … TIME ms [RETRYCOUNT n] FORCE JUSTID

XCLAIM is what reading by a group leaves; with the id 0-0, which no entry has, it only tells when the consumer was seen.
Law: what a Redis primary sends for the same commands is accepted too (trims by MINID, LASTID, `$`), and what it means for a
group, consumer or entry that is gone is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from store.apply.table import applies, one_change
from store.database import Database
from store.notifications import STREAM
from store.values.stream import Stream
from store.values.stream_group import UNKNOWN, Consumer, Group
from store.values.stream_ids import parse_id, parse_special_id
from store.values.stream_trim import length_after, read_options


@applies("XADD")
def apply_xadd(db: Database, key: bytes, *words: bytes) -> None:
    """XADD key [trim] id field value …: an entry with an id above all that were."""
    limits = db.keyspace.limits
    if words[0][:1].isdigit():
        stream = db.open(key, Stream)
        stream.append(parse_id(words[0]), words[1:], limits)
        db.edited(key, stream, STREAM, b"xadd")
        return
    options = read_options(words, True, limits.stream_node_max_entries, obeyed=True)
    stream = db.open(key, Stream)
    stream.append(parse_id(words[options.place]), words[options.place + 1 :], limits)
    trimmed = stream.trim(length_after(options, stream, limits))
    db.edited(key, stream, STREAM, b"xadd")
    if trimmed:
        db.keyspace.notify(db, STREAM, b"xtrim", key)


@applies("XTRIM")
def apply_xtrim(db: Database, key: bytes, *words: bytes) -> int:
    """XTRIM key trim: how many entries went."""
    limits = db.keyspace.limits
    options = read_options(words, False, limits.stream_node_max_entries, obeyed=True)
    stream = _existing(db, key)
    trimmed = 0 if stream is None else stream.trim(length_after(options, stream, limits))
    if stream is not None and trimmed:
        db.edited(key, stream, STREAM, b"xtrim", trimmed)
    return trimmed


@applies("XDEL")
def apply_xdel(db: Database, key: bytes, *ids: bytes) -> int:
    """XDEL key id …: how many entries there were."""
    stream = _existing(db, key)
    deleted = 0 if stream is None else sum(stream.delete(parse_id(text)) for text in ids)
    if stream is not None and deleted:
        db.edited(key, stream, STREAM, b"xdel", deleted)
    return deleted


@applies("XSETID")
def apply_xsetid(db: Database, key: bytes, last: bytes, *options: bytes) -> None:
    """XSETID key id [ENTRIESADDED n] [MAXDELETEDID id]: the counters that adding and deleting keep."""
    stream = _existing(db, key)
    if stream is None:
        return
    stream.last = parse_id(last)
    given = _options(options)
    if b"ENTRIESADDED" in given:
        stream.added = int(given[b"ENTRIESADDED"])
    stream.max_deleted = parse_id(given.get(b"MAXDELETEDID", b"0")) or stream.max_deleted
    _settle(db, stream)
    db.keyspace.notify(db, STREAM, b"xsetid", key)


def _existing(db: Database, key: bytes) -> Stream | None:
    return db.open(key, Stream) if key in db.entries else None


def _options(words: Sequence[bytes]) -> dict[bytes, bytes]:
    """Options that have a word after them."""
    return {words[place].upper(): words[place + 1] for place in range(len(words) - 1)}


def _settle(db: Database, stream: Stream) -> None:
    """Account an edit that, as in Redis, is none to those who watch the key: the entries are the same."""
    db.keyspace.used += stream.nbytes - stream.accounted
    stream.accounted = stream.nbytes
    db.keyspace.dirty += 1


# ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@applies("XGROUP")
@one_change
def apply_xgroup(db: Database, subcommand: bytes, key: bytes, name: bytes, *words: bytes) -> object:
    """XGROUP subcommand key group …: what the subcommand's function returns."""
    stream = _existing(db, key)
    kind = subcommand.upper()
    if kind == b"CREATE":
        _create(db, key, name, words)
        return None
    if stream is None:
        return 0
    if kind == b"DESTROY":
        return _destroy(db, key, stream, name)
    group = stream.groups.get(name)
    return 0 if group is None else _GROUP_EVENTS[kind](db, key, stream, group, words)


def _create(db: Database, key: bytes, name: bytes, words: tuple[bytes, ...]) -> None:
    is_new = key not in db.entries
    stream = db.open(key, Stream)
    if name in stream.groups:
        return
    stream.create_group(name, _last_id(stream, words[0]), int(_options(words[1:]).get(b"ENTRIESREAD", UNKNOWN)))
    _settle(db, stream)
    if is_new:
        db.touched(key)
    db.keyspace.notify(db, STREAM, b"xgroup-create", key)


def _last_id(stream: Stream, word: bytes) -> int:
    return stream.last if word == b"$" else parse_special_id(word)


def _destroy(db: Database, key: bytes, stream: Stream, name: bytes) -> int:
    if not stream.destroy_group(name):
        return 0
    _settle(db, stream)
    db.keyspace.notify(db, STREAM, b"xgroup-destroy", key)
    if (db.index, key) in db.keyspace.waiting:
        db.keyspace.ready[db.index, key] = None  # those who wait as its consumers have to hear of it
    return 1


def _set_id(db: Database, key: bytes, stream: Stream, group: Group, words: tuple[bytes, ...]) -> None:
    group.last = _last_id(stream, words[0])
    group.read = int(_options(words[1:]).get(b"ENTRIESREAD", UNKNOWN))
    _settle(db, stream)
    db.keyspace.notify(db, STREAM, b"xgroup-setid", key)


def _create_consumer(db: Database, key: bytes, stream: Stream, group: Group, words: tuple[bytes, ...]) -> int:
    if words[0] in group.consumers:
        return 0
    _consumer(db, key, stream, group, words[0])
    _settle(db, stream)
    return 1


def _delete_consumer(db: Database, key: bytes, stream: Stream, group: Group, words: tuple[bytes, ...]) -> int:
    pending = stream.delete_consumer(group, words[0])
    if pending is None:
        return 0
    _settle(db, stream)
    db.keyspace.notify(db, STREAM, b"xgroup-delconsumer", key)
    return pending


_GROUP_EVENTS = {b"SETID": _set_id, b"CREATECONSUMER": _create_consumer, b"DELCONSUMER": _delete_consumer}


def _consumer(db: Database, key: bytes, stream: Stream, group: Group, name: bytes) -> Consumer:
    consumer = group.consumers.get(name)
    if consumer is None:
        consumer = stream.create_consumer(group, name)
        db.keyspace.notify(db, STREAM, b"xgroup-createconsumer", key)
    return consumer


# ── what is pending ──────────────────────────────────────────────────────────────────────────────────────────────────
@applies("XCLAIM")
def apply_xclaim(db: Database, key: bytes, name: bytes, consumer: bytes, idle: bytes, *words: bytes) -> None:
    """XCLAIM key group consumer 0 id … options: those entries are pending with the consumer, delivered at TIME."""
    stream = _existing(db, key)
    group = None if stream is None else stream.groups.get(name)
    if stream is None or group is None:
        return
    count = next((place for place, word in enumerate(words) if not word[:1].isdigit()), len(words))
    options = _options(words[count:])
    time = int(options.get(b"TIME", b"0"))
    retries = int(options[b"RETRYCOUNT"]) if b"RETRYCOUNT" in options else None
    for number in map(parse_id, words[:count]):
        if stream.fields(number) is None:
            stream.acknowledge(group, number)
        else:
            owner = _consumer(db, key, stream, group, consumer)
            stream.claim(group, owner, number, time, retries)
    seen = group.consumers.get(consumer)
    if seen is not None:
        seen.seen = max(seen.seen, time)
    group.last = max(group.last, parse_id(options.get(b"LASTID", b"0")))
    _settle(db, stream)


@applies("XACK")
def apply_xack(db: Database, key: bytes, name: bytes, *ids: bytes) -> int:
    """XACK key group id …: how many entries were pending."""
    stream = _existing(db, key)
    group = None if stream is None else stream.groups.get(name)
    if stream is None or group is None:
        return 0
    acknowledged = sum(stream.acknowledge(group, parse_id(text)) for text in ids)
    _settle(db, stream)
    return acknowledged
