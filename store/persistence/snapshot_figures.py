"""What is counted about snapshots: for INFO and the metrics."""

from __future__ import annotations

from dataclasses import dataclass

SAVE, REWRITE = "save", "rewrite"
"""What a snapshot is for: to have one, or to let old log go."""


@dataclass(slots=True)
class Outcome:
    """What became of the snapshots of one purpose. `duration`: seconds of the last one, -1 when there was none."""

    count: int = 0
    ok: bool = True
    duration: int = -1
    failures: int = 0
    """Failures in a row."""


@dataclass(slots=True)
class Figures:
    """Counters for INFO. Times are unix seconds, sizes bytes, `last_offset` is that of the newest snapshot."""

    last_save: int = 0
    last_try: float = 0.0
    last_size: int = 0
    last_offset: int = 0
    keys_loaded: int = 0
    keys_expired: int = 0
    """Keys that were there when the node started and whose deadline had passed."""
    forks: int = 0
    fork_microseconds: int = 0
