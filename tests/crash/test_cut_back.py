"""Giving up the end of history, as a replica does that was ahead of its new primary."""

from pathlib import Path

from store.log.segment import LogEnd, list_segments
from store.persistence.control import Persistence
from store.persistence.offline import offline_engine
from store.tx import internal_tx
from tests.kit.logs import NOW


def opened(directory: Path) -> Persistence:
    engine = offline_engine()
    engine.settings.dir = str(directory)
    persistence = Persistence(engine, print, print)
    persistence.open()
    return persistence


def record(persistence: Persistence, value: bytes) -> LogEnd:
    """Record an event; return where the log ends then."""
    engine = persistence.engine
    internal_tx(engine).record(b"SET", b"k", value)
    assert engine.log.commit(NOW)
    (segment,) = list_segments(str(persistence.directory.path))
    return LogEnd(engine.log.offset, 0, segment.path, Path(segment.path).stat().st_size)


def test_no_snapshot_of_what_was_given_up_is_left(tmp_path: Path) -> None:
    """Not under its second name either: Redis's tools would show what is no part of history."""
    persistence = opened(tmp_path)
    end = record(persistence, b"1")
    record(persistence, b"2")
    persistence.saving.save()
    assert (tmp_path / "dump.rdb").exists()
    persistence.cut_back(end)
    assert persistence.engine.log.offset == end.offset
    assert list(tmp_path.rglob("*.rdb")) == []
    persistence.close()


def test_the_snapshot_before_that_stays(tmp_path: Path) -> None:
    """It is dump.rdb already, and a rename between two names of one file does nothing."""
    persistence = opened(tmp_path)
    end = record(persistence, b"1")
    persistence.saving.save()
    record(persistence, b"2")
    persistence.cut_back(end)
    kept = persistence.directory.snapshot_path(end.offset)
    assert sorted(tmp_path.rglob("*.rdb")) == [tmp_path / "dump.rdb", kept]
    assert (tmp_path / "dump.rdb").samefile(kept)
    persistence.close()
