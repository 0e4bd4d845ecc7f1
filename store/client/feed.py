"""What a session asks of the feed of a replica; replication has the only one."""

from __future__ import annotations

from typing import Protocol


class Feed(Protocol):
    """What streams history to a replica over the connection that asked for it."""

    def drained(self) -> None:
        """The connection takes more output again."""

    def replied(self, reply: object) -> None:
        """The replica sent a command that has a reply, which it must not."""

    def closed(self) -> None:
        """The connection is gone."""
