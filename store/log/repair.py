"""Repairing a log: keep the stretch of history that leads furthest, set everything else aside in `lost/`.

Law: no byte is thrown away, only moved; every loss is said as offsets, events and bytes; and what a replica may hold
that we no longer do stays with the old history id: the log goes on under a new one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from store.errors import CorruptLog
from store.log import history as histories
from store.log.check import LogReport, Problem, Run, check_log
from store.log.damage import truncate
from store.log.disk import Disk, replace_file, write_all
from store.log.history import History
from store.log.segment import HEADER_SIZE, Segment, decode_header, encode_header, list_segments, segment_path

LOST_DIRECTORY = "lost"
"""Below the data directory: what was cut out of a damaged log, and history that a primary did not share."""


@dataclass(slots=True)
class Repair:
    """What was done, as lines for the operator; `moved` are the new paths of what was set aside."""

    actions: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)


def lost_path(directory: str, name: str) -> str:
    """Return an unused path for `name` in the directory `lost` below data directory `directory`."""
    folder = os.path.join(directory, LOST_DIRECTORY)
    path, number = os.path.join(folder, name), 1
    while os.path.exists(path):
        path, number = os.path.join(folder, f"{name}.{number}"), number + 1
    return path


def set_aside(directory: str, paths: list[str], disk: Disk | None = None) -> list[str]:
    """Move files of data directory `directory` into its directory `lost`, durably; return their new paths."""
    disk = disk or Disk()
    moved = []
    for path in paths:
        disk.mkdir(os.path.join(directory, LOST_DIRECTORY))
        target = lost_path(directory, os.path.basename(path))
        disk.rename(path, target)
        disk.sync_directory(os.path.dirname(target))
        disk.sync_directory(os.path.dirname(path))
        moved.append(target)
    return moved


def foreign_segments(directory: str, history: History) -> list[Segment]:
    """Return the segments whose header names an id that history does not have at that offset.

    They are left by a full synchronization that was cut short between adopting the new history and dropping the old
    log: recovery has to set them aside. A header that can't be read is not judged here.
    """
    found = []
    for segment in list_segments(directory):
        with open(segment.path, "rb") as file:
            head = file.read(HEADER_SIZE)
        try:
            header = decode_header(head, segment.path)
        except CorruptLog:
            continue  # LogReader names it, with a verdict
        if not history.names(header.history_id, header.first_offset):
            found.append(segment)
    return found


def chain_of_headers(segments: list[Segment]) -> list[tuple[str, int]]:
    """Return the chain of history ids that the readable headers of segments tell."""
    chain: list[tuple[str, int]] = []
    for segment in segments:
        with open(segment.path, "rb") as file:
            head = file.read(HEADER_SIZE)
        try:
            header = decode_header(head, segment.path)
        except CorruptLog:
            continue  # its neighbours tell as much
        if not chain or chain[-1][0] != header.history_id:
            chain.append((header.history_id, header.first_offset))
    return chain


def best_run(report: LogReport, snapshots: list[int]) -> Run | None:
    """Choose the run that recovery can use and that ends last, None when a snapshot alone leads further.

    A run can be used when it starts history or when one of the valid `snapshots` (offsets) lies within it.
    """
    usable = [run for run in report.runs if _starting_point(run, snapshots) is not None]
    best = max(usable, key=_end_of, default=None)
    if best is None or best.end < max(snapshots, default=0):
        return None
    return best


def _end_of(run: Run) -> int:
    return run.end


def _starting_point(run: Run, snapshots: list[int]) -> int | None:
    """Return the offset at which recovery would start to read run: the newest snapshot in it, or 0, or None."""
    return max((offset for offset in [0, *snapshots] if run.start <= offset <= run.end), default=None)


def repair(report: LogReport, snapshots: list[int], disk: Disk | None = None) -> Repair:
    """Make the log below report.directory one run that recovery can use; raises OSError.

    `snapshots` are the offsets of the valid ones. The report must be of the present state, with no server running.
    """
    disk = disk or Disk()
    foreign = [problem.path for problem in report.problems if problem.kind == "foreign"]
    if not foreign:
        return _Repairer(report, snapshots, disk).all()
    moved = set_aside(report.directory, foreign, disk)
    done = _Repairer(check_log(report.directory), snapshots, disk).all()
    said = [f"{path}: moved to {new}, it is of another history" for path, new in zip(foreign, moved, strict=True)]
    return Repair(said + done.actions, moved + done.moved)


class _Repairer:
    def __init__(self, report: LogReport, snapshots: list[int], disk: Disk) -> None:
        self.report = report
        self.snapshots = snapshots
        self.disk = disk
        self.done = Repair()
        self.keep = best_run(report, snapshots)

    def all(self) -> Repair:
        """Do what is needed, the least destructive first."""
        if not self.report.problems:
            return self.done
        if self._has("header"):
            self._mend_headers()
        if self.keep is None:
            self._keep_no_log()
        else:
            self._keep_run(self.keep)
        self._mend_history()
        return self.done

    def _has(self, *kinds: str) -> bool:
        return any(problem.kind in kinds for problem in self.report.problems)

    def _say(self, text: str) -> None:
        self.done.actions.append(text)

    # -- headers -------------------------------------------------------------------------------------------------

    def _mend_headers(self) -> None:
        """Write the header anew where it is damaged; the file name says what it has to be."""
        for problem in [problem for problem in self.report.problems if problem.kind == "header"]:
            found = next(known for known in self.report.reports if known.path == problem.path)
            if found.size >= HEADER_SIZE:
                self._mend_header(problem, found.first_offset)

    def _mend_header(self, problem: Problem, first_offset: int) -> None:
        with open(problem.path, "rb") as file:
            damaged = file.read(HEADER_SIZE)
        self._save_bytes(problem.path, 0, damaged)
        fd = self.disk.open(problem.path, os.O_WRONLY)
        try:
            write_all(self.disk, fd, encode_header(self._id_at(first_offset), first_offset))
            self.disk.fdatasync(fd)
        finally:
            self.disk.close(fd)
        self._say(f"{problem.path}: wrote the header anew; no event is lost")

    def _id_at(self, offset: int) -> str:
        history = self.report.history
        if history is None:
            history = self.report.history = self._new_history(offset)
        return history.id_at(offset) or history.chain[0][0]

    # -- the log -------------------------------------------------------------------------------------------------

    def _keep_no_log(self) -> None:
        """Set all segments aside: no stretch of the log can be reached, or a snapshot is newer than all of it."""
        newest = max(self.snapshots, default=None)
        state = f"the snapshot at offset {newest}" if newest is not None else "an empty database"
        for run in self.report.runs:
            self._say_lost(run, "a newer snapshot, or none at all, leads there")
        self._aside(range(len(self.report.segments)))
        self._say(f"recovery will start from {state}")

    def _keep_run(self, keep: Run) -> None:
        """Set aside what is before and after the run, the later first: a crash in between leaves no new hole."""
        place = self.report.runs.index(keep)
        for run in self.report.runs[:place]:
            self._say_lost(run, "it is before damage, and a snapshot covers it")
        for run in self.report.runs[place + 1 :]:
            self._say_lost(run, f"it comes after a hole in history at offset {keep.end}")
        last = keep.last.index
        if keep.frames == 0 and self._has("torn"):
            last -= 1  # a segment that was hardly begun: not even its header is whole, or nothing after it
        else:
            self._cut_after(last, keep.last.position)
        self._aside(range(last + 1, len(self.report.segments)))
        if keep.first.position > HEADER_SIZE:
            self._start_segment(keep)
            self._aside(range(keep.first.index + 1))
        else:
            self._aside(range(keep.first.index))

    def _cut_after(self, index: int, position: int) -> None:
        """Move what follows byte position of a segment into a file of its own."""
        path = self.report.segments[index].path
        with open(path, "rb") as file:
            file.seek(position)
            rest = file.read()
        if not rest:
            return
        moved = self._save_bytes(path, position, rest)
        truncate(self.disk, path, position)
        self._say(f"{path}: cut at byte {position}; the {len(rest)} bytes after it are in {moved}")

    def _start_segment(self, keep: Run) -> None:
        """Begin a new segment with what a segment holds after damage."""
        old = self.report.segments[keep.first.index]
        with open(old.path, "rb") as file:
            file.seek(keep.first.position)
            frames = file.read()
        path = segment_path(self.report.directory, keep.start)
        replace_file(self.disk, path, encode_header(self._id_at(keep.start), keep.start) + frames)
        self._say(f"{path}: new segment with the frames from byte {keep.first.position} of {old.path} on")

    def _aside(self, indexes: range) -> None:
        paths = [self.report.segments[index].path for index in indexes]
        for path, moved in zip(paths, set_aside(self.report.directory, paths, self.disk), strict=True):
            self.done.moved.append(moved)
            self._say(f"{path}: moved to {moved}")

    def _save_bytes(self, path: str, position: int, data: bytes) -> str:
        """Put bytes that are going to be cut or overwritten into a file below lost/."""
        self.disk.mkdir(os.path.join(self.report.directory, LOST_DIRECTORY))
        target = lost_path(self.report.directory, f"{os.path.basename(path)}.from-byte-{position}")
        replace_file(self.disk, target, data)
        self.done.moved.append(target)
        return target

    def _say_lost(self, run: Run, why: str) -> None:
        if run.end > run.start:
            self._say(f"lost from the log: offsets {run.start} to {run.end}, {run.events} events: {why}")

    # -- the history ---------------------------------------------------------------------------------------------

    def _new_history(self, offset: int) -> History:
        """Replace a history file that is missing or damaged."""
        path = histories.history_path(self.report.directory)
        if os.path.exists(path):
            self.done.moved += set_aside(self.report.directory, [path], self.disk)
        chain = chain_of_headers(self.report.segments) or [(histories.new_id(), offset)]
        created = History(path, chain, histories.boot_id(), offset, self.disk)
        created.save()
        self._say(f"{path}: written anew from the headers of the segments")
        return created

    def _mend_history(self) -> None:
        """Take a new id: what was cut may live on elsewhere."""
        end = self.keep.end if self.keep is not None else max(self.snapshots, default=0)
        history = self.report.history
        if history is None:
            history = self.report.history = self._new_history(self.keep.start if self.keep is not None else end)
        if self.keep is None or history.chain[0][1] > end:
            history.replace(None, end)
        else:
            history.renew(end)
        history.mark_clean(end)
        self._say(f"the log ends at offset {end} and goes on under history id {history.current}")
