"""The stream of history as a replica receives it, cut into pieces that can be recorded: frames, or whole Redis transactions.

Law: a piece is handed out whole or not at all, and a piece never ends within MULTI … EXEC, so what a replica has recorded
is always a state that its primary had between two commands.
"""

from __future__ import annotations

from dataclasses import dataclass

import hiredis

from store.errors import CorruptLog
from store.events import decode_events, event_size
from store.log.frame import BadFrame, Frame, decode

_PIECE = 64 * 1024


class BadStream(Exception):
    """Bytes that are no stream of history: the link is closed and begun anew."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole events, decoded, with the bytes that they are (`data`) or the frame they came in."""

    events: list[list[bytes]]
    data: bytes
    frame: Frame | None = None


class FrameStream:
    """Cuts what a Chronis primary sends; `feed` returns the complete frames, checked."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Piece]:
        """Take received bytes; raise BadStream for anything that is no frame."""
        self._buffer += data
        pieces: list[Piece] = []
        position = 0
        try:
            while (found := decode(self._buffer, position)) is not None:
                frame, position = found
                pieces.append(
                    Piece([argv for _, argv in decode_events(frame.payload, "(stream)")], frame.payload, frame)
                )
        except (BadFrame, CorruptLog) as error:
            raise BadStream(str(error)) from error
        del self._buffer[:position]
        return pieces


class CommandStream:
    """Cuts what a Redis primary sends; `feed` returns at most one piece: all that is complete outside transactions."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader()
        self._data = bytearray()  # from the first event that was not handed out yet
        self._events: list[list[bytes]] = []
        self._size = 0  # bytes of _events
        self._whole = 0  # events and ...
        self._whole_size = 0  # ... bytes of them up to the last place outside a transaction
        self._in_transaction = False

    @property
    def pending(self) -> int:
        """Bytes that were received but not handed out."""
        return len(self._data)

    def feed(self, data: bytes) -> list[Piece]:
        """Take received bytes; raise BadStream for anything that is no command."""
        self._data += data
        for start in range(0, len(data), _PIECE):
            self._reader.feed(data[start : start + _PIECE])
            self._read()
        if not self._whole:
            return []
        piece = Piece(self._events[: self._whole], bytes(self._data[: self._whole_size]))
        if not piece.data.endswith(b"\r\n") or bytes(self._data[self._whole_size : self._whole_size + 1]) not in (
            b"",
            b"*",
        ):
            raise BadStream("commands that are not in canonical form: their bytes can't be counted")
        del self._data[: self._whole_size]
        self._events = self._events[self._whole :]
        self._size -= self._whole_size
        self._whole = self._whole_size = 0
        return [piece]

    def _read(self) -> None:
        """Read the events that are complete."""
        try:
            while (event := self._reader.gets()) is not False:
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
