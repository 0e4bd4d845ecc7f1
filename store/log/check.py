"""Looking at every byte of a log: what is intact, what is not, where history has holes.

Law: nothing is changed and nothing ends the look: after damage it goes on with the next intact frame. A `Run` is a
stretch of history without a hole; a healthy log is exactly one run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from store.errors import CorruptLog
from store.events import decode_events
from store.log import history as histories
from store.log.damage import scan
from store.log.frame import BadFrame, Frame, decode
from store.log.history import History
from store.log.segment import HEADER_SIZE, Segment, decode_header, list_segments


@dataclass(frozen=True, slots=True)
class Place:
    """A byte position in the segment with this index."""

    index: int
    position: int


@dataclass(slots=True)
class Run:
    """History from `start` to `end` without a hole: its frames lie from byte `first` to byte `last`."""

    start: int
    end: int
    first: Place
    last: Place
    frames: int = 0
    events: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong: at a byte of a file, where history stands at `offset`.

    Kinds: history (the file of that name), header, foreign (a segment of another history), gap, damage, misplaced
    (an intact frame of another offset), events (a payload that is not events), torn, snapshot, uncovered.
    """

    kind: str
    path: str
    position: int
    offset: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}, byte {self.position}, offset {self.offset}: {self.text}"


@dataclass(slots=True)
class SegmentReport:
    """What is in one segment; the offsets and times are those of its intact frames."""

    path: str
    first_offset: int
    size: int
    end: int
    frames: int = 0
    events: int = 0
    first_ms: int | None = None
    last_ms: int | None = None


@dataclass(slots=True)
class LogReport:
    """Everything found in one data directory's log; `problems` in the order of the files."""

    directory: str
    history: History | None = None
    segments: list[Segment] = field(default_factory=list)
    reports: list[SegmentReport] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def start(self) -> int:
        """The offset of the oldest event."""
        return self.runs[0].start if self.runs else 0

    @property
    def end(self) -> int:
        """The offset after the newest event."""
        return self.runs[-1].end if self.runs else 0

    @property
    def recoverable(self) -> bool:
        """Tell whether a server would start on this log: at most a torn tail is wrong with it."""
        return all(problem.kind == "torn" for problem in self.problems)


def check_log(directory: str, advance: Callable[[int], None] | None = None) -> LogReport:
    """Look at the history file and every segment of data directory `directory`; advance is told the bytes looked at."""
    report = LogReport(directory, segments=list_segments(directory))
    try:
        report.history = histories.load(directory)
        if report.history is None and report.segments:
            text = "the history file is missing"
            report.problems.append(Problem("history", histories.history_path(directory), 0, 0, text))
    except CorruptLog as error:
        report.problems.append(Problem("history", str(error.path), error.position, 0, error.reason))
    for index in range(len(report.segments)):
        _Look(report, index).all(advance)
    _name_torn_tail(report)
    return report


class _Look:
    """The look at one segment."""

    def __init__(self, report: LogReport, index: int) -> None:
        self.report = report
        self.index = index
        self.segment = segment = report.segments[index]
        with open(segment.path, "rb") as file:
            self.data = file.read()
        self.found = SegmentReport(segment.path, segment.first_offset, len(self.data), segment.first_offset)
        report.reports.append(self.found)
        self.run: Run | None = None

    def all(self, advance: Callable[[int], None] | None) -> None:
        """Judge the header, then frame by frame."""
        self._continuity()
        self._header()
        position: int | None = HEADER_SIZE
        told = 0
        while position is not None and position < len(self.data):
            position = self._frame(position)
            if advance is not None and position is not None:
                advance(position - told)
                told = position
        if advance is not None:
            advance(len(self.data) - told)

    def _continuity(self) -> None:
        """Go on with the run of the segment before if this one starts where it ended."""
        runs, start = self.report.runs, self.segment.first_offset
        if not runs or self.index == 0:
            self._begin(start, HEADER_SIZE)
            return
        previous = runs[-1]
        if previous.end == start:
            self.run = previous
        else:
            self._problem("gap", 0, previous.end, f"history ends at {previous.end} and goes on at {start}")
            self._begin(start, HEADER_SIZE)

    def _header(self) -> None:
        start = self.segment.first_offset
        try:
            header = decode_header(self.data[:HEADER_SIZE], self.segment.path)
        except CorruptLog as error:
            self._problem("header", 0, start, error.reason)
            return
        history = self.report.history
        if history is not None and not history.names(header.history_id, start):
            text = f"the segment is of history {header.history_id}, which is not in the chain of the history file"
            self._problem("foreign", 0, start, text)

    def _frame(self, position: int) -> int | None:
        """Take the frame at position; return where to go on, None when nothing intact follows in this segment."""
        expected = self.run.end if self.run is not None else self.segment.first_offset
        try:
            decoded = decode(self.data, position)
            reason = "the file ends within the frame"
        except BadFrame as error:
            decoded, reason = None, str(error)
        if decoded is None:
            self._problem("damage", position, expected, reason)
            following = scan(self.data, position + 1, expected, position)
            self.run = None
            if following is None:
                return None
            self._begin(following[1].offset, following[0])
            return following[0]
        frame, after = decoded
        if frame.offset != expected:
            self._problem("misplaced", position, expected, f"the frame is of offset {frame.offset}")
            self._begin(frame.offset, position)
        if not self._take(frame, position, after):
            self._begin(frame.end, after)
        return after

    def _take(self, frame: Frame, position: int, after: int) -> bool:
        """Count an intact frame into the run and the segment; False when its payload can't be used."""
        assert self.run is not None
        events = self._events(frame, position)
        if events is None:
            return False
        for counted in (self.run, self.found):
            counted.frames += 1
            counted.events += events
            counted.end = frame.end
        self.run.last = Place(self.index, after)
        self.found.first_ms = self.found.first_ms if self.found.first_ms is not None else frame.unix_ms
        self.found.last_ms = frame.unix_ms
        return True

    def _events(self, frame: Frame, position: int) -> int | None:
        """Count the events of frame; None when they can't be read."""
        try:
            return sum(1 for _ in decode_events(frame.payload))
        except CorruptLog as error:
            text = f"the checksum holds, but at byte {error.position} of the payload there is {error.reason}"
            self._problem("events", position, frame.offset, text)
            return None

    def _begin(self, offset: int, position: int) -> None:
        place = Place(self.index, position)
        self.run = Run(offset, offset, place, place)
        self.report.runs.append(self.run)

    def _problem(self, kind: str, position: int, offset: int, text: str) -> None:
        self.report.problems.append(Problem(kind, self.segment.path, position, offset, text))


def _name_torn_tail(report: LogReport) -> None:
    """Call damage a torn tail when no intact frame follows it, and drop what only follows from it."""
    runs = [run for run in report.runs if run.frames]
    end = runs[-1].last if runs else Place(0, 0)
    for number, problem in enumerate(report.problems):
        index = next((place for place, found in enumerate(report.segments) if found.path == problem.path), -1)
        later = (index, problem.position) >= (end.index, end.position) and index >= 0
        if later and problem.kind in ("damage", "header", "gap"):
            size = report.reports[index].size - problem.position
            text = f"the last {size} bytes are a torn tail ({problem.text}); a server cuts them off when it starts"
            report.problems[number:] = [Problem("torn", problem.path, problem.position, problem.offset, text)]
            return
