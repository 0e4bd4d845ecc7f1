"""The events of history as `chronis log` shows them: what one is, which are wanted, how a line looks.

Law: a point in time stands for the commits up to and including it; an offset for the events that start before it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from store.commands.table import TABLE
from store.config.quoting import quote
from store.events import decode_events
from store.glob import Matcher
from store.log.frame import Frame
from store.persistence.recovery import Until


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
    """Which events are wanted; the keys of an event are those that the command table tells.

    `heartbeats`: those too by which a primary lets its replicas know that it is there, and asks them how far they are.
    """

    since: Until
    until: Until
    key: Matcher | None = None
    db: int | None = None
    heartbeats: bool = False

    def wants(self, event: Event) -> bool:
        """Tell whether event is one of them."""
        if event.offset < (self.since.offset or 0) or event.unix_ms < (self.since.unix_ms or 0):
            return False
        if self.db is not None and event.db != self.db:
            return False
        if not self.heartbeats and is_heartbeat(event.args):
            return False
        return self.key is None or any(self.key(key) for key in event_keys(event.args))

    def is_over(self, event: Event) -> bool:
        """Tell whether event and all after it are past the end."""
        past_offset = self.until.offset is not None and event.offset >= self.until.offset
        return past_offset or (self.until.unix_ms is not None and event.unix_ms > self.until.unix_ms)


def is_heartbeat(args: list[bytes]) -> bool:
    """Tell whether an event is there for the replicas alone: PING or REPLCONF GETACK, which change nothing."""
    name = args[0].upper()
    return name == b"PING" or (name == b"REPLCONF" and len(args) > 1 and args[1].upper() == b"GETACK")


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


def show_frame(frame: Frame, selection: Selection, form: str) -> bool:
    """Print the wanted events of frame; False when the selection ends in it."""
    for event in events_of(frame):
        if selection.is_over(event):
            return False
        if selection.wants(event):
            print(FORMATS[form](event))
    return True
