"""How old what a replica knows may be, and how often it has to hear of its primary to keep its promise (replica-max-staleness).

Law: what counts is when the newest event of our own log was written, by its primary's clock (a redis-server tells no times:
when it came). So neither a restart nor another REPLICAOF makes old data young, and who has never heard anything is too old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from replication.primary import Primary

LEAST_HEARTBEAT_MS = 500
"""What a replica may ask for at the most: half of the least promise."""


def lag_seconds(primary: Primary) -> int:
    """Return the seconds since the newest event we have was written, -1 when that is not known."""
    known = primary.known_ms
    return max(0, primary.engine.clock.now_ms() - known) // 1000 if known else -1


def too_old(primary: Primary) -> bool:
    """Tell whether what we know is older than replica-max-staleness allows."""
    most = primary.engine.settings.replica_max_staleness * 1000
    return most > 0 and primary.engine.clock.now_ms() - primary.known_ms > most


def heartbeat_wanted(primary: Primary) -> int:
    """Return the ms within which we want to hear of our primary, for what we and those behind us promise; 0: at its own pace."""
    own = primary.engine.settings.replica_max_staleness * 1000 // 2
    return min(filter(None, (own, primary.heartbeat_wanted)), default=0)
