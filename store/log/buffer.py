"""The events of the running turn: offsets counted, SELECT inserted, transactions wrapped, frames sealed.

Law: what is appended here is history. `offset` moves with every byte, in the order in which events were recorded,
whether or not they are on disk yet; and a frame is sealed only between commands, so no transaction is ever split.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from store.events import EXEC, MULTI, SELECT_PREFIX, encode_select, selected_db
from store.log.frame import Frame, Origin
from store.log.row import Row

# A frame is sealed early beyond this many payload bytes: a memory bound, far below what a frame can hold.
LARGE = 64 * 1024 * 1024

_UNSTAMPED = -1
_NO_DB = -1


class EventBuffer:
    """Collect events and turn them into frames; the base of both logs, on disk and in memory.

    Invariant: `offset` = end of the last frame queued + the bytes of the pending events.
    """

    def __init__(self, offset: int, db: int) -> None:
        self.origins = False  # whether frames are to say who caused their events (log-origins)
        self.events = 0  # appended since the start, the inserted SELECT, MULTI and EXEC included
        self.subscribers: list[Callable[[Frame], None]] = []
        self.large = LARGE
        self._selects: dict[int, bytes] = {}
        self._restart(offset, db)

    def _restart(self, offset: int, db: int) -> None:
        """Go on at offset with nothing pending; db is the database selected there."""
        self.offset = offset
        self._pending = Row()
        self._frame_offset = offset
        self._frame_db = db
        self._db = _NO_DB  # what the next event may rely on; _NO_DB makes it bring its own SELECT ...
        self._pending_db = db  # ... and what is pending ends in this database all the same
        self._opaque = False  # pending bytes may hold several events each: runs of origins can't be counted
        self._runs: list[tuple[int, str, str]] = []
        self._queue: deque[Frame] = deque()

    @property
    def db(self) -> int:
        """The database selected at the end of the last frame."""
        return self._frame_db

    def append(self, event: bytes, db: int) -> None:
        """Make event (RESP bytes of one command) the next of history, run in database db.

        A `SELECT db` goes before it when another database was selected; a negative db means any (PING, PUBLISH).
        """
        if db != self._db:
            self._change_db(db)
        self._pending.append(event)
        self.offset += len(event)

    def enter(self, words: tuple[bytes, ...], db: int) -> None:
        """Do what append does with an event that is not encoded yet."""
        if db != self._db:
            self._change_db(db)
        self.offset += self._pending.enter(words)

    def _change_db(self, db: int) -> None:
        if db >= 0:
            self._select(db)
        elif self.origins:
            self.set_origin("", "")  # heartbeats

    def _select(self, db: int) -> None:
        """Append the SELECT that makes db the database of the events that follow."""
        event = self._selects.get(db)
        if event is None:
            event = self._selects[db] = encode_select(db)
        self._pending.append(event)
        self.offset += len(event)
        self._db = db

    def append_raw(self, data: bytes, db: int) -> None:
        """Append whole events received from a Redis primary as they came; db is the database selected after them."""
        self._pending.append(data)
        self.offset += len(data)
        self._db = db
        self._opaque = True

    def append_frame(self, frame: Frame, db: int) -> None:
        """Queue a frame received from a Chronis primary, byte for byte; db is the database selected after it.

        Raises ValueError when the frame does not start at `offset`, or with events pending.
        """
        if len(self._pending):
            raise ValueError("a frame can't be appended in the middle of a turn")
        if frame.offset != self.offset:
            raise ValueError(f"a frame at offset {frame.offset} does not continue history at {self.offset}")
        self._enqueue(frame)
        self.offset = self._frame_offset = frame.end
        self._db = self._frame_db = db

    def select_next(self) -> None:
        """Make the next event bring its SELECT, whatever database is selected."""
        if self._db != _NO_DB:
            self._pending_db = self._db
        self._db = _NO_DB

    def set_origin(self, user: str, address: str) -> None:
        """Say who causes the events appended from here on in this frame (audit); ("", "") is the server itself."""
        start = len(self._pending)
        runs = self._runs
        if runs and runs[-1][0] == start:
            runs.pop()
        if not runs or runs[-1][1:] != (user, address):
            runs.append((start, user, address))

    def mark(self) -> int:
        """Return the present place in the row of events, for wrap_transaction."""
        return self.events + len(self._pending)

    def wrap_transaction(self, mark: int) -> None:
        """Put MULTI before and EXEC after the events appended since mark, if there are two or more.

        A SELECT inserted before the first of them is not counted and stays before the MULTI, as in Redis. Events that came
        before mark may have been committed since (a script that takes long lets others have their replies).
        """
        pending = self._pending
        mark = max(0, mark - self.events)
        if len(pending) - mark < 2:
            return
        if pending.begins(mark, SELECT_PREFIX):
            mark += 1
        if len(pending) - mark < 2:
            return
        pending.insert(mark, MULTI)
        pending.append(EXEC)
        self.offset += len(MULTI) + len(EXEC)
        if self._runs:  # later ones start one event further on; MULTI belongs to the run of the first event
            self._runs = [(start + 1 if start > mark else start, user, host) for start, user, host in self._runs]

    def seal_if_large(self) -> bool:
        """Seal the pending events into a frame of their own beyond `large` bytes; only between commands. Tell if so."""
        if self.offset - self._frame_offset < self.large:
            return False
        self._seal()
        return True

    def _seal(self) -> None:
        """Turn the pending events into a queued frame, its time still to be stamped."""
        self._seal_first(len(self._pending))

    def _seal_first(self, count: int) -> None:
        """Turn the first so many pending events into a queued frame; the others stay pending."""
        origins = self._origins(count)
        payload = self._pending.cut(count)
        rest = len(self._pending)
        frame = Frame(self._frame_offset, _UNSTAMPED, self._frame_db, origins, payload)
        self.events += count
        if rest:
            self._frame_db = selected_db(payload, self._frame_db)
        else:
            self._frame_db = self._db if self._db != _NO_DB else self._pending_db
        self._frame_offset = frame.end
        db = self._db
        self._enqueue(frame)
        if rest and self._db != db:  # the others begin a segment
            self._db = db
            self._bring_select()

    def _bring_select(self) -> None:
        """Put the SELECT before the pending events that they relied on so far."""
        event = encode_select(self._frame_db)
        self._pending.insert(0, event)
        self.offset += len(event)
        self._runs = [(start + 1 if start else 0, user, host) for start, user, host in self._runs]

    def _origins(self, count: int) -> list[Origin] | None:
        """Return the origin runs of the first count pending events; keep those of the others."""
        runs, total = self._runs, len(self._pending)
        if not runs:
            return None
        if runs[0][0] > 0:
            runs.insert(0, (0, "", ""))
        ends = [start for start, _, _ in runs[1:]] + [max(total, runs[-1][0])]
        sized = list(zip(runs, ends, strict=True))
        self._runs = [(max(0, start - count), user, host) for (start, user, host), end in sized if end > count]
        opaque, self._opaque = self._opaque, self._opaque and count < total
        if opaque:
            return None
        return [(min(end, count) - start, user, host) for (start, user, host), end in sized if min(end, count) > start]

    def _enqueue(self, frame: Frame) -> None:
        """Take a sealed frame into the queue of frames to be committed."""
        self._queue.append(frame)

    def commit(self, now_ms: int, before: int | None = None) -> bool:
        """End the turn: what is pending becomes frames, which are kept as the kind of log does."""
        raise NotImplementedError

    def _close_turn(self, now_ms: int, before: int | None = None) -> None:
        """Seal what is pending, or only what came before a mark, and stamp the frames of this turn with its time."""
        count = len(self._pending) if before is None else before - self.events
        if count > 0:
            self._seal_first(count)
        for frame in reversed(self._queue):
            if frame.unix_ms != _UNSTAMPED:
                break
            frame.unix_ms = now_ms
