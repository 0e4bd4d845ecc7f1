"""A snapshot as it arrives from a primary, cut out of the connection's bytes: no I/O.

    transfer = *LF ( "$" length CRLF bytes | "$EOF:" mark CRLF bytes mark )      mark = 40 bytes; line feeds are signs of life

Source: replication.c of Redis 7.0 (readSyncBulkPayload). Nothing follows a marked transfer until the replica acknowledged it.
"""

from __future__ import annotations

from replication.stream import BadStream

MARK = 40
_LONGEST_LINE = 512


class TransferReader:
    """Takes bytes, returns those of the snapshot; when `done`, `rest` is what came after it. `size`: None when not told."""

    def __init__(self) -> None:
        self.size: int | None = None
        self.received = 0
        self.done = False
        self.rest = b""
        self._line = b""
        self._mark: bytes | None = None
        self._held = b""  # the last bytes, which may be the mark

    @property
    def left(self) -> int:
        """Bytes still to come, -1 when not known."""
        return -1 if self.size is None else self.size - self.received

    def feed(self, data: bytes) -> bytes:
        """Take received bytes; return those of the snapshot. Raise BadStream for anything else."""
        if self.size is None and self._mark is None:
            data = self._header(data)
        if self.size is not None:
            return self._measured(data, self.size)
        return self._marked(data) if self._mark is not None else b""

    def _header(self, data: bytes) -> bytes:
        """Read the line that announces the snapshot; return what follows it, b"" while it is not complete."""
        data = self._line + data
        while data:
            line, end, rest = data.partition(b"\n")
            if not end:
                break
            line = line.removesuffix(b"\r")
            if line:
                self._announced(line)
                return rest
            data = rest
        if len(data) > _LONGEST_LINE:
            raise BadStream("the line that announces a snapshot has no end")
        self._line = data
        return b""

    def _announced(self, line: bytes) -> None:
        if line.startswith(b"$EOF:") and len(line) == 5 + MARK:
            self._mark = line[5:]
        elif line.startswith(b"$") and line[1:].isdigit():
            self.size = int(line[1:])
        else:
            raise BadStream(f"instead of a snapshot the primary sent {line[:80]!r}")

    def _measured(self, data: bytes, size: int) -> bytes:
        body = data[: size - self.received]
        self.received += len(body)
        if self.received == size:
            self.done, self.rest = True, data[len(body) :]
        return body

    def _marked(self, data: bytes) -> bytes:
        data = self._held + data
        if self._mark is not None and data.endswith(self._mark):
            self.done = True
            body = data[:-MARK]
        else:
            body, self._held = data[:-MARK], data[-MARK:]
        self.received += len(body)
        return body
