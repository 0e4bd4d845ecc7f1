"""Everything the log asks of the operating system, in one object that a test can replace by a failing one.

Law: no other module of this package changes a file except through a Disk. Reading needs no door: it can't lose data.
"""

from __future__ import annotations

import errno
import os


class Disk:
    """The real file system: thin methods over `os`, each raising OSError as `os` does."""

    __slots__ = ()

    def open(self, path: str, flags: int, mode: int = 0o644) -> int:
        """Open path and return its descriptor, closed on exec."""
        return os.open(path, flags | os.O_CLOEXEC, mode)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write data at the descriptor's position; return how many bytes were taken (maybe fewer than given)."""
        return os.write(fd, data)

    def fdatasync(self, fd: int) -> None:
        """Make the file's content durable."""
        os.fdatasync(fd)

    def ftruncate(self, fd: int, size: int) -> None:
        """Cut the file to size bytes."""
        os.ftruncate(fd, size)

    def close(self, fd: int) -> None:
        """Close the descriptor."""
        os.close(fd)

    def rename(self, source: str, target: str) -> None:
        """Give source the name target, replacing what had it, in one step."""
        os.replace(source, target)

    def unlink(self, path: str) -> None:
        """Remove the name path."""
        os.unlink(path)

    def mkdir(self, path: str) -> None:
        """Create the directory path and its parents, unless it exists."""
        os.makedirs(path, exist_ok=True)

    def sync_directory(self, path: str) -> None:
        """Make the names in directory path durable: a new or renamed file survives power loss only after this."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def write_all(disk: Disk, fd: int, data: bytes) -> None:
    """Write all of data, however many calls that takes; raises OSError with a part of it possibly written."""
    written = disk.write(fd, data)
    if written == len(data):
        return
    rest = memoryview(data)[written:]
    while rest:
        taken = disk.write(fd, rest)
        if taken == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # no progress: never spin on it
        rest = rest[taken:]


def replace_file(disk: Disk, path: str, data: bytes, suffix: str = ".tmp") -> None:
    """Give the file path the content data so that a crash leaves the old or the new file, whole; durable on return."""
    write_beside(disk, path, data, suffix)
    put_in_place(disk, path, suffix)


def write_beside(disk: Disk, path: str, data: bytes, suffix: str = ".tmp") -> None:
    """Write what is to be the content of path into a file beside it, durably: the part that takes room on the disk."""
    fd = disk.open(path + suffix, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        write_all(disk, fd, data)
        disk.fdatasync(fd)
    finally:
        disk.close(fd)


def put_in_place(disk: Disk, path: str, suffix: str = ".tmp") -> None:
    """Let what was written beside path be its content, durably on return; an OSError leaves open which of the two it is."""
    disk.rename(path + suffix, path)
    disk.sync_directory(os.path.dirname(path) or ".")
