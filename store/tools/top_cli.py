"""`chronis top`: nodes side by side, live: role, offset, lag, operations, hit ratio, memory, log rate, fsync, slow log.

Everything comes from INFO and SLOWLOG GET, so it watches a Redis as well; what a Redis does not tell is shown as `–`.
"""

from __future__ import annotations

import argparse
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import hiredis
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from store.resp.foreign import next_value

Info = dict[str, str]
NOTHING = "–"
TIMEOUT_SECONDS = 2.0
SLOW_SHOWN = 5
LONGEST_ADDRESS = 24
"""Columns that a node's address takes beside a slow command."""
WIDEST = 1000
"""Columns in which any table has room."""


class Link:
    """A connection to one node; opened anew after it broke. `address`: host:port as given."""

    def __init__(self, address: str, password: str = "") -> None:
        host, _, port = address.rpartition(":")
        self.address = address
        self._place = (host or "127.0.0.1", int(port))
        self._password = password
        self._socket: socket.socket | None = None

    def ask(self, *argv: str) -> object:
        """Run one command; raise OSError when the node can't be reached or hangs up, HiredisError for an error or no reply."""
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self._place, TIMEOUT_SECONDS)
                self._reader = hiredis.Reader(encoding="utf-8", errors="replace")
                if self._password:
                    self._command("AUTH", self._password)
            return self._command(*argv)
        except (OSError, hiredis.HiredisError):
            self.close()
            raise

    def _command(self, *argv: str) -> object:
        assert self._socket is not None
        self._socket.sendall(hiredis.pack_command(argv))  # type: ignore[arg-type]  # its stub means any length
        while (reply := next_value(self._reader)) is False:
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionError("the node hung up")
            self._reader.feed(data)
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


@dataclass
class Sample:
    """What a node said at a moment (seconds of the monotonic clock); `error` if it said nothing."""

    at: float
    info: Info = field(default_factory=dict)
    slow: list[list[object]] = field(default_factory=list)
    error: str = ""


def parse_info(text: str) -> Info:
    """Turn INFO's text into fields."""
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name: value for name, _, value in pairs}


def sample(link: Link) -> Sample:
    """Ask a node."""
    now = time.monotonic()
    try:
        info, slow = link.ask("INFO", "everything"), link.ask("SLOWLOG", "GET", str(SLOW_SHOWN))
    except (OSError, hiredis.HiredisError) as error:
        return Sample(now, error=str(error) or type(error).__name__)
    return Sample(now, parse_info(str(info)), slow if isinstance(slow, list) else [])


def number(info: Info, name: str) -> float | None:
    """A numeric field, None when it is missing or no number."""
    try:
        return float(info[name])
    except (KeyError, ValueError):
        return None


def rate(before: Sample | None, now: Sample, *names: str) -> float | None:
    """Growth a second of the sum of fields between two samples; None without both, or after a restart."""
    if before is None or before.info.get("run_id") != now.info.get("run_id"):
        return None
    growth = 0.0
    for name in names:
        old, new = number(before.info, name), number(now.info, name)
        if old is None or new is None:
            return None
        growth += new - old
    return max(0.0, growth / max(1e-3, now.at - before.at))


def count(value: float | None, suffix: str = "", step: int = 1000) -> str:
    """A number in few characters: 12.3k; `–` for none."""
    if value is None:
        return NOTHING
    for unit in ("", "k", "M", "G"):
        if value < step:
            return f"{value:.0f}{suffix}" if not unit else f"{value:.1f}{unit}{suffix}"
        value /= step
    return f"{value:.1f}T{suffix}"


def hit_ratio(before: Sample | None, now: Sample) -> str:
    """Share of lookups since the last sample that found their key."""
    hits, misses = rate(before, now, "keyspace_hits"), rate(before, now, "keyspace_misses")
    if hits is None or misses is None or hits + misses == 0:
        return NOTHING
    return f"{100 * hits / (hits + misses):.0f} %"


def lag(info: Info) -> str:
    """How far behind: a replica by its silence, a primary by its slowest replica's bytes."""
    if info.get("role") == "slave":
        up = info.get("master_link_status") == "up"
        return f"{info.get('master_last_io_seconds_ago', NOTHING)} s" if up else "link down"
    offset = number(info, "master_repl_offset")
    behind = [
        offset - float(part.removeprefix("offset="))
        for name, value in info.items()
        if name.startswith("slave") and name[5:].isdigit() and offset is not None
        for part in value.split(",")
        if part.startswith("offset=")
    ]
    return f"{len(behind)} × ≤ {count(max(0.0, max(behind)), 'B', 1024)}" if behind else NOTHING


def fsync(info: Info) -> str:
    """99th percentile of fsyncs where the node tells it."""
    milliseconds = number(info, "log_fsync_p99_milliseconds")
    return NOTHING if milliseconds is None else f"{milliseconds:.1f} ms"


def memory(info: Info) -> str:
    """Used memory, and the limit where one is set."""
    limit = number(info, "maxmemory")
    return count(number(info, "used_memory"), "B", 1024) + (f" / {count(limit, 'B', 1024)}" if limit else "")


COLUMNS: dict[str, Callable[[Sample | None, Sample], str]] = {
    "lag": lambda _, now: lag(now.info),
    "ops/s": lambda before, now: count(rate(before, now, "total_commands_processed")),
    "hits": hit_ratio,
    "clients": lambda _, now: now.info.get("connected_clients", NOTHING),
    "memory": lambda _, now: memory(now.info),
    "offset": lambda _, now: now.info.get("master_repl_offset", NOTHING),
    "log/s": lambda before, now: count(rate(before, now, "master_repl_offset"), "B", 1024),
    "fsync p99": lambda _, now: fsync(now.info),
    "slow": lambda _, now: str(len(now.slow)),
}
"""What is told of a node, beside its address and role."""
OF_CLIENTS, OF_LOG = ("lag", "ops/s", "hits", "clients", "memory"), ("offset", "log/s", "fsync p99", "slow")


def empty_table(narrow: bool) -> Table:
    """A table of the width of the screen; narrow: without borders."""
    return Table(box=None, padding=(0, 2, 0, 0), pad_edge=False) if narrow else Table(expand=True)


def role(now: Sample) -> Text:
    """What a node is, in its colour."""
    if now.error:
        return Text("down", "bold red")
    return Text("primary", "bold green") if now.info.get("role") == "master" else Text("replica", "cyan")


def nodes_table(
    links: list[Link], before: list[Sample | None], now: list[Sample], columns: tuple[str, ...], narrow: bool
) -> Table:
    """One line a node; narrow: long addresses are broken."""
    table = empty_table(narrow)
    table.add_column("node", no_wrap=not narrow, overflow="fold")
    table.add_column("role", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for link, old, new in zip(links, before, now, strict=True):
        told = [NOTHING] * len(columns) if new.error else [COLUMNS[name](old, new) for name in columns]
        table.add_row(link.address, role(new), *told)
    return table


def errors(links: list[Link], now: list[Sample]) -> list[Text]:
    """A line for each node that is down: why."""
    return [Text(f"{link.address} is down: {new.error}", "red") for link, new in zip(links, now, strict=True) if new.error]


def slow_table(links: list[Link], now: list[Sample], narrow: bool) -> Table:
    """The newest slow commands of all nodes."""
    table = empty_table(narrow)
    table.title, table.title_justify = "slow log", "left"
    table.add_column("node", no_wrap=True, max_width=LONGEST_ADDRESS)
    table.add_column("when", no_wrap=True)
    table.add_column("ms", justify="right", no_wrap=True)
    table.add_column("command")  # the one column that gives way
    entries = [(link.address, entry) for link, new in zip(links, now, strict=True) for entry in new.slow]
    for address, entry in sorted(entries, key=lambda item: -int(str(item[1][1])))[:SLOW_SHOWN]:
        words = entry[3] if isinstance(entry[3], list) else []
        moment = time.strftime("%H:%M:%S", time.localtime(int(str(entry[1]))))
        command = Text(" ".join(map(str, words))[:80], no_wrap=True, overflow="ellipsis")
        table.add_row(address, moment, f"{int(str(entry[2])) / 1000:.1f}", command)
    return table


class Picture:
    """What is known of some nodes, for any width: in one table where there is room for it, else in two."""

    def __init__(self, links: list[Link], before: list[Sample | None], now: list[Sample]) -> None:
        self.links, self.before, self.now = links, before, now

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        whole = nodes_table(self.links, self.before, self.now, (*OF_CLIENTS, *OF_LOG), narrow=False)
        narrow = whole.__rich_measure__(console, options.update(width=WIDEST)).maximum > options.max_width
        yield Text(f"chronis top   {time.strftime('%H:%M:%S')}", "italic")
        if narrow:
            yield nodes_table(self.links, self.before, self.now, OF_CLIENTS, narrow)
            yield ""
            yield nodes_table(self.links, self.before, self.now, OF_LOG, narrow)
        else:
            yield whole
        yield from errors(self.links, self.now)
        yield ""
        yield slow_table(self.links, self.now, narrow)


class View:
    """The picture of some nodes; each `refresh` asks them and makes it anew."""

    def __init__(self, links: list[Link]) -> None:
        self.links = links
        self._last: list[Sample | None] = [None] * len(links)

    def refresh(self) -> Picture:
        """Ask every node and return the picture."""
        now = [sample(link) for link in self.links]
        picture = Picture(self.links, self._last, now)
        self._last = [*now]
        return picture


def run(args: argparse.Namespace) -> int:
    """Show the view until Ctrl-C, or as often as asked for; return 0."""
    view = View([Link(address, args.password) for address in args.nodes])
    console = Console(width=args.width)
    view.refresh()  # rates need something to start from
    shown = 0
    try:
        with Live(console=console, auto_refresh=False) as live:
            while not args.count or shown < args.count:
                time.sleep(args.interval)
                live.update(view.refresh(), refresh=True)
                shown += 1
    except KeyboardInterrupt:
        return 0
    finally:
        for link in view.links:
            link.close()
    return 0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register `chronis top`."""
    parser = subparsers.add_parser("top", help="watch running nodes", description=__doc__)
    parser.add_argument(
        "nodes", nargs="*", default=["127.0.0.1:6379"], help="host:port or :port; default 127.0.0.1:6379"
    )
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between two looks (default 1)")
    parser.add_argument("--count", type=int, default=0, help="end after that many looks (default: Ctrl-C)")
    parser.add_argument("--width", type=int, default=None, help="columns (default: those of the terminal)")
    parser.add_argument(
        "--password",
        default=os.environ.get("REDISCLI_AUTH", ""),
        help="password (default: the environment's REDISCLI_AUTH)",
    )
    parser.set_defaults(run=run)
