"""The table of apply functions: the only code that changes the keyspace.

Law: an apply function gets the database that was selected and the event's arguments, changes the keyspace and returns what
the deciding command may want to reply. It reads no clock, randomness or configuration, never fails on an event that a
command recorded, and does the same live, replayed from disk and received from a primary.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from store.database import Database

Apply = Callable[..., object]
APPLY: dict[bytes, Apply] = {}


def applies(*names: str) -> Callable[[Apply], Apply]:
    """Register an apply function for events of these names (upper case, `SET`); names are unique."""

    def register(function: Apply) -> Apply:
        for name in names:
            if name.encode() in APPLY:
                raise ValueError(f"two apply functions for {name}")
            APPLY[name.encode()] = function
        return function

    return register


def one_change(function: Apply) -> Apply:
    """Let an event count as one change (`dirty`), however many keys its function touches, if it touches any."""

    @wraps(function)
    def counted(db: Database, *args: bytes) -> object:
        keyspace = db.keyspace
        before = keyspace.dirty
        result = function(db, *args)
        if keyspace.dirty != before:
            keyspace.dirty = before + 1
        return result

    return counted


def apply(db: Database, name: bytes, *args: bytes) -> object:
    """Run the apply function of one event."""
    return APPLY[name](db, *args)
