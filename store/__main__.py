"""chronis-server: read the configuration, put the node together and run it (`python -m store`, or the installed command)."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

import store.commands  # noqa: F401 - fills the command table
from store import __version__
from store.config.command_line import parse
from store.config.settings import Settings
from store.errors import ConfigError, CorruptFile, LogFailed
from store.log.reader import OffsetNotInLog
from store.logfile import notice, set_up, warn
from store.node import Node


def main() -> None:
    """Run a server until it is told to stop; exit status 0, or 1 with one line that says why it could not start."""
    settings = parse(sys.argv[1:])
    try:
        set_up(settings)
    except OSError as error:
        sys.exit(f"Can't open the log file: {error}")
    if settings.daemonize:
        daemonize()
    notice(f"Chronis {__version__} starting, PID: {os.getpid()}, port {settings.port}, data in {settings.dir}")
    for name in settings.without_effect():
        notice(f"option {name} is accepted but has no effect here")
    runner = asyncio.Runner(loop_factory=loop_factory())
    with runner:
        raise SystemExit(runner.run(serve(settings)))


async def serve(settings: Settings) -> int:
    """Run one node; return its exit status."""
    node = Node(settings)
    try:
        await node.start()
    except (ConfigError, CorruptFile, LogFailed, OffsetNotInLog, OSError) as error:
        warn(f"Can't start: {error}")
        print(f"chronis-server: {error}", file=sys.stderr)
        return 1
    await node.stopped.wait()
    return node.exit_status


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The event loop's class: uvloop's where it is installed, else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def daemonize() -> None:
    """Go into the background as redis-server does: fork, new session, standard streams to /dev/null."""
    if os.fork():
        os._exit(0)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)


if __name__ == "__main__":
    main()
