"""Segments: names, order, headers."""

from pathlib import Path

import pytest

from store.errors import CorruptLog
from store.log.segment import (
    HEADER_SIZE,
    Header,
    decode_header,
    encode_header,
    list_segments,
    segment_at,
    segment_path,
)

ID = "a" * 40


def test_segments_are_listed_in_the_order_of_history_and_other_files_left_out(tmp_path: Path) -> None:
    assert list_segments(str(tmp_path)) == []
    (tmp_path / "log").mkdir()
    for offset in (70, 5, 1000):
        Path(segment_path(str(tmp_path), offset)).write_bytes(encode_header(ID, offset))
    for name in ("notes.txt", "5.seg", "00000000000000000099.seg.tmp"):
        (tmp_path / "log" / name).write_text("")
    segments = list_segments(str(tmp_path))
    assert [segment.first_offset for segment in segments] == [5, 70, 1000]
    headers = [decode_header(Path(found.path).read_bytes(), found.path) for found in segments]
    assert headers == [Header(ID, offset) for offset in (5, 70, 1000)]
    assert [segment_at(segments, offset) for offset in (4, 5, 69, 70, 5000)] == [None, 0, 0, 1, 2]


def test_every_damaged_bit_of_a_header_and_every_cut_is_noticed() -> None:
    path = "log/00000000000000000005.seg"
    good = encode_header(ID, 5)
    assert len(good) == HEADER_SIZE == 64
    for bit in range(len(good) * 8):
        damaged = bytearray(good)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptLog):
            decode_header(bytes(damaged), path)
    for size in range(len(good)):
        with pytest.raises(CorruptLog, match="ends within its header"):
            decode_header(good[:size], path)


def test_a_renamed_segment_is_refused() -> None:
    with pytest.raises(CorruptLog, match="first offset 5, the file name does not"):
        decode_header(encode_header(ID, 5), "log/00000000000000000006.seg")


def test_a_history_id_has_forty_hexadecimal_digits() -> None:
    with pytest.raises(ValueError, match="no history id"):
        encode_header("A" * 40, 0)
