"""The data directory: `log/`, `snapshots/`, `history`, `lock`, and `dump.rdb` as a second name of the newest snapshot."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from store.errors import ConfigError
from store.log.repair import LOST_DIRECTORY
from store.persistence.recovery import SNAPSHOT_DIRECTORY, snapshots

LOCK = "lock"
KEPT_SNAPSHOTS = 2
"""Snapshots kept: the newest, and the one before in case that can't be read."""


class DataDirectory:
    """A data directory owned by this process while `lock` is held."""

    def __init__(self, path: str, dump_name: str = "dump.rdb") -> None:
        self.path = Path(path)
        self.dump_name = dump_name
        self._lock_fd = -1

    def lock(self) -> None:
        """Take the directory; raise ConfigError if it can't be written or another process has it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock_fd = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = (self.path / LOCK).read_text().strip()
            raise ConfigError(f"Data directory {self.path} is in use by process {owner or 'unknown'}") from None
        except OSError as error:
            raise ConfigError(f"Can't use data directory {self.path}: {error.strerror}") from error
        os.ftruncate(self._lock_fd, 0)
        os.write(self._lock_fd, b"%d\n" % os.getpid())

    def unlock(self) -> None:
        """Let go of the directory."""
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    @property
    def is_ours(self) -> bool:
        """Tell whether a Chronis server has written here before."""
        return (self.path / "history").exists() or (self.path / "log").exists() or bool(snapshots(self.path))

    @property
    def dump(self) -> Path:
        """Where Redis's tools look for the snapshot."""
        return self.path / self.dump_name

    def snapshot_path(self, offset: int) -> Path:
        """The file of the snapshot at offset."""
        return self.path / SNAPSHOT_DIRECTORY / f"{offset:020d}.rdb"

    def publish(self, snapshot: Path) -> None:
        """Give a finished snapshot its second name and drop the ones that are not needed any more."""
        if self.dump_name:
            temporary = self.path / f"temp-link-{os.getpid()}.rdb"
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
            os.link(snapshot, temporary)
            os.replace(temporary, self.dump)
            temporary.unlink(missing_ok=True)  # a rename between two names of one file leaves both
        for _, old in snapshots(self.path)[KEPT_SNAPSHOTS:]:
            old.unlink()

    def discard(self, snapshot: Path) -> None:
        """Remove a snapshot that is no part of history any more, under its second name too."""
        if self.dump_name and self.dump.exists() and self.dump.samefile(snapshot):
            self.dump.unlink()
        snapshot.unlink()

    def foreign_dump(self) -> str | None:
        """Describe a dump.rdb that is not one of our snapshots (it is ignored: the log wins), or None."""
        if not self.dump.exists():
            return None
        if any(self.dump.samefile(path) for _, path in snapshots(self.path)):
            return None
        return f"{self.dump} is not a snapshot of this log and is ignored; move the log away to start from it"

    def remove_leftovers(self) -> None:
        """Remove temporary files that an earlier process left."""
        for folder in (self.path, self.path / SNAPSHOT_DIRECTORY, self.path / LOST_DIRECTORY):
            for path in folder.glob("temp-*"):
                path.unlink()
