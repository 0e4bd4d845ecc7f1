"""Putting another state in the place of this one, as a replica does after a full synchronization, so that no crash mixes them.

    resync = "chronis-resync 1" LF history id, 40 hex LF offset LF

The received snapshot lies complete under a temporary name before the file `resync` is written; from then on the old state
is given up. Law: every step can be done again, so a start that finds `resync` finishes what a crash interrupted.
"""

from __future__ import annotations

import os
from pathlib import Path

from store.errors import CorruptLog
from store.log import history
from store.log.segment import is_history_id, list_segments
from store.persistence.durable_files import sync_directory, write_durably
from store.persistence.recovery import SNAPSHOT_DIRECTORY, snapshots

MARKER = "resync"
_TITLE = "chronis-resync 1"


def received_path(directory: Path, offset: int) -> Path:
    """The name under which a snapshot is received; what an earlier process left there is removed at start."""
    return directory / SNAPSHOT_DIRECTORY / f"temp-received-{offset:020d}.rdb"


def begin(directory: Path, received: Path, history_id: str, offset: int) -> Path:
    """Give the old snapshots up for the received one, which is complete and durable; return its final name.

    The caller then replaces the history, resets the log and calls `end`. Raises OSError.
    """
    write_durably(directory / MARKER, lambda file: file.write(f"{_TITLE}\n{history_id}\n{offset}\n".encode("ascii")))
    return _put_in_place(directory, received, offset)


def _put_in_place(directory: Path, received: Path, offset: int) -> Path:
    final = directory / SNAPSHOT_DIRECTORY / f"{offset:020d}.rdb"
    if received.exists():
        os.replace(received, final)
    for _, path in snapshots(directory):
        if path != final:
            path.unlink()
    sync_directory(final.parent)
    return final


def end(directory: Path) -> None:
    """Note that the new state is in place, durably: nothing is recorded in it before."""
    (directory / MARKER).unlink()
    sync_directory(directory)


def finish(directory: Path) -> int | None:
    """Finish what a crash interrupted; return the offset of the new state, None if there was nothing to finish.

    Raises OSError, or CorruptLog when the marker can't be read.
    """
    marker = directory / MARKER
    if not marker.exists():
        return None
    history_id, offset = _read(marker)
    _put_in_place(directory, received_path(directory, offset), offset)
    for segment in list_segments(str(directory)):
        os.unlink(segment.path)
    history.create(str(directory), offset, history_id)
    end(directory)
    return offset


def _read(marker: Path) -> tuple[str, int]:
    match marker.read_text("ascii", "replace").split("\n"):
        case [title, history_id, offset, ""] if title == _TITLE and is_history_id(history_id) and offset.isdecimal():
            return history_id, int(offset)
    raise CorruptLog(marker, 0, "not a note on an interrupted synchronization")

