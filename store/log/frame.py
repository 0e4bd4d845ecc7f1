"""Frames: what one turn of the event loop committed, with its checksum (grammar: FORMAT.md).

    frame = u32 length | u32 crc32c | body        little-endian, both about the body alone
    body  = msgpack [offset, unix_ms, db, origins, payload]

Law: a frame is whole and intact or it does not exist. Nothing of a frame is looked at before its checksum holds.
"""

from __future__ import annotations

import struct
from typing import Any, ClassVar

import msgpack
from crc32c import crc32c

from store.log.pack import pack

HEADER = struct.Struct("<II")
HEADER_SIZE = HEADER.size
# array(5), then at least a byte each for offset, time, db and origins, then an empty bin: what is shorter is no body.
# It also tells blocks of zeros (left by a power loss) from frames: the checksum of no bytes is 0.
MIN_BODY = 7
# Offsets and times are below it, so that their sums are 64-bit integers too.
MOST = 1 << 62
_NONE = msgpack.packb(None)

# One event origin run: (events, user, address), the events counted in the order of the payload.
Origin = tuple[int, str, str]

Stretch = tuple[int, int, int, bytes]
"""What replay needs of a frame: its offset, unix ms, database and payload."""

_FIELDS = ("offset", "unix_ms", "db", "origins", "payload")


class BadFrame(ValueError):
    """Bytes that are not a whole, intact frame; the text tells what is wrong with them. `seen`: how many this process met."""

    seen: ClassVar[int] = 0

    def __init__(self, text: str) -> None:
        super().__init__(text)
        BadFrame.seen += 1


class Frame:
    """One committed stretch of history: whole events, never a part of a transaction.

    `offset` is the history offset of the first payload byte, `db` the database selected there, `unix_ms` the time of
    the commit; `origins` is None or runs of (events, user, address) covering all events of the payload.
    """

    __slots__ = ("_raw", "db", "offset", "origins", "payload", "unix_ms")

    def __init__(
        self,
        offset: int,
        unix_ms: int,
        db: int,
        origins: list[Origin] | None,
        payload: bytes,
        raw: bytes | None = None,
    ) -> None:
        self.offset = offset
        self.unix_ms = unix_ms
        self.db = db
        self.origins = origins
        self.payload = payload
        self._raw = raw

    @property
    def end(self) -> int:
        """The offset after the last payload byte: where the next frame starts."""
        return self.offset + len(self.payload)

    @property
    def raw(self) -> bytes:
        """The frame as stored and as sent to a Chronis replica, header included."""
        if self._raw is None:
            self._raw = encode(self.offset, self.unix_ms, self.db, self.origins, self.payload)
        return self._raw

    def _fields(self) -> tuple[object, ...]:
        return (self.offset, self.unix_ms, self.db, self.origins, self.payload)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frame) and self._fields() == other._fields()

    __hash__ = None  # type: ignore[assignment]  # frames are compared, never looked up

    def __repr__(self) -> str:
        return f"Frame(offset={self.offset}, unix_ms={self.unix_ms}, db={self.db}, {len(self.payload)} bytes)"


def encode(offset: int, unix_ms: int, db: int, origins: list[Origin] | None, payload: bytes) -> bytes:
    """Return the bytes of one frame; raises ValueError for a body of 4 GiB."""
    return pack(offset, unix_ms, db, _NONE if origins is None else msgpack.packb(origins), payload)


def decode(buffer: bytes | bytearray | memoryview, position: int = 0) -> tuple[Frame, int] | None:
    """Decode the frame at position; return it and the position after it, or None when the buffer ends before it does.

    Raises BadFrame for a length that no frame has, a checksum that does not hold, or a body of another shape.
    """
    if len(buffer) - position < HEADER_SIZE:
        return None
    length, checksum = HEADER.unpack_from(buffer, position)
    check_length(length)
    end = position + HEADER_SIZE + length
    if len(buffer) < end:
        return None
    raw = bytes(buffer[position:end])
    return decode_whole(raw, checksum), end


OFFSET_SPACE = 10
"""Bytes of a body within which its offset ends."""
_UNSIGNED = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q"}


def offset_at_start(head: bytes) -> int | None:
    """Return the offset that the frame beginning with head names, unchecked; None when head is too short or no frame's."""
    if len(head) < HEADER_SIZE + OFFSET_SPACE or head[HEADER_SIZE] != 0x95:
        return None
    mark = head[HEADER_SIZE + 1]
    if mark < 0x80:
        return mark
    form = _UNSIGNED.get(mark)
    return None if form is None else int(struct.unpack_from(form, head, HEADER_SIZE + 2)[0])


def check_length(length: int) -> None:
    """Raise BadFrame when a body can't have length bytes."""
    if length < MIN_BODY:
        raise BadFrame("zero-filled" if length == 0 else f"a length of {length} bytes, which no frame has")


def decode_whole(raw: bytes, checksum: int) -> Frame:
    """Decode raw, the bytes of exactly one frame whose header holds checksum; raises BadFrame."""
    body = memoryview(raw)[HEADER_SIZE:]
    if crc32c(body) != checksum:
        raise BadFrame("the checksum does not match the content")
    return _frame_of(_unpacked(body), raw)


def _unpacked(body: memoryview) -> Any:
    """Return the msgpack value that body is; raises BadFrame when it is none."""
    try:
        return msgpack.unpackb(body, use_list=True, strict_map_key=True)
    except (ValueError, msgpack.UnpackException) as error:
        raise BadFrame(f"a body that is not msgpack: {error}") from error


def _frame_of(fields: Any, raw: bytes) -> Frame:
    """Return the frame with these fields after checking the type and range of each; raises BadFrame."""
    if type(fields) is not list or len(fields) != len(_FIELDS):
        raise BadFrame("a body that is not an array of five fields")
    for name, value in zip(_FIELDS[:3], fields, strict=False):
        if type(value) is not int or not 0 <= value < MOST:
            raise BadFrame(f"the field {name} is {value!r}")
    offset, unix_ms, db, origins, payload = fields
    if type(payload) is not bytes:
        raise BadFrame("the field payload is not bytes")
    return Frame(offset, unix_ms, db, _origins_of(origins), payload, raw)


def _origins_of(value: Any) -> list[Origin] | None:
    """Return value as origin runs; raises BadFrame when it is neither None nor a list of (events, user, address)."""
    if value is None:
        return None
    if type(value) is not list:
        raise BadFrame("the field origins is not a list")
    for run in value:
        if type(run) is not list or [type(part) for part in run] != [int, str, str]:
            raise BadFrame(f"the origin {run!r} is not [events, user, address]")
    return [(events, user, address) for events, user, address in value]
