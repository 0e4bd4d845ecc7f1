"""LATENCY DOCTOR: what the collected spikes say, and what may be done about them, for people to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.config.settings import Settings
    from store.observe.latency import Latency, Series

_SLOW_COMMANDS = "Look at SLOWLOG: it names the commands that take long, with their arguments."
_BIG_VALUES = (
    "A single command on a very large value (DEL aside, which frees in slices) holds up all others: "
    "split such values into smaller ones."
)
_CPU = (
    "Even commands that do little take long, so the process does not get the processor when it needs it: "
    "lower the load of the machine, or give the server one of its own."
)
_DISK = "The disk answers slowly: use a local SSD, and find out which other processes write to it."
_EXPIRY = "Many keys expire at the same moment: spread their deadlines by adding a random part."
_EVICTION = "Eviction has to free much at once: raise maxmemory, or write large values in smaller pieces."

ADVICE: dict[bytes, tuple[str, ...]] = {
    b"command": (_SLOW_COMMANDS, _BIG_VALUES),
    b"fast-command": (_CPU,),
    b"aof-write": (_DISK,),
    b"expire-cycle": (_EXPIRY,),
    b"eviction-cycle": (_EVICTION,),
}
"""What helps against spikes of each event."""


def report(latency: Latency, settings: Settings, now: int) -> str:
    """Tell what there is to tell at now (unix seconds)."""
    if not latency.series:
        if not settings.latency_monitor_threshold:
            return (
                "Latency monitoring is off. Switch it on with CONFIG SET latency-monitor-threshold <milliseconds> "
                "and ask again after a while.\n"
            )
        return "No latency spike has been observed so far.\n"
    lines = ["Latency spikes have been observed:", ""]
    lines += [
        f"{place}. {_summary(name, series, now)}" for place, (name, series) in enumerate(latency.series.items(), 1)
    ]
    advice = dict.fromkeys(line for name in latency.series for line in _advice(name, settings))
    lines += ["", "What may help:", "", *(f"- {line}" for line in advice)] if advice else []
    return "\n".join(lines) + "\n"


def _summary(name: bytes, series: Series, now: int) -> str:
    values = [ms for _, ms in series.samples]
    average = sum(values) // len(values)
    deviation = sum(abs(average - value) for value in values) // len(values)
    period = max(1, now - series.samples[0][0]) / len(values)
    return (
        f"{name.decode()}: {len(values)} latency spikes (average {average}ms, mean deviation {deviation}ms, "
        f"period {period:.2f} sec). Worst all time event {series.largest}ms."
    )


def _advice(name: bytes, settings: Settings) -> tuple[str, ...]:
    advice = ADVICE.get(name, ())
    if name == b"command":
        limit = settings.latency_monitor_threshold * 1000
        if settings.slowlog_log_slower_than < 0 or settings.slowlog_log_slower_than > limit > 0:
            advice = (f"Let SLOWLOG see these commands: CONFIG SET slowlog-log-slower-than {limit}.", *advice)
    return advice
