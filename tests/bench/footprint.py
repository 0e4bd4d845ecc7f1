"""The parts about size: memory a key, and how long a restart takes with how large a log (memory.py, restart.py)."""

import shlex
import tempfile
from pathlib import Path

from tests.bench import memory, restart
from tests.bench.report import Cells
from tests.bench.sides import Side
from tests.bench.throughput import progress

EVENTS = 2_000_000
DUMP_KEYS = 1_200_000  # about 100 MB


def memory_table(sides: list[Side], scale: float) -> tuple[list[str], Cells]:
    """Measure what a key (or member) of each data set takes on fresh servers; return header and cells."""
    first, second = sides
    header = ["data", "number", f"{first.name} bytes", f"{second.name} bytes", "ratio"]
    cells = []
    for name, (_, count) in memory.SETS.items():
        progress(f"memory: {name}")
        a, b = (memory.measure(shlex.join(side.command), name, scale) for side in sides)
        cells.append([name, f"{int(count * scale):,}", f"{a:.0f}", f"{b:.0f}", f"{b / a:.2f}" if a > 0 else "–"])
    progress("")
    return header, cells


def restart_table(sides: list[Side], scale: float) -> tuple[list[str], Cells]:
    """Measure replaying a log of single writes and loading an RDB file; return header and cells."""
    header = ["case", "server", "size", "seconds", "rate"]
    cells = []
    events, keys = int(EVENTS * scale), int(DUMP_KEYS * scale)
    for side in sides:
        progress(f"restart: {side.name} replays {events:,} events")
        empty, seconds, size = restart.replay(shlex.join(side.command), events)
        rate = events / max(seconds - empty, 0.001)
        cells.append([f"replay of {events:,} events", side.name, megabytes(size), f"{seconds:.2f}", f"{rate:,.0f}/s"])
    with tempfile.TemporaryDirectory(prefix="bench-restart-") as directory:
        dump = Path(directory) / "dump.rdb"
        progress("restart: the RDB file")
        restart.make_dump(dump, keys)
        size = dump.stat().st_size
        for side in sides:
            progress(f"restart: {side.name} loads {megabytes(size)}")
            # The log off: what is measured is the file alone.
            line = shlex.join(side.command).replace("--appendonly yes", "--appendonly no")
            seconds = restart.load(line, dump)
            cells.append(
                [
                    f"load of {keys:,} keys",
                    side.name,
                    megabytes(size),
                    f"{seconds:.2f}",
                    f"{megabytes(size / seconds)}/s",
                ]
            )
    progress("")
    return header, cells


def megabytes(size: float) -> str:
    """Return a size in bytes for reading."""
    return f"{size / 1e6:.1f} MB"
