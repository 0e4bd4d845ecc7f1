"""Events as bytes: how one command is written into history, and read back from it.

An event is the command as a RESP array of bulk strings, byte for byte what Redis's replication stream and AOF
carry. Law: `encode_event` is canonical (no leading zeros, no inline form), so the length of an event follows from its
arguments, and offsets can be counted without looking at the bytes again.
"""

from __future__ import annotations

from collections.abc import Iterator

import hiredis

from store.errors import CorruptLog
from store.event_split import split_events
from store.resp.encoded import encode_event

__all__ = [
    "ANY_DB", "EXEC", "MULTI", "PING", "SELECT_PREFIX", "decode_events", "decode_events_plain", "encode_event", "encode_select",
    "event_size", "selected_db",
]  # fmt: skip

# hiredis moves the unread rest of its buffer for about every KiB it has parsed: pieces keep that cheap.
_PIECE = 64 * 1024
# Events that the compiled code cuts out at a time.
_AT_ONCE = 1000

MULTI = b"*1\r\n$5\r\nMULTI\r\n"
EXEC = b"*1\r\n$4\r\nEXEC\r\n"
PING = b"*1\r\n$4\r\nPING\r\n"
SELECT_PREFIX = b"*2\r\n$6\r\nSELECT\r\n"
ANY_DB = -1
"""The database of events that concern none (heartbeats): the log inserts no SELECT for them."""


def encode_select(db: int) -> bytes:
    """Encode `SELECT db` (db ≥ 0)."""
    return encode_event(b"SELECT", b"%d" % db)


def event_size(args: list[bytes]) -> int:
    """Return the bytes that `encode_event(*args)` has, without making it."""
    size = 3 + len(str(len(args)))
    for arg in args:
        length = len(arg)
        size += length + (6 if length < 10 else 7 if length < 100 else 5 + len(str(length)))
    return size


def decode_events_plain(payload: bytes, path: object = "(memory)", base: int = 0) -> Iterator[tuple[int, list[bytes]]]:
    """Yield (position, arguments) of each event; position is in bytes from the start of payload.

    The payload has to consist of whole canonical events: anything else raises CorruptLog for `path`, at byte
    `base` + the position of the event that can't be read.
    """
    reader = hiredis.Reader()
    position = fed = 0
    while position < len(payload):
        try:
            event = reader.gets()
            while event is False and fed < len(payload):
                reader.feed(payload[fed : fed + _PIECE])
                fed += _PIECE
                event = reader.gets()
        except (hiredis.ProtocolError, TypeError) as error:  # TypeError: a map with a list for a key
            raise CorruptLog(path, base + position, f"an event that is not RESP: {error}") from error
        if event is False:
            raise CorruptLog(path, base + position, "an event without its end")
        args = _checked(event, path, base + position)
        yield position, args
        position += event_size(args)
    if position != len(payload):
        raise CorruptLog(path, base + position, "an event that is not in canonical form")


def decode_events(payload: bytes, path: object = "(memory)", base: int = 0) -> Iterator[tuple[int, list[bytes]]]:
    """Do what decode_events_plain does, by compiled code as far as that is there and understands what it reads."""
    place = 0
    while place < len(payload):
        events, place = split_events(payload, place, _AT_ONCE)
        yield from events
        if not events:
            for position, args in decode_events_plain(payload[place:] if place else payload, path, base + place):
                yield place + position, args
            return


def _checked(event: object, path: object, position: int) -> list[bytes]:
    """Return event if it is a non-empty list of bytes, else raise CorruptLog."""
    if not isinstance(event, list) or not event or any(type(arg) is not bytes for arg in event):
        raise CorruptLog(path, position, "an event that is not an array of bulk strings")
    return event


def whole_until(payload: bytes, length: int) -> int:
    """Return the last position up to length, in bytes, before which payload has only whole events and transactions."""
    end, within = 0, False
    for position, args in decode_events(payload):
        after = position + event_size(args)
        if after > length:
            break
        within = args[0].upper() == b"MULTI" or (within and args[0].upper() != b"EXEC")
        end = end if within else after
    return end


def selected_db(payload: bytes, db: int) -> int:
    """Return the database selected after payload, when db is selected before it."""
    if SELECT_PREFIX not in payload:
        return db
    for _, args in decode_events(payload):
        if args[0] == b"SELECT":
            db = int(args[1])
    return db
