"""The servers that are compared, and where they were: command lines, versions, the machine, the commit."""

import contextlib
import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.kit.servers import Server, free_port, running

REDIS = "redis-server --appendonly yes --appendfsync everysec --save ''"
CHRONIS = f"{sys.executable} -m store --appendonly yes"  # which is the default
FAKEREDIS = f"{sys.executable} -m tests.bench.fakeredis_server"


@dataclass(frozen=True)
class Side:
    """One of the servers: what it is called, and its command line."""

    name: str
    line: str

    @property
    def command(self) -> list[str]:
        """Return the command; Chronis gets a free port for its metrics, which are on as they are by default."""
        words = shlex.split(self.line)
        metrics = ["--metrics-port", str(free_port())] if self.line.startswith(CHRONIS) else []
        return [*words, *([] if "--metrics-port" in words else metrics)]

    def missing(self) -> str:
        """Return what has to be installed first, or nothing."""
        program = shlex.split(self.line)[0]
        return "" if shutil.which(program) else program


@contextlib.contextmanager
def started(sides: list[Side], *options: str) -> Iterator[list[Server]]:
    """Run all sides, each with more options, for the time of the context."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(running(side.command, *options)) for side in sides]


def fakeredis_there() -> bool:
    """Tell whether fakeredis is installed."""
    return importlib.util.find_spec("fakeredis") is not None


def versions(server: Server) -> dict[str, str]:
    """Return what a server says of its version and build (nothing, if it has no INFO)."""
    info = server.command_reply("INFO", "server")
    text = (info if isinstance(info, bytes) else getattr(info, "text", b"")).decode()
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {name: value for name, value in fields.items() if name == "redis_version" or name.startswith("chronis_")}


def machine() -> dict[str, object]:
    """Describe where the figures were measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release().split("-")[0],
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def commit() -> str:
    """Return the commit measured, short, with a + if files were changed since; `unknown` outside a repository."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude", "*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def about(part: str, sides: list[Side]) -> dict[str, object]:
    """Return what every result begins with: which part, when, where, of what."""
    return {
        "part": part,
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "commit": commit(),
        "machine": machine(),
        "servers": {side.name: side.line.replace(sys.executable, "python") for side in sides},
    }
