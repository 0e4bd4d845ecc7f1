"""Run Chronis on this machine with one command: a primary, replicas if asked, prefixed output, one Ctrl-C.

Law: every process started here has ended when this one ends, replicas before their primary, and the
supervisor's exit code is 0 only if each of them ended cleanly. A node that ends by itself takes no other with it: who kills
the primary wants to see what the replica does.
"""

import argparse
import asyncio
import contextlib
import os
import re
import shlex
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

from store.errors import CorruptLog
from store.log.history import History, load

HOST = "127.0.0.1"
METRICS_PORT = 9121
STOP_SECONDS = 15.0
READY_SECONDS = 60.0
COLOURS = ("\x1b[32m", "\x1b[36m", "\x1b[35m", "\x1b[34m", "\x1b[33m")
LOUD, PLAIN = "\x1b[1;31m", "\x1b[0m"
WARNING = re.compile(r"\d+:[A-Z] .* # |chronis-server: |Traceback ")
"""A log line of level warning, or what a server says when it can't start."""


@dataclass(frozen=True)
class Node:
    """One server to run: its name in the output, TCP port, data directory and further server options."""

    name: str
    port: int
    directory: Path
    options: tuple[str, ...] = ()
    metrics_port: int = METRICS_PORT

    @property
    def is_primary(self) -> bool:
        """Tell whether the node starts as a primary."""
        return "--replicaof" not in self.options

    def command(self) -> list[str]:
        """Return the command line that starts this node."""
        base = [sys.executable, "-u", "-m", "store", "--port", str(self.port), "--dir", str(self.directory)]
        return [*base, "--metrics-port", str(self.metrics_port), *self.options]


def plan(port: int, replicas: int, data: Path, metrics_port: int = METRICS_PORT) -> list[Node]:
    """Lay out a primary on port and its replicas on the ports after it, each with its own directory below data."""
    nodes = [Node("primary", port, data / "primary", (), metrics_port)]
    for number in range(1, replicas + 1):
        name, options = f"replica-{number}", ("--replicaof", HOST, str(port))
        nodes.append(Node(name, port + number, data / name, options, metrics_port + number))
    return nodes


def as_they_were_left(nodes: list[Node]) -> list[Node]:
    """Let the node lead that led last, by what lies in the data directories: after a failover by hand it is not the one planned.

    A node that follows knows its history's id from another. Of several that do not, it is the one whose history goes on from those
    of the others; where there is none the planned primary leads, and says itself what parts from it.
    """
    histories = {node: found for node in nodes if (found := known(node)) is not None and not found.told}
    for leader, history in histories.items():
        ids = {history_id for history_id, _ in history.chain}
        if all(other.current in ids for other in histories.values()):
            following = ("--replicaof", HOST, str(leader.port))
            return [replace(leader, options=()), *(replace(node, options=following) for node in nodes if node is not leader)]
    return nodes


def known(node: Node) -> History | None:
    """The history in a node's directory; None if there is none, or it is damaged, as the node will say."""
    with contextlib.suppress(CorruptLog):
        return load(str(node.directory))
    return None


def taken(port: int) -> bool:
    """Tell whether something listens on port of this machine already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


async def answers(port: int, process: asyncio.subprocess.Process) -> bool:
    """Wait until the server on port answers PING (-LOADING is not yet); False if it ended or READY_SECONDS passed."""
    deadline = asyncio.get_running_loop().time() + READY_SECONDS
    while process.returncode is None and asyncio.get_running_loop().time() < deadline:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(b"PING\r\n")
            reply = await reader.readline()
            writer.close()
            if reply and not reply.startswith(b"-LOADING"):
                return True
        await asyncio.sleep(0.1)
    return False


class Look:
    """How lines of the nodes look: a colour a node, warnings bright; no colours where colourful is False."""

    def __init__(self, names: Sequence[str], colourful: bool) -> None:
        self._colours = dict(zip(names, cycle(COLOURS), strict=False)) if colourful else {}

    def line(self, name: str, text: str) -> str:
        """A line of output with its node's name before it."""
        if name not in self._colours:
            return f"{name:<10}| {text}"
        warning = LOUD if WARNING.match(text) else ""
        return f"{self._colours[name]}{name:<10}|{PLAIN} {warning}{text}{PLAIN if warning else ''}"


async def relay(name: str, process: asyncio.subprocess.Process, look: Look) -> None:
    """Copy the process's output to ours, each line with the node's name before it."""
    assert process.stdout is not None
    while line := await process.stdout.readline():
        print(look.line(name, line.decode(errors="replace").rstrip()), flush=True)


def wants_colours() -> bool:
    """Tell whether our output is a terminal whose user did not decline colours (NO_COLOR, no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


class Supervisor:
    """The running nodes, in start order. Invariant: a process in `processes` was started by us."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.processes: list[asyncio.subprocess.Process] = []
        self.relays: list[asyncio.Task[None]] = []
        self.stopping = asyncio.Event()
        self.look = Look([node.name for node in nodes], wants_colours())

    async def start(self, node: Node) -> bool:
        """Start node and wait until it serves; False if it does not."""
        node.directory.mkdir(parents=True, exist_ok=True)
        # A session of its own: the terminal's Ctrl-C reaches us alone, and we decide the order of stopping.
        process = await asyncio.create_subprocess_exec(
            *node.command(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self.processes.append(process)
        self.relays.append(asyncio.create_task(relay(node.name, process, self.look)))
        ready = asyncio.create_task(answers(node.port, process))
        stop = asyncio.create_task(self.stopping.wait())
        await asyncio.wait((ready, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not ready.done():
            ready.cancel()
            return False
        if not ready.result():
            ended = f"ended with status {process.returncode}" if process.returncode is not None else "does not answer"
            print(f"{node.name} did not start ({ended}); its last lines are above", flush=True)
        return ready.result()

    async def stop(self) -> int:
        """End all nodes, last started first; return 0 if each ended cleanly, else 1."""
        failed = False
        for node, process in reversed(list(zip(self.nodes, self.processes, strict=False))):
            if process.returncode is None:
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                print(f"{node.name} did not stop within {STOP_SECONDS:.0f} s: killing it", flush=True)
                process.kill()
                await process.wait()
            failed = failed or process.returncode != 0
        await asyncio.gather(*self.relays)
        return int(failed)

    async def run(self) -> int:
        """Start every node, say how to connect, wait for a signal or until no node is left, then stop all."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.stopping.set)
        for node in self.nodes:
            if not await self.start(node):
                stopped = await self.stop()
                return stopped if self.stopping.is_set() else 1
        welcome(self.nodes)
        await self._watch()
        print("stopping" if self.stopping.is_set() else "no server is left", flush=True)
        return await self.stop()

    async def _watch(self) -> None:
        """Wait for a signal or until no node is left; say of each that ends by itself how it ended."""
        stop = asyncio.create_task(self.stopping.wait())
        running = {asyncio.create_task(process.wait()): node for node, process in zip(self.nodes, self.processes, strict=True)}
        while running and not stop.done():
            await asyncio.wait((stop, *running), return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in running if task.done()]:
                node = running.pop(task)
                print(self.look.line(node.name, f"ended: {outcome(task.result())}"), flush=True)
                for line in advice(node, list(running.values())):
                    print(line, flush=True)
        for watcher in (stop, *running):
            watcher.cancel()


def outcome(status: int) -> str:
    """Say how a process ended."""
    return f"status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"


def advice(ended: Node, left: Sequence[Node]) -> list[str]:
    """What can be done when a node has ended and others are left."""
    if not left:
        return []
    names, verb = ", ".join(node.name for node in left), "goes" if len(left) == 1 else "go"
    lines, command = [f"{names} {verb} on; Ctrl-C ends everything"], ended.command()
    if ended.is_primary:
        lines.append(f"  to make {left[0].name} the primary:  redis-cli -p {left[0].port} REPLICAOF NO ONE")
        command += ["--replicaof", HOST, str(left[0].port)]
    return [*lines, f"  to have {ended.name} again, in a terminal of its own:  {shlex.join(command)}"]


def welcome(nodes: list[Node]) -> None:
    """Print how to talk to the running nodes."""
    print("\nChronis is running:", flush=True)
    for node in nodes:
        metrics = f"http://{HOST}:{node.metrics_port}/metrics"
        print(f"  {node.name:<10} redis-cli -p {node.port:<6} {metrics}   data in {node.directory}", flush=True)
    print("Ctrl-C stops it; what it holds is there again at the next start.\n", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run the supervisor; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m store.tools.run_local", description="Run Chronis on this machine.")
    parser.add_argument("--port", type=int, default=6379, help="port of the primary (default 6379)")
    parser.add_argument("--replicas", type=int, default=1, help="replicas beside it, on the ports after its own (default 1)")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where the data goes (default ./data)")
    parser.add_argument("--metrics-port", type=int, default=METRICS_PORT, help="of the primary, replicas after it (default 9121)")
    options = parser.parse_args(argv)
    nodes = plan(options.port, options.replicas, options.data.absolute(), options.metrics_port)
    for node in nodes:
        if taken(node.port):
            print(f"port {node.port} of {HOST} ({node.name}) is taken: stop what uses it, or: make run PORT=6400")
            return 1
        if taken(node.metrics_port):
            other = f"make run ARGS='--metrics-port {METRICS_PORT + 100}'"
            print(f"port {node.metrics_port} of {HOST} (metrics of {node.name}) is taken: stop what uses it, or: {other}")
            return 1
    left = as_they_were_left(nodes)
    if left[0].name != nodes[0].name:
        print(f"{left[0].name} was the primary at the end of the last run: it is again, the others are its replicas", flush=True)
    return asyncio.run(Supervisor(left).run())


if __name__ == "__main__":
    sys.exit(main())
