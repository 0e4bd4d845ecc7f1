"""How a replica can be brought up to date: from where it is, from where histories parted, or only by a snapshot; and why.

Law: `FULL_SYNC_REASONS` is complete: every full synchronization is counted under one of its words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.log import EventLog
    from store.log.history import History

NEW, UNKNOWN_HISTORY, PARTED, AHEAD, LOG_CUT, SYNC_COMMAND = FULL_SYNC_REASONS = (
    "new", "unknown_history", "parted", "ahead", "log_cut", "sync_command",
)  # fmt: skip
"""It has no history; its history id is none of ours; it is ahead in an older history of ours; it is ahead of us in this one;
the log no longer reaches back to its offset; it speaks the protocol before PSYNC."""


@dataclass(slots=True)
class Syncs:
    """Counters: full synchronizations by reason, partial ones given, those not given as asked, replicas told to go back."""

    full: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FULL_SYNC_REASONS, 0))
    partial: int = 0
    refused: int = 0
    parted: int = 0


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a replica can't go on from its offset: a word of FULL_SYNC_REASONS, and the same for a log line."""

    reason: str
    text: str


def obstacle(history: History, log: EventLog, history_id: str, offset: int) -> Obstacle | None:
    """Return why a replica whose history_id ends at offset (-1: none) can't go on from there; None: it can."""
    if history_id == "?" or offset < 0:
        return Obstacle(NEW, "it has no history")
    if not history.allows(history_id, offset):
        reason = PARTED if any(history_id == known for known, _ in history.chain) else UNKNOWN_HISTORY
        return Obstacle(reason, f"its history is '{history_id}', ours '{history.current}' and '{history.previous}'")
    text = f"it asked for offset {offset}, we have {log.first_offset} to {log.offset}"
    if offset > log.offset:
        return Obstacle(AHEAD, text)
    return Obstacle(LOG_CUT, text) if offset < log.first_offset else None


def parting(history: History, log: EventLog, history_id: str, offset: int) -> int | None:
    """Where a replica that is ahead of us in an older history has to go back to; None if we don't know."""
    for (known, start), (_, end) in pairwise(history.chain):
        if known == history_id and start <= end < offset and log.first_offset <= end:
            return end
    return None
