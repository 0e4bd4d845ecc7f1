"""Values that are kept but not understood: those of modules, as the bytes of their RDB form.

They come with an imported data directory or a full synchronization, and go out again byte for byte the same
(snapshots, DUMP, COPY), so that nothing is lost on the way through a server that has no commands for them.
"""

from __future__ import annotations

from store.values.base import Value


class OpaqueValue(Value):
    """One value as `type_byte` and the raw bytes after its key in an RDB file; never empty, never edited."""

    __slots__ = ("kind", "raw", "type_byte")

    def __init__(self, kind: str, type_byte: int, raw: bytes) -> None:
        super().__init__()
        self.kind = kind  # TYPE answers the module type's own name
        self.type_byte = type_byte
        self.raw = raw
        self.nbytes += len(raw)

    def __len__(self) -> int:
        return 1

    def encoding(self) -> str:
        """The name that OBJECT ENCODING answers: `raw`, as in Redis."""
        return "raw"

    def drop(self, count: int) -> bool:
        """Free the bytes; True."""
        self.raw = b""
        return True

    def copy(self) -> OpaqueValue:
        """An independent copy; the bytes are shared, since nobody changes them."""
        twin = OpaqueValue(self.kind, self.type_byte, self.raw)
        twin.compact = self.compact
        return twin

    def _check(self) -> None:
        assert self.raw
        assert self.nbytes == 64 + len(self.raw)
