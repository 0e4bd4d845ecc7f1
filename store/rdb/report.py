"""What was in an RDB file, or went into one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Extras:
    """Parts of a file that belong to no database and are kept as they are, to be written with the next snapshot.

    `modules_before`, `modules_after`: modules' own data before and after the
    databases.
    """

    modules_before: list[bytes] = field(default_factory=list)
    modules_after: list[bytes] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.modules_before or self.modules_after)


@dataclass(slots=True)
class RdbReport:
    """Counts over one file. `checksum`: `matches`, `absent` (writer left it out) or `none` (before version 5)."""

    path: str = ""
    version: int = 0
    size: int = 0
    """Bytes, checksum included."""
    keys: int = 0
    expiring: int = 0
    """Keys with a deadline, passed or not."""
    opaque: int = 0
    """Streams and modules' values, kept but not served."""
    empty_skipped: int = 0
    """Collections without members, left out (written by old versions of Redis)."""
    databases: Counter[int] = field(default_factory=Counter)
    """Keys by database."""
    types: Counter[str] = field(default_factory=Counter)
    """Keys by type, under the names that TYPE answers."""
    aux: dict[str, bytes] = field(default_factory=dict)
    functions: list[bytes] = field(default_factory=list)
    """Codes of function libraries."""
    extras: Extras = field(default_factory=Extras)
    checksum: str = "none"

    @property
    def history_id(self) -> str | None:
        """The history (Redis: replid) the file is a point of, if it says so."""
        text = self.aux.get("repl-id", b"").decode("ascii", "replace")
        return text if len(text) == 40 and "repl-offset" in self.aux else None

    @property
    def offset(self) -> int | None:
        """The offset of that point."""
        return self._number("repl-offset")

    @property
    def stream_db(self) -> int | None:
        """The database that the replication stream had selected at that point."""
        return self._number("repl-stream-db")

    @property
    def created(self) -> int | None:
        """Unix seconds at which the file was begun, as its writer says."""
        return self._number("ctime")

    def _number(self, name: str) -> int | None:
        try:
            return int(self.aux[name])
        except (KeyError, ValueError):
            return None
