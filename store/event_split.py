"""The plain form of `event_split.pyx`: where that is compiled, it takes the place of this module (see store.events)."""

from __future__ import annotations


def split_events(payload: bytes, place: int, most: int) -> tuple[list[tuple[int, list[bytes]]], int]:
    """Cut out no event: all are left to the plain code."""
    return [], place
