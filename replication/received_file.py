"""The file of a snapshot that is being received: written on the event loop, made durable beside it, a portion at a time.

Law: at most one sync is under way, and never more than LIMIT bytes wait for one: who writes looks at `behind` and stops
reading. So what is left to be synced in the end is little, however large the snapshot is and however slow the disk.

Source of the portion: replication.c of Redis 7.0 (REPL_MAX_WRITTEN_BEFORE_FSYNC), which syncs within its loop.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from store.log.disk import Disk, write_all

PORTION = 8 << 20
"""Bytes that are written before they are synced."""
LIMIT = 4 * PORTION
"""Bytes that may be written and not be synced yet."""


class ReceivedFile:
    """A new file at path, closed by `durable` or `close`. `moved`: called when a sync has ended, well or not."""

    def __init__(self, path: Path, disk: Disk, moved: Callable[[], None]) -> None:
        """Create the file; raises OSError."""
        self.path = path
        self.written = self.synced = 0
        self._disk = disk
        self._moved = moved
        self._fd = disk.open(str(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self._error: BaseException | None = None
        self._syncing: asyncio.Future[None] | None = None
        self._closed = False

    def write(self, data: bytes) -> None:
        """Add data, and have it synced if it is time; raises OSError, also the one of an earlier sync."""
        if self._error is not None:
            raise self._error
        write_all(self._disk, self._fd, data)
        self.written += len(data)
        if self._syncing is None and self.written - self.synced >= PORTION:
            self._sync()

    @property
    def behind(self) -> bool:
        """Tell whether so much waits for a sync that no more is to be written before."""
        return self._error is None and self.written - self.synced > LIMIT

    def _sync(self) -> None:
        upto = self.written
        self._syncing = asyncio.get_running_loop().run_in_executor(None, self._disk.fdatasync, self._fd)
        self._syncing.add_done_callback(lambda done: self._ended(done, upto))

    def _ended(self, done: asyncio.Future[None], upto: int) -> None:
        self._syncing = None
        if self._closed:
            self._disk.close(self._fd)
            return
        self._error = done.exception()
        if self._error is None:
            self.synced = upto
            if self.written - upto >= PORTION:
                self._sync()
        self._moved()

    async def durable(self) -> None:
        """Wait until all that was written is on the disk, and close the file; raises OSError."""
        while self._error is None and self.synced < self.written:
            if self._syncing is None:
                self._sync()
            assert self._syncing is not None
            await asyncio.wait([self._syncing])
        if self._error is not None:
            raise self._error
        self.close()

    def close(self) -> None:
        """Close the file, when a sync that is under way has ended; raises OSError."""
        if not self._closed:
            self._closed = True
            if self._syncing is None:
                self._disk.close(self._fd)
