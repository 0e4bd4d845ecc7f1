"""Crashes of the log: cut at every byte, every bit flipped. What is read back is history, or nothing is."""

import shutil
from pathlib import Path

import pytest

from store.errors import CorruptLog
from store.log.damage import TornTail, cut
from store.log.frame import Frame
from store.log.reader import LogReader
from store.log.segment import HEADER_SIZE, list_segments
from tests.kit.logs import NOW, command, files, frames, new_log, turn, words


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A closed log of two segments: two frames in the first, three in the last, one a transaction."""
    directory = tmp_path / "whole"
    directory.mkdir()
    log = new_log(directory, segment_bytes=200)
    for number in range(4):
        turn(log, f"SET k {number}", now=NOW + number)
        if len(files(directory)) == 2:
            log.segment_bytes = 100_000
    mark = log.mark()
    for text in ("SET a 1", "SET b 2", "DEL c"):
        log.append(command(text), 1)
    log.wrap_transaction(mark)
    log.commit(NOW + 4)
    log.close()
    assert len(files(directory)) == 2
    return directory


def last_segment(directory: Path) -> Path:
    return Path(list_segments(str(directory))[-1].path)


def ends(directory: Path) -> list[int]:
    """Return the byte positions in the last segment where frames end."""
    first = list_segments(str(directory))[-1].first_offset
    positions = [HEADER_SIZE]
    for frame in frames(directory, first):
        positions.append(positions[-1] + len(frame.raw))
    return positions


def test_a_log_cut_at_any_byte_recovers_exactly_the_whole_frames_before(tmp_path: Path, whole: Path) -> None:
    """A killed process, at every byte its last writes may have reached; then it goes on where it stopped."""
    everything = frames(whole)
    data = last_segment(whole).read_bytes()
    frame_ends = ends(whole)
    assert frame_ends[-1] == len(data)
    before = len(everything) - (len(frame_ends) - 1)
    for size in range(len(data) + 1):
        crashed = tmp_path / "crashed"
        shutil.copytree(whole, crashed)
        last_segment(crashed).write_bytes(data[:size])
        kept = before + sum(end <= size for end in frame_ends[1:])

        reader = LogReader(str(crashed))
        assert list(reader) == everything[:kept], size
        if reader.torn is not None:
            assert not reader.torn.complete
            assert reader.torn.size + reader.torn.position == size
            cut(reader.torn)
        assert (reader.torn is None) == (size in frame_ends)
        again = new_log(crashed)
        assert again.offset == everything[kept - 1].end
        turn(again, "SET after crash")
        again.close()
        assert words(frames(crashed)) == [*words(everything[:kept]), "SELECT 0", "SET after crash"]
        shutil.rmtree(crashed)


def test_zeros_in_place_of_the_last_pages_are_a_torn_tail(tmp_path: Path, whole: Path) -> None:
    """A power loss after the file had grown, before its data was written: zeros from any byte on."""
    everything = frames(whole)
    path = last_segment(whole)
    data = path.read_bytes()
    frame_ends = ends(whole)
    for size in range(HEADER_SIZE, len(data)):
        path.write_bytes(data[:size] + bytes(len(data) - size))
        reader = LogReader(str(whole))
        kept = [end for end in frame_ends if data[:end] == path.read_bytes()[:end]]
        assert list(reader) == everything[: 2 + len(kept) - 1], size
        assert reader.torn is not None or path.read_bytes() == data


def test_no_flipped_bit_makes_different_events(whole: Path) -> None:
    """Every bit of every segment: refused, or a torn tail that is reported, never another history."""
    everything = frames(whole)
    segments = list_segments(str(whole))
    for segment in segments:
        path = Path(segment.path)
        data = path.read_bytes()
        for bit in range(len(data) * 8):
            damaged = bytearray(data)
            damaged[bit // 8] ^= 1 << bit % 8
            path.write_bytes(damaged)
            seen, finding = recover(whole)
            in_last_frame = path == last_segment(whole) and bit // 8 >= len(data) - len(everything[-1].raw)
            assert isinstance(finding, TornTail if in_last_frame else CorruptLog), (path.name, bit)
            assert finding.path == str(path)
            assert seen == everything[: len(seen)]
            assert not in_last_frame or len(seen) == len(everything) - 1
        path.write_bytes(data)


def recover(directory: Path) -> tuple[list[Frame], TornTail | CorruptLog | None]:
    """Read as recovery does; return the frames and what was found wrong."""
    seen: list[Frame] = []
    reader = LogReader(str(directory))
    try:
        for frame in reader:
            seen.append(frame)
    except CorruptLog as error:
        return seen, error
    return seen, reader.torn
