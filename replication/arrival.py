"""A snapshot that is arriving: written to a file and loaded into a keyspace of its own at the same time.

Law: nothing of it is seen by anybody before it is complete; given up, it leaves no file and no key behind.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from replication.transfer import TransferReader
from store.persistence.offline import like
from store.persistence.replacement import received_path
from store.rdb.reader import RdbLoader

if TYPE_CHECKING:
    from replication.messages import FullResync
    from store.engine import Engine


class Arrival:
    """One full synchronization in progress. `received`: bytes of the snapshot so far."""

    def __init__(self, engine: Engine, directory: Path, answer: FullResync) -> None:
        """Begin; raises OSError when the file can't be created."""
        self.answer = answer
        self.reader = TransferReader()
        self.keyspace = like(engine.keyspace)
        self.loader = RdbLoader(self.keyspace, "(from master)", check_crc=engine.settings.rdbchecksum)
        self.path = received_path(directory, answer.offset)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(self.path, "wb")  # noqa: SIM115 - closed when the snapshot is complete or given up

    def receive(self, data: bytes) -> bool:
        """Take received bytes; True when the snapshot is complete. Raise BadStream, CorruptSnapshot or OSError."""
        body = self.reader.feed(data)
        if body:
            self.file.write(body)
            self.loader.feed(body)
        if self.reader.done:
            self.loader.finish()
            self.file.flush()
        return self.reader.done

    def give_up(self) -> None:
        """Forget what has come."""
        self.file.close()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
