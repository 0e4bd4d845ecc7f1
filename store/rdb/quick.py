"""The plain form of `quick.pyx`: where that is compiled, it takes the place of this module (see store.rdb.reader)."""

from __future__ import annotations

from store.entry import Stored


class Entries:
    """Reads what is common in a file, many entries in a row; this form reads nothing, all is left to the plain code.

    After next() returned True: `key`, `value`, `type_byte`, `deadline` (unix ms, 0 = none), `idle` (seconds) and `frequency` (-1
    = not told) of an entry that started at `start`; `pos` is the place after it.
    """

    __slots__ = ("deadline", "frequency", "idle", "key", "pos", "start", "type_byte", "value")

    def __init__(self) -> None:
        self.key = b""
        self.value: Stored = b""
        self.type_byte = self.pos = self.start = 0
        self.deadline = 0
        self.idle = self.frequency = -1

    def open(self, data: bytes, pos: int) -> None:
        """Begin at pos."""
        self.pos = pos

    def next(self) -> bool:
        """Read the next entry; False if what stands at `pos` is anything but a common one that is all there."""
        return False
