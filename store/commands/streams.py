"""Stream commands on entries: XADD, XLEN, XRANGE, XREVRANGE, XDEL, XTRIM, XSETID. Reading on is in `stream_reading`.

Law: an entry is recorded with the id it got, a trim as the length it left.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from store.commands.arguments import parse_int
from store.commands.table import command
from store.errors import ReplyError, no_such_key, syntax_error
from store.replies import NULL_ARRAY, OK
from store.values.stream import Entry, Stream
from store.values.stream_ids import next_id, parse_end, parse_id, parse_new_id, parse_start
from store.values.stream_node import MAX_BYTES, MAX_ID, SEQUENCE, id_text
from store.values.stream_trim import Options, length_after, read_options

if TYPE_CHECKING:
    from store.tx import Tx


def entry_reply(entry: Entry) -> list[object]:
    """An entry as a reply: its id, and its fields and values in one array."""
    return [id_text(entry[0]), entry[1]]


# ── adding ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@command(
    "XADD", "write denyoom fast", keys="RW update @1", since="5.0.0", group="stream", tips="nondeterministic_output",
    complexity="O(1), and O(N) for N entries trimmed",
)  # fmt: skip
def xadd(tx: Tx, key: bytes, first: bytes, second: bytes, third: bytes, *more: bytes) -> object:
    """Add an entry with the given id or one made of the time, trimming the stream if asked; reply the id."""
    words = (first, second, third, *more)
    if first == b"*":
        options, wanted = Options(), None
    else:
        options = read_options(words, True, tx.keyspace.limits.stream_node_max_entries, obeyed=tx.now == 0)
        chosen = options.place == len(words) or words[options.place] == b"*"
        wanted = None if chosen else parse_new_id(words[options.place])
    fields = words[options.place + 1 :]
    if len(fields) < 2 or len(fields) % 2:
        raise ReplyError("wrong number of arguments for 'xadd' command")
    if wanted == (0, True):
        raise ReplyError("The ID specified in XADD must be greater than 0-0")
    stream = tx.db.typed(key, Stream)
    if stream is None and not options.create:
        return None
    if sum(map(len, fields)) > MAX_BYTES:
        raise ReplyError("Elements are too large to be stored")
    number = _choose_id(tx, 0 if stream is None else stream.last, wanted)
    text = id_text(number)
    if options.by:
        limits = tx.keyspace.limits
        length = length_after(options, stream, limits, (number, fields))
        if length <= (0 if stream is None else stream.length):
            tx.record(b"XADD", key, b"MAXLEN", b"=", b"%d" % length, text, *fields)
            return text
    tx.record(b"XADD", key, text, *fields)
    return text


def _choose_id(tx: Tx, last: int, wanted: tuple[int, bool] | None) -> int:
    """The id of a new entry; raise ReplyError unless it is above last."""
    if last == MAX_ID:
        raise ReplyError("The stream has exhausted the last possible ID, unable to add more items")
    if wanted is None:
        return next_id(last, tx.now)
    number, complete = wanted
    if not complete and number >> 64 == last >> 64 and last & SEQUENCE != SEQUENCE:
        number = last + 1
    if number <= last:
        raise ReplyError("The ID specified in XADD is equal or smaller than the target stream top item")
    return number


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@command("XLEN", "readonly fast", keys="RO @1", since="5.0.0", group="stream", complexity="O(1)")
def xlen(tx: Tx, key: bytes) -> int:
    """Reply how many entries a stream has."""
    stream = tx.db.typed(key, Stream)
    return 0 if stream is None else stream.length


@command(
    "XRANGE", "readonly", keys="RO access @1", since="5.0.0", group="stream", complexity="O(N) for N entries replied"
)
def xrange(tx: Tx, key: bytes, start: bytes, end: bytes, *options: bytes) -> object:
    """Reply the entries with ids from start to end."""
    first, last = parse_start(start), parse_end(end)
    count = _read_count(options)
    stream = tx.db.typed(key, Stream)
    return [] if stream is None else _entries(stream.range(first, last), count)


@command(
    "XREVRANGE", "readonly", keys="RO access @1", since="5.0.0", group="stream", complexity="O(N) for N entries replied"
)
def xrevrange(tx: Tx, key: bytes, end: bytes, start: bytes, *options: bytes) -> object:
    """Reply the entries with ids from end down to start."""
    first, last = parse_start(start), parse_end(end)
    count = _read_count(options)
    stream = tx.db.typed(key, Stream)
    return [] if stream is None else _entries(stream.backwards(first, last), count)


def _read_count(options: tuple[bytes, ...]) -> int | None:
    """Read the option COUNT; None is no limit."""
    count: int | None = None
    for place in range(0, len(options), 2):
        if options[place].upper() != b"COUNT" or place + 1 == len(options):
            raise syntax_error()
        count = max(parse_int(options[place + 1]), 0)
    return count


def _entries(entries: Iterable[Entry], count: int | None) -> object:
    if count == 0:
        return NULL_ARRAY
    return [entry_reply(entry) for entry in islice(entries, count)]


# ── taking out ───────────────────────────────────────────────────────────────────────────────────────────────────────
@command("XDEL", "write fast", keys="RW delete @1", since="5.0.0", group="stream", complexity="O(1) for each id")
def xdel(tx: Tx, key: bytes, first: bytes, *more: bytes) -> object:
    """Take entries out; reply how many there were."""
    stream = tx.db.typed(key, Stream)
    if stream is None:
        return 0
    ids = [parse_id(text) for text in (first, *more)]
    there = [id_text(number) for number in dict.fromkeys(ids) if stream.fields(number) is not None]
    return tx.record(b"XDEL", key, *there) if there else 0


@command(
    "XTRIM", "write", keys="RW delete @1", since="5.0.0", group="stream", tips="nondeterministic_output",
    complexity="O(N) for N entries trimmed",
)  # fmt: skip
def xtrim(tx: Tx, key: bytes, strategy: bytes, bound: bytes, *more: bytes) -> object:
    """Take out the first entries, by how many or which are to be left; reply how many went."""
    options = read_options(
        (strategy, bound, *more), False, tx.keyspace.limits.stream_node_max_entries, obeyed=tx.now == 0
    )
    stream = tx.db.typed(key, Stream)
    if stream is None:
        return 0
    length = length_after(options, stream, tx.keyspace.limits)
    return tx.record(b"XTRIM", key, b"MAXLEN", b"=", b"%d" % length) if length < stream.length else 0


@command("XSETID", "write denyoom fast", keys="RW update @1", since="5.0.0", group="stream", complexity="O(1)")
def xsetid(tx: Tx, key: bytes, last: bytes, *options: bytes) -> str:
    """Set the id that new entries have to exceed, and the counters behind a group's lag."""
    number = parse_id(last)
    added, max_deleted = _read_setid(number, options)
    stream = tx.db.typed(key, Stream)
    if stream is None:
        raise no_such_key()
    if stream.length and number < stream.top():
        raise ReplyError("The ID specified in XSETID is smaller than the target stream top item")
    if stream.length and added is not None and added < stream.length:
        raise ReplyError("The entries_added specified in XSETID is smaller than the target stream length")
    event = [id_text(number)]
    if added is not None:
        event += (b"ENTRIESADDED", b"%d" % added)
    if max_deleted:
        event += (b"MAXDELETEDID", id_text(max_deleted))
    tx.record(b"XSETID", key, *event)
    return OK


def _read_setid(last: int, options: tuple[bytes, ...]) -> tuple[int | None, int]:
    """Read ENTRIESADDED (None if not given) and MAXDELETEDID (0 if not given)."""
    added, max_deleted = None, 0
    for place in range(0, len(options), 2):
        word = options[place].upper()
        if word not in (b"ENTRIESADDED", b"MAXDELETEDID") or place + 1 == len(options):
            raise syntax_error()
        if word == b"ENTRIESADDED":
            added = parse_int(options[place + 1])
            if added < 0:
                raise ReplyError("entries_added must be positive")
        else:
            max_deleted = parse_id(options[place + 1])
            if last < max_deleted:
                raise ReplyError("The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
    return added, max_deleted
