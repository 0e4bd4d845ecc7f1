"""Append-only files of Redis, read: commands with their positions, and the manifest that names the files of a set.

    aof        = [rdb file] (command | annotation)*
    command    = "*" count CRLF ("$" length CRLF bytes CRLF)*
    annotation = "#" text CRLF                    ("#TS:" unix seconds: when the commands that follow were written)
    manifest   = ("file" name "seq" number "type" ("b" | "h" | "i") [key value]* LF | "#" text LF)*

Law: a file may end within a command (the machine stopped while it was written); anything else that is not a command
is damage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from store.config.quoting import split_args
from store.errors import CorruptFile

PIECE = 1 << 20
_LINE_MOST = 64
"""Bytes of the longest line that holds a count or a length; an annotation may have 1024."""
_ANNOTATION_MOST = 1024


class NotAof(Exception):
    """Bytes that are not a command, at `position` in the data."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position
        self.reason = reason


@dataclass(frozen=True, slots=True)
class AofCommand:
    """One command; `start` and `end`: its bytes in the file, `seconds`: the newest annotation before it (0 = none)."""

    start: int
    end: int
    seconds: int
    argv: list[bytes]


class AofReader:
    """Iterates over the commands of an open file, from its position on.

    `base`: the file position of `head`, the bytes that were read already. After the iteration `end` is the position
    up to which the file consists of whole commands, and `size` the position where it ends.
    """

    def __init__(self, file: BinaryIO, path: str, head: bytes = b"", base: int = 0) -> None:
        self.file = file
        self.path = path
        self.end = base
        self.size = base + len(head)
        self._data = head

    def __iter__(self) -> Iterator[AofCommand]:
        """Yield the commands; raise CorruptFile at the first bytes that are none."""
        place = seconds = 0
        base = self.end
        while True:
            try:
                parsed = parse(self._data, place)
            except NotAof as error:
                raise CorruptFile(self.path, base + error.position, error.reason) from error
            if parsed is None:
                self._data = self._data[place:]
                base, place = base + place, 0
                if not self._read_more():
                    return
                continue
            argv, stop = parsed
            self.end = base + stop
            if type(argv) is bytes:
                seconds = _timestamp(argv) or seconds
            else:
                yield AofCommand(base + place, base + stop, seconds, argv)  # type: ignore[arg-type]  # bytes were sorted out
            place = stop

    def _read_more(self) -> bool:
        """Read at least as much again as waits already, so that a long command is not parsed for each piece of it."""
        piece = self.file.read(max(PIECE, len(self._data)))
        self._data += piece
        self.size += len(piece)
        return bool(piece)


def parse(data: bytes, start: int) -> tuple[list[bytes] | bytes, int] | None:
    """Parse one command (a list) or annotation (bytes) at start; None if it is not complete. Raise NotAof."""
    first = data[start : start + 1]
    if first == b"#":
        stop = data.find(b"\n", start, start + _ANNOTATION_MOST)
        if stop < 0 and len(data) - start >= _ANNOTATION_MOST:
            raise NotAof(start, "an annotation without an end")
        return None if stop < 0 else (data[start:stop], stop + 1)
    header = _number(data, start, b"*", "a command")
    if header is None:
        return None
    count, place = header
    if count < 1:
        raise NotAof(start, f"a command of {count} arguments")
    argv = []
    for _ in range(count):
        header = _number(data, place, b"$", "an argument")
        if header is None:
            return None
        length, place = header
        stop = place + length
        if length < 0 or (ending := data[stop : stop + 2]) != b"\r\n"[: len(ending)]:
            raise NotAof(place, f"an argument that does not end after {length} bytes")
        if len(ending) < 2:
            return None
        argv.append(data[place:stop])
        place = stop + 2
    return argv, place


def _number(data: bytes, start: int, sign: bytes, what: str) -> tuple[int, int] | None:
    """Read a line of a sign and a number; return the number and the place behind, None if the line is not complete."""
    if data[start : start + 1] not in (sign, b""):
        raise NotAof(start, f"{data[start : start + 16]!r} where {what} should start with {sign!r}")
    stop = data.find(b"\n", start, start + _LINE_MOST)
    if stop < 0:
        if len(data) - start >= _LINE_MOST:
            raise NotAof(start, "a count without an end")
        return None
    try:
        return int(data[start + 1 : stop]), stop + 1
    except ValueError:
        raise NotAof(start, f"{data[start:stop]!r} is no count") from None


def _timestamp(annotation: bytes) -> int:
    name, _, value = annotation.rstrip().partition(b":")
    return int(value) if name == b"#TS" and value.isdigit() else 0


# ── the manifest ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of a set by name: `base` (None or one), then `increments` in the order in which they were written."""

    base: str | None
    increments: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """All of them, in the order in which they are to be loaded."""
        return (self.base, *self.increments) if self.base is not None else self.increments


def read_manifest(path: Path) -> Manifest:
    """Read a manifest; raise CorruptFile as strictly as Redis does (source: aof.c 7.0), and OSError."""
    base: str | None = None
    increments: list[str] = []
    newest = position = 0
    for line in path.read_bytes().splitlines(keepends=True):
        if not line.startswith(b"#"):
            name, number, kind = _manifest_line(line, path, position)
            if kind == "b" and base is not None:
                raise CorruptFile(path, position, "a second base file")
            if kind == "b":
                base = name
            elif kind == "i" and number <= newest:
                raise CorruptFile(path, position, f"sequence number {number} after {newest}")
            elif kind == "i":
                increments.append(name)
                newest = number
        position += len(line)
    if not position:
        raise CorruptFile(path, 0, "the manifest is empty")
    return Manifest(base, tuple(increments))


def _manifest_line(line: bytes, path: Path, position: int) -> tuple[str, int, str]:
    """Read one line into a file's name, sequence number and type."""
    try:
        words = [word.decode() for word in split_args(line.strip())]
    except ValueError as error:
        raise CorruptFile(path, position, f"not a line of a manifest: {error}") from error
    if not line.endswith(b"\n") or len(words) < 6 or len(words) % 2:
        raise CorruptFile(path, position, "not a line of a manifest")
    fields = dict(zip((word.lower() for word in words[::2]), words[1::2], strict=True))
    name, number, kind = fields.get("file", ""), fields.get("seq", ""), fields.get("type", "")[:1]
    if not number.isdigit() or int(number) == 0 or kind not in ("b", "h", "i"):
        raise CorruptFile(path, position, "a line without file, seq and type")
    if Path(name).name != name or not name:
        raise CorruptFile(path, position, f"{name!r} is not the name of a file beside the manifest")
    return name, int(number), kind


def encode_manifest(manifest: Manifest) -> bytes:
    """Write a manifest; sequence numbers count from 1."""
    lines = [f"file {manifest.base} seq 1 type b\n"] if manifest.base is not None else []
    lines += [f"file {name} seq {number} type i\n" for number, name in enumerate(manifest.increments, 1)]
    return "".join(lines).encode()
