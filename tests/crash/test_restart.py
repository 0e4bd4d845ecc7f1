"""Starts after every kind of end: what is recovered, and whether the history id may stay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from store.log import history as histories
from store.log.history import History
from store.log.segment import list_segments
from store.log.writer import LogWriter
from store.persistence.control import Persistence
from store.persistence.offline import offline_engine
from store.tx import internal_tx
from tests.kit.logs import NOW


class Node:
    """An engine on a data directory, with no sockets."""

    def __init__(self, directory: Path, appendonly: bool) -> None:
        self.engine = offline_engine()
        self.engine.settings.dir = str(directory)
        self.engine.settings.appendonly = appendonly
        self.warnings: list[str] = []
        self.persistence = Persistence(self.engine, self.warnings.append, lambda _: None)
        self.persistence.open()

    def set(self, *values: str) -> None:
        """Record SET k value for each, a turn each."""
        tx = internal_tx(self.engine)
        for value in values:
            tx.record(b"SET", b"k", value.encode())
            assert self.engine.log.commit(NOW)

    @property
    def value(self) -> str | None:
        """What the key k holds."""
        entry = self.engine.keyspace.databases[0].entries.get(b"k")
        return None if entry is None else bytes(entry.value).decode()  # type: ignore[arg-type]

    @property
    def history(self) -> History:
        """The chain of ids."""
        assert self.persistence.history is not None
        return self.persistence.history

    def crash(self) -> None:
        """End as kill -9 does: nothing is synced or marked, only the kernel's part is done (descriptors, the lock)."""
        if isinstance(self.engine.log, LogWriter):
            marked = (self.persistence.directory.path / "history").read_bytes()
            self.engine.log.close()
            (self.persistence.directory.path / "history").write_bytes(marked)
        self.persistence.directory.unlock()


Start = Callable[..., Node]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start a node on the directory of this test."""

    def begin(appendonly: bool = True) -> Node:
        return Node(tmp_path, appendonly)

    return begin


def another_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "boot_id", lambda: "another-boot")


def test_a_clean_stop_and_a_crash_on_the_same_boot_keep_the_history_id(start: Start) -> None:
    node = start()
    node.set("1", "2")
    first = node.history.current
    node.crash()
    node = start()
    assert (node.value, node.history.current, node.warnings) == ("2", first, [])
    node.set("3")
    node.persistence.close()
    node = start()
    assert (node.value, node.history.current, node.warnings) == ("3", first, [])
    node.persistence.close()


def test_a_crash_of_the_machine_takes_a_new_history_id_at_the_end_of_what_is_left(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = start()
    node.set("1")
    first, end = node.history.current, node.engine.log.offset
    node.crash()
    another_boot(monkeypatch)
    node = start()
    assert node.value == "1"
    assert (node.history.previous, node.history.second_offset) == (first, end + 1)
    assert f"new history id {node.history.current} from offset {end} on" in node.warnings[0]
    node.persistence.close()


def test_a_whole_frame_that_had_to_be_cut_takes_a_new_history_id(start: Start, tmp_path: Path) -> None:
    """Unlike a half-written one, a replica may have got it."""
    for damaged_bytes, renewed in ((b"", False), (b"\x10\x00\x00\x00half", False), (None, True)):
        node = start()
        node.set("1", "2")
        first = node.history.current
        node.crash()
        path = Path(list_segments(str(tmp_path))[-1].path)
        data = path.read_bytes()
        path.write_bytes(data[:-1] + b"?" if damaged_bytes is None else data + damaged_bytes)
        node = start()
        assert (node.history.current != first) is renewed
        assert node.value == ("1" if renewed else "2")
        node.persistence.close()


def test_a_log_that_ends_before_the_newest_snapshot_is_set_aside(start: Start, tmp_path: Path) -> None:
    """The log lost its unsynced end with the power; the snapshot of it had been synced."""
    node = start()
    node.set("1", "2")
    path = Path(list_segments(str(tmp_path))[0].path)
    early = path.read_bytes()
    node.set("3")
    end = node.engine.log.offset
    node.persistence.saving.save()
    node.crash()
    path.write_bytes(early)
    node = start()
    assert (node.value, node.engine.log.offset, node.engine.log.first_offset) == ("3", end, end)
    assert "its events end before the newest snapshot" in node.warnings[0]
    assert (tmp_path / "lost" / path.name).read_bytes() == early
    node.set("4")
    node.persistence.close()
    assert start().value == "4"


def test_in_memory_only_a_crash_falls_back_to_the_snapshot_under_a_new_history_id(start: Start) -> None:
    node = start(appendonly=False)
    node.set("1")
    node.persistence.saving.save()
    saved, first = node.engine.log.offset, node.history.current
    node.set("2")
    node.crash()
    node = start(appendonly=False)
    assert (node.value, node.engine.log.offset) == ("1", saved)
    assert (node.history.previous, node.history.second_offset) == (first, saved + 1), "a replica may hold the 2"
    second = node.history.current
    node.set("3")
    node.persistence.saving.save()
    node.persistence.close()
    node = start(appendonly=False)
    assert (node.value, node.history.current) == ("3", second)
    node.persistence.close()


def test_a_log_on_disk_may_follow_one_in_memory_and_the_other_way_round(start: Start) -> None:
    for number, appendonly in enumerate([True, False, True, False, False, True, True]):
        node = start(appendonly=appendonly)
        assert node.value == (str(number - 1) if number else None), number
        node.set(str(number))
        if not appendonly:
            node.persistence.saving.save()
        node.persistence.close()
    assert start().value == "6"


def test_segments_of_a_history_that_was_given_up_are_set_aside(start: Start, tmp_path: Path) -> None:
    """A full synchronization was cut short: snapshot and history of the primary are here, the old log still is too."""
    node = start()
    node.set("1")
    node.persistence.saving.save()
    node.set("mine")
    node.crash()
    snapshot = next((tmp_path / "snapshots").iterdir())
    snapshot.rename(snapshot.with_name(f"{9000:020d}.rdb"))
    history = histories.load(str(tmp_path))
    assert history is not None
    history.replace("c" * 40, 9000)
    node = start()
    assert (node.value, node.engine.log.offset, node.history.current) == ("1", 9000, "c" * 40)
    assert "its events are of another history" in node.warnings[0]
    node.persistence.close()
