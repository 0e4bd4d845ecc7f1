"""The keys of a database as of one moment, read a part at a time while keys come and go.

`order` is walked from its end down, as SCAN does. A removal fills its place with the last entry (see `Table.remove`), so
where it happens below the walk, the entry that left is still owed, and the one that took its place is to be left out.
Law: every entry that was there at the beginning is read once, and no other. Deadlines of entries may change meanwhile:
whoever reads judges them by the moment of the beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from store.database import Database
    from store.entry import Entry


class Reader(Protocol):
    """Who reads in slices."""

    def finish(self) -> None:
        """Read the rest now: everything is about to change."""


class KeyWalk:
    """A walk over a database. Invariant: `place` <= len(order); what is at `place` and above has been read, or is newer."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.place = len(db.order)
        self.reader: Reader | None = None
        self._owed: list[Entry] = []
        self._newer: set[Entry] = set()  # below `place`, but read already, or newer than the beginning

    def begin(self, reader: Reader) -> None:
        """Follow the changes of the database; the reader hears when it is emptied."""
        self.reader = reader
        self.db.walks.append(self)

    def end(self) -> None:
        """Follow no more."""
        if self.reader is not None:
            self.reader = None
            self.db.walks.remove(self)

    def removed(self, entry: Entry, last: Entry) -> None:
        """An entry leaves; `last`, which was the end of `order`, has filled its place."""
        order = self.db.order
        if entry.slot < self.place:
            if entry in self._newer:
                self._newer.remove(entry)
            else:
                self._owed.append(entry)
            if last is not entry and len(order) >= self.place:
                self._newer.add(last)
        self.place = min(self.place, len(order))

    @property
    def done(self) -> bool:
        """Whether all have been read."""
        return not self.place and not self._owed

    def take(self, count: int) -> list[Entry]:
        """Look at the next so many places; the entries there that are to be read, maybe none."""
        if not self.place:
            found = self._owed[-count:]
            del self._owed[-count:]
            return found
        start = max(0, self.place - count)
        found = self.db.order[start : self.place]
        self.place = start
        if self._newer:
            found = [entry for entry in found if entry not in self._newer]
        return found
