"""A turn's output for one client: encoded replies and messages, and which of them answer commands that wrote."""

from __future__ import annotations

Output = tuple[list[bytes], list[int]]
"""What is sent in order, and the places in it of the replies to what wrote."""


def joined(output: Output, instead: bytes | None = None) -> bytes:
    """The bytes of an output; instead: what takes the place of the replies to what wrote."""
    out, written = output
    if instead is not None:
        for place in written:
            out[place] = instead
    return b"".join(out)
