"""Taking over the data directory of a Redis: its dump, its append-only directory, or the single file of old versions.

Law: the files of Redis are only read. What is loaded is all of one source or an error; the only thing that may be
missing is a torn tail, which is reported to the byte. Which source, where there are two, follows from when each was
complete.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from store.errors import CorruptFile, ReplyError
from store.keyspace import Keyspace
from store.persistence.aof import AofCommand, AofReader, read_manifest
from store.persistence.replay import Replay
from store.rdb.codes import MAGIC
from store.rdb.loading import loading, pieces_of
from store.rdb.reader import RdbLoader
from store.rdb.report import Extras, RdbReport
from store.steps import STEP_EVENTS, LoadFigures, Steps, drained

if TYPE_CHECKING:
    from store.engine import Engine

Run = Callable[[list[bytes]], object]
"""Runs one write command (SELECT too) as its client would, without recording; raises ReplyError if that can't be."""


class ImportSettings(Protocol):
    """The options that say where Redis keeps its files."""

    dbfilename: str
    appendfilename: str
    appenddirname: str
    aof_load_truncated: bool


@dataclass(slots=True)
class ImportReport:
    """What was taken over. `history_id`, `offset` and `stream_db`: the point of Redis's own history it is, if known."""

    kind: str
    files: tuple[Path, ...]
    reason: str
    keys: int = 0
    """Keys read from RDB files (commands may have made or removed others)."""
    commands: int = 0
    transactions: int = 0
    newest: int = 0
    """Unix seconds of the newest time annotation, 0 = none."""
    history_id: str | None = None
    offset: int | None = None
    stream_db: int | None = None
    extras: Extras = field(default_factory=Extras)
    remarks: list[str] = field(default_factory=list)
    """Sentences for the operator: what was cut or left out, and why."""


@dataclass(frozen=True, slots=True)
class ImportSource:
    """Files of Redis that were found, and why these; `kind`: `rdb` or `aof`."""

    kind: str
    files: tuple[Path, ...]
    reason: str
    may_be_torn: bool = True

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.files))} ({self.reason})"

    def load(self, engine: Engine) -> ImportReport:
        """Load everything into an engine whose keyspace is empty; that is worth nothing after an exception.

        A command this server does not have stops the import: nothing is left out silently. Raise CorruptFile, OSError.
        """
        return drained(self.loading(engine, LoadFigures()))

    def loading(self, engine: Engine, figures: LoadFigures) -> Steps[ImportReport]:
        """Load as `load` does, in steps, counting in figures."""
        replay = Replay(engine)

        def run(argv: list[bytes]) -> None:
            engine.find(argv)
            replay.run(argv, foreign=True)

        report = yield from self.filling(engine.keyspace, run, figures)
        for text, count in replay.refused.items():
            report.remarks.append(f"{count} commands were refused, as they must have been by Redis: {text}")
        return report

    def filling(self, keyspace: Keyspace, run: Run, figures: LoadFigures) -> Steps[ImportReport]:
        """Load everything into an empty keyspace in steps, commands by `run`.

        It gets the commands of append-only files in order, each file's starting with SELECT 0; the commands between
        MULTI and EXEC come one by one once their EXEC was read.
        """
        report = ImportReport(self.kind, self.files, self.reason)
        figures.total = sum(path.stat().st_size for path in self.files)
        if self.kind == "rdb":
            rdb = yield from loading(self.files[0], keyspace, figures)
            _add_rdb(report, rdb)
            report.history_id, report.offset, report.stream_db = rdb.history_id, rdb.offset, rdb.stream_db
            return report
        for path in self.files:
            yield from _load_aof(path, keyspace, run, report, self.may_be_torn and path == self.files[-1], figures)
        return report


# ── finding ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def find(directory: str | Path, settings: ImportSettings) -> ImportSource | None:
    """Look for data of Redis in a directory, None if there is none; raise CorruptFile for a manifest that is wrong."""
    root = Path(directory)
    aof = _find_aof(root, settings)
    dump = root / settings.dbfilename if settings.dbfilename else None
    if dump is None or not dump.is_file() or not dump.stat().st_size:
        return _aof_source(aof, "there is no dump", settings) if aof else None
    if not aof:
        return ImportSource("rdb", (dump,), "there is no append-only file")
    written = int(max(path.stat().st_mtime for path in aof))
    begun, how = _begun(dump)
    # A dump holds what there was when it was begun; whatever the append-only file got since is missing in it.
    if written >= begun:
        return _aof_source(aof, f"written at {written}; the dump was begun at {begun}, {how}", settings)
    return ImportSource("rdb", (dump,), f"begun at {begun}, {how}; the append-only file was last written at {written}")


def _aof_source(files: tuple[Path, ...], reason: str, settings: ImportSettings) -> ImportSource:
    return ImportSource("aof", files, reason, settings.aof_load_truncated)


def _find_aof(root: Path, settings: ImportSettings) -> tuple[Path, ...]:
    """The append-only files in loading order; none if there are none or all are empty."""
    folder = root / settings.appenddirname
    manifest = folder / f"{settings.appendfilename}.manifest"
    single = root / settings.appendfilename
    if manifest.is_file():
        names = read_manifest(manifest).files
        # While a directory of an older version is converted, its single file is the base and not yet moved.
        moving = names == (single.name,) and not (folder / single.name).exists()
        files = (single,) if moving or not names else tuple(folder / name for name in names)
        for path in files:
            if names and not path.is_file():
                raise CorruptFile(manifest, 0, f"names {path.name}, which is missing")
    else:
        files = (single,)
    return files if any(path.is_file() and path.stat().st_size for path in files) else ()


def _begun(dump: Path) -> tuple[int, str]:
    """Unix seconds at which a dump was begun: as it says itself, or else when the file was last written."""
    with open(dump, "rb") as file:
        loader = RdbLoader(None, str(dump), check_crc=False)
        loader.feed(file.read(1 << 12))
    created = loader.report.created
    return (int(dump.stat().st_mtime), "by the time of the file") if created is None else (created, "as it says")


# ── loading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _add_rdb(report: ImportReport, rdb: RdbReport) -> None:
    report.keys += rdb.keys
    report.extras.modules_before += rdb.extras.modules_before
    report.extras.modules_after += rdb.extras.modules_after
    if rdb.opaque:
        what = f"{rdb.opaque} modules' values are kept"
        report.remarks.append(f"{rdb.path}: {what}, but there are no commands for them")
    if rdb.empty_skipped:
        report.remarks.append(f"{rdb.path}: {rdb.empty_skipped} collections without members were left out")


def _load_aof(
    path: Path, keyspace: Keyspace, run: Run, report: ImportReport, may_be_torn: bool, figures: LoadFigures
) -> Steps[None]:
    """Load one append-only file: an RDB part if it starts with one, then commands."""
    with open(path, "rb") as file:
        head = file.read(len(MAGIC))
        base = 0
        if head == MAGIC:
            head, base = yield from _load_preamble(file, path, keyspace, report, figures)
        reader = AofReader(file, str(path), head, base)
        end = yield from _Player(run, report, str(path)).play(reader, figures)
    if end == reader.size:
        return
    lost = f"{reader.size - end} bytes after byte {end} are not a whole command or transaction"
    if not may_be_torn:
        raise CorruptFile(path, end, f"{lost} (they are cut only from the last file, with aof-load-truncated yes)")
    report.remarks.append(f"{path}: cut: {lost}")


def _load_preamble(
    file: BinaryIO, path: Path, keyspace: Keyspace, report: ImportReport, figures: LoadFigures
) -> Steps[tuple[bytes, int]]:
    """Load the RDB part; return the bytes read beyond it and the position where it ends."""
    before, keys = figures.loaded, figures.keys
    loader = RdbLoader(keyspace, str(path), limit=path.stat().st_size)
    loader.feed(MAGIC)
    for piece in pieces_of(file, figures.piece):
        done = loader.feed(piece)
        figures.loaded, figures.keys = before + loader.position, keys + loader.report.keys
        if done:
            break
        yield
    rdb = loader.finish()
    _add_rdb(report, rdb)
    return loader.rest, rdb.size


class _Player:
    """Runs the commands of one file; `queue`: the commands since MULTI."""

    def __init__(self, run: Run, report: ImportReport, path: str) -> None:
        self.run = run
        self.report = report
        self.path = path
        self.queue: list[AofCommand] | None = None
        self.selected = False

    def play(self, reader: AofReader, figures: LoadFigures) -> Steps[int]:
        """Run all commands; return the position up to which the file was used."""
        before = begun = reader.end
        loaded = figures.loaded
        for number, command in enumerate(reader):
            if number % STEP_EVENTS == 0:
                figures.loaded = loaded + command.start - before
                yield
            self.report.newest = max(self.report.newest, command.seconds)
            name = command.argv[0].upper()
            if name == b"MULTI":
                self.queue, begun = [], command.start
            elif name == b"EXEC":
                self._execute()
            elif self.queue is not None:
                self.queue.append(command)
            else:
                self._run(command)
        return begun if self.queue is not None else reader.end

    def _execute(self) -> None:
        queue, self.queue = self.queue or [], None
        self.report.transactions += 1
        for command in queue:
            self._run(command)

    def _run(self, command: AofCommand) -> None:
        if not self.selected:
            self.selected = True
            self.run([b"SELECT", b"0"])
        self.report.commands += 1
        try:
            self.run(command.argv)
        except ReplyError as error:
            name = command.argv[0].decode(errors="replace")
            raise CorruptFile(self.path, command.start, f"the command {name} can't be run: {error.message}") from error
