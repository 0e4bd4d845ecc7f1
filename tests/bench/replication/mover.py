"""`python -m tests.bench.replication.mover PID CORE`: moves the processes that a process starts to a core as they come, until ended.

It is a process of its own, on that core, so that what is measured on another one is not disturbed by it.
"""

import os
import sys
import time
from pathlib import Path

from tests.bench.replication import nodes

PAUSE = 0.005


def main(pid: int, core: int) -> None:
    """Look two hundred times a second until the process has ended."""
    os.sched_setaffinity(0, {core})
    moved: set[int] = set()
    while Path(f"/proc/{pid}").exists():
        for child in nodes.children(pid) - moved:
            nodes.pin(child, {core})
            moved.add(child)
        time.sleep(PAUSE)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
