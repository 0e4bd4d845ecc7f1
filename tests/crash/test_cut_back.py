"""Giving up the end of history, as a replica does that was ahead of its new primary."""

from pathlib import Path

from store.log.segment import LogEnd, list_segments
from store.persistence.control import Persistence
from store.persistence.offline import offline_engine
from store.tx import internal_tx
from tests.kit.logs import NOW


def test_no_snapshot_of_what_was_given_up_is_left(tmp_path: Path) -> None:
    """Not under its second name either: Redis's tools would show what is no part of history."""
    engine = offline_engine()
    engine.settings.dir = str(tmp_path)
    persistence = Persistence(engine, print, print)
    persistence.open()
    tx = internal_tx(engine)
    tx.record(b"SET", b"k", b"1")
    assert engine.log.commit(NOW)
    (segment,) = list_segments(str(tmp_path))
    end = LogEnd(engine.log.offset, 0, segment.path, Path(segment.path).stat().st_size)
    tx.record(b"SET", b"k", b"2")
    persistence.saving.save()
    assert (tmp_path / "dump.rdb").exists()
    persistence.cut_back(end)
    assert engine.log.offset == end.offset
    assert list(tmp_path.rglob("*.rdb")) == []
    persistence.close()
