"""A row of encoded events, in the order of history: the plain form of `row.pyx`, which holds their bytes side by side."""

from __future__ import annotations

from store.resp.encoded import encode_words

__all__ = ["Row"]


class Row:
    """Events that were recorded and are not in a frame yet; its length is their number."""

    __slots__ = ("_events",)

    def __init__(self) -> None:
        self._events: list[bytes] = []

    def __len__(self) -> int:
        return len(self._events)

    def append(self, event: bytes) -> None:
        """Add an encoded event."""
        self._events.append(event)

    def enter(self, words: tuple[bytes, ...]) -> int:
        """Encode an event and add it; return its bytes."""
        event = encode_words(words)
        self._events.append(event)
        return len(event)

    def insert(self, place: int, event: bytes) -> None:
        """Put an encoded event before that of a place."""
        self._events.insert(place, event)

    def begins(self, place: int, prefix: bytes) -> bool:
        """Tell whether the event at a place begins with a prefix."""
        return self._events[place].startswith(prefix)

    def cut(self, count: int) -> bytes:
        """Take the first so many events out; return their bytes."""
        data = b"".join(self._events[:count])
        del self._events[:count]
        return data
