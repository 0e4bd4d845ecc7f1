"""What every collection value offers to the keyspace: size in bytes, encoding name, freeing in slices.

Law: a value never knows its key, its database or the log; it only holds members and keeps its own invariants (`_check`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Limits:
    """Thresholds at which the reported encoding changes (options of the same names; they never change data)."""

    hash_max_listpack_entries: int = 512
    hash_max_listpack_value: int = 64
    set_max_intset_entries: int = 512
    zset_max_listpack_entries: int = 128
    zset_max_listpack_value: int = 64
    list_max_listpack_size: int = -2
    stream_node_max_bytes: int = 4096
    stream_node_max_entries: int = 100


class Value:
    """A collection. `nbytes`: estimate of its memory, kept by every mutator; `compact`: still in Redis's small encoding.

    `count`, `used` and `longest` are those of `store.values.packed`. They stand here as three numbers of 16 bits beside `compact`,
    where a compiled value has room for them.
    """

    __slots__ = ("accounted", "compact", "count", "longest", "nbytes", "used")

    kind = ""
    """The name that TYPE answers."""

    def __init__(self) -> None:
        self.nbytes = 64
        self.accounted = 0  # the part of nbytes that the keyspace has counted; only Database writes it
        self.compact = True
        self.count = self.used = self.longest = 0

    def __len__(self) -> int:
        raise TypeError(f"{type(self).__name__} has no length")  # every subclass defines it

    def outgrown(self, limits: Limits) -> bool:
        """Tell whether the value has left its small encoding; asked after each edit while `compact` holds."""
        return False

    def encoding(self) -> str:
        """The name that OBJECT ENCODING answers."""
        raise TypeError(f"{type(self).__name__} has no encoding")

    def drop(self, count: int) -> bool:
        """Free up to count members of a value nobody refers to any more; True when nothing is left.

        Freeing a million members at once stops the event loop for a tenth of a second; the engine calls this in slices.
        """
        raise TypeError(f"{type(self).__name__} can't be freed in slices")

    def copy(self) -> Value:
        """An independent copy (COPY, and snapshots taken while a value may still change)."""
        raise TypeError(f"{type(self).__name__} can't be copied")

    def _check(self) -> None:
        """Assert every invariant; called by tests after each step."""
