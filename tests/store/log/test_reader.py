"""Reading history back: from any offset, over segments, along a live log, and the verdict on what is no frame."""

from pathlib import Path

import pytest

from store.errors import CorruptLog
from store.log.damage import cut
from store.log.frame import encode
from store.log.reader import LogCursor, LogReader, OffsetNotInLog
from store.log.segment import HEADER_SIZE, LogEnd, encode_header, list_segments, segment_path
from store.log.writer import LogWriter
from tests.kit.logs import NOW, command, files, frames, new_log, read, turn, words


@pytest.fixture
def log(tmp_path: Path) -> LogWriter:
    """A closed log of three segments with two turns each, SET k 0 to SET k 5; frames of 50 and 27 bytes."""
    log = new_log(tmp_path, segment_bytes=200)
    for number in range(6):
        turn(log, f"SET k {number}")
    log.close()
    assert files(tmp_path) == [f"{offset:020d}.seg" for offset in (0, 77, 154)]
    return log


def segment(directory: Path, index: int) -> Path:
    return Path(list_segments(str(directory))[index].path)


def flip(path: Path, position: int) -> None:
    """Flip a bit of a file."""
    data = bytearray(path.read_bytes())
    data[position] ^= 0x10
    path.write_bytes(data)


def test_reading_starts_with_the_frame_that_holds_the_offset(tmp_path: Path, log: LogWriter) -> None:
    for since, first in ((0, 0), (49, 0), (50, 50), (76, 50), (77, 77), (153, 127), (204, 204), (230, 204)):
        assert frames(tmp_path, since)[0].offset == first, since
    assert frames(tmp_path, 231) == []
    assert read(tmp_path, 231).end.offset == 231


def test_the_end_is_where_a_writer_goes_on(tmp_path: Path, log: LogWriter) -> None:
    last = segment(tmp_path, 2)
    assert read(tmp_path).end == LogEnd(231, 0, str(last), last.stat().st_size)


def test_without_segments_the_log_ends_where_it_is_asked_to_start(tmp_path: Path) -> None:
    assert read(tmp_path, 500).end == LogEnd(500)


def test_a_log_that_ends_before_the_offset_says_so(tmp_path: Path, log: LogWriter) -> None:
    assert frames(tmp_path, 1000) == []
    assert read(tmp_path, 1000).end.offset == 231


def test_an_offset_that_is_gone_is_refused(tmp_path: Path, log: LogWriter) -> None:
    segment(tmp_path, 0).unlink()
    with pytest.raises(OffsetNotInLog):
        read(tmp_path, 76)


def test_a_cursor_follows_a_live_log_over_its_rolls(tmp_path: Path) -> None:
    log = new_log(tmp_path, segment_bytes=100)
    turn(log, "SET k 0")
    with LogCursor(str(tmp_path)) as cursor:
        seen = []
        for number in range(1, 8):
            while (frame := cursor.next()) is not None:
                seen += words([frame])
            assert cursor.offset == log.written_offset
            turn(log, f"SET k {number}")
        log.close()
        while (frame := cursor.next()) is not None:
            seen += words([frame])
    assert [text for text in seen if text[:3] == "SET"] == [f"SET k {number}" for number in range(8)]


def test_a_cursor_waits_for_a_frame_that_is_half_written(tmp_path: Path, log: LogWriter) -> None:
    raw = encode(231, NOW, 0, None, command("SET k 6"))
    last = segment(tmp_path, 2)
    whole = last.read_bytes()
    with LogCursor(str(tmp_path), 231) as cursor:
        for size in (0, 3, 8, 20, len(raw) - 1):
            last.write_bytes(whole + raw[:size])
            assert cursor.next() is None
        last.write_bytes(whole + raw)
        frame = cursor.next()
        assert frame is not None
        assert words([frame]) == ["SET k 6"]


def test_a_cursor_keeps_reading_a_segment_that_retention_drops(tmp_path: Path, log: LogWriter) -> None:
    with LogCursor(str(tmp_path)) as cursor:
        assert cursor.next() is not None
        segment(tmp_path, 0).unlink()
        assert cursor.next() is not None
        segment(tmp_path, 0).unlink()
        with pytest.raises(CorruptLog, match="the next segment starts at offset 154"):
            cursor.next()


def test_a_segment_that_is_missing_is_damage(tmp_path: Path, log: LogWriter) -> None:
    segment(tmp_path, 1).unlink()
    with pytest.raises(CorruptLog, match="the next segment starts at offset 154; an intact frame") as caught:
        read(tmp_path)
    assert caught.value.position == segment(tmp_path, 0).stat().st_size
    assert f"chronis check {tmp_path} --repair" in str(caught.value)


def test_damage_in_the_middle_names_file_and_byte_and_the_way_out(tmp_path: Path, log: LogWriter) -> None:
    flip(segment(tmp_path, 1), HEADER_SIZE + 30)
    with pytest.raises(CorruptLog) as caught:
        read(tmp_path)
    assert (caught.value.path, caught.value.position) == (str(segment(tmp_path, 1)), HEADER_SIZE)
    assert str(caught.value) == (
        f"{segment(tmp_path, 1)} is damaged at byte {HEADER_SIZE}: the checksum does not match the content; "
        f"an intact frame of offset 127 follows, so this is no torn tail. To repair: chronis check {tmp_path} --repair"
    )


def test_what_was_read_before_the_damage_was_right(tmp_path: Path, log: LogWriter) -> None:
    flip(segment(tmp_path, 1), HEADER_SIZE + 30)
    seen = []
    reader = LogReader(str(tmp_path))
    with pytest.raises(CorruptLog):  # noqa: PT012 - the loop is what raises
        for frame in reader:
            seen.append(frame.offset)
    assert seen == [0, 50]


def test_a_log_that_is_damaged_before_the_offset_asked_for_is_still_refused(tmp_path: Path, log: LogWriter) -> None:
    flip(segment(tmp_path, 1), HEADER_SIZE + 30)
    with pytest.raises(CorruptLog):
        read(tmp_path, 130)
    assert len(frames(tmp_path, 154)) == 2


def test_a_gap_between_intact_frames_is_damage_even_at_the_end(tmp_path: Path, log: LogWriter) -> None:
    with open(segment(tmp_path, 2), "ab") as file:
        file.write(encode(300, NOW, 0, None, command("DEL k")))
    with pytest.raises(CorruptLog, match="the frame is of offset 300, history is at 231"):
        read(tmp_path)


def test_a_repeated_frame_is_damage(tmp_path: Path, log: LogWriter) -> None:
    with open(segment(tmp_path, 2), "ab") as file:
        file.write(encode(204, NOW, 0, None, command("SET k 5")))
    with pytest.raises(CorruptLog, match="the frame is of offset 204, history is at 231"):
        read(tmp_path)


@pytest.mark.parametrize("garbage", [bytes(5), bytes(4096), b"\xff" * 100, b"\x07"], ids=["0", "00", "ff", "07"])
def test_garbage_after_the_last_frame_is_a_torn_tail_and_can_be_cut(
    tmp_path: Path, log: LogWriter, garbage: bytes
) -> None:
    last = segment(tmp_path, 2)
    whole = last.stat().st_size
    with open(last, "ab") as file:
        file.write(garbage)
    torn = read(tmp_path).torn
    assert torn is not None
    assert (torn.path, torn.position, torn.size, torn.offset) == (str(last), whole, len(garbage), 231)
    assert not torn.complete
    assert f"the last {len(garbage)} bytes, from byte {whole} on, are an unfinished frame" in str(torn)
    cut(torn)
    again = new_log(tmp_path)
    turn(again, "SET after cut")
    again.close()
    assert words(frames(tmp_path))[-3:] == ["SET k 5", "SELECT 0", "SET after cut"]


def test_a_damaged_but_whole_last_frame_is_called_so(tmp_path: Path, log: LogWriter) -> None:
    last = segment(tmp_path, 2)
    flip(last, last.stat().st_size - 3)
    torn = read(tmp_path).torn
    assert torn is not None
    assert torn.complete
    assert torn.offset == 204
    assert "a whole but damaged frame (the checksum does not match the content)" in str(torn)


@pytest.mark.parametrize("size", [0, 1, 63])
def test_a_segment_with_an_unfinished_header_is_a_torn_tail(tmp_path: Path, log: LogWriter, size: int) -> None:
    path = Path(segment_path(str(tmp_path), 231))
    path.write_bytes(encode_header(log.history.current, 231)[:size])
    reader = read(tmp_path)
    assert reader.torn is not None
    assert (reader.torn.position, reader.torn.size, reader.torn.offset) == (0, size, 231)
    assert reader.end == LogEnd(231)
    cut(reader.torn)
    assert not path.exists()
    again = new_log(tmp_path)
    turn(again, "SET k 6")
    again.close()
    assert len(frames(tmp_path)) == 7


def test_a_tail_torn_before_an_empty_new_segment_is_cut_with_it(tmp_path: Path, log: LogWriter) -> None:
    """Power went right after a roll: neither the sealed segment nor the new one had been synced."""
    last = segment(tmp_path, 2)
    Path(segment_path(str(tmp_path), 231)).write_bytes(encode_header(log.history.current, 231))
    with open(last, "r+b") as file:
        file.truncate(last.stat().st_size - 5)
    torn = read(tmp_path).torn
    assert torn is not None
    assert (torn.path, torn.offset, len(torn.later)) == (str(last), 204, 1)
    assert "1 empty segment(s) after it" in str(torn)
    cut(torn)
    assert len(files(tmp_path)) == 3
    assert frames(tmp_path)[-1].end == 204


def test_a_header_damaged_over_intact_frames_is_damage(tmp_path: Path, log: LogWriter) -> None:
    flip(segment(tmp_path, 2), 20)
    with pytest.raises(CorruptLog, match="the checksum of the segment header does not match") as caught:
        read(tmp_path)
    assert caught.value.position == 0


def test_a_value_that_holds_frames_does_not_make_a_torn_tail_look_like_damage(tmp_path: Path) -> None:
    """Someone stores a copy of another log: its frames are intact, but of offsets that can't be here."""
    log = new_log(tmp_path)
    turn(log, "SET a 1")
    copy = b"".join(encode(offset, NOW, 0, None, b"*1\r\n$4\r\nPING\r\n") for offset in (10**6, 10**9, 3))
    log.append(b"*3\r\n$3\r\nSET\r\n$1\r\nc\r\n$%d\r\n%s\r\n" % (len(copy), copy), 0)
    log.commit(NOW)
    log.close()
    last = segment(tmp_path, 0)
    with open(last, "r+b") as file:
        file.truncate(last.stat().st_size - 1)
    reader = read(tmp_path)
    assert reader.torn is not None
    assert reader.end.offset == 50


def test_a_length_beyond_the_file_reserves_no_memory(tmp_path: Path, log: LogWriter) -> None:
    with open(segment(tmp_path, 2), "ab") as file:
        file.write(b"\xff\xff\xff\xff" + bytes(12))
    torn = read(tmp_path).torn
    assert torn is not None
    assert torn.size == 16


def walked(directory: Path, many: bool) -> object:
    """What a walk finds, frame by frame or many at a time: stretches, end and torn tail, or the error."""
    reader = LogReader(str(directory))
    try:
        if many:
            found = [stretch for stretches in reader.stretches() for stretch in stretches]
        else:
            found = [(frame.offset, frame.unix_ms, frame.db, frame.payload) for frame in reader]
    except CorruptLog as error:
        return str(error)
    return found, reader.end, reader.torn


def test_many_frames_at_a_time_are_the_same_as_one_by_one(tmp_path: Path) -> None:
    log = new_log(tmp_path, segment_bytes=3000)
    for number in range(100):
        log.origins = number % 3 == 0
        turn(log, f"SET key:{number} {'v' * (number * 7 % 300)}", f"SET other {number}", db=number % 3)
    turn(log, f"SET large {'v' * 1_100_000}")
    turn(log, "SET last 1")
    log.close()
    assert walked(tmp_path, many=True) == walked(tmp_path, many=False)
    assert len(walked(tmp_path, many=True)[0]) == 102  # type: ignore[index]  # it is no error


def test_damage_is_told_the_same_whether_many_frames_are_taken_at_a_time_or_one(tmp_path: Path, log: LogWriter) -> None:
    paths = [segment(tmp_path, index) for index in range(3)]
    for path in paths:
        whole = path.read_bytes()
        for position in range(0, len(whole), 3):
            for damaged in (whole[:position], whole[:position] + bytes((whole[position] ^ 0x11,)) + whole[position + 1 :]):
                path.write_bytes(damaged)
                assert walked(tmp_path, many=True) == walked(tmp_path, many=False), position
        path.write_bytes(whole)


def test_many_frames_at_a_time_start_with_the_one_that_holds_the_offset(tmp_path: Path, log: LogWriter) -> None:
    for since in range(0, 232):
        found = [stretch[0] for stretches in LogReader(str(tmp_path), since).stretches() for stretch in stretches]
        assert found == [frame.offset for frame in frames(tmp_path, since)]
