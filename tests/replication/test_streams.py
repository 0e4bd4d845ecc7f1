"""What arrives from a primary, in any portions: snapshots, frames, commands; and reading history back for a replica."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replication.source import begin_at
from replication.stream import BadStream, CommandStream, FrameStream, Piece
from replication.transfer import TransferReader
from store.events import EXEC, MULTI, PING, encode_event, encode_select
from store.log import history
from store.log.frame import Frame
from store.log.reader import LogCursor
from store.log.segment import LogEnd
from store.log.writer import PLACES, LogWriter

SET = encode_event(b"SET", b"k", b"v" * 30)
EVENTS = [SET, PING, MULTI, SET, SET, EXEC, encode_select(3), SET]


def portions(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut data at these places."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


def fed(stream: FrameStream | CommandStream, data: bytes) -> list[Piece]:
    """The pieces that data completes."""
    stream.add(data)
    return list(iter(stream.next, None))


@given(st.lists(st.integers(0, 10_000), max_size=12))
def test_commands_come_out_whole_and_transactions_in_one_piece(cuts: list[int]) -> None:
    """However a stream is cut, the pieces join to it, and none ends inside MULTI … EXEC."""
    stream, data = CommandStream(), b"".join(EVENTS)
    pieces = [piece for portion in portions(data, cuts) for piece in fed(stream, portion)]
    assert b"".join(piece.data for piece in pieces) == data
    assert b"".join(encode_event(*event) for piece in pieces for event in piece.events) == data
    assert all(piece.data.count(MULTI) == piece.data.count(EXEC) for piece in pieces)
    assert stream.pending == 0


@given(st.lists(st.integers(0, 10_000), max_size=12))
def test_frames_come_out_as_they_were_sent(cuts: list[int]) -> None:
    """However a stream is cut, the same frames come out, byte for byte."""
    frames = [Frame(0, 1, 0, None, SET + PING), Frame(len(SET + PING), 2, 0, [(1, "u", "a")], SET)]
    stream = FrameStream()
    found = [piece for portion in portions(b"".join(frame.raw for frame in frames), cuts) for piece in fed(stream, portion)]
    assert [piece.frame for piece in found] == frames
    assert [piece.events for piece in found] == [[[b"SET", b"k", b"v" * 30], [b"PING"]], [[b"SET", b"k", b"v" * 30]]]


UNHASHABLE = b"%1\r\n*0\r\n:1\r\n"
"""A map whose key is a list."""


@pytest.mark.parametrize("data", [b"+OK\r\n", b"*1\r\n:1\r\n", b"*01\r\n$4\r\nPING\r\n", b"\x00\x00\x00\x00", b"*0\r\n", UNHASHABLE])
def test_garbage_is_no_stream_of_commands(data: bytes) -> None:
    """What is no canonical command ends the link."""
    with pytest.raises(BadStream):
        fed(CommandStream(), data + PING)


def test_a_flipped_bit_is_no_frame() -> None:
    """A frame whose checksum does not hold ends the link."""
    raw = bytearray(Frame(0, 1, 0, None, SET).raw)
    raw[-5] ^= 1
    with pytest.raises(BadStream):
        fed(FrameStream(), bytes(raw))


MARK = b"0123456789" * 4
BODY = b"REDIS0010" + bytes(range(256)) * 3


@given(st.lists(st.integers(0, 10_000), max_size=8))
def test_a_snapshot_arrives_measured_or_marked(cuts: list[int]) -> None:
    """Both forms, after signs of life, cut anywhere; what follows a measured one is handed on."""
    for data, rest in ((b"\n\n$%d\r\n%b" % (len(BODY), BODY) + PING, PING), (b"\n$EOF:%b\r\n%b%b" % (MARK, BODY, MARK), b"")):
        reader = TransferReader()
        body, after = b"", b""
        for portion in portions(data, cuts):
            if reader.done:
                after += portion
            else:
                body += reader.feed(portion)
        assert (reader.done, body, reader.rest + after) == (True, BODY, rest)


@pytest.mark.parametrize("data", [b"-ERR no\r\n", b"+OK\r\n", b"$-1\r\n", b"$EOF:short\r\n", b"x" * 600])
def test_what_is_no_snapshot_is_refused(data: bytes) -> None:
    """An error, or anything else in the place of a snapshot, ends the link."""
    with pytest.raises(BadStream):
        TransferReader().feed(data)


def test_a_part_of_a_frame_knows_its_database() -> None:
    """Beginning within a frame, at an event, gives the rest of it with the database selected there."""
    frame = Frame(100, 7, 0, [(3, "u", "a")], encode_select(3) + SET + SET)
    cut = 100 + len(encode_select(3))
    assert begin_at(frame, cut) == Frame(cut, 7, 3, None, SET + SET)
    assert begin_at(frame, 100) is frame


def test_an_offset_is_found_from_the_nearest_place(tmp_path: Path) -> None:
    """The writer remembers places; a cursor that starts at one finds every offset, as does one without, in bounded steps."""
    known = history.create(str(tmp_path))
    log = LogWriter(str(tmp_path), known, LogEnd(0), segment_bytes=3 * PLACES)
    offsets = []
    for number in range(400):
        offsets.append(log.offset)
        log.append(encode_event(b"SET", b"k", b"%04d" % number * 1024), 0)
        log.commit(number)
    for number in range(0, 400, 37):
        offset = offsets[number]
        for near in (log.place_before(offset), None):
            with LogCursor(str(tmp_path), offset, near) as cursor:
                steps = 0
                while not cursor.skip(10):
                    steps += 1
                frame = cursor.next()
                assert frame is not None
                assert (frame.offset, frame.unix_ms) == (offset, number)
                assert near is None or steps <= 6
    with LogCursor(str(tmp_path), log.offset, log.place_before(log.offset)) as cursor:
        while not cursor.skip(10):
            pass
        assert cursor.next() is None
    log.close()
