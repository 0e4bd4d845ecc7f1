"""Run one unit of the suite against a fresh server, or let the suite start servers itself.

Law: every unit starts from an empty server, ends within its time limit, and leaves no process behind.
"""

import contextlib
import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.results import UNFINISHED, Outcome, parse
from tests.conformance.suite import tree
from tests.kit.servers import HOST, Server

# What the suite needs of an external server; the same Redis's own CI gives it.
EXTERNAL = (
    *("--save", ""),
    *("--enable-debug-command", "yes"),
    *("--enable-protected-configs", "yes"),
    *("--enable-module-command", "yes"),
)
PORT_TAKEN = "couldn't open socket: address already in use"
FLAGS = ("--tags", "-slow", "--clients", "1", "--durable", "--ignore-encoding", "--no-latency")


@dataclass(frozen=True)
class Plan:
    """How to run units: the suite's directory, the server's command line, where output goes, and limits in seconds."""

    suite: Path
    server: list[str]
    output: Path
    own_servers: bool = False
    only: tuple[str, ...] = ()
    skip: tuple[tuple[str, str], ...] = ()  # units and tests of theirs that are left out
    stall_seconds: int = 90
    unit_seconds: int = 900


def run_unit(plan: Plan, unit: str) -> Outcome:
    """Run one unit and return its outcome; the raw output goes to `UNIT.log` in the plan's output directory."""
    where = tree(plan.suite, plan.output / unit.replace("/", "-"), plan.server)
    started = time.monotonic()
    if plan.own_servers:
        outcome = parse_run(plan, unit, run_suite(plan, unit, where, (), None))
    else:
        outcome = run_against_server(plan, unit, where)
    outcome.seconds = time.monotonic() - started
    return outcome


def run_against_server(plan: Plan, unit: str, where: Path) -> Outcome:
    """Start the server under test, run the unit against it, and see that it is still alive at the end."""
    directory = where / "server"
    directory.mkdir()
    server = Server(plan.server, directory, EXTERNAL)
    server.start()
    try:
        address = ("--host", HOST, "--port", str(server.port))
        outcome = parse_run(plan, unit, run_suite(plan, unit, where, address, server))
        if not server.running and (process := server.process) is not None:
            outcome.died(f"exit code {process.returncode}; output: {server.log}\n{server.output()[-1500:]}")
    finally:
        server.kill()
    return outcome


def parse_run(plan: Plan, unit: str, output: str) -> Outcome:
    """Keep the raw output and read it; a unit cut off by the time limit is a failure too."""
    plan.output.mkdir(parents=True, exist_ok=True)
    (plan.output / (unit.replace("/", "-") + ".log")).write_text(output, errors="replace")
    outcome = parse(unit, output)
    if not outcome.finished and not outcome.failed:
        outcome.fail(UNFINISHED, output[-1000:])
    return outcome


def command_line(plan: Plan, unit: str, more: tuple[str, ...]) -> list[str]:
    """Return the command that runs the suite's own runner for one unit."""
    # Below the range the kernel takes client ports from, with port + 10000, which the suite uses too.
    ports = ("--baseport", str(random.randrange(11040, 22000, 40)), "--portcount", "400")
    only = [word for name in plan.only for word in ("--only", name)]
    skip = [word for owner, name in plan.skip if owner == unit for word in ("--skiptest", name)]
    return ["./runtest", "--single", unit, *FLAGS, "--timeout", str(plan.stall_seconds), *ports, *more, *only, *skip]


def run_suite(plan: Plan, unit: str, where: Path, more: tuple[str, ...], server: Server | None) -> str:
    """Run one unit and return the output; begin again if another program took the port the suite had chosen."""
    for _ in range(5):
        output = run_once(plan, unit, where, more, server)
        if PORT_TAKEN not in output or "Testing " in output:
            break
    return output


def run_once(plan: Plan, unit: str, where: Path, more: tuple[str, ...], server: Server | None) -> str:
    """Run one unit and return the output; end all it started at the time limit or when server has died."""
    environment = {**os.environ, "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    output = where / "runtest.out"
    with (
        output.open("wb") as file,
        subprocess.Popen(
            command_line(plan, unit, more),
            cwd=where,
            env=environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
        ) as suite,
    ):
        try:
            wait(suite, plan.unit_seconds, server)
        except TimeoutError:
            # Written where the parser looks for what ended the suite.
            file.write(f"\n[exception]: the unit took longer than {plan.unit_seconds} s\n".encode())
        finally:
            # The group holds the suite's client and, with its own servers, those it could not end.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(suite.pid, signal.SIGKILL)
    return output.read_text(errors="replace")


def wait(suite: subprocess.Popen[bytes], seconds: float, server: Server | None) -> None:
    """Wait until the suite or the server has ended; raise TimeoutError after seconds."""
    deadline = time.monotonic() + seconds
    while suite.poll() is None and (server is None or server.running):
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)
