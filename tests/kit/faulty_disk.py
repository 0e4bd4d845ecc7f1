"""A disk that fails on demand: the n-th call of an operation, short writes, no space left, an fsync that hangs."""

from __future__ import annotations

import errno
import os
import threading
from collections import Counter
from collections.abc import Callable

from store.log.disk import Disk


class FaultyDisk(Disk):
    """The real file system until told otherwise; `calls` counts every operation, the failed ones included."""

    __slots__ = ("_faults", "calls", "gate", "largest_write", "slow", "space")

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.space: int | None = None  # bytes until ENOSPC
        self.largest_write: int | None = None  # more is written short
        self.gate = threading.Event()  # fdatasync waits for it
        self.gate.set()
        self.slow: Callable[[], None] | None = None  # called by fdatasync
        self._faults: dict[str, tuple[range, int]] = {}

    def fail(self, operation: str, nth: int = 1, times: int = 1, error: int = errno.EIO) -> None:
        """Let the nth call of operation from now on, and the ones after it up to `times`, raise error."""
        first = self.calls[operation] + nth
        self._faults[operation] = (range(first, first + times), error)

    def heal(self) -> None:
        """Fail nothing any more."""
        self._faults.clear()
        self.space = self.largest_write = None

    def _called(self, operation: str) -> None:
        self.calls[operation] += 1
        numbers, error = self._faults.get(operation, (range(0), 0))
        if self.calls[operation] in numbers:
            raise OSError(error, os.strerror(error))

    def open(self, path: str, flags: int, mode: int = 0o644) -> int:
        """As Disk."""
        self._called("open")
        return super().open(path, flags, mode)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """As Disk, within `largest_write` and `space`."""
        self._called("write")
        size = len(data) if self.largest_write is None else min(len(data), self.largest_write)
        if self.space is not None:
            if self.space == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            size = min(size, self.space)
            self.space -= size
        return super().write(fd, memoryview(data)[:size])

    def fdatasync(self, fd: int) -> None:
        """As Disk, once `gate` is open."""
        self._called("fdatasync")
        assert self.gate.wait(30)
        if self.slow is not None:
            self.slow()
        super().fdatasync(fd)

    def ftruncate(self, fd: int, size: int) -> None:
        """As Disk."""
        self._called("ftruncate")
        super().ftruncate(fd, size)

    def rename(self, source: str, target: str) -> None:
        """As Disk."""
        self._called("rename")
        super().rename(source, target)

    def unlink(self, path: str) -> None:
        """As Disk."""
        self._called("unlink")
        super().unlink(path)

    def sync_directory(self, path: str) -> None:
        """As Disk."""
        self._called("sync_directory")
        super().sync_directory(path)
