"""What small collections are kept in: items one after the other in a single block of memory, found by looking through all.

    block = item*        item = length(1 byte) bytes        (compiled, see packed.pyx; the plain form is a list with the same laws)

A field of a dict costs 150 bytes beside its name and value, an item here one. Up to some hundred items a search through
the block is as quick as what it takes to run a command.

Law: an item has up to MOST_ITEM bytes, all of them with their lengths MOST_BYTES; who puts more in asks `fits` before. A place
is where an item lies: it is good until the next change, and only as an argument. `nbytes` follows the block's size.
"""

from __future__ import annotations

from store.values.base import Value

MOST_ITEM = 255
MOST_BYTES = 65535
EMPTY_COST = 64
"""Bytes a compiled value takes without a block."""


def block(size: int) -> int:
    """The bytes that the allocator takes for a block of size bytes."""
    if size > 512:  # beyond, it is malloc's: with a header
        return (size + 8 + 15) // 16 * 16
    return (size + 15) // 16 * 16


class Packed(Value):
    """Items in a block. `count`: items; `used`: bytes. What stands here for its subclasses, so that a compiled one needs no
    header for the collector: `longest`; `table`: what has taken the block's place, or None.
    """

    __slots__ = ("_list", "table")

    def __init__(self) -> None:
        super().__init__()
        self._list: list[bytes] = []
        self.nbytes = EMPTY_COST
        self.table: object = None

    def _splice(self, place: int, number: int, items: list[bytes]) -> None:
        """Put items in the place of so many."""
        if any(len(item) > MOST_ITEM for item in items):
            raise ValueError("an item takes 255 bytes at most")
        used = self.used + len(items) - number + sum(map(len, items)) - sum(map(len, self._list[place : place + number]))
        if used > MOST_BYTES:
            raise ValueError("a block takes no more")
        self._list[place : place + number] = items
        self.used, self.count = used, len(self._list)
        self.nbytes = EMPTY_COST + block(used)

    def _fits(self, items: int, size: int) -> bool:
        """Tell whether so many more items of so many bytes together fit in."""
        return self.used + items + size <= MOST_BYTES

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _find(self, item: bytes, step: int) -> int:
        """The place of the first item equal to the one given, of every step-th (1 or 2) from the first; -1 without one."""
        items = self._list if step == 1 else self._list[::step]
        return step * items.index(item) if item in items else -1

    def _locate(self, number: int) -> int:
        """The place of an item by its number (0 <= number <= count)."""
        return number

    def _item(self, place: int, ahead: int = 0) -> bytes:
        """The item at a place, or so many ahead of it."""
        return self._list[place + ahead]

    def _items(self, first: int, stop: int, step: int = 1) -> list[bytes]:
        """The items with first (not below 0) <= number < stop, every step-th (1 or 2) of them."""
        return self._list[first : max(first, stop) : step]

    def _pairs_as_dict(self) -> dict[bytes, bytes]:
        """Every other item from the first, each with the one after it; there must be an even number."""
        return dict(zip(self._list[::2], self._list[1::2], strict=True))

    # ── changing ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _fill(self, items: list[bytes]) -> None:
        """Put items, which fit, into an empty block."""
        self._splice(0, 0, items)

    def _insert(self, place: int, item: bytes) -> None:
        """Put an item, which fits, before the one at a place."""
        self._splice(place, 0, [item])

    def _append(self, item: bytes) -> None:
        """Put an item, which fits, behind all others."""
        self._splice(self.count, 0, [item])

    def _append_pair(self, first: bytes, second: bytes) -> None:
        """Put two items, which fit, behind all others."""
        self._splice(self.count, 0, [first, second])

    def _replace(self, place: int, ahead: int, item: bytes) -> int:
        """Put an item, which fits, in the place of the one so many ahead of a place; return the old one's length."""
        old = len(self._list[place + ahead])
        self._splice(place + ahead, 1, [item])
        return old

    def _delete(self, place: int, number: int) -> None:
        """Take out so many items from a place on."""
        self._splice(place, number, [])

    def _release(self) -> None:
        """Take out all items."""
        self._splice(0, self.count, [])

    def _take_over(self, other: Packed) -> None:
        """Become a copy of another block, with what `Value` knows of it; this one must be empty."""
        self._fill(other._list)
        self.longest, self.compact, self.nbytes = other.longest, other.compact, other.nbytes

    def check_packed(self) -> None:
        """Assert every invariant of the block."""
        assert len(self._list) == self.count
        assert self.used == self.count + sum(map(len, self._list)) <= MOST_BYTES
        assert all(len(item) <= MOST_ITEM for item in self._list)
