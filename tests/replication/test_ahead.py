"""How far a replica runs ahead of a log that can't be written (replica-ignore-disk-write-errors)."""

from types import SimpleNamespace

import pytest

from replication.ahead import REMINDER_MS, AheadOfLog
from store.clock import ManualClock
from store.config import Settings
from store.errors import LogFailed


def test_it_goes_as_far_as_it_is_told_and_says_so_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    settings, clock = Settings(), ManualClock()
    log = SimpleNamespace(failed=None, offset=10, written_offset=10)
    ahead = AheadOfLog(SimpleNamespace(settings=settings, log=log, clock=clock))  # type: ignore[arg-type]  # what it uses
    assert not ahead.too_far
    log.failed = LogFailed("No space left on device")
    assert ahead.too_far
    ahead.remind()
    settings.set([(b"replica-ignore-disk-write-errors", b"yes"), (b"repl-backlog-size", b"20000")])
    assert not ahead.too_far
    for milliseconds in (0, REMINDER_MS, 1):
        clock.advance(milliseconds)
        ahead.remind()
    assert caplog.messages == ["Replica is applying a command even though it is unable to write to disk."] * 2
    log.offset = 20_010
    assert ahead.too_far
