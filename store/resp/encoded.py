"""A growing row of encoded replies, messages or events: what one client gets at the end of a turn, or what history gets.

The plain form of `encoded.pyx`, which writes into memory of its own. `places` tells where the replies to what wrote are.
"""

from __future__ import annotations

import os

from store.resp.encoder import encode, encode_event, encode_words

__all__ = ["Encoded", "encode", "encode_event", "encode_words"]


class Encoded:
    """Encoded bytes, added piece by piece and taken at once."""

    __slots__ = ("_data", "places")

    def __init__(self) -> None:
        self._data = bytearray()
        self.places: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._data)

    def __bytes__(self) -> bytes:
        return bytes(self._data)

    def append(self, data: bytes) -> None:
        """Add bytes as they are."""
        self._data += data

    def reply(self, reply: object, resp: int) -> None:
        """Add an encoded reply; nothing of one that can't be encoded."""
        self._data += encode(reply, resp)

    def written(self, reply: object, resp: int) -> None:
        """Add the reply to what wrote."""
        before = len(self._data)
        self._data += encode(reply, resp)
        self.places.append((before, len(self._data)))

    def words(self, words: tuple[bytes, ...]) -> int:
        """Add a command given as a tuple: the array of bulk strings that history stores; return its bytes."""
        event = encode_words(words)
        self._data += event
        return len(event)

    def take(self) -> bytes:
        """Return all bytes and be empty."""
        data = bytes(self._data)
        self.clear()
        return data

    def clear(self) -> None:
        """Be empty, and forget the places."""
        self._data.clear()
        self.places = []

    def send(self, fd: int) -> int:
        """Give a socket what it takes at once; return how many bytes those were, 0 on an error."""
        try:
            return os.write(fd, self._data)
        except OSError:  # it takes nothing now, or is gone: its transport will see the same
            return 0

    def drop(self, sent: int) -> None:
        """Forget the first bytes, and all places."""
        del self._data[:sent]
        self.places = []
