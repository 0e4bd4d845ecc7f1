"""Reading what another node, or whatever listens there, sends us: hiredis, with one kind of error for all that is not RESP."""

from __future__ import annotations

import hiredis


def next_value(reader: hiredis.Reader) -> object:
    """Return the next value, False while it is not complete. Raises hiredis.ProtocolError; the reader is of no use after it.

    A map with a list or a map for a key has no place in a dict: hiredis raises TypeError for it.
    """
    try:
        return reader.gets()
    except TypeError as error:
        raise hiredis.ProtocolError(f"a map with a key that can't be one: {error}") from error
