"""Replies that wait for replicas, over a log whose fsync hangs: what is told when the node ceases to be primary meanwhile."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import store.commands  # noqa: F401 - fills the command table
from replication.assurance import Assurance
from store.client.session import Session
from store.clock import ManualClock
from store.config.settings import Settings
from store.engine import Engine
from store.log import history
from store.log.segment import LogEnd
from store.log.writer import LogWriter
from tests.kit.faulty_disk import FaultyDisk


class Wire:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.sent = b""

    def write(self, data: bytes) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0


async def test_replies_that_wait_for_an_fsync_when_the_reign_ends_are_unacknowledged(tmp_path: Path) -> None:
    """They keep waiting for it, and then tell that the outcome is unknown; reads are answered, other clients as usual."""
    disk = FaultyDisk()
    log = LogWriter(str(tmp_path), history.create(str(tmp_path), disk=disk), LogEnd(0), disk=disk, fsync="always")
    settings = Settings()
    settings.appendfsync = "always"
    engine = Engine(settings, log, clock=ManualClock())
    primary = SimpleNamespace(engine=engine, feeds={}, count_held=lambda offset: 0)
    assurance = Assurance(primary)  # type: ignore[arg-type]  # has what is used here
    (careful, heard), (other, answered) = ((Session(engine, number), Wire()) for number in (1, 2))
    careful.transport, other.transport = heard, answered  # type: ignore[assignment]  # have what a session uses
    assurance.choose(careful, 1, 5000)
    disk.gate.clear()
    careful.data_received(b"SET k 1\r\nGET k\r\n")
    other.data_received(b"SET k 2\r\n")
    engine.turn.end()
    engine.primary = False
    assurance.fail_all()
    assert heard.sent == answered.sent == b""
    disk.gate.set()
    await log.durable(log.offset)
    assert answered.sent == b"+OK\r\n"
    refused, read = heard.sent.split(b"\r\n", 1)
    assert refused.startswith(b"-UNACKED ")
    assert read == b"$1\r\n1\r\n"
    assert engine.turn.buffered == 0
