"""Nodes that follow each other in a circle: there is no primary among them, and each would show its link as up for ever.

    REPLCONF BELOW <run id>:<hops>      up a link, from a Chronis replica: this node follows you, over so many others

A node that is followed says so when its own link comes up; whoever gets it passes it on to the node that it follows, a primary
needs no telling. Who gets its own run id follows itself. The link that closes a circle is the last to come up and its owner is
followed, so a circle of Chronis nodes is found at once. (With a redis-server in it it is not: Redis knows no such message and
stays in the circle with every link up, as it does among its own.)

Law: who has found a circle, or is refused because of one, gives its link up and cuts its followers off, and refuses them until its
link is up again; so all in it and below show `master_link_status:down` with the reason, and keep what they hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.errors import ReplyError
from store.events import encode_event

if TYPE_CHECKING:
    from replication.roles import Replication

CIRCLE = "The nodes follow each other in a circle: none of them is a primary"
MOST_HOPS = 64
"""A message that is about no node of a circle ends there."""


class Circle:
    """What one node knows of a circle. `found`: it is in one, or below one."""

    def __init__(self, replication: Replication, run_id: str) -> None:
        self.replication = replication
        self.run_id = run_id
        self.found = False

    def linked(self) -> None:
        """Our link is up: tell those above that we are here."""
        self.found = False
        if self.replication.primary.feeds:
            self._tell(self.run_id, 0)

    def _tell(self, run_id: str, hops: int) -> None:
        replica = self.replication.replica
        if replica is not None and replica.connection is not None and replica.follower is not None and replica.follower.framed:
            replica.connection.write(encode_event(b"REPLCONF", b"BELOW", f"{run_id}:{hops}".encode("ascii")))

    def heard(self, message: bytes) -> None:
        """Take a message from a node below; raise ReplyError if it makes no sense."""
        run_id, _, hops = message.decode("ascii", "replace").partition(":")
        if len(run_id) != len(self.run_id) or not hops.isdecimal():
            raise ReplyError("not a run id and a number of hops")
        replica = self.replication.replica
        if replica is None or not replica.up:
            return
        if run_id == self.run_id:
            replica.drop(CIRCLE, no_hurry=True)  # the others are refused before
            self._part()
        elif int(hops) < MOST_HOPS:
            self._tell(run_id, int(hops) + 1)

    def refused(self, reason: str) -> None:
        """The node that we follow said no: because of a circle?"""
        if CIRCLE in reason:
            self._part()

    def _part(self) -> None:
        self.found = True
        self.replication.primary.disconnect_all(CIRCLE)
