"""Start real servers for a test: redis-server, the oracle, or Chronis, each on a free port in its own directory.

Law: a server started here has ended when its context ends, and it must have ended cleanly (exit code 0)
unless the test killed it; whatever it wrote is shown when it did not.
"""

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.resp_client import Reply, RespClient

HOST = "127.0.0.1"
START_SECONDS = 30.0
STOP_SECONDS = 20.0

REDIS_SERVER = shutil.which("redis-server")
requires_redis = pytest.mark.skipif(REDIS_SERVER is None, reason="redis-server is not installed")


def free_port() -> int:
    """Return a TCP port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """One server process. It may be stopped or killed and started again on the same port and directory."""

    def __init__(self, command: list[str], directory: Path, options: tuple[str, ...]) -> None:
        self.directory = directory
        self.port = free_port()
        self.log = directory / "server.out"
        self.command = [*command, "--port", str(self.port), "--dir", str(directory), *options]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        assert self.process is not None
        return self.process.pid

    @property
    def running(self) -> bool:
        """Tell whether the process was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def output(self) -> str:
        """Return everything the server wrote to its standard output and error so far, over all its starts."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def start(self, *more_options: str, ready: bool = True, seconds: float = START_SECONDS) -> "Server":
        """Start the process (more_options for this start only); with ready, wait until it serves commands."""
        assert not self.running, "already running"
        with self.log.open("ab") as log:
            command = [*self.command, *more_options]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        if ready:
            self.wait_ready(seconds)
        return self

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until PING is answered by something else than -LOADING; fail with the server's output otherwise."""
        deadline = time.monotonic() + seconds
        while self.running and time.monotonic() < deadline:
            with contextlib.suppress(OSError, EOFError), self.client() as client:
                if not str(client.command("PING")).startswith("LOADING"):
                    return
            time.sleep(0.02)
        state = "still not ready" if self.running else f"ended with {self.process.returncode if self.process else None}"
        self.kill()
        pytest.fail(f"{' '.join(self.command)}: {state}\n{self.output()[-4000:]}", pytrace=False)

    def client(self, resp: int = 2) -> RespClient:
        """Connect to the server, speaking RESP 2 or 3."""
        return RespClient(HOST, self.port, resp=resp)

    def command_reply(self, *args: object) -> Reply:
        """Run one command on a connection of its own and return the typed reply."""
        with self.client() as client:
            return client.command(*args)

    def kill(self) -> None:
        """End the process as a power button would (SIGKILL) and wait for its end."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.wait()
            self.process = None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the process by a signal, wait for it, and fail unless its exit code is 0."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            pytest.fail(f"did not stop within {STOP_SECONDS} s\n{self.output()[-4000:]}", pytrace=False)
        if code != 0:
            pytest.fail(f"exit code {code}\n{self.output()[-4000:]}", pytrace=False)


@contextlib.contextmanager
def running(command: list[str], *options: str, directory: Path | None = None) -> Iterator[Server]:
    """Run command with --port, --dir and options for the time of the context, in directory or a temporary one."""
    with contextlib.ExitStack() as cleanup:
        if directory is None:
            directory = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="chronis-test-")))
        server = Server(command, directory, options)
        try:
            yield server.start()
        except BaseException:
            print(f"output of {command[0]}:\n{server.output()[-4000:]}")
            server.kill()
            raise
        server.stop()


def redis_server(*options: str, directory: Path | None = None) -> contextlib.AbstractContextManager[Server]:
    """Run redis-server, without saving to disk unless options say otherwise; skip the test if it is not installed."""
    if REDIS_SERVER is None:
        pytest.skip("redis-server is not installed")
    return running([REDIS_SERVER], "--save", "", "--enable-debug-command", "yes", *options, directory=directory)


def chronis_server(*options: str, directory: Path | None = None) -> contextlib.AbstractContextManager[Server]:
    """Run Chronis as `python -m store`, with its default options unless options say otherwise."""
    command = [sys.executable, "-m", "store"]
    return running(command, "--metrics-port", "0", "--enable-debug-command", "yes", *options, directory=directory)
