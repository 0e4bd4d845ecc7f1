"""What may leave for replicas, and when."""

from pathlib import Path
from types import SimpleNamespace

from replication.primary import Primary
from store.persistence.offline import offline_engine
from tests.kit.faulty_disk import FaultyDisk
from tests.kit.logs import new_log, turn


async def test_replicas_wait_for_no_fsync_that_nobody_asks_for(tmp_path: Path) -> None:
    """After `always` was switched to `no` while an fsync ran, what is written leaves with its write."""
    disk, engine = FaultyDisk(), offline_engine()
    log = new_log(tmp_path, disk, fsync="always")
    engine.settings.appendfsync = "always"
    engine.adopt_log(log)
    primary = Primary(SimpleNamespace(engine=engine))  # type: ignore[arg-type]  # all of a node that is needed here
    disk.gate.clear()
    turn(log, "SET k 1")
    assert primary.released == 0
    engine.settings.appendfsync = log.fsync = "no"
    turn(log, "SET k 2")
    assert primary.released == log.offset > 0
    disk.gate.set()
    log.close()
