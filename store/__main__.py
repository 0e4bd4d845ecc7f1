"""chronis-server: read the configuration, put the node together and run it (`python -m store`, or the installed command)."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack

import replication.chronis_commands  # noqa: F401 - adds commands to the table
import store.commands  # noqa: F401 - fills the command table
from metrics.endpoint import Endpoint
from replication.roles import Replication
from store.config.command_line import parse
from store.config.settings import Settings
from store.errors import ConfigError, CorruptFile, LogFailed
from store.log.reader import OffsetNotInLog
from store.logfile import notice, set_up, warn
from store.node import Node
from store.notify import ServiceManager


def main() -> None:
    """Run a server until it is told to stop; exit status 0, or 1 with one line that says why it could not start."""
    settings = parse(sys.argv[1:])
    try:
        set_up(settings)
    except OSError as error:
        sys.exit(f"Can't open the log file: {error}")
    if settings.daemonize:
        daemonize()
    for name in settings.without_effect():
        notice(f"option {name} is accepted but has no effect here")
    runner = asyncio.Runner(loop_factory=loop_factory())
    with runner:
        raise SystemExit(runner.run(serve(settings)))


async def serve(settings: Settings) -> int:
    """Run one node; return its exit status."""
    node = Node(settings)
    node.on_prepared.append(lambda: node.on_recovered.append(Replication(node).start))
    async with AsyncExitStack() as opened:
        await serve_metrics(node, opened)  # before the data is loaded: probes and scrapes see it loading
        try:
            await node.start()
        except (ConfigError, CorruptFile, LogFailed, OffsetNotInLog, OSError) as error:
            warn(f"Can't start: {error}")
            print(f"chronis-server: {error}", file=sys.stderr)
            return 1
        if not node.stopping:
            supervise(node, ServiceManager())
        await node.stopped.wait()
    return node.exit_status


async def serve_metrics(node: Node, opened: AsyncExitStack) -> None:
    """Open the Prometheus endpoint if one is configured; a port that is taken is worth a warning, not the database."""
    settings = node.settings
    if not settings.metrics_port:
        return
    endpoint = Endpoint(node)
    try:
        await endpoint.start(settings.metrics_bind, settings.metrics_port)
    except ConfigError as error:
        warn(f"metrics are not served: {error}")
        return
    opened.push_async_callback(endpoint.close)
    notice(f"metrics on http://{settings.metrics_bind}:{endpoint.port}/metrics")


def supervise(node: Node, manager: ServiceManager) -> None:
    """Tell the service manager how the node is, and reopen the log file when asked to by SIGHUP (log rotation)."""
    assert node.timers is not None
    status = f"Ready to accept connections on port {node.settings.port}"

    def reload() -> None:
        manager.reloading()
        try:
            set_up(node.settings)
        except OSError as error:
            warn(f"Can't open the log file anew: {error}")
        manager.ready(status)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
    node.timers.every_second.append(manager.pulse())
    node.on_stop.append(manager.stopping)
    manager.ready(status)


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
