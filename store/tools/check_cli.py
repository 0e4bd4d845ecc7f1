"""`chronis check`: verify every byte of a data directory, and repair what can be repaired.

Law: without --repair nothing is changed, and with it nothing is thrown away: what can't be kept goes to `lost/`.
Exit status 0: a server starts here and misses nothing; 1: it would refuse to, or something is damaged.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from store.errors import CorruptSnapshot
from store.log.check import LogReport, Problem, SegmentReport, check_log
from store.log.repair import Repair, repair, set_aside
from store.log.segment import list_segments
from store.persistence.datadir import LOCK
from store.persistence.recovery import snapshots
from store.rdb.loading import loading
from store.steps import LoadFigures
from store.tools.progress import bar, watched

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


@dataclass(frozen=True, slots=True)
class SnapshotReport:
    """One snapshot: the offset it is of, and its keys, or what is wrong with it."""

    path: str
    offset: int
    size: int
    keys: int
    error: str | None = None


@dataclass(slots=True)
class Checked:
    """A data directory with everything that was found in it."""

    log: LogReport
    snapshots: list[SnapshotReport] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def valid_offsets(self) -> list[int]:
        """The offsets of the snapshots that can be loaded."""
        return [found.offset for found in self.snapshots if found.error is None]

    @property
    def healthy(self) -> bool:
        """Tell whether at most a torn tail is wrong."""
        return all(problem.kind == "torn" for problem in self.problems)


def check(directory: str) -> Checked:
    """Look at the history file, the log and the snapshots of a data directory; raises OSError."""
    segments = list_segments(directory)
    with bar(f"checking {len(segments)} segments", sum(segment.size for segment in segments)) as advance:
        checked = Checked(check_log(directory, advance))
    checked.problems = list(checked.log.problems)
    for offset, path in snapshots(directory):
        found = _check_snapshot(path, offset)
        checked.snapshots.append(found)
        if found.error is not None:
            checked.problems.append(Problem("snapshot", str(path), 0, offset, found.error))
    _check_cover(checked)
    return checked


def _check_snapshot(path: Path, offset: int) -> SnapshotReport:
    """Read a whole snapshot; its name has to tell the offset that is in it."""
    size = path.stat().st_size
    try:
        figures = LoadFigures(total=size, piece=1 << 20)
        report = watched(f"checking {path.name}", loading(path, None, figures), figures)
    except CorruptSnapshot as error:
        return SnapshotReport(str(path), offset, size, 0, f"{error.reason} (byte {error.position})")
    error_text = None
    if report.offset is not None and report.offset != offset:
        error_text = f"the file is of offset {report.offset}, its name says {offset}"
    return SnapshotReport(str(path), offset, size, report.keys, error_text)


def _check_cover(checked: Checked) -> None:
    """Report a log that starts after offset 0 with no snapshot to start from."""
    log = checked.log
    if not log.runs or log.start == 0:
        return
    if not any(log.start <= offset for offset in checked.valid_offsets):
        text = f"the log starts at offset {log.start}, and no snapshot reaches it"
        checked.problems.append(Problem("uncovered", log.segments[0].path, 0, log.start, text))


def in_use(directory: str) -> bool:
    """Tell whether a server holds the lock of a data directory."""
    try:
        fd = os.open(os.path.join(directory, LOCK), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


# -- the forms of output ---------------------------------------------------------------------------------------------


def lines(checked: Checked) -> list[str]:
    """Return the report as lines for a reader."""
    log = checked.log
    found = []
    if log.history is not None:
        since = log.history.chain[-1][1]
        state = "" if log.history.clean_offset is None else f", closed cleanly at offset {log.history.clean_offset}"
        found.append(f"history {log.history.current} from offset {since} on, chain of {len(log.history.chain)}{state}")
    found += [_segment_line(segment) for segment in log.reports]
    for snapshot in checked.snapshots:
        what = f"{snapshot.keys} keys, {snapshot.size} bytes" if snapshot.error is None else "damaged"
        found.append(f"snapshot {Path(snapshot.path).name}: {what}")
    for problem in checked.problems:
        found.append(f"{'NOTE' if problem.kind == 'torn' else 'PROBLEM'} {problem}")
    found.append(_verdict(checked))
    return found


def _segment_line(found: SegmentReport) -> str:
    name = Path(found.path).name
    return f"segment {name}: offsets {found.first_offset} to {found.end}, {found.frames} frames, {found.events} events"


def _verdict(checked: Checked) -> str:
    if checked.healthy:
        return f"ok: history from offset {checked.log.start} to {checked.log.end}"
    wrong = sum(problem.kind != "torn" for problem in checked.problems)
    return f"{wrong} problem(s); to keep what can be kept: chronis check {checked.log.directory} --repair"


def as_json(checked: Checked, done: Repair | None) -> str:
    """Return the report, and what was repaired, as one JSON object."""
    log = checked.log
    history = None
    if log.history is not None:
        history = {"chain": log.history.chain, "boot": log.history.boot, "clean_offset": log.history.clean_offset}
    content = {
        "directory": log.directory,
        "healthy": checked.healthy,
        "history": history,
        "start": log.start,
        "end": log.end,
        "segments": [asdict(found) for found in log.reports],
        "snapshots": [asdict(found) for found in checked.snapshots],
        "problems": [asdict(problem) for problem in checked.problems],
        "repair": asdict(done) if done is not None else None,
    }
    return json.dumps(content, indent=2)


# -- the command -----------------------------------------------------------------------------------------------------


def add_parser(subparsers: Subparsers) -> None:
    """Register the subcommand."""
    text = "verify every byte of a data directory"
    parser = subparsers.add_parser(
        "check", help=text, description=f"{text.capitalize()}: history, log and snapshots. Exit status 1 for damage."
    )
    parser.add_argument("datadir", type=Path, metavar="DATADIR", help="data directory of Chronis")
    parser.add_argument(
        "--repair", action="store_true", help="keep the stretch of history that leads furthest, move the rest to lost/"
    )
    parser.add_argument("--json", action="store_true", help="report as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check, repair if asked, and report; the exit status."""
    directory = str(args.datadir)
    if not args.datadir.is_dir():
        return _refuse(f"{directory} is no directory")
    if args.repair and in_use(directory):
        return _refuse(f"a server is running on {directory}; stop it before a repair")
    try:
        checked = check(directory)
        done = None
        if args.repair and checked.problems:
            done = mend(checked)
            checked = check(directory)
    except OSError as error:
        return _refuse(str(error))
    if args.json:
        print(as_json(checked, done))
    else:
        print("\n".join([*(f"repair: {action}" for action in (done.actions if done else [])), *lines(checked)]))
    return 0 if checked.healthy else 1


def mend(checked: Checked) -> Repair:
    """Set damaged snapshots aside and repair the log; raises OSError."""
    directory = checked.log.directory
    bad = [found.path for found in checked.snapshots if found.error is not None]
    moved = set_aside(directory, bad)
    done = repair(checked.log, checked.valid_offsets)
    said = [f"{path}: damaged, moved to {new}" for path, new in zip(bad, moved, strict=True)]
    return Repair(said + done.actions, moved + done.moved)


def _refuse(text: str) -> int:
    print(f"chronis check: {text}", file=sys.stderr)
    return 1
