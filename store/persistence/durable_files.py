"""Writing a whole file so that a crash at any moment leaves the old one or the new one, never a part.

Law: the final name appears only after the content is on the disk; the name itself is durable on return.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

T = TypeVar("T")


def temporary_path(target: Path, pid: int) -> Path:
    """Where a process writes the content of target before that gets its name."""
    return target.with_name(f"temp-{pid}-{target.name}")


def write_durably(path: str | Path, write: Callable[[BinaryIO], T]) -> T:
    """Let `write` fill a file beside path, then give it the name path; return what `write` returned.

    The temporary file (`temporary_path`) is removed again when anything fails, and the exception (OSError, or
    what `write` raised) goes on.
    """
    target = Path(path)
    temporary = temporary_path(target, os.getpid())
    try:
        with open(temporary, "wb", buffering=1 << 16) as file:
            result = write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    sync_directory(target.parent)
    return result


def sync_directory(path: str | Path) -> None:
    """Make the names in a directory durable; raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
