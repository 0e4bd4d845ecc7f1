"""A replica as its primary sees it: a table of states, no I/O.

    state        what the primary does in it
    ASKING       nothing: a client that has told its port and capabilities
    WAITING      waits for a snapshot that is being made, with a line feed now and then
    SENDING      sends the snapshot's file
    CATCHING_UP  reads history back from the log and sends it
    ONLINE       sends each frame when it has been written
    DELIVERED    nothing: it wanted only the snapshot and has it
    GONE         nothing

Invariants: -1 <= synced <= sent, -1 <= acked <= sent; both are -1 until the replica itself has said so: bytes that were
given to a connection are nowhere yet, and a replica that loads its snapshot holds nothing. What is not in the table can't
happen: `receive` raises and leaves the state as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from replication.messages import ReplicaOptions


class State(Enum):
    """Where a replica is (see the module's table)."""

    ASKING = auto()
    WAITING = auto()
    SENDING = auto()
    CATCHING_UP = auto()
    ONLINE = auto()
    DELIVERED = auto()
    GONE = auto()


class Event(Enum):
    """What happens to a replica."""

    RESUMED = "its offset is still in the log"
    FULL_SYNC = "it needs a snapshot"
    SNAPSHOT_READY = "there is one"
    SNAPSHOT_SENT = "it has the snapshot"
    DELIVERED = "it has all it wanted"
    CAUGHT_UP = "it has everything that was written"
    CONGESTED = "it reads more slowly than history grows"
    LOST = "the connection is gone"


class Action(Enum):
    """What the primary does next."""

    NOTHING = "nothing"
    PROVIDE_SNAPSHOT = "find or make a snapshot"
    READ_LOG = "send history from the log"


_S, _E, _A = State, Event, Action
TRANSITIONS: dict[tuple[State, Event], tuple[State, Action]] = {
    (_S.ASKING, _E.RESUMED): (_S.CATCHING_UP, _A.READ_LOG),
    (_S.ASKING, _E.FULL_SYNC): (_S.WAITING, _A.PROVIDE_SNAPSHOT),
    (_S.WAITING, _E.SNAPSHOT_READY): (_S.SENDING, _A.NOTHING),
    (_S.SENDING, _E.SNAPSHOT_SENT): (_S.CATCHING_UP, _A.READ_LOG),
    (_S.SENDING, _E.DELIVERED): (_S.DELIVERED, _A.NOTHING),
    (_S.CATCHING_UP, _E.CAUGHT_UP): (_S.ONLINE, _A.NOTHING),
    (_S.ONLINE, _E.CONGESTED): (_S.CATCHING_UP, _A.READ_LOG),
    **{(state, _E.LOST): (_S.GONE, _A.NOTHING) for state in _S},
}
FOLLOWING = frozenset({State.CATCHING_UP, State.ONLINE})
"""States in which a replica follows history: it acknowledges, counts for WAIT and for min-replicas-to-write."""


SHOWN = {
    State.WAITING: "wait_bgsave", State.SENDING: "send_bulk", State.CATCHING_UP: "online", State.ONLINE: "online",
    State.DELIVERED: "online",
}  # fmt: skip
"""The words of INFO, for the states in which a client is listed as a replica."""


class Unexpected(Exception):
    """An event that a state does not know."""


@dataclass(slots=True, eq=False)
class Peer:
    """One replica. Offsets are those of history: `sent` so far, `acked` as applied, `synced` as synced to its disk, -1 while
    it has not told; times in unix ms. `logs`: it has a log on disk. `has_data`: it is done with its snapshot, or needs none.

    What a snapshot holds that is on its way counts as sent: from there on history will be needed. So does what a courier carries,
    which began at `carried_from` (None: it carries no history): who loses the link comes back for it.
    """

    address: str
    options: ReplicaOptions = field(default_factory=ReplicaOptions)
    state: State = State.ASKING
    sent: int = 0
    acked: int = -1
    synced: int = -1
    acked_ms: int = 0
    logs: bool = False
    has_data: bool = False
    carried_from: int | None = None
    heartbeat_ms: int = 0  # it wants to hear something at least that often; 0: as often as we like
    acknowledges: bool = True  # False after SYNC: it never will

    def receive(self, event: Event) -> Action:
        """Go to the next state; return what to do there."""
        step = TRANSITIONS.get((self.state, event))
        if step is None:
            raise Unexpected(f"replica {self.name} is {self.state.name}: {event.value}")
        self.state, action = step
        return action

    def acknowledge(self, offset: int, synced: int | None, now_ms: int) -> bool:
        """Take an acknowledgement (synced None: it has no log on disk); True if it is news. What was not sent does not count."""
        self.acked_ms = now_ms
        moved = not self.has_data or self.logs != (synced is not None)
        self.has_data, self.logs = True, synced is not None
        offset = min(offset, self.sent)
        if offset > self.acked:
            self.acked, moved = offset, True
        if synced is not None and min(synced, self.sent) > self.synced:
            self.synced, moved = min(synced, self.sent), True
        return moved

    def resume(self, offset: int, now_ms: int, has_data: bool) -> None:
        """Set where its stream begins; has_data: it told that it has what came before, else it was sent a snapshot of that."""
        self.sent, self.acked, self.synced = offset, -1, -1
        self.acked_ms, self.has_data = now_ms, has_data

    @property
    def needs_from(self) -> int:
        """The offset from which on history has to be kept for it."""
        return self.sent if self.carried_from is None else self.carried_from

    @property
    def held(self) -> int:
        """Up to where history is in its log on disk, where it outlives the process: -1 if that is not known.

        A Chronis node acknowledges what it has written, under `appendfsync always` synced; a Redis what it has applied, so
        of that only what it says is synced counts (FACK of 7.2).
        """
        return self.acked if self.logs and self.options.framed else self.synced

    @property
    def following(self) -> bool:
        """Tell whether it follows history."""
        return self.state in FOLLOWING

    def lag(self, now_ms: int) -> int:
        """Seconds since its last acknowledgement."""
        return max(0, now_ms - self.acked_ms) // 1000 if self.following else 0

    @property
    def ip(self) -> str:
        """The address it announced, else the one it connects from."""
        return self.options.ip or self.address.rpartition(":")[0].strip("[]")

    @property
    def name(self) -> str:
        """`ip:port` for log lines: the port it listens on, if it told."""
        return f"{self.ip}:{self.options.port}" if self.options.port else self.address
