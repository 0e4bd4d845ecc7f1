"""What the store asks of replication: who this node follows, who follows it, and how far they are.

Replication imports the store and never the other way round, so it puts its own object in place of `Alone`, which is a
node without peers (`engine.topology`). INFO, ROLE, WAIT and SHUTDOWN read it; nothing on the path of a command does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from store.engine import Engine


@dataclass(slots=True)
class Follower:
    """A replica as this node sees it: announced address, state as in INFO (`online`, …), acknowledged offset, lag in seconds."""

    ip: str
    port: int
    state: str
    offset: int
    lag: int = 0


@dataclass(slots=True)
class Leader:
    """The primary of a replica. `state` as in ROLE: connect, connecting, handshake, sync or connected.

    `synced`: its data are those of a group that it is part of; `offset`: -1 while not known;
    `details`: lines of INFO between `master_link_status` and `slave_priority`.
    """

    host: str
    port: int
    state: str
    offset: int = -1
    synced: bool = True
    details: dict[str, object] = field(default_factory=dict)

    @property
    def up(self) -> bool:
        """Tell whether the stream is being followed."""
        return self.state == "connected"


class Topology(Protocol):
    """The peers of a node. Offsets are those of history."""

    @property
    def sync_full(self) -> int:
        """Full synchronizations given."""

    @property
    def sync_partial_ok(self) -> int:
        """Partial synchronizations given."""

    @property
    def sync_partial_err(self) -> int:
        """Partial synchronizations asked for that could not be given as asked."""

    @property
    def sync_parted(self) -> int:
        """Replicas told to go back to where histories parted, which spares them a full synchronization."""

    @property
    def full_sync_reasons(self) -> Mapping[str, int]:
        """Full synchronizations given, by why nothing less would do; together `sync_full`."""

    def reset_statistics(self) -> None:
        """Set the counters of synchronizations to zero."""

    @property
    def failover_state(self) -> str:
        """The state of a FAILOVER, in INFO's words."""

    @property
    def awaited(self) -> int:
        """How many nodes this one, promoted, has still to hear from before it accepts writes."""

    @property
    def promotion(self) -> str:
        """Why this node, promoted, refuses writes yet; empty when it does not."""

    @property
    def leader(self) -> Leader | None:
        """The primary that this node follows, None on a primary."""

    @property
    def followers(self) -> Sequence[Follower]:
        """The replicas of this node, in the order they came."""

    @property
    def good_followers(self) -> int:
        """Replicas online with a lag within `min-replicas-max-lag`."""

    def acknowledged(self, offset: int) -> int:
        """Count the replicas that have acknowledged history up to offset: they have applied it."""

    def synced(self, offset: int) -> int:
        """Count the replicas that have synced history up to offset to their disks; those without a log never do."""

    def gave_up(self, reign: int, offset: int) -> bool:
        """Tell whether what this node recorded as a primary, in a reign of `Engine.reign`, up to offset is history no more."""

    def request_acknowledgements(self) -> None:
        """Ask every replica to acknowledge now; what comes in is told to `engine.waiting.advanced`."""


class Alone:
    """A primary without replicas."""

    leader: Leader | None = None
    followers: Sequence[Follower] = ()
    good_followers = awaited = 0
    failover_state = "no-failover"
    promotion = ""
    sync_full = sync_partial_ok = sync_partial_err = sync_parted = 0

    def __init__(self) -> None:
        self.full_sync_reasons: Mapping[str, int] = {}

    def reset_statistics(self) -> None:
        """Nothing was counted."""

    def acknowledged(self, offset: int) -> int:
        """Nobody is there to acknowledge."""
        return 0

    def synced(self, offset: int) -> int:
        """Nobody is there to have it."""
        return 0

    def gave_up(self, reign: int, offset: int) -> bool:
        """Nobody took this node's place."""
        return False

    def request_acknowledgements(self) -> None:
        """Nobody is there to be asked."""


def history_of(engine: Engine) -> tuple[str, str, int]:
    """The history id, the one before and the offset where they parted (-1: never), as in INFO; zeros without a data directory."""
    history = engine.node.persistence.history if engine.node is not None else None
    if history is None:
        return "0" * 40, "0" * 40, -1
    return history.current, history.previous, history.second_offset
