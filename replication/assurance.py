"""Replies that wait for replicas: with `reply-after-replicas K`, or CHRONIS REPLYAFTER K on a connection, the reply to a write
leaves when K replicas have the write in their logs on disk, so an acknowledged write survives the loss of the primary.

On disk means written by write(2), which survives any end of the replica's process, and synced where that replica runs under
`appendfsync always`. A replica without a log (`appendonly no`) never counts, nor does a Redis that does not tell what it synced.

Law: a connection's replies keep their order, so what comes after a held reply waits behind it. When K replicas have not
acknowledged in time, or this node stops being primary, in whichever place of the turn, the client is told that the outcome is
unknown: the write is in the log here and may or may not be in the history that goes on. Reads are answered with what this node
has.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from store.client.output import joined
from store.errors import ReplyError
from store.resp.encoder import encode

if TYPE_CHECKING:
    from replication.primary import Primary
    from store.client.output import Output
    from store.client.session import Session

TIMEOUT_MS = 5000
"""How long a reply waits by default."""
MOST_HELD = 1000
"""Turns of one connection whose replies may be held; beyond it the connection is not read."""


class Choice(NamedTuple):
    """What a connection has chosen: replicas, and how long to wait for them in ms."""

    replicas: int
    timeout_ms: int


class Held(NamedTuple):
    """The output of one turn: it waits until `replicas` hold history up to `offset`, at most until deadline_ms."""

    offset: int
    replicas: int
    deadline_ms: int
    output: Output


class Assurance:
    """The held replies of a node (`Turn.assurance`)."""

    def __init__(self, primary: Primary) -> None:
        self.primary = primary
        self.engine = primary.engine
        self.chosen: dict[Session, Choice] = {}
        self._before: dict[Session, tuple[Choice, int]] = {}  # given up, but not for what was written up to an offset
        self.held: dict[Session, deque[Held]] = {}
        self._offset = 0  # where history stood before this turn asked for acknowledgements
        self.engine.settings.on_change("reply-after-replicas", self.arm)
        self.arm()

    def arm(self) -> None:
        """Take part in turns if anybody wants replies to wait, or some do."""
        wanted = bool(self.engine.settings.reply_after_replicas or self.chosen or self._before or self.held)
        self.engine.turn.assurance = self if wanted else None

    def choose(self, session: Session, replicas: int, timeout_ms: int) -> None:
        """Let a connection's replies wait for so many replicas (0: as the server is configured), those not yet sent as before."""
        if session.out.places:
            self._before[session] = self.wanted(session), self.engine.log.offset
        self.chosen = {other: choice for other, choice in self.chosen.items() if not other.closing}
        if replicas:
            self.chosen[session] = Choice(replicas, timeout_ms)
        else:
            self.chosen.pop(session, None)
        self.arm()

    def forget(self, session: Session) -> None:
        """A connection is as new (RESET)."""
        self.choose(session, 0, TIMEOUT_MS)

    def wanted(self, session: Session) -> Choice:
        """How many replicas a connection's writes need, and for how long it waits."""
        choice = self.chosen.get(session) or Choice(self.engine.settings.reply_after_replicas, TIMEOUT_MS)
        before, _ = self._before.get(session, (choice, 0))
        return before if before.replicas > choice.replicas else choice

    # ── the end of a turn ──────────────────────────────────────────────────────────────────────────────────────────
    def before_commit(self, sessions: list[Session]) -> None:
        """Ask the replicas to acknowledge this turn's frame, in that frame, if a reply depends on it."""
        self._offset = self.engine.log.offset
        if not self.engine.primary:
            self._disown(sessions)
        elif self.primary.feeds and any(session.out.places and self.wanted(session).replicas for session in sessions):
            self.engine.turn.last = self.primary.question

    def _disown(self, sessions: list[Session]) -> None:
        """What clients wrote in the turn that ended this node's reign can't be acknowledged any more: tell them so."""
        for session in sessions:
            replicas = self.wanted(session).replicas if session.out.places else 0
            if replicas:
                session.out.append(joined(session.take_output(), unknown_outcome(session, replicas)))

    def takes(self, session: Session, output: Output) -> bool:
        """Take over the output of a turn if it has to wait; False: it may leave."""
        queue = self.held.get(session)
        choice = self.wanted(session)
        needs = bool(output[1]) and choice.replicas > 0 and self.primary.count_held(self._offset) < choice.replicas
        if not needs and not queue:
            return False
        if queue is None:
            queue = self.held[session] = deque()
        deadline = self.engine.clock.now_ms() + choice.timeout_ms
        queue.append(Held(self._offset, choice.replicas if needs else 0, deadline, output))
        if len(queue) > MOST_HELD and session.transport is not None:
            session.transport.pause_reading()
        return True

    # ── letting go ─────────────────────────────────────────────────────────────────────────────────────────────────
    def advanced(self) -> None:
        """A replica acknowledged: send what was waiting for that."""
        self._look(self.engine.clock.now_ms())

    def tick(self) -> None:
        """Ten times a second: tell those whose time is up; what was given up holds for nothing any more once it left the turn."""
        if self.held or self._before:
            left = self.primary.released
            self._before = {other: item for other, item in self._before.items() if item[1] > left and not other.closing}
            self._look(self.engine.clock.now_ms())
            self.arm()

    def _look(self, now: int) -> None:
        reached: dict[int, int] = {}
        for session, queue in list(self.held.items()):
            while queue:
                head = queue[0]
                if head.replicas not in reached:
                    reached[head.replicas] = self._held_by(head.replicas)
                if head.offset <= reached[head.replicas] or session.closing:
                    session.send(joined(head.output))
                elif now >= head.deadline_ms:
                    self._let_go(session, head.output, head.replicas)
                else:
                    break
                queue.popleft()
            if not queue:
                self._done(session)

    def _held_by(self, replicas: int) -> int:
        """Up to where history is held by so many replicas."""
        if replicas <= 0:
            return self.engine.log.offset
        held = sorted((peer.held for peer in self.primary.following()), reverse=True)
        return held[replicas - 1] if len(held) >= replicas else -1

    def _done(self, session: Session) -> None:
        del self.held[session]
        transport = session.transport
        if transport is not None and not transport.is_closing() and not transport.is_reading() and not session.halted:
            transport.resume_reading()

    def fail_all(self) -> None:
        """This node is no primary any more: what waits for replicas, or for the fsync before that, has an unknown outcome."""
        for session, queue in list(self.held.items()):
            for held in queue:
                self._let_go(session, held.output, held.replicas)
            self._done(session)
        self.engine.turn.rewrite_held(self._disowned)

    def _let_go(self, session: Session, output: Output, replicas: int) -> None:
        """Send output of which the replies to writes, if they waited for replicas, have an unknown outcome."""
        session.send(joined(output, unknown_outcome(session, replicas) if replicas else None))

    def _disowned(self, session: Session, output: Output) -> Output:
        """Output that still waits for an fsync, with what can be said of its writes."""
        replicas = self.wanted(session).replicas if output[1] else 0
        return (joined(output, unknown_outcome(session, replicas)), []) if replicas else output


def unknown_outcome(session: Session, replicas: int) -> bytes:
    """The reply when it is not known whether a write will survive."""
    missing = f"{replicas} replica has" if replicas == 1 else f"{replicas} replicas have"
    text = f"The write is logged here but {missing} not acknowledged it in time: its outcome is unknown"
    return encode(ReplyError(text, "UNACKED"), session.resp)
