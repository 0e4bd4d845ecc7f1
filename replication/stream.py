"""The stream of history as a replica receives it, cut into pieces that can be recorded: frames, or whole Redis transactions.

Law: a piece is handed out whole or not at all, and a piece never ends within MULTI … EXEC, so what a replica has recorded
is always a state that its primary had between two commands.
"""

from __future__ import annotations

from dataclasses import dataclass

import hiredis

from store.errors import CorruptLog
from store.events import decode_events, event_size
from store.log.frame import HEADER_SIZE, OFFSET_SPACE, BadFrame, Frame, decode, offset_at_start
from store.resp.foreign import next_value

_PORTION = 8 * 1024
"""Bytes of commands that are read at a time: what they are applied in takes about a millisecond."""


class BadStream(Exception):
    """Bytes that are no stream of history: the link is closed and begun anew."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole events, decoded, with the bytes that they are (`data`) or the frame they came in."""

    events: list[list[bytes]]
    data: bytes
    frame: Frame | None = None


class FrameStream:
    """Cuts what a Chronis primary sends: a piece is a frame, checked."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Bytes that were added but not handed out."""
        return len(self._buffer)

    def add(self, data: bytes) -> None:
        """Take received bytes."""
        self._buffer += data

    def next(self) -> Piece | None:
        """Hand out the next piece, None while it is not complete; raise BadStream for anything that is no frame."""
        try:
            found = decode(self._buffer)
            if found is None:
                self._check_beginning()
                return None
            frame, end = found
            events = [argv for _, argv in decode_events(frame.payload, "(stream)")]
        except (BadFrame, CorruptLog) as error:
            raise BadStream(str(error)) from error
        del self._buffer[:end]
        return Piece(events, frame.payload, frame)

    def _check_beginning(self) -> None:
        """Raise BadFrame for what can't become a frame, however much follows: its length may be any number."""
        head = bytes(self._buffer[: HEADER_SIZE + OFFSET_SPACE])
        if len(head) == HEADER_SIZE + OFFSET_SPACE and offset_at_start(head) is None:
            raise BadFrame("what came is no frame")


class CommandStream:
    """Cuts what a Redis primary sends: a piece is what is complete, outside transactions, in a portion of it."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader()
        self._buffer = bytearray()  # not looked at yet
        self._data = bytearray()  # from the first event that was not handed out yet
        self._events: list[list[bytes]] = []
        self._size = 0  # bytes of _events
        self._whole = 0  # events and ...
        self._whole_size = 0  # ... bytes of them up to the last place outside a transaction
        self._in_transaction = False

    @property
    def pending(self) -> int:
        """Bytes that were added but not handed out."""
        return len(self._data) + len(self._buffer)

    def add(self, data: bytes) -> None:
        """Take received bytes."""
        self._buffer += data

    def next(self) -> Piece | None:
        """Hand out the next piece, None while it is not complete; raise BadStream for anything that is no command."""
        while self._buffer:
            portion = bytes(self._buffer[:_PORTION])
            del self._buffer[:_PORTION]
            self._data += portion
            self._reader.feed(portion)
            self._read()
            if self._whole:
                return self._cut()
        return None

    def _cut(self) -> Piece:
        """Take out what is whole."""
        piece = Piece(self._events[: self._whole], bytes(self._data[: self._whole_size]))
        following = bytes(self._data[self._whole_size : self._whole_size + 1])
        if not piece.data.endswith(b"\r\n") or following not in (b"", b"*"):
            raise BadStream("commands that are not in canonical form: their bytes can't be counted")
        del self._data[: self._whole_size]
        self._events = self._events[self._whole :]
        self._size -= self._whole_size
        self._whole = self._whole_size = 0
        return piece

    def _read(self) -> None:
        """Read the events that are complete."""
        try:
            while (event := next_value(self._reader)) is not False:
                self._take(event)
        except hiredis.ProtocolError as error:
            raise BadStream(f"not RESP: {error}") from error

    def _take(self, event: object) -> None:
        if not isinstance(event, list) or not event or any(type(argument) is not bytes for argument in event):
            raise BadStream(f"not a command: {event!r:.80}")
        self._events.append(event)
        self._size += event_size(event)
        name = event[0].upper()
        if name == b"MULTI":
            self._in_transaction = True
        elif name == b"EXEC":
            self._in_transaction = False
        if not self._in_transaction:
            self._whole, self._whole_size = len(self._events), self._size
