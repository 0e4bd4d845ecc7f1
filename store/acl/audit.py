"""ACL LOG: the newest refusals, similar ones within a minute counted as one (acl.c 7.0)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice

SIMILAR_MS = 60_000
LOOKED_AT = 10
"""Entries among which a similar one is looked for."""


@dataclass(slots=True)
class Refusal:
    """One entry. `reason`: command, key, channel or auth; `context`: toplevel, multi or lua; `last_ms`: unix ms of the newest."""

    reason: str
    context: str
    subject: bytes
    user: bytes
    last_ms: int
    client: bytes
    count: int = 1

    def is_like(self, other: Refusal) -> bool:
        """Tell whether two refusals are counted as one."""
        same = (self.reason, self.context, self.subject, self.user) == (
            other.reason,
            other.context,
            other.subject,
            other.user,
        )
        return same and abs(self.last_ms - other.last_ms) <= SIMILAR_MS


class AuditLog:
    """The entries, newest first, at most as many as the last `add` allowed."""

    def __init__(self) -> None:
        self.entries: deque[Refusal] = deque()

    def add(self, refusal: Refusal, limit: int) -> None:
        """Put a refusal first, or count it in a similar one, which then comes first; keep limit entries."""
        for place, known in enumerate(islice(self.entries, LOOKED_AT)):
            if known.is_like(refusal):
                del self.entries[place]
                refusal.count += known.count
                break
        self.entries.appendleft(refusal)
        while len(self.entries) > limit:
            self.entries.pop()
