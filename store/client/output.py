"""A turn's output for one client: encoded replies and messages, and which of them answer commands that wrote."""

from __future__ import annotations

Output = tuple[bytes, list[tuple[int, int]]]
"""What is sent, and the ranges in it (in bytes) of the replies to what wrote."""


def joined(output: Output, instead: bytes | None = None) -> bytes:
    """The bytes of an output; instead: what takes the place of the replies to what wrote."""
    data, written = output
    if instead is None:
        return data
    parts, place = [], 0
    for start, end in written:
        parts += [data[place:start], instead]
        place = end
    return b"".join([*parts, data[place:]])
