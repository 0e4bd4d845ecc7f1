"""What a replica does with received history: record it at the same offsets, then apply it, as if it had happened here.

Law: a piece is recorded before it is applied and both happen in one turn, so log and state never differ; the turn's end
writes the frames, and only then is anything acknowledged. Pieces are taken in their order, for about STEP at a time: between
two steps clients are served, however much has been received.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from operator import itemgetter
from typing import TYPE_CHECKING

from replication.stream import BadStream, CommandStream, FrameStream, Piece
from store.errors import ApplyFailed
from store.events import SELECT_PREFIX
from store.logfile import warn
from store.persistence.replay import Replay

if TYPE_CHECKING:
    from replication.acknowledgements import Acknowledgements
    from store.engine import Engine

STEP = 0.001
"""Seconds of pieces that are applied at a time, at least one of them: it was one turn of the primary's."""
UNAPPLIED_LIMIT = 1 << 20
"""Received bytes that may wait here to be applied; more is left in the network."""
HELD_LIMIT = 64 << 20
"""The same while writes pause."""
_NAME = itemgetter(0)


class Follower:
    """Takes the stream in. `framed`: the primary is a Chronis node."""

    def __init__(
        self, engine: Engine, framed: bool, applied: Callable[[int], None], acknowledgements: Acknowledgements
    ) -> None:
        self.engine = engine
        self.framed = framed
        self.stream: FrameStream | CommandStream = FrameStream() if framed else CommandStream()
        self.replay = Replay(engine, engine.log.db)
        self._applied = applied  # called with the offset after each piece: the state is that of this offset
        self._acknowledgements = acknowledgements
        self._refused = 0
        self._held: deque[Piece] = deque()  # received, but not recorded while writes pause

    def receive(self, data: bytes) -> None:
        """Take received bytes; `step` does the rest."""
        self.stream.add(data)

    @property
    def read_offset(self) -> int:
        """The offset up to which history has been received and read."""
        return self.engine.log.offset + sum(len(piece.data) for piece in self._held)

    @property
    def holds_much(self) -> bool:
        """Tell whether more has been received than is to wait here."""
        if self.engine.gates.writes_paused:
            return self.read_offset - self.engine.log.offset > HELD_LIMIT
        return self.stream.pending > UNAPPLIED_LIMIT

    def step(self) -> bool:
        """Record and apply what has been received, for about STEP; True if there may be more to do at once.

        While writes pause here (CLIENT PAUSE) it is only read. Raises BadStream when the stream can't be followed any more.
        """
        until, more = time.perf_counter() + STEP, True
        if self.engine.gates.writes_paused:
            while more and time.perf_counter() < until:
                more = self._hold()
            return more
        self.engine.keyspace.counting = False
        try:
            while more and time.perf_counter() < until:
                more = self._take_one()
        except BadStream:
            self._settle()  # the pieces before are part of history
            raise
        self._settle()
        return more

    def _hold(self) -> bool:
        piece = self.stream.next()
        if piece is not None:
            self._held.append(piece)
        return piece is not None

    def _take_one(self) -> bool:
        """Record and apply the next piece, if there is one."""
        piece = self._held.popleft() if self._held else self.stream.next()
        if piece is None:
            return False
        self._record(piece)
        self._apply(piece)
        self._applied(self.engine.log.offset)
        return True

    def drain(self) -> None:
        """Record and apply all that has been received, as part of a command: what follows on it happens when that ends."""
        if self.engine.gates.writes_paused:
            return
        try:
            while self._take_one():
                continue
        except BadStream as error:
            warn(f"The end of what came from the master can't be used: {error}")
        self.engine.turn.end()

    def _settle(self) -> None:
        """Do what follows on changed keys, and have the turn end with a log write."""
        engine = self.engine
        if engine.tracking.pending:
            engine.tracking.settle()
        if engine.keyspace.ready:
            engine.blocking.serve()
        engine.turn.schedule()

    def _record(self, piece: Piece) -> None:
        """Make a piece part of our own log, byte for byte."""
        log, frame = self.engine.log, piece.frame
        db = self._db_after(piece)
        if frame is None:
            log.append_raw(piece.data, db)
            return
        try:
            log.append_frame(frame, db)
        except ValueError as error:
            raise BadStream(str(error)) from error

    def _db_after(self, piece: Piece) -> int:
        db = piece.frame.db if piece.frame is not None else self.replay.db.index
        count = len(self.engine.keyspace.databases)
        if piece.frame is None or SELECT_PREFIX in piece.data:
            for argv in piece.events:
                if argv[0] == b"SELECT" or argv[0].upper() == b"SELECT":
                    db = int(argv[1]) if len(argv) == 2 and argv[1].isdigit() else count
        if db >= count:
            raise BadStream(f"history uses database {db}, but this server has {count} (option databases)")
        return db

    def _apply(self, piece: Piece) -> None:
        replay = self.replay
        if piece.frame is not None:
            replay.select(piece.frame.db)
        begun, events = replay.events, piece.events
        self._count(events)
        if b"REPLCONF" in piece.data and any(argv[0] == b"REPLCONF" and b"GETACK" in argv for argv in events):
            self._acknowledgements.asked = self.engine.log.offset
        try:
            # Where clients changed data (replica-read-only no) an event is no outcome any more: as a command it may be refused.
            replay.run_all(events, not self.framed or self.engine.local_keys.changed)
        except Exception as error:
            argv = events[replay.events - begun - 1]
            raise ApplyFailed(f"{argv[0]!r} {argv[1:2]!r} from the primary: {error!r}") from error
        self._warn_of_refused()

    def _count(self, events: list[list[bytes]]) -> None:
        """Count events as commands that ran here, as Redis does."""
        engine = self.engine
        for name, count in Counter(map(_NAME, events)).items():
            command = engine.commands.get(name.lower())
            if command is None:
                continue
            engine.stats.commands += count
            if not command.subcommands:
                command.calls += count
                continue
            for argv in events:
                found = engine.lookup(argv) if argv[0] == name else None
                if found is not None:
                    found.calls += 1

    def _warn_of_refused(self) -> None:
        """A command of a Redis primary that fails here failed there too, or the two differ: say so once."""
        refused = self.replay.refused
        if len(refused) > self._refused:
            for text in list(refused)[self._refused :]:
                warn(f"== CRITICAL == This replica could not apply a command of its master: {text}")
            self._refused = len(refused)
