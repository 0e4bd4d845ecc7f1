"""Peers of a node that are only said to be there."""

from __future__ import annotations

from collections.abc import Sequence

from store.topology import Alone, Follower, Leader


class Peers(Alone):
    """A topology with the given leader and followers."""

    def __init__(self, leader: Leader | None = None, followers: Sequence[Follower] = ()) -> None:
        super().__init__()
        self.leader = leader
        self.followers = followers
        self.good_followers = len(followers)
        self.full_sync_reasons = {"new": 1}
