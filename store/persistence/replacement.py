"""Putting another state in the place of this one, as a replica does after a full synchronization, so that no crash mixes them.

    resync = "chronis-resync 1" LF history id, 40 hex LF offset LF

The received snapshot lies complete under a temporary name before the file `resync` is written. It gets its name next: from
then on the old state is given up, and up to then `resync` can be withdrawn. Law: every step can be done again, so a start
that finds `resync` finishes what was interrupted, by a crash or by an error of the disk.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from store.errors import CorruptLog, Unfinished
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
    """Begin to replace the old state by the received snapshot, which is complete and durable; return its final name.

    What follows is the caller's, without a way back: `give_up_old`, the history, the log, and `end`. Raises OSError with
    everything as it was, or Unfinished when it can't be told whether the next start will replace the state.
    """
    sync_directory(received.parent)  # else a power loss could leave the note without the snapshot
    final = _final(directory, offset)
    note = f"{_TITLE}\n{history_id}\n{offset}\n".encode("ascii")
    try:
        write_durably(directory / MARKER, lambda file: file.write(note))
        os.replace(received, final)
    except OSError as error:
        with without_way_back(f"giving up a synchronization ({error})"):
            if not received.exists():
                raise  # it may have its name
            withdraw(directory)
        raise
    return final


def withdraw(directory: Path) -> None:
    """Take back the note that a synchronization has begun, durably, if there is one. Raises OSError."""
    if (directory / MARKER).exists():
        end(directory)


@contextlib.contextmanager
def without_way_back(what: str) -> Iterator[None]:
    """Let an OSError be Unfinished, as happens to whoever can neither go on nor back."""
    try:
        yield
    except OSError as error:
        raise Unfinished(f"{what} failed half-way: {error}") from error


def give_up_old(directory: Path, final: Path) -> None:
    """Remove all snapshots but the final one, and the log, durably. Raises OSError."""
    for _, path in snapshots(directory):
        if path != final:
            path.unlink()
    sync_directory(final.parent)
    segments = list_segments(str(directory))
    for segment in segments:
        os.unlink(segment.path)
    if segments:
        sync_directory(Path(segments[0].path).parent)


def _final(directory: Path, offset: int) -> Path:
    return directory / SNAPSHOT_DIRECTORY / f"{offset:020d}.rdb"


def end(directory: Path) -> None:
    """Note that the new state is in place, durably: nothing is recorded in it before."""
    (directory / MARKER).unlink()
    sync_directory(directory)


def finish(directory: Path) -> int | None:
    """Finish what was interrupted; return the offset of the new state, None if there was nothing to finish.

    Raises OSError, or CorruptLog when the marker can't be read.
    """
    marker = directory / MARKER
    if not marker.exists():
        return None
    history_id, offset = _read(marker)
    received, final = received_path(directory, offset), _final(directory, offset)
    if received.exists():
        os.replace(received, final)
    elif not final.exists():
        withdraw(directory)  # nothing was given up before the snapshot had its name
        return None
    give_up_old(directory, final)
    history.create(str(directory), offset, history_id)
    end(directory)
    return offset


def _read(marker: Path) -> tuple[str, int]:
    match marker.read_text("ascii", "replace").split("\n"):
        case [title, history_id, offset, ""] if title == _TITLE and is_history_id(history_id) and offset.isdecimal():
            return history_id, int(offset)
    raise CorruptLog(marker, 0, "not a note on an interrupted synchronization")

