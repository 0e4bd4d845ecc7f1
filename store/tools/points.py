"""Points of history as the operator writes them: an offset, or a time."""

from __future__ import annotations

import argparse
from datetime import datetime

from store.persistence.recovery import Until


def parse_point(text: str) -> Until:
    """Read a point: digits are an offset in bytes, `@` and a number unix seconds, anything else an ISO 8601 time.

    A time without a zone is local. Raise argparse.ArgumentTypeError for anything else.
    """
    if text.isdecimal():
        return Until(offset=int(text))
    try:
        seconds = float(text[1:]) if text.startswith("@") else datetime.fromisoformat(text).timestamp()
        return Until(unix_ms=round(seconds * 1000))
    except (ValueError, OverflowError):
        message = f"{text!r} is no offset, no ISO 8601 time (2026-05-01T12:00:00+02:00) and no @ with unix seconds"
        raise argparse.ArgumentTypeError(message) from None
