"""LATENCY: spikes by event, see `store.observe.latency`, and each command's histogram (latency.c 7.0)."""

from __future__ import annotations

from collections.abc import Iterator

from store.acl.catalog import every
from store.commands.help import help_reply
from store.commands.table import Command, command, container
from store.errors import ReplyError
from store.observe.latency_report import report
from store.observe.sparkline import COLUMNS, sparkline
from store.replies import Verbatim
from store.tx import Tx

GROUP = "server"
_FLAGS = "admin noscript loading stale"
_TIPS = "nondeterministic_output request_policy:all_nodes response_policy:special"

FIRST_BUCKET, LAST_BUCKET = 10, 30
"""Bit lengths of nanoseconds: calls below 2^10 ns are counted as one, and all from 2^30 ns on."""

container("LATENCY", "Look at what takes long in this server.", since="2.8.13", group=GROUP)


@command("LATENCY|LATEST", _FLAGS, since="2.8.13", group=GROUP, tips=_TIPS, complexity="O(1)")
def latency_latest(tx: Tx) -> list[object]:
    """Show for each event the time of the newest spike, its milliseconds, and the longest ever."""
    return [[name, *series.samples[-1], series.largest] for name, series in tx.engine.latency.series.items()]


@command("LATENCY|HISTORY", _FLAGS, since="2.8.13", group=GROUP, tips=_TIPS, complexity="O(1)")
def latency_history(tx: Tx, event: bytes) -> list[object]:
    """Show the spikes of an event: unix seconds and milliseconds."""
    series = tx.engine.latency.series.get(event)
    return [] if series is None else [[second, ms] for second, ms in series.samples]


@command(
    "LATENCY|RESET", _FLAGS, since="2.8.13", group=GROUP, complexity="O(1)",
    tips="request_policy:all_nodes response_policy:all_succeeded",
)  # fmt: skip
def latency_reset(tx: Tx, *events: bytes) -> int:
    """Forget the spikes of these events, or of all; reply: of how many events there were any."""
    return tx.engine.latency.reset(*(event.lower() for event in events))


@command("LATENCY|GRAPH", _FLAGS, since="2.8.13", group=GROUP, tips=_TIPS, complexity="O(1)")
def latency_graph(tx: Tx, event: bytes) -> Verbatim:
    """Draw the spikes of an event."""
    series = tx.engine.latency.series.get(event)
    name = event.decode("utf-8", "surrogateescape")
    if series is None:
        raise ReplyError(f"No samples available for event '{name}'")
    values = [ms for _, ms in series.samples]
    head = f"{name} - high {max(values)} ms, low {min(values)} ms (all time high {series.largest} ms)\n"
    now = tx.now // 1000
    samples = [(float(ms), _ago(now - second)) for second, ms in series.samples]
    return Verbatim((head + "-" * COLUMNS + "\n" + sparkline(samples)).encode("utf-8", "surrogateescape"))


def _ago(seconds: int) -> str:
    """Say how long ago, in the largest whole unit."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


@command("LATENCY|DOCTOR", _FLAGS, since="2.8.13", group=GROUP, tips=_TIPS, complexity="O(1)")
def latency_doctor(tx: Tx) -> Verbatim:
    """Tell in words what the spikes say and what may help."""
    return Verbatim(report(tx.engine.latency, tx.engine.settings, tx.now // 1000).encode())


@command("LATENCY|HISTOGRAM", _FLAGS, since="7.0.0", group=GROUP, tips=_TIPS, complexity="O(commands shown)")
def latency_histogram(tx: Tx, *names: bytes) -> dict[object, object]:
    """Show how long the calls of these commands took, or of all that were called: microseconds, and calls within them."""
    if not tx.engine.settings.latency_tracking:
        return {}
    rows = every(tx.engine.commands) if not names else _chosen(tx, names)
    return {row.name.encode(): _histogram(row) for row in rows if row.calls}


def _chosen(tx: Tx, names: tuple[bytes, ...]) -> Iterator[Command]:
    for name in names:
        words = name.split(b"|")
        row = tx.engine.lookup(words)
        if row is not None and len(words) == row.words:
            yield from every({name: row})


def _histogram(row: Command) -> dict[object, object]:
    counts: dict[object, object] = {}
    buckets = list(row.buckets)
    total = sum(buckets[:FIRST_BUCKET])
    for length in range(FIRST_BUCKET, LAST_BUCKET + 1):
        more = buckets[length] if length < LAST_BUCKET else sum(buckets[length:])
        total += more
        if more or (length == FIRST_BUCKET and total):
            counts[edge(length)] = total
    return {b"calls": row.calls, b"histogram_usec": counts}


def edge(length: int) -> int:
    """The microseconds that name the bucket of nanoseconds below 2^length, as Redis's histogram of two digits rounds them."""
    return ((1 << length) + (1 << (length - 7)) - 1) // 1000


@command("LATENCY|HELP", "loading stale", since="2.8.13", group=GROUP, complexity="O(1)")
def latency_help(tx: Tx) -> list[str]:
    """Describe the subcommands."""
    return help_reply(
        "LATENCY",
        "DOCTOR",
        "    What the spikes say, in words.",
        "GRAPH <event>",
        "    A graph of an event's spikes.",
        "HISTORY <event>",
        "    An event's spikes: time and milliseconds.",
        "LATEST",
        "    The newest and the longest spike of each event.",
        "RESET [<event> ...]",
        "    Forget the spikes of these events, or all.",
        "HISTOGRAM [<command> ...]",
        "    How long the calls of these commands took, or of all.",
    )
