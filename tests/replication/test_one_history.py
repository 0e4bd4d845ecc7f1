"""A history has one writer, and an offset names one point of it: what does not fit is said, and mixed with nothing."""

from pathlib import Path

import pytest

from replication.source import HistoryGone, HistoryReader
from store.log.memory import FrameTail
from store.persistence.offline import offline_engine
from tests.kit.cluster import equal, linked, offset
from tests.kit.logs import new_log, turn
from tests.kit.servers import HOST, chronis_server


def test_what_debug_does_on_a_replica_is_no_history() -> None:
    """Its log is the primary's, byte for byte, so it goes on from there after a restart, without those keys."""
    with chronis_server() as primary, chronis_server("--replicaof", f"{HOST} {primary.port}") as replica:
        linked(replica)
        primary.command_reply("SET", "k", 1)
        equal(primary, replica)
        assert str(replica.command_reply("DEBUG", "POPULATE", 10)) == "OK"
        assert replica.command_reply("DBSIZE") == 11
        assert offset(replica) <= offset(primary)
        replica.kill()
        replica.start()
        equal(primary, replica)
        assert "Full resync" not in replica.output().split("Server initialized")[-1]


def test_an_offset_within_an_event_is_not_in_history(tmp_path: Path) -> None:
    engine, log = offline_engine(), new_log(tmp_path)
    engine.adopt_log(log)
    turn(log, "SET k 1", "SET k 2")
    reader = HistoryReader(engine, str(tmp_path), log.offset - 5, lambda: FrameTail(0, log.offset))
    assert reader.seek()
    with pytest.raises(HistoryGone):
        reader.take(1000, log.offset)
    reader.close()
    log.close()
