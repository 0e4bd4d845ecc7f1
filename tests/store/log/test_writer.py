"""The writer: offsets, SELECT, transactions, segments."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.events import ANY_DB, EXEC, MULTI, PING, encode_select
from store.log.frame import Frame
from store.log.segment import HEADER_SIZE, list_segments
from tests.kit.faulty_disk import FaultyDisk
from tests.kit.logs import NOW, command, files, frames, new_log, turn, words


def test_a_turn_is_one_frame_written_by_one_call(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = new_log(tmp_path, disk)
    turn(log, "SET a 1")
    before = disk.calls["write"]
    assert turn(log, "SET b 2", "SET c 3", "DEL a", now=NOW + 5)
    assert disk.calls["write"] == before + 1
    assert log.offset == log.written_offset == 23 + 3 * 27 + 20
    log.close()
    found = frames(tmp_path)
    assert [frame.unix_ms for frame in found] == [NOW, NOW + 5]
    assert words(found) == ["SELECT 0", "SET a 1", "SET b 2", "SET c 3", "DEL a"]


def test_an_empty_turn_writes_nothing(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = new_log(tmp_path, disk)
    calls = disk.calls["write"]
    assert log.commit(NOW)
    assert disk.calls["write"] == calls
    log.close()
    assert files(tmp_path) == []


def test_select_is_inserted_where_the_database_changes_and_counts(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    turn(log, "SET a 1", "SET b 1", db=2)
    log.append(PING, -1)
    turn(log, "SET c 1", db=2)
    turn(log, "SET d 1", db=0)
    log.close()
    found = frames(tmp_path)
    assert words(found) == ["SELECT 2", "SET a 1", "SET b 1", "PING", "SET c 1", "SELECT 0", "SET d 1"]
    assert [frame.db for frame in found] == [0, 2, 2]
    assert found[-1].end == log.offset == 4 * 27 + 2 * 23 + 14


def test_a_reopened_log_goes_on_in_the_same_segment_and_selects_again(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    turn(log, "SET a 1", db=3)
    log.close()
    log = new_log(tmp_path)
    turn(log, "SET b 1", db=3)
    log.close()
    found = frames(tmp_path)
    assert words(found) == ["SELECT 3", "SET a 1", "SELECT 3", "SET b 1"]
    assert [frame.db for frame in found] == [0, 3]
    assert len(files(tmp_path)) == 1


def test_a_transaction_is_wrapped_only_if_it_has_two_events(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    for commands in ([], ["SET a 1"], ["SET b 1", "SET c 1"]):
        mark = log.mark()
        for text in commands:
            log.append(command(text), 0)
        log.wrap_transaction(mark)
    log.commit(NOW)
    log.close()
    assert words(frames(tmp_path)) == ["SELECT 0", "SET a 1", "MULTI", "SET b 1", "SET c 1", "EXEC"]
    assert log.offset == 23 + 3 * 27 + len(MULTI) + len(EXEC)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("events"), st.integers(0, 3), st.integers(0, 3)),  # database, how many
        st.tuples(st.just("commit"), st.just(0), st.just(0)),
        st.tuples(st.just("reopen"), st.just(0), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(steps, st.sampled_from([80, 200, 10_000]))
def test_whatever_is_recorded_is_read_back_in_its_database(
    tmp_path_factory: pytest.TempPathFactory, script: list[tuple[str, int, int]], segment_bytes: int
) -> None:
    """Random transactions, turns, rolls and restarts: the commands, their databases and all offsets hold."""
    directory = tmp_path_factory.mktemp("log")
    log = new_log(directory, segment_bytes=segment_bytes)
    expected: list[tuple[int, str]] = []
    for step, db, count in [*script, ("commit", 0, 0)]:
        if step == "events":
            mark = log.mark()
            for _ in range(count):
                text = f"SET k{len(expected)} v"
                log.append(command(text), db)
                expected.append((db, text))
            log.wrap_transaction(mark)
            continue
        assert log.commit(NOW)
        if step == "reopen":
            log.close()
            log = new_log(directory, segment_bytes=segment_bytes)
    log.close()
    found = frames(directory)
    assert replayed(found) == expected
    assert [*[frame.offset for frame in found], log.offset] == [0, *[frame.end for frame in found]]
    starts = {segment.first_offset for segment in list_segments(str(directory))}
    for frame in found:
        if frame.offset in starts:  # a segment can be read on its own
            assert next(text for text in words([frame]) if text != "MULTI").startswith("SELECT ")


def replayed(found: list[Frame]) -> list[tuple[int, str]]:
    """Run the SELECTs of frames; return the other commands with their databases, each frame trusted on its own."""
    result = []
    for frame in found:
        db = frame.db
        for text in words([frame]):
            if text.startswith("SELECT "):
                db = int(text[7:])
            elif text not in ("MULTI", "EXEC"):
                result.append((db, text))
    return result


def test_segments_roll_by_size_and_start_with_a_select(tmp_path: Path) -> None:
    log = new_log(tmp_path, segment_bytes=200)
    for number in range(6):
        turn(log, f"SET a {number}", db=1)
    log.close()
    assert files(tmp_path) == [f"{offset:020d}.seg" for offset in (0, 77, 154)]
    assert words(frames(tmp_path, 77)[:1]) == ["SELECT 1", "SET a 2"]
    assert log.statistics().segments == 3
    assert log.statistics().retained_bytes == sum(segment.size for segment in list_segments(str(tmp_path)))


def test_the_segment_size_may_change_while_running(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    turn(log, "SET a 1")
    log.segment_bytes = 100
    turn(log, "SET a 2")
    turn(log, "SET a 3")
    log.close()
    assert len(files(tmp_path)) == 2


def test_much_pending_is_sealed_early_and_written_with_the_turn(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.large = 60
    log.append(command("SET a 1"), 0)
    assert not log.seal_if_large()
    log.append(command("SET b 2"), 0)
    assert log.seal_if_large()
    log.append(command("SET c 3"), 0)
    assert log.written_offset == 0
    assert log.commit(NOW)
    log.close()
    found = frames(tmp_path)
    assert [words([frame]) for frame in found] == [["SELECT 0", "SET a 1", "SET b 2"], ["SET c 3"]]
    assert [frame.unix_ms for frame in found] == [NOW, NOW]


def test_origins_are_runs_over_all_events_of_a_frame(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.append(command("DEL x"), 0)  # the server itself
    log.set_origin("alice", "h:1")
    log.append(command("SET a 1"), 0)
    log.set_origin("bob", "h:2")  # recorded nothing
    log.set_origin("alice", "h:1")
    mark = log.mark()
    log.append(command("SET b 2"), 1)
    log.append(command("SET c 3"), 1)
    log.wrap_transaction(mark)
    log.set_origin("bob", "h:2")
    log.append(command("SET d 4"), 1)
    log.commit(NOW)
    turn(log, "SET e 5", db=1)
    log.close()
    first, second = frames(tmp_path)
    assert words([first])[3:8] == ["SELECT 1", "MULTI", "SET b 2", "SET c 3", "EXEC"]
    assert first.origins == [(2, "", ""), (6, "alice", "h:1"), (1, "bob", "h:2")]
    assert second.origins is None


def test_frames_from_a_primary_are_kept_byte_for_byte(tmp_path: Path) -> None:
    primary = new_log(tmp_path / "primary")
    replica_directory = tmp_path / "replica"
    replica_directory.mkdir()
    replica = new_log(replica_directory)
    sent: list[Frame] = []
    primary.subscribers.append(sent.append)
    turn(primary, "SET a 1", db=4, now=NOW)
    turn(primary, "SET b 1", db=4, now=NOW + 9)
    for frame in sent:
        replica.append_frame(frame, db=4)
        assert replica.commit(NOW + 1000)
    with pytest.raises(ValueError, match="does not continue history"):
        replica.append_frame(sent[0], db=4)
    primary.close()
    replica.close()
    both = [Path(list_segments(str(tmp_path / name))[0].path).read_bytes() for name in ("primary", "replica")]
    assert both[0][HEADER_SIZE:] == both[1][HEADER_SIZE:]


@pytest.fixture(autouse=True)
def _directories(tmp_path: Path) -> None:
    (tmp_path / "primary").mkdir()


def test_bytes_from_a_redis_primary_are_kept_as_they_are(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    stream = encode_select(5) + command("SET a 1") + PING + command("INCRBY a 2")
    log.append_raw(stream, db=5)
    log.commit(NOW)
    log.append_raw(command("DEL a"), db=5)
    log.commit(NOW)
    turn(log, "SET b 1", db=5)  # promoted: the database is known
    log.close()
    found = frames(tmp_path)
    assert b"".join(frame.payload for frame in found) == stream + command("DEL a") + command("SET b 1")
    assert [frame.db for frame in found] == [0, 5, 5]


def test_a_wish_for_a_select_leaves_what_is_pending_in_its_database(tmp_path: Path) -> None:
    """Bytes of a Redis primary bring their own SELECT or none: the frame after them has to know where they ended."""
    log = new_log(tmp_path)
    log.append_raw(encode_select(5) + command("SET a 1"), db=5)
    log.select_next()
    log.select_next()
    log.commit(NOW)
    assert log.db == 5
    log.append_raw(command("SET b 1"), db=5)
    log.commit(NOW)
    log.select_next()
    log.append(PING, ANY_DB)
    log.commit(NOW)
    turn(log, "SET c 1", db=5)
    log.close()
    assert [frame.db for frame in frames(tmp_path)] == [0, 5, 5, 5]
    assert frames(tmp_path)[-1].payload.startswith(encode_select(5))


def test_subscribers_get_each_frame_after_its_write(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    seen: list[tuple[int, int]] = []
    log.subscribers.append(lambda frame: seen.append((frame.end, log.written_offset)))
    turn(log, "SET a 1")
    turn(log, "SET b 1")
    log.close()
    assert seen == [(50, 50), (77, 77)]


def test_after_a_reset_history_goes_on_elsewhere(tmp_path: Path) -> None:
    log = new_log(tmp_path, segment_bytes=100)
    for number in range(4):
        turn(log, f"SET a {number}")
    log.history.replace("f" * 40, 5000)
    log.reset(5000, db=2)
    assert files(tmp_path) == []
    assert (log.offset, log.written_offset, log.synced_offset, log.first_offset) == (5000, 5000, 5000, 5000)
    turn(log, "SET b 1", db=2)
    log.close()
    assert files(tmp_path) == ["00000000000000005000.seg"]
    assert words(frames(tmp_path, 5000)) == ["SELECT 2", "SET b 1"]
    assert frames(tmp_path, 5000)[0].db == 2


def test_what_came_before_a_mark_is_committed_alone(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.set_origin("alice", "h:1")
    log.append(command("SET a 1"), 3)
    mark = log.mark()
    log.append(command("SET b 2"), 3)
    log.set_origin("bob", "h:2")
    log.append(command("SET c 3"), 4)
    assert log.commit(NOW, mark)
    assert log.written_offset == frames(tmp_path)[0].end < log.offset
    assert log.commit(NOW, mark)  # nothing more came before it
    log.wrap_transaction(mark)
    log.commit(NOW + 1)
    log.close()
    first, second = frames(tmp_path)
    assert (words([first]), first.origins) == (["SELECT 3", "SET a 1"], [(2, "alice", "h:1")])
    assert words([second]) == ["MULTI", "SET b 2", "SELECT 4", "SET c 3", "EXEC"]
    assert (second.db, second.origins) == (3, [(2, "alice", "h:1"), (3, "bob", "h:2")])
    assert log.db == 4


def test_what_comes_after_a_mark_brings_its_select_into_a_new_segment(tmp_path: Path) -> None:
    log = new_log(tmp_path, segment_bytes=1024)
    log.append(command(f"SET a {'x' * 1024}"), 3)
    mark = log.mark()
    log.append(command("SET b 2"), 3)
    log.commit(NOW, mark)
    log.append(command("SET c 3"), 3)
    log.wrap_transaction(mark)
    log.commit(NOW)
    log.close()
    assert words(frames(tmp_path)[1:]) == ["SELECT 3", "MULTI", "SET b 2", "SET c 3", "EXEC"]
