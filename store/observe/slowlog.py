"""SLOWLOG: the last commands that took longer than `slowlog-log-slower-than` microseconds (slowlog.c 7.0)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from store.client.redaction import redacted

if TYPE_CHECKING:
    from store.client.session import Session
    from store.commands.table import Command
    from store.engine import Engine

MAX_ARGUMENTS = 32
MAX_ARGUMENT = 128
NEVER = 1 << 62


@dataclass(slots=True)
class Slow:
    """One slow command: id, unix seconds, duration in µs, trimmed arguments, client address and name."""

    number: int
    time: int
    microseconds: int
    argv: list[bytes]
    address: bytes
    name: bytes


class SlowLog:
    """The ring of slow commands. `threshold`: nanoseconds from which a command is noted here or as a latency spike."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.entries: deque[Slow] = deque()
        self.threshold = self._slow = NEVER
        self._next = 0
        self.configure()
        engine.settings.on_change("slowlog-log-slower-than", self.configure)
        engine.settings.on_change("slowlog-max-len", self.configure)
        engine.settings.on_change("latency-monitor-threshold", self.configure)

    def configure(self) -> None:
        """Follow the settings; a negative threshold turns the log off."""
        settings = self.engine.settings
        limit, spike = settings.slowlog_log_slower_than, settings.latency_monitor_threshold
        self._slow = limit * 1000 if limit >= 0 else NEVER
        self.threshold = min(self._slow, spike * 1_000_000 if spike else NEVER)
        self._trim()

    def note(self, session: Session, command: Command, argv: list[bytes], nanoseconds: int) -> None:
        """Keep a command that took nanoseconds, unless it asked not to be logged."""
        now = self.engine.clock.now_ms() // 1000
        self.engine.latency.note(
            b"fast-command" if "fast" in command.flags else b"command", now, nanoseconds // 1_000_000
        )
        if "skip_slowlog" in command.flags or nanoseconds < self._slow:
            return
        shown = trimmed(redacted(command, argv))
        slow = Slow(-1, now, nanoseconds // 1000, shown, session.address, session.name)
        waiter = self.engine.blocking.waiters.get(session)
        if waiter is None:
            self.keep(slow)
        else:
            waiter.slow = slow  # a command that blocks is over when it no longer waits

    def keep(self, slow: Slow) -> None:
        """Put a command first, with the next number."""
        slow.number = self._next
        self.entries.appendleft(slow)
        self._next += 1
        self._trim()

    def _trim(self) -> None:
        while len(self.entries) > max(0, self.engine.settings.slowlog_max_len):
            self.entries.pop()


def trimmed(argv: list[bytes]) -> list[bytes]:
    """Shorten a request to 32 arguments of 128 bytes, saying how much was left out."""
    shown = argv if len(argv) <= MAX_ARGUMENTS else argv[: MAX_ARGUMENTS - 1]
    out = [
        a if len(a) <= MAX_ARGUMENT else a[:MAX_ARGUMENT] + b"... (%d more bytes)" % (len(a) - MAX_ARGUMENT)
        for a in shown
    ]
    if len(argv) > MAX_ARGUMENTS:
        out.append(b"... (%d more arguments)" % (len(argv) - MAX_ARGUMENTS + 1))
    return out
