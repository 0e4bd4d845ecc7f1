"""The end of a turn: what leaves when, under each policy, and what is answered when the log fails."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import store.commands  # noqa: F401 - fills the command table
from store.client.session import Session
from store.clock import ManualClock
from store.config.settings import Settings
from store.engine import Engine
from store.log import history
from store.log.segment import LogEnd
from store.log.writer import LogWriter
from tests.kit.faulty_disk import FaultyDisk
from tests.kit.wire import Wire

MISCONF = b"-MISCONF "


class Bench:
    """An engine on a real log over a disk that fails on demand; turns end when the test says so."""

    def __init__(self, path: Path, policy: str) -> None:
        self.disk = FaultyDisk()
        self.chain = history.create(str(path), disk=self.disk)
        self.log = LogWriter(str(path), self.chain, LogEnd(0), disk=self.disk, fsync=policy)
        settings = Settings()
        settings.appendfsync = policy
        self.engine = Engine(settings, self.log, clock=ManualClock())

    def client(self) -> tuple[Session, Wire]:
        session, wire = Session(self.engine, len(self.engine.sessions) + 1), Wire()
        session.transport = wire  # type: ignore[assignment]  # has what a session uses
        self.engine.sessions[session.number] = session
        return session, wire


def send(session: Session, *lines: str) -> None:
    session.data_received("".join(line + "\r\n" for line in lines).encode())


@pytest.fixture
def everysec(tmp_path: Path) -> Bench:
    return Bench(tmp_path, "everysec")


async def test_no_reply_leaves_before_the_log_write_of_its_turn(everysec: Bench) -> None:
    session, wire = everysec.client()
    send(session, "SET k v", "GET k")
    assert wire.taken() == b""
    assert everysec.log.written_offset == 0
    everysec.engine.turn.end()
    assert wire.taken() == b"+OK\r\n$1\r\nv\r\n"
    assert everysec.log.written_offset == everysec.log.offset > 0


async def test_a_turn_is_one_write_however_many_clients(everysec: Bench) -> None:
    clients = [everysec.client() for _ in range(20)]
    for number, (session, _) in enumerate(clients):
        send(session, f"SET k{number} v", f"INCR n{number}")
    before = everysec.disk.calls["write"]
    everysec.engine.turn.end()
    assert everysec.disk.calls["write"] - before <= 2  # the first one also writes the segment's header
    assert all(wire.taken() == b"+OK\r\n:1\r\n" for _, wire in clients)


async def test_under_always_replies_wait_for_the_fsync_that_covers_them(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "always")
    writer, written = bench.client()
    reader, read = bench.client()
    bench.disk.gate.clear()
    send(writer, "SET k v")
    send(reader, "GET k")
    bench.engine.turn.end()
    assert written.taken() == b""
    assert read.taken() == b""
    bench.disk.gate.set()
    await bench.log.durable(bench.log.offset)
    assert written.taken() == b"+OK\r\n"
    assert read.taken() == b"$1\r\nv\r\n"


async def test_many_turns_share_an_fsync(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "always")
    clients = [bench.client() for _ in range(10)]
    bench.disk.gate.clear()
    for number, (session, _) in enumerate(clients):
        send(session, f"SET k{number} v")
        bench.engine.turn.end()
    before = bench.disk.calls["fdatasync"]
    bench.disk.gate.set()
    await bench.log.durable(bench.log.offset)
    assert all(wire.taken() == b"+OK\r\n" for _, wire in clients)
    assert bench.disk.calls["fdatasync"] - before <= 2


@pytest.mark.parametrize("policy", ["everysec", "always"])
async def test_a_full_disk_acknowledges_nothing_and_comes_back(tmp_path: Path, policy: str) -> None:
    bench = Bench(tmp_path, policy)
    session, wire = bench.client()
    reader, read = bench.client()
    send(session, "SET k 1")
    bench.engine.turn.end()
    await bench.log.durable(bench.log.offset)
    assert wire.taken() == b"+OK\r\n"
    bench.disk.space = 0
    send(session, "INCR k", "GET k")
    bench.engine.turn.end()
    refused, answered = wire.taken().split(b"\r\n", 1)
    assert refused.startswith(MISCONF)
    assert answered == b"$1\r\n2\r\n"
    send(session, "SET other v")
    send(reader, "GET k")
    bench.engine.turn.end()
    assert wire.taken().startswith(MISCONF)
    if policy == "everysec":
        assert read.taken() == b"$1\r\n2\r\n"
    bench.disk.heal()
    assert bench.log.retry()
    bench.engine.turn.poison()
    send(session, "GET other", "SET other w")
    bench.engine.turn.end()
    await bench.log.durable(bench.log.offset)
    assert wire.taken().endswith(b"$-1\r\n+OK\r\n")


async def test_a_failed_fsync_refuses_writes_for_good_and_reads_go_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "always")
    session, wire = bench.client()
    bench.disk.fail("fdatasync", times=1)
    send(session, "SET k v")
    bench.engine.turn.end()
    for _ in range(100):
        if bench.log.failed is not None:
            break
        await asyncio.sleep(0.01)
    assert wire.taken().startswith(MISCONF)
    assert not bench.log.retry()
    send(session, "SET k w")
    bench.engine.turn.end()
    assert wire.taken().startswith(MISCONF)
    send(session, "GET k")
    bench.engine.turn.end()
    assert wire.taken() == b"$1\r\nv\r\n"


async def test_ping_tells_monitors_that_the_log_failed(everysec: Bench) -> None:
    session, wire = everysec.client()
    everysec.disk.space = 0
    send(session, "SET k v")
    everysec.engine.turn.end()
    send(session, "PING")
    everysec.engine.turn.end()
    assert wire.taken().count(MISCONF) == 2
