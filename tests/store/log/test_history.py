"""The chain of history ids: saved whole, renewed, doubted when the machine went down."""

import errno
from pathlib import Path

import pytest

from store.errors import CorruptLog
from store.log import history as histories
from store.log.history import History, create, load
from tests.kit.faulty_disk import FaultyDisk


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    assert load(str(tmp_path)) is None
    history = create(str(tmp_path), offset=10)
    history.renew(500)
    history.mark_running()
    loaded = load(str(tmp_path))
    assert loaded == history
    assert [path.name for path in tmp_path.iterdir()] == ["history"]


def test_a_new_history_has_no_previous_id(tmp_path: Path) -> None:
    history = create(str(tmp_path))
    assert (history.previous, history.second_offset) == ("0" * 40, -1)
    assert len(history.current) == 40


def test_the_previous_id_stays_valid_up_to_where_the_lines_parted(tmp_path: Path) -> None:
    history = create(str(tmp_path))
    first = history.current
    second = history.renew(100)
    third = history.renew(200, "c" * 40)
    assert (history.current, history.previous, history.second_offset) == ("c" * 40, second, 201)
    assert third == "c" * 40
    assert [history.allows(first, offset) for offset in (0, 100, 101)] == [True, True, False]
    assert [history.allows(second, offset) for offset in (150, 200, 201)] == [True, True, False]
    assert history.allows(third, 10**6)
    assert not history.allows("d" * 40, 0)
    assert [history.id_at(offset) for offset in (0, 99, 100, 200)] == [first, first, second, third]
    assert [history.names(first, offset) for offset in (0, 100, 101)] == [True, True, False]
    assert [history.names(third, offset) for offset in (199, 200, 999)] == [False, True, True]


def test_renewing_before_the_present_line_began_forgets_it(tmp_path: Path) -> None:
    history = create(str(tmp_path))
    first = history.current
    history.renew(300)
    history.renew(200)
    assert [offset for _, offset in history.chain] == [0, 200]
    assert history.previous == first
    history.replace("e" * 40, 7)
    assert history.chain == [("e" * 40, 7)]
    with pytest.raises(ValueError, match="before the history starts"):
        history.renew(6)


def test_continuity_is_doubted_only_when_something_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = create(str(tmp_path))
    history.mark_running()
    assert history.doubt(50) is None  # killed, same boot
    monkeypatch.setattr(histories, "boot_id", lambda: "another-boot")
    assert history.doubt(50) == "the server stopped without closing the log, and the machine has been started since"
    history.mark_clean(50)
    monkeypatch.setattr(histories, "boot_id", lambda: "a third one")
    assert history.doubt(50) is None
    assert history.doubt(49) == "the log ends at offset 49 but was closed at 50"
    monkeypatch.setattr(histories, "boot_id", lambda: "unknown")
    history.mark_running()
    assert history.doubt(50) is not None  # a machine that doesn't tell its boot proves nothing


def test_a_log_kept_in_memory_is_doubted_unless_it_ended_in_a_snapshot(tmp_path: Path) -> None:
    create(str(tmp_path)).mark_running(volatile=True)
    history = load(str(tmp_path))
    assert history is not None
    assert history.doubt(50) == "the server kept its log in memory and stopped without a snapshot"
    history.mark_clean(50)
    assert history.doubt(50) is None


def test_every_damaged_bit_and_every_cut_of_the_file_is_noticed(tmp_path: Path) -> None:
    history = create(str(tmp_path))
    history.renew(77)
    good = history.encode()
    for bit in range(len(good) * 8):
        damaged = bytearray(good)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptLog):
            histories.decode(bytes(damaged), "history", history.disk)
    for size in range(len(good)):
        with pytest.raises(CorruptLog):
            histories.decode(good[:size], "history", history.disk)


def test_what_was_prepared_takes_the_place_without_room_on_the_disk(tmp_path: Path) -> None:
    """A doubt that is noted in between leaves it prepared, and is heard by a start until then."""
    disk = FaultyDisk()
    history = create(str(tmp_path), disk=disk)
    history.mark_running()
    history.renew(50)
    before = list(history.chain)
    prepared = history.prepare_until(20)
    history.mark_doubtful()
    loaded = load(str(tmp_path))
    assert loaded is not None
    assert (loaded.chain, history.chain) == (before, before)
    assert "not known whether this is all" in str(loaded.doubt(60))
    disk.space = 0
    history.become(prepared)
    assert history.chain == before[:1]
    assert load(str(tmp_path)) == history
    assert history.doubt(20) is None


@pytest.mark.parametrize(
    "chain", [[], [("x" * 40, 0)], [("a" * 40, 5), ("b" * 40, 4)]], ids=["empty", "no id", "falling offsets"]
)
def test_a_chain_that_can_not_be_is_refused(chain: list[tuple[str, int]]) -> None:
    written = History("history", chain, "boot").encode()
    with pytest.raises(CorruptLog):
        histories.decode(written, "history", FaultyDisk())


@pytest.mark.parametrize("operation", ["open", "write", "fdatasync", "rename", "sync_directory"])
def test_a_failed_save_leaves_the_file_of_before_or_the_new_one(tmp_path: Path, operation: str) -> None:
    disk = FaultyDisk()
    history = create(str(tmp_path), disk=disk)
    before = history.current
    disk.fail(operation)
    with pytest.raises(OSError, match="Input/output error"):
        history.renew(5)
    loaded = load(str(tmp_path))
    assert loaded is not None
    assert history.current == before
    assert (loaded.current == before) is (operation != "sync_directory")


@pytest.mark.parametrize("operation", ["open", "write", "fdatasync", "rename", "sync_directory"])
def test_what_cannot_be_saved_has_not_happened(tmp_path: Path, operation: str) -> None:
    """All or nothing in memory; a retry is as good as the first attempt would have been."""
    disk = FaultyDisk()
    history = create(str(tmp_path), disk=disk)
    chain = list(history.chain)
    for change in (lambda: history.renew(5), lambda: history.replace("e" * 40, 7), history.mark_told):
        disk.fail(operation, error=errno.ENOSPC)
        with pytest.raises(OSError, match="No space left"):
            change()
        assert (history.chain, history.told) == (chain, False)
    history.renew(5, "f" * 40)
    assert load(str(tmp_path)) == history
