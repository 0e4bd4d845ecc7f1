"""`chronis log`: show the events of history, from a point to a point, or as they happen.

Law: only reads, so it may run beside the server. What could not be read is said, and makes the exit status 1.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import aiofiles

from store.errors import CorruptFile
from store.glob import compile_glob
from store.log.frame import Frame, decode
from store.log.reader import LogCursor, OffsetNotInLog
from store.log.retention import first_time
from store.log.segment import HEADER_SIZE, Segment, list_segments, segment_path
from store.persistence.recovery import Until
from store.tools.log_events import FORMATS, Selection, show_frame
from store.tools.log_file import show_file
from store.tools.points import parse_point

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

POLL_SECONDS = 0.1
_CHUNK = 1 << 20


# -- the way through the log -----------------------------------------------------------------------------------------


def start_offset(segments: list[Segment], since: Until) -> int:
    """Return the offset to read from: that of `since`, or of the last segment that begins before its time."""
    if since.offset is not None:
        return since.offset
    start = segments[0].first_offset
    if since.unix_ms is not None:
        for segment in segments[1:]:
            time = first_time(segment)
            if time is None or time >= since.unix_ms:
                break
            start = segment.first_offset
    return start


def show(cursor: LogCursor, selection: Selection, form: str) -> bool:
    """Print the events up to the end of the log; False when the end of the selection came before it."""
    while (frame := cursor.next()) is not None:
        if not show_frame(frame, selection, form):
            return False
    return True


async def follow(directory: str, path: str, position: int, offset: int) -> AsyncGenerator[Frame, None]:
    """Yield the frames that are appended after byte position of segment path, without end, over its rolls.

    Raises BadFrame (by decode) for bytes that no server writes.
    """
    buffer = bytearray()
    while True:
        async with aiofiles.open(path, "rb") as file:
            await file.seek(position)
            while True:
                chunk = await file.read(_CHUNK)
                buffer += chunk
                for frame in _take(buffer):
                    offset = frame.end
                    yield frame
                following = segment_path(directory, offset)
                if not chunk and not buffer and following != path and os.path.exists(following):
                    break
                if not chunk:
                    await asyncio.sleep(POLL_SECONDS)
        path, position = following, HEADER_SIZE


def _take(buffer: bytearray) -> Iterator[Frame]:
    """Take the whole frames off the front of buffer."""
    position = 0
    frames = []
    while (decoded := decode(buffer, position)) is not None:
        frames.append(decoded[0])
        position = decoded[1]
    del buffer[:position]
    yield from frames


async def _show_followed(directory: str, cursor: LogCursor, selection: Selection, form: str) -> None:
    position = max(cursor.position, HEADER_SIZE)  # of a segment that is just being begun, nothing was read yet
    async with contextlib.aclosing(follow(directory, cursor.path, position, cursor.offset)) as frames:
        async for frame in frames:
            if not show_frame(frame, selection, form):
                return
            sys.stdout.flush()


# -- the command -----------------------------------------------------------------------------------------------------


def add_parser(subparsers: Subparsers) -> None:
    """Register the subcommand."""
    text = "show the events of history"
    parser = subparsers.add_parser("log", help=text, description=f"{text.capitalize()}; nothing in DATADIR is changed.")
    point = "offset, ISO time (local unless it names a zone) or @UNIX-SECONDS"
    parser.add_argument("datadir", type=Path, metavar="DATADIR", help="data directory of Chronis, or a file of lost/")
    parser.add_argument("--since", type=parse_point, default=Until(), metavar="POINT", help=f"start: {point}")
    parser.add_argument("--until", type=parse_point, default=Until(), metavar="POINT", help=f"end: {point}")
    parser.add_argument("--key", metavar="GLOB", help="only events on a key that matches, as in KEYS")
    parser.add_argument("--db", type=int, metavar="N", help="only events in this database")
    parser.add_argument(
        "--heartbeats", action="store_true", help="also PING and REPLCONF GETACK, by which a primary hears of its replicas"
    )
    parser.add_argument("--follow", action="store_true", help="go on with new events as they come, until Ctrl-C")
    parser.add_argument("--format", choices=sorted(FORMATS), default="cli", help="one line an event (default cli)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the events; return 0, or 1 when something could not be read."""
    import store.commands  # noqa: F401 - fills the command table, which knows where keys are

    key = compile_glob(os.fsencode(args.key)) if args.key is not None else None
    selection = Selection(args.since, args.until, key, args.db, args.heartbeats)
    whole = True
    try:
        if args.datadir.is_file():
            whole = show_file(args.datadir, selection, args.format)
        else:
            show_directory(str(args.datadir), selection, args.format, args.follow)
        sys.stdout.flush()
    except (CorruptFile, OffsetNotInLog, OSError, ValueError) as error:
        return _failed(error)
    except KeyboardInterrupt:
        return 0
    return int(not whole)


def show_directory(directory: str, selection: Selection, form: str, follows: bool) -> None:
    """Print the wanted events of a data directory's log; raises CorruptLog, OffsetNotInLog, FileNotFoundError, OSError."""
    segments = list_segments(directory)
    if not segments:
        raise FileNotFoundError(f"there is no log in {directory}")
    with LogCursor(directory, start_offset(segments, selection.since)) as cursor:
        goes_on = show(cursor, selection, form)
        if goes_on and follows:
            sys.stdout.flush()
            asyncio.run(_show_followed(directory, cursor, selection, form))
        elif goes_on:
            _note_rest(cursor)


def _failed(error: Exception) -> int:
    """Say what went wrong; a reader that went away (head, less) is no failure."""
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the exit would flush into the broken pipe
        return 0
    print(f"chronis log: {error}", file=sys.stderr)
    return 1


def _note_rest(cursor: LogCursor) -> None:
    """Say that bytes after the last frame are not shown: a frame in the making, or a torn tail."""
    damage = cursor.damage_here()
    if damage is not None:
        print(f"note: {damage.path}, byte {damage.position}: {damage.reason}", file=sys.stderr)
