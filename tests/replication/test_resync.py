"""Why a replica can't go on from where it is: each reason by its name, and where it may go back to."""

import pytest

from replication.resync import FULL_SYNC_REASONS, obstacle, parting
from store.events import ANY_DB
from store.log.history import History
from store.log.memory import MemoryLog
from tests.kit.cluster import info
from tests.kit.servers import chronis_server

OLD, NOW, FOREIGN = "a" * 40, "b" * 40, "c" * 40


@pytest.fixture
def history() -> History:
    """One that parted from OLD at offset 100."""
    return History("", [(OLD, 0), (NOW, 100)], "")


@pytest.fixture
def log() -> MemoryLog:
    """A log that holds offsets 50 to 200."""
    made = MemoryLog(50, limit=1 << 20)
    made.append(b"x" * 150, ANY_DB)
    return made


@pytest.mark.parametrize(
    ("history_id", "offset", "reason"),
    [
        (NOW, 200, None),
        (NOW, 50, None),
        (OLD, 100, None),
        ("?", -1, "new"),
        (NOW, -1, "new"),
        (FOREIGN, 150, "unknown_history"),
        (OLD, 101, "parted"),
        (NOW, 201, "ahead"),
        (NOW, 49, "log_cut"),
        (OLD, 49, "log_cut"),
    ],
)
def test_reasons(history: History, log: MemoryLog, history_id: str, offset: int, reason: str | None) -> None:
    found = obstacle(history, log, history_id, offset)
    assert (found.reason if found is not None else None) == reason
    assert reason is None or reason in FULL_SYNC_REASONS


def test_who_is_ahead_in_an_older_history_goes_back_to_where_it_ended(history: History, log: MemoryLog) -> None:
    assert parting(history, log, OLD, 150) == 100
    assert parting(history, log, OLD, 100) is None
    assert parting(history, log, FOREIGN, 150) is None


def test_a_server_counts_them_and_tells_its_log() -> None:
    with chronis_server() as primary:
        for first in (["PSYNC", "?", -1], ["PSYNC", FOREIGN, 10], ["SYNC"]):
            with primary.client() as client:
                client.send(*first)
                assert client.file.readline()
        stats = info(primary, "stats")
        assert (stats["sync_full"], stats["sync_partial_err"]) == ("3", "1")
        for reason in ("new", "unknown_history", "sync_command"):
            assert f"({reason})" in primary.output()
        primary.command_reply("CONFIG", "RESETSTAT")
        assert info(primary, "stats")["sync_full"] == "0"
