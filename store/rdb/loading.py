"""RDB files into a keyspace, whole or in steps between which others may run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from store.errors import CorruptSnapshot
from store.keyspace import Keyspace
from store.rdb.reader import PIECE, RdbLoader
from store.rdb.report import RdbReport
from store.steps import LoadFigures, Steps, collector_at_rest, drained


def pieces_of(file: BinaryIO, size: int = PIECE) -> Iterator[bytes]:
    """Yield what file holds from its position on, in pieces of a size."""
    while piece := file.read(size):
        yield piece


def load(
    source: str | Path | BinaryIO, keyspace: Keyspace | None, *, replace: bool = False, check_crc: bool = True
) -> RdbReport:
    """Load an RDB file (a path, or a binary file from its position to its end) into keyspace.

    Raise CorruptSnapshot for anything that is not one whole RDB file, and OSError.
    """
    if not isinstance(source, (str, Path)):
        path = str(getattr(source, "name", "(stream)"))
        return _load_all(source, RdbLoader(keyspace, path, replace=replace, check_crc=check_crc))
    return drained(loading(source, keyspace, replace=replace, check_crc=check_crc))


def loading(
    path: str | Path,
    keyspace: Keyspace | None,
    figures: LoadFigures | None = None,
    *,
    replace: bool = False,
    check_crc: bool = True,
) -> Steps[RdbReport]:
    """Load an RDB file as `load` does, piece by piece, counting in figures."""
    figures = figures or LoadFigures(piece=PIECE)
    with open(path, "rb") as file, collector_at_rest():
        size = file.seek(0, 2)
        file.seek(0)
        loader = RdbLoader(keyspace, str(path), limit=size, replace=replace, check_crc=check_crc)
        return (yield from feeding(file, loader, figures))


def feeding(file: BinaryIO, loader: RdbLoader, figures: LoadFigures) -> Steps[RdbReport]:
    """Feed the whole of file to loader, piece by piece; nothing may come after the end."""
    before, keys = figures.loaded, figures.keys
    for piece in pieces_of(file, figures.piece):
        if loader.done:
            break
        loader.feed(piece)
        figures.loaded, figures.keys = before + loader.position, keys + loader.report.keys
        yield
    report = loader.finish()
    if loader.rest or file.read(1):
        raise CorruptSnapshot(report.path, report.size, "there are bytes after the end of the file")
    return report


def _load_all(file: BinaryIO, loader: RdbLoader) -> RdbReport:
    return drained(feeding(file, loader, LoadFigures(piece=PIECE)))


def verify(path: str | Path) -> RdbReport:
    """Read a whole RDB file, checking all that `load` checks but keeping nothing; raise CorruptSnapshot or OSError."""
    return load(path, None)
