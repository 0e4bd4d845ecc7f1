"""`chronis log`: show the events of history, from a point to a point, or as they happen.

Law: only reads, so it may run beside the server. A point in time stands for the commits up to and including it;
an offset for the events that start before it.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import os
import sys
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import aiofiles

from store.commands.table import TABLE
from store.config.quoting import quote
from store.errors import CorruptFile, CorruptLog
from store.events import decode_events
from store.glob import Matcher, compile_glob
from store.log.frame import BadFrame, Frame, decode
from store.log.reader import LogCursor, OffsetNotInLog
from store.log.retention import first_time
from store.log.segment import HEADER_SIZE, Segment, decode_header, list_segments, segment_path
from store.persistence.recovery import Until
from store.tools.points import parse_point

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

POLL_SECONDS = 0.1
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Event:
    """One event of history: where, when, in which database, by whom (None: not recorded), and the command."""

    offset: int
    unix_ms: int
    db: int
    origin: tuple[str, str] | None
    args: list[bytes]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events are wanted; the keys of an event are those that the command table tells."""

    since: Until
    until: Until
    key: Matcher | None = None
    db: int | None = None

    def wants(self, event: Event) -> bool:
        """Tell whether event is one of them."""
        if event.offset < (self.since.offset or 0) or event.unix_ms < (self.since.unix_ms or 0):
            return False
        if self.db is not None and event.db != self.db:
            return False
        return self.key is None or any(self.key(key) for key in event_keys(event.args))

    def is_over(self, event: Event) -> bool:
        """Tell whether event and all after it are past the end."""
        past_offset = self.until.offset is not None and event.offset >= self.until.offset
        return past_offset or (self.until.unix_ms is not None and event.unix_ms > self.until.unix_ms)


def event_keys(args: list[bytes]) -> list[bytes]:
    """Return the keys of an event; a command that the table does not know has its first argument taken for one."""
    command = TABLE.get(args[0].lower())
    if command is None:
        return args[1:2]
    if command.subcommands and len(args) > 1:
        command = command.subcommands.get(args[1].lower()) or command
    return command.keys(args)


def events_of(frame: Frame) -> Iterator[Event]:
    """Yield the events of frame; raises CorruptLog when its payload is none."""
    db = frame.db
    origins = _origins(frame)
    for position, args in decode_events(frame.payload):
        if args[0].upper() == b"SELECT" and len(args) == 2:
            db = int(args[1])
        yield Event(frame.offset + position, frame.unix_ms, db, next(origins, None), args)


def _origins(frame: Frame) -> Iterator[tuple[str, str]]:
    for count, user, address in frame.origins or []:
        for _ in range(count):
            yield user, address


# -- the forms of output ---------------------------------------------------------------------------------------------


def as_cli(event: Event) -> str:
    """Return event as one line like MONITOR's: offset, time (UTC), database and origin, quoted arguments."""
    origin = "" if event.origin is None else " " + _who(event.origin)
    command = b" ".join(quote(arg) for arg in event.args).decode("ascii")
    return f"{event.offset} {_time(event.unix_ms)} [{event.db}{origin}] {command}"


def _who(origin: tuple[str, str]) -> str:
    return "server" if origin == ("", "") else f"{origin[0]}@{origin[1]}"


def as_json(event: Event) -> str:
    """Return event as one line of JSON; an argument that is not UTF-8 is an object {"base64": …}."""
    line: dict[str, object] = {"offset": event.offset, "unix_ms": event.unix_ms, "time": _time(event.unix_ms)}
    line["db"] = event.db
    if event.origin is not None:
        line["user"], line["address"] = event.origin
    line["command"] = [_json_argument(arg) for arg in event.args]
    return json.dumps(line, ensure_ascii=False)


def _json_argument(arg: bytes) -> object:
    try:
        return arg.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(arg).decode("ascii")}


def _time(unix_ms: int) -> str:
    moment = datetime.fromtimestamp(unix_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{unix_ms % 1000:03d}Z"


FORMATS = {"cli": as_cli, "json": as_json}


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


def show_frame(frame: Frame, selection: Selection, form: str) -> bool:
    """Print the wanted events of frame; False when the selection ends in it."""
    for event in events_of(frame):
        if selection.is_over(event):
            return False
        if selection.wants(event):
            print(FORMATS[form](event))
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


def show_file(path: Path, selection: Selection, form: str) -> None:
    """Print the wanted events of a segment that stands alone, as those in lost/; raises CorruptLog, OSError."""
    data = path.read_bytes()
    decode_header(data[:HEADER_SIZE], str(path))
    position = HEADER_SIZE
    while position < len(data):
        try:
            decoded = decode(data, position)
        except BadFrame as error:
            raise CorruptLog(str(path), position, str(error)) from error
        if decoded is None:
            raise CorruptLog(str(path), position, "the file ends within a frame")
        frame, position = decoded
        if not show_frame(frame, selection, form):
            return


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
    parser.add_argument("--follow", action="store_true", help="go on with new events as they come, until Ctrl-C")
    parser.add_argument("--format", choices=sorted(FORMATS), default="cli", help="one line an event (default cli)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the events; return 0, or 1 when the log could not be read to its end."""
    import store.commands  # noqa: F401 - fills the command table, which knows where keys are

    key = compile_glob(os.fsencode(args.key)) if args.key is not None else None
    selection = Selection(args.since, args.until, key, args.db)
    try:
        if args.datadir.is_file():
            show_file(args.datadir, selection, args.format)
        else:
            show_directory(str(args.datadir), selection, args.format, args.follow)
        sys.stdout.flush()
    except (CorruptFile, OffsetNotInLog, OSError, ValueError) as error:
        return _failed(error)
    except KeyboardInterrupt:
        return 0
    return 0


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
