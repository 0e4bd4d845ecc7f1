"""A disk that fails, or a process that is killed, at each step of replacing the state on disk and of cutting it back.

Law: either the node is as it was and goes on, or it ends and the next start finds one of the states there may be, never a
mix of two; and a full disk never ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from replication.rollback import _rebuild
from store import rdb
from store.client.session import Session
from store.digest import digest
from store.engine import Engine
from store.errors import ConfigError, LogFailed, Unfinished
from store.log import history as histories
from store.log.history import History
from store.log.segment import LogEnd
from store.log.writer import LogWriter
from store.persistence.control import Persistence
from store.persistence.offline import Offline, offline_engine
from store.persistence.recovery import recover
from store.persistence.replacement import received_path
from store.persistence.snapshot import write_snapshot
from store.tx import internal_tx
from tests.kit.faulty_calls import NEEDS_ROOM, Fault, FaultyCalls, Killed
from tests.kit.logs import NOW
from tests.kit.wire import Wire

PRIMARY = "c" * 40
OUTCOMES = {
    Fault.ONCE: {"done", "as it was", "ended"},
    Fault.FULL: {"done", "as it was"},
    Fault.FOR_GOOD: {"done", "as it was", "ended"},
    Fault.KILLED: {"done", "killed"},
}


class Node:
    """A node on a data directory, with no sockets."""

    def __init__(self, directory: Path, appendonly: bool = True, appendfsync: str = "everysec") -> None:
        self.engine = offline_engine()
        settings = self.engine.settings
        settings.appendfsync = appendfsync
        settings.dir, settings.appendonly, settings.log_segment_size = str(directory), appendonly, 300
        self.warnings: list[str] = []
        self.persistence = Persistence(self.engine, self.warnings.append, lambda _: None)
        self.persistence.open()

    def set(self, key: str) -> None:
        """Record an event, in a turn of its own."""
        record(self.engine, key)
        assert self.engine.log.commit(NOW)

    @property
    def history(self) -> History:
        """The chain of ids."""
        assert self.persistence.history is not None
        return self.persistence.history

    @property
    def place(self) -> tuple[int, bytes]:
        """Where history ends, and the data there."""
        return self.engine.log.offset, digest(self.engine.keyspace)

    def crash(self) -> None:
        """End as kill -9 does: nothing is synced or marked, only the kernel's part is done (descriptors, the lock)."""
        log = self.engine.log
        if isinstance(log, LogWriter):
            with contextlib.suppress(OSError, LogFailed):  # what was to end in the middle may be closed already
                log.release()
        self.persistence.directory.unlock()

    def goes_on(self, same_id: bool = True) -> None:
        """Assert that the log takes an event and makes it durable, and that a start has all there is here."""
        log = self.engine.log
        if log.failed is not None:
            return
        self.set("and on")
        if isinstance(log, LogWriter):
            log.sync()
            assert log.synced_offset == log.offset
        else:
            self.persistence.saving.save()
        here, history = self.place, self.history.current
        self.crash()
        again = Node(self.persistence.directory.path, self.engine.settings.appendonly)
        assert again.place == here
        if isinstance(log, LogWriter) and same_id:
            assert again.history.current == history
        again.crash()


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make nothing durable, which only a power loss would show."""
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, lambda fd: None)


def record(engine: Engine, key: str) -> None:
    internal_tx(engine).record(b"SET", key.encode(), b"value of " + key.encode())


def filled(directory: Path, appendonly: bool = True) -> tuple[Node, dict[int, bytes], list[int]]:
    """A node of twelve events in several segments, two snapshots and two history ids; the data and the offset after each event."""
    node, data, offsets = Node(directory, appendonly), {}, []
    for number in range(12):
        if number == 8:
            node.history.renew(node.engine.log.offset)
        node.set(f"key {number}")
        if number in (2, 9):
            node.persistence.saving.save()
        data[node.engine.log.offset] = node.place[1]
        offsets.append(node.engine.log.offset)
    return node, data, offsets


def every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault) -> Iterator[tuple[Path, FaultyCalls]]:
    """Directories with the calls of one attempt each, another one of them refused, until one gets through."""
    for nth in range(1, 200):
        calls = FaultyCalls(monkeypatch, nth, fault)
        yield tmp_path / str(nth), calls
        if calls.refused is None:
            return
    pytest.fail("there is no end to it")


def attempt(node: Node, calls: FaultyCalls, action: Callable[[], None]) -> str:
    """Do it; return "done", "as it was", "ended" (by itself) or "killed"."""
    with calls:
        try:
            action()
        except (OSError, LogFailed):
            return "as it was"
        except Unfinished:
            return "ended"
        except Killed:
            return "killed"
    return "done"


# ── a full synchronization ─────────────────────────────────────────────────────────────────────────────────────────────
@functools.cache
def the_primary() -> Engine:
    """An engine with other data; whoever takes them must not change them."""
    engine = offline_engine()
    record(engine, "the primary's")
    return engine


def arrived(node: Node, offset: int) -> tuple[Callable[[], None], tuple[int, bytes]]:
    """Let a primary's snapshot be here; return what makes it the node's state, and that."""
    engine = the_primary()
    path, extras = received_path(node.persistence.directory.path, offset), rdb.Extras()
    path.parent.mkdir(exist_ok=True)
    write_snapshot(engine, path, offset, PRIMARY, 0, extras)
    wanted = offset, digest(engine.keyspace)

    def install() -> None:
        node.persistence.replace_state(path, PRIMARY, offset, 0, extras)
        received = Offline()
        recover(received, str(node.persistence.directory.path))
        node.engine.keyspace.adopt(received.keyspace)

    return install, wanted


@pytest.mark.parametrize(
    ("fault", "appendonly"), [*((fault, True) for fault in Fault), (Fault.ONCE, False), (Fault.KILLED, False)]
)
def test_replacing_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault, appendonly: bool) -> None:
    seen = set()
    for directory, calls in every_step(tmp_path, monkeypatch, fault):
        node, data, offsets = filled(directory, appendonly)
        before, ids = node.place, list(node.history.chain)
        install, after = arrived(node, offsets[9])  # a snapshot of our own has that name too
        saved = (offsets[-1] if appendonly else offsets[9], data[offsets[-1] if appendonly else offsets[9]])
        outcome = attempt(node, calls, install)
        assert outcome != "ended" or fault is not Fault.ONCE or calls.refused not in NEEDS_ROOM
        seen.add(outcome)
        if outcome == "as it was":
            assert (node.place, node.history.chain) == (before, ids)
            if fault is Fault.ONCE and node.engine.log.failed is None:
                node.set("once more")
                install()
                assert node.place == after
            node.goes_on()
        elif outcome == "done":
            assert (node.place, node.history.chain) == (after, [(PRIMARY, after[0])])
            node.goes_on()
        else:
            node.crash()
            again = Node(directory, appendonly)
            assert again.place == (after if PRIMARY in dict(again.history.chain) else saved)
            again.goes_on()
    assert seen == OUTCOMES[fault]


async def test_who_waits_for_an_fsync_is_answered_before_history_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under `always`: offsets mean something else then, and the one that is waited for may not come for long."""
    node = Node(tmp_path, appendfsync="always")
    engine, sync, go_on = node.engine, os.fdatasync, threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda fd: (go_on.wait(), sync(fd)))
    engine.turn.attach(asyncio.get_running_loop())
    clients = [Wire(), Wire()]
    for wire in clients:
        session = Session(engine, len(engine.sessions) + 1)
        session.transport = wire  # type: ignore[assignment]  # has what a session uses
        engine.sessions[session.number] = session
        session.data_received(b"SET key value\r\n")
        engine.turn.end()
        assert wire.sent == b""
    install, after = arrived(node, 1)
    go_on.set()
    install()
    assert node.place == after
    assert [wire.sent for wire in clients] == [b"+OK\r\n"] * 2
    assert engine.turn.buffered == 0
    node.goes_on()


# ── going back ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def past(node: Node, offset: int) -> tuple[Callable[[], None], LogEnd]:
    """Return what makes the state at offset the node's, and where its log is to end then."""
    then = Offline()
    assert isinstance(node.engine.log, LogWriter)
    _, end = _rebuild(lambda: None, then, node.engine.log.directory, offset)
    assert end is not None

    def go_back() -> None:
        node.persistence.cut_back(end)
        node.engine.keyspace.adopt(then.keyspace)

    return go_back, end


@pytest.mark.parametrize(("fault", "event"), [*((fault, 5) for fault in Fault), (Fault.ONCE, 10)])
def test_cutting_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault, event: int) -> None:
    seen = set()
    for directory, calls in every_step(tmp_path, monkeypatch, fault):
        node, data, offsets = filled(directory)
        before, ids = node.place, list(node.history.chain)
        end = offsets[event]
        go_back, _ = past(node, end)
        left = [link for link in ids if link[1] <= end]
        outcome = attempt(node, calls, go_back)
        assert outcome != "ended" or fault is not Fault.ONCE or calls.refused not in NEEDS_ROOM
        seen.add(outcome)
        if outcome == "as it was":
            assert (node.place, node.history.chain) == (before, ids)
            if fault is Fault.ONCE and node.engine.log.failed is None:
                past(node, end)[0]()
                assert (node.place, node.history.chain) == ((end, data[end]), left)
            node.goes_on(same_id=fault is not Fault.FOR_GOOD)  # a doubt that can't be taken back costs an id
        elif outcome == "done":
            assert (node.place, node.history.chain) == ((end, data[end]), left)
            node.goes_on()
        else:
            node.crash()
            again = Node(directory)
            offset, _ = again.place
            assert end <= offset <= before[0]
            assert again.place == (offset, data[offset])
            whole, cut = (again.history.chain, offset) == (ids, before[0]), (again.history.chain, offset) == (left, end)
            assert whole or cut or again.history.current not in dict(ids)  # a history that may not be all has an id of its own
            again.goes_on()
    assert seen == OUTCOMES[fault]


# ── the other kind of log ──────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("appendonly", [False, True], ids=["off", "on"])
@pytest.mark.parametrize("fault", [Fault.ONCE, Fault.FULL])
def test_switching_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault, appendonly: bool) -> None:
    """CONFIG SET appendonly that is refused leaves the log that was in use, in use, and the history says so."""
    for directory, calls in every_step(tmp_path, monkeypatch, fault):
        node, _, _ = filled(directory, not appendonly)
        before, log = node.place, node.engine.log
        node.engine.settings.appendonly = appendonly
        with calls, contextlib.suppress(ConfigError):
            node.persistence.switch_appendonly()
        assert node.place == before
        if node.engine.log is log:
            node.engine.settings.appendonly = not appendonly
        else:
            assert isinstance(node.engine.log, LogWriter) is appendonly
        noted = histories.load(str(directory))
        assert noted is not None
        assert (noted.volatile, noted.clean_offset) == (not isinstance(node.engine.log, LogWriter), None)
        node.goes_on()
