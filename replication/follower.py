"""What a replica does with received history: record it at the same offsets, then apply it, as if it had happened here.

Law: a piece is recorded before it is applied and both happen in one turn, so log and state never differ; the turn's end
writes the frames, and only then is anything acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from replication.stream import BadStream, CommandStream, FrameStream, Piece
from store.errors import ApplyFailed
from store.logfile import warn
from store.persistence.replay import Replay

if TYPE_CHECKING:
    from store.engine import Engine


class Follower:
    """Takes the stream in. `framed`: the primary is a Chronis node; `unix_ms`: the primary's time of the last frame."""

    def __init__(self, engine: Engine, framed: bool, applied: Callable[[int], None]) -> None:
        self.engine = engine
        self.framed = framed
        self.stream: FrameStream | CommandStream = FrameStream() if framed else CommandStream()
        self.replay = Replay(engine, engine.log.db)
        self.unix_ms = 0
        self._applied = applied  # called with the offset after each piece: the state is that of this offset
        self.asked = False  # the primary wants an acknowledgement
        self._refused = 0
        self.held: list[Piece] = []  # received, but not recorded while writes pause

    def receive(self, data: bytes) -> None:
        """Record and apply what data completes; raise BadStream when the stream can't be followed any more."""
        self.held += self.stream.feed(data)
        self.go_on()

    @property
    def read_offset(self) -> int:
        """The offset up to which history has been received."""
        return self.engine.log.offset + sum(len(piece.data) for piece in self.held)

    def go_on(self) -> None:
        """Record and apply what has been received, unless writes pause here (CLIENT PAUSE)."""
        engine, keyspace = self.engine, self.engine.keyspace
        if not self.held or engine.gates.writes_paused:
            return
        keyspace.counting = False
        pieces, self.held = self.held, []
        for piece in pieces:
            self._record(piece)
            self._apply(piece)
            self._applied(engine.log.offset)
        if engine.tracking.pending:
            engine.tracking.settle()
        if keyspace.ready:
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
        self.unix_ms = frame.unix_ms

    def _db_after(self, piece: Piece) -> int:
        db = piece.frame.db if piece.frame is not None else self.replay.tx.db.index
        count = len(self.engine.keyspace.databases)
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
        stats, lookup = self.engine.stats, self.engine.lookup
        for argv in piece.events:
            command = lookup(argv)
            if command is not None:
                stats.commands += 1
                command.calls += 1
            if argv[0] == b"REPLCONF":
                self.asked = self.asked or (len(argv) > 1 and argv[1].upper() == b"GETACK")
                continue
            try:
                replay.run(argv, foreign=not self.framed)
            except Exception as error:
                raise ApplyFailed(f"{argv[0]!r} {argv[1:2]!r} from the primary: {error!r}") from error
        self._warn_of_refused()

    def _warn_of_refused(self) -> None:
        """A command of a Redis primary that fails here failed there too, or the two differ: say so once."""
        refused = self.replay.refused
        if len(refused) > self._refused:
            for text in list(refused)[self._refused :]:
                warn(f"== CRITICAL == This replica could not apply a command of its master: {text}")
            self._refused = len(refused)
