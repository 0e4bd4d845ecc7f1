"""History as it lies in the log's files: what is handed out unread is the same frames, none missing, none twice."""

import contextlib
import os
import random
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from replication import source
from replication.courier import Piece
from replication.feed import ReplicaFeed
from replication.pace import Pace
from replication.peer import Peer, State
from replication.primary import Primary
from replication.source import HistoryGone, HistoryReader
from replication.stream import FrameStream
from store.client.session import Session
from store.engine import Engine
from store.events import encode_event
from store.log import history
from store.log.frame import Frame
from store.log.memory import FrameTail, MemoryLog
from store.log.segment import LogEnd, list_segments
from store.log.writer import PLACES, LogWriter
from tests.bench.replication.nodes import children
from tests.kit.cluster import eventually, info, offset, syncs
from tests.kit.servers import HOST, chronis_server


@pytest.fixture
def log(tmp_path: Path) -> LogWriter:
    """An empty log of small segments."""
    return LogWriter(str(tmp_path), history.create(str(tmp_path)), LogEnd(0), segment_bytes=50_000)


def reader(log: object, directory: Path, offset: int, recent: FrameTail | None = None) -> HistoryReader:
    """Read a log from an offset on, with nothing in memory unless told."""
    none = FrameTail(0, 1 << 60)
    return HistoryReader(cast(Engine, SimpleNamespace(log=log)), str(directory), offset, lambda: recent or none)


def write(log: LogWriter, chance: random.Random, frames: int) -> list[Frame]:
    """Add frames of one to three events of up to 4 kB."""
    kept: list[Frame] = []
    log.subscribers.append(kept.append)
    for number in range(frames):
        for _ in range(chance.randint(1, 3)):
            log.append(encode_event(b"SET", b"k", b"v" * chance.randint(1, 4000)), 0)
        log.commit(number)
    log.subscribers.remove(kept.append)
    return kept


def sent(piece: Piece) -> bytes:
    """What a courier makes of a piece."""
    return os.pread(piece.file, piece.end - piece.start, piece.start)


def frames_of(data: bytes) -> list[Frame]:
    """The frames that a replica makes of what comes."""
    stream, found = FrameStream(), []
    stream.add(data)
    while (piece := stream.next()) is not None:
        assert piece.frame is not None
        found.append(piece.frame)
    assert not stream.pending
    return found


@pytest.mark.parametrize("seed", range(20))
def test_pieces_and_slices_together_are_history(
    seed: int, log: LogWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From any event on, by pieces where there are any, by slices else, with writes in between: each frame once, in order."""
    chance = random.Random(seed)
    monkeypatch.setattr(source, "LEAST_PIECE", chance.choice([1, 2000, 20_000]))
    kept = write(log, chance, 60)
    first = chance.choice(kept)
    reading = reader(log, tmp_path, first.offset)
    assert all(reading.seek() for _ in range(3))
    came: list[Frame] = []
    pieces = 0
    while reading.offset < log.written_offset:
        upto = chance.choice([log.written_offset, chance.choice(kept).end])
        if chance.random() < 0.7 and (piece := reading.piece(upto)) is not None:
            came += frames_of(sent(piece))
            pieces += 1
        else:
            came += reading.take(chance.choice([1, 10_000]), upto)
        assert not came or came[-1].end == reading.offset
        assert reading.offset <= log.written_offset
        if len(kept) < 120 and chance.random() < 0.3:
            kept += write(log, chance, 5)
    assert came == kept[kept.index(first) :]
    assert pieces
    reading.close()
    log.close()


def test_a_piece_ends_where_history_may_leave(log: LogWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not synced yet stays here under `always`, within a segment too, and so does what is more than a piece."""
    monkeypatch.setattr(source, "LEAST_PIECE", 1)
    log.segment_bytes = 1 << 30
    kept = write(log, random.Random(1), 400)
    assert kept[-1].end > 5 * PLACES
    for number in (300, 350, 398):
        with contextlib.closing(reader(log, tmp_path, 0)) as reading:
            piece = reading.piece(kept[number].end)
            assert piece is not None
            came = frames_of(sent(piece))
            assert came[-1].end == reading.offset
            assert kept[number].end - 2 * PLACES < reading.offset <= kept[number].end
    monkeypatch.setattr(source, "PIECE", 2 * PLACES)
    with contextlib.closing(reader(log, tmp_path, 0)) as reading:
        came = []
        while (piece := reading.piece(log.written_offset)) is not None:
            came += frames_of(sent(piece))
            assert piece.end - piece.start < 3 * PLACES
    assert came == kept
    log.close()


def test_who_begins_within_a_frame_gets_its_rest_first(log: LogWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame in the file is a whole one."""
    monkeypatch.setattr(source, "LEAST_PIECE", 1)
    log.append(first := encode_event(b"SET", b"k", b"1"), 0)  # after SELECT 0
    log.append(encode_event(b"SET", b"k", b"2" * 10_000), 0)
    log.commit(1)
    kept = write(log, random.Random(1), 40)
    reading = reader(log, tmp_path, len(encode_event(b"SELECT", b"0") + first))
    assert reading.seek()
    assert reading.piece(log.written_offset) is None
    [rest] = reading.take(1, log.written_offset)
    assert rest.end == kept[0].offset
    piece = reading.piece(log.written_offset)
    assert piece is not None
    assert frames_of(sent(piece))[0] == kept[0]
    reading.close()
    log.close()


def test_there_is_no_piece_of_what_is_in_memory_or_little(
    log: LogWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop sends that."""
    kept = write(log, random.Random(1), 40)
    recent = FrameTail(1 << 20, kept[10].offset)
    for frame in kept[10:]:
        recent(frame)
    for start, held in ((kept[10].offset, recent), (kept[39].offset, None), (log.written_offset, None)):
        with contextlib.closing(reader(log, tmp_path, start, held)) as reading:
            assert reading.seek()
            assert reading.piece(log.written_offset) is None
    monkeypatch.setattr(source, "LEAST_PIECE", 1)
    for start in (kept[10].offset, kept[39].offset):  # else it would be one
        with contextlib.closing(reader(log, tmp_path, start)) as reading:
            assert reading.seek()
            assert reading.piece(log.written_offset) is not None
    memory = MemoryLog(0, limit=1 << 20)
    assert reader(memory, tmp_path, 0).piece(0) is None
    log.close()


def test_history_that_has_gone_is_named(log: LogWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By retention, or because another log took its place."""
    monkeypatch.setattr(source, "LEAST_PIECE", 1)
    write(log, random.Random(1), 60)
    segments = list_segments(str(tmp_path))
    for gone in (segments[:1], segments[:2], segments[1:]):
        with contextlib.closing(reader(log, tmp_path, 0)) as late:
            assert late.seek()
            assert late._opened()._open() is not None
            for segment in gone:
                Path(segment.path).rename(segment.path + ".away")
            with pytest.raises(HistoryGone, match="is not there any more"):
                late.piece(log.written_offset)
            for segment in gone:
                Path(segment.path + ".away").rename(segment.path)
    Path(segments[0].path).unlink()
    with pytest.raises(HistoryGone):
        reader(log, tmp_path, 0).piece(log.written_offset)
    log.close()


async def test_what_a_replica_comes_back_for_is_read(log: LogWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have found damage in what was carried to it unread: then it is the primary that names file and byte."""
    monkeypatch.setattr(source, "LEAST_PIECE", 1)
    kept = write(log, random.Random(1), 40)
    asked: list[int] = []

    class Reading(HistoryReader):
        def piece(self, upto: int) -> Piece | None:
            asked.append(self.offset)
            return None

    engine = SimpleNamespace(log=log, clock=SimpleNamespace(now_ms=lambda: 1), stats=SimpleNamespace(net_repl_output=0))
    primary = SimpleNamespace(
        engine=engine,
        released=log.written_offset,
        carried=[(0, kept[9].end)],
        courier=SimpleNamespace(usable=True),
        history_from=lambda offset: Reading(cast(Engine, engine), str(tmp_path), offset, lambda: FrameTail(0, 1 << 60)),
        pace=Pace(cast(Engine, engine)),
    )
    session = cast(Session, SimpleNamespace(transport=None, fd=-1, net_output=0))
    peer = Peer("replica", state=State.CATCHING_UP, sent=kept[3].offset)
    peer.options.capabilities.add("chronis")
    await ReplicaFeed(cast(Primary, primary), session, peer)._catch_up()
    assert peer.sent == log.written_offset
    assert kept[10].offset <= asked[0] < kept[-1].offset
    log.close()


@pytest.mark.parametrize("policy", ["everysec", "always"])
def test_who_was_away_gets_history_from_the_files(policy: str) -> None:
    """By the courier, over several segments, while writes go on; restarted in between, the primary has to look for the place."""
    options = ("--log-segment-size", "1mb", "--appendfsync", policy, "--repl-backlog-size", "16kb")
    with chronis_server(*options) as primary, chronis_server(*options) as replica:
        replica.command_reply("REPLICAOF", HOST, primary.port)
        primary.command_reply("SET", "before", "it went")
        eventually(lambda: replica.command_reply("GET", "before") == b"it went", "it follows")
        replica.stop()
        with primary.client() as client:
            for number in range(100):
                client.pipeline([("SET", f"k{number}:{n}", os.urandom(500)) for n in range(100)])
        primary.stop()
        primary.start()
        replica.start("--replicaof", f"{HOST} {primary.port}")
        with primary.client() as client:
            while info(replica)["master_link_status"] != "up" or info(replica)["slave_repl_offset"] == "0":
                client.pipeline([("SET", "meanwhile", n) for n in range(100)])
        eventually(lambda: offset(replica) == offset(primary), "it has caught up")
        assert syncs(primary) == (0, 1)
        assert primary.command_reply("DEBUG", "DIGEST") == replica.command_reply("DEBUG", "DIGEST")
        started = [Path(f"/proc/{pid}/cmdline").read_text() for pid in children(primary.pid)]
        assert [line for line in started if "courier_process" in line]
