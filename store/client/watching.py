"""WATCH: the keys whose change makes a client's EXEC fail (multi.c 7.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.client.session import Session
    from store.keyspace import Place


class Watching:
    """What one client watches. `places`: was the key missing or expired when it was watched; `touched`: one has changed."""

    __slots__ = ("_session", "places", "touched")

    def __init__(self, session: Session) -> None:
        self._session = session
        self.places: dict[Place, bool] = {}
        self.touched = False

    def watch(self, key: bytes) -> None:
        """Let EXEC fail if key changes from now on."""
        db = self._session.tx.db
        place = (db.index, key)
        if place in self.places:
            return
        self.places[place] = db.live(key) is None
        self._session.engine.keyspace.watched.setdefault(place, []).append(self._touch)

    def _touch(self, place: Place) -> None:
        """A watched key was touched: a change, unless it was missing or expired before and is so now (multi.c 7.0)."""
        index, key = place
        if not (self.places[place] and self._session.engine.keyspace.databases[index].live(key) is None):
            self.touched = True

    def forget(self) -> None:
        """Watch nothing any more."""
        if not self.places:
            self.touched = False
            return
        watched = self._session.engine.keyspace.watched
        for place in self.places:
            watched[place].remove(self._touch)
            if not watched[place]:
                del watched[place]
        self.places.clear()
        self.touched = False

    @property
    def outdated(self) -> bool:
        """Tell whether a watched key changed, or expired since it was watched."""
        if self.touched or not self.places:
            return self.touched
        databases = self._session.engine.keyspace.databases
        return any(
            not was_absent and databases[index].live(key) is None for (index, key), was_absent in self.places.items()
        )
