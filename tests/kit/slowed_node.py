"""A Chronis server whose own long work on files takes longer: python -m tests.kit.slowed_node SECONDS [options of a server]

A rebuild of the state (going back in history) rests for so long before it begins, in steps, and a sync of a snapshot that is
being received takes so much longer.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from replication import rollback
from store.__main__ import main
from store.persistence import recovery
from tests.kit.servers import Server, running

STEP = 0.05


def slowed_server(seconds: float, *options: str) -> AbstractContextManager[Server]:
    """Run Chronis with its own work slowed down by seconds."""
    command = [sys.executable, "-m", "tests.kit.slowed_node", str(seconds)]
    return running(command, "--metrics-port", "0", "--enable-debug-command", "yes", *options)


def slow_down(seconds: float) -> None:
    """Let rebuilds and syncs of received snapshots take longer in this process."""
    recovering = recovery.recovering

    def slowly(*arguments: Any) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            for _ in range(int(seconds / STEP)):
                time.sleep(STEP)
                yield
        return (yield from recovering(*arguments))

    recovery.recovering = rollback.recovering = slowly  # type: ignore[assignment]
    os.fdatasync = _slower(os.fdatasync, seconds)
    os.fsync = _slower(os.fsync, seconds)


def _slower(sync: Callable[[int], None], seconds: float) -> Callable[[Any], None]:
    def slow(fd: int) -> None:
        if "temp-received" in os.readlink(f"/proc/self/fd/{fd}"):
            time.sleep(seconds)
        sync(fd)

    return slow


if __name__ == "__main__":
    slow_down(float(sys.argv.pop(1)))
    main()
