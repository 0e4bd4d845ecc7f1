"""The local supervisor: what it plans, how it says that a port is taken, and that it ends what it started."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from store.tools import run_local


def test_plan_gives_each_node_its_own_port_directory_and_metrics_port() -> None:
    primary, replica = run_local.plan(7000, 1, Path("/data"))
    assert primary == run_local.Node("primary", 7000, Path("/data/primary"), ())
    assert (replica.name, replica.port, replica.directory) == ("replica-1", 7001, Path("/data/replica-1"))
    assert replica.options == ("--replicaof", "127.0.0.1", "7000", "--metrics-port", "9122")
    assert replica.command()[1:8] == ["-u", "-m", "store", "--port", "7001", "--dir", "/data/replica-1"]


def test_a_taken_port_is_said_and_nothing_is_started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert run_local.main(["--port", str(port), "--data", str(tmp_path / "data")]) == 1
    assert capsys.readouterr().out.startswith(f"port {port} of 127.0.0.1 (primary) is taken")
    assert not (tmp_path / "data").exists()


FAKE_SERVER = """
import signal, socketserver, sys
def stop(*_):
    print("bye", flush=True)
    raise SystemExit(0)
signal.signal(signal.SIGTERM, stop)
class Pong(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.readline()
        self.wfile.write(b"+PONG\\r\\n")
socketserver.TCPServer.allow_reuse_address = True
socketserver.TCPServer(("127.0.0.1", int(sys.argv[1])), Pong).serve_forever()
"""

DRIVER = """
import asyncio, sys
from pathlib import Path
from store.tools import run_local
class Node(run_local.Node):
    def command(self):
        return [sys.executable, "-c", sys.argv[2], str(self.port)]
nodes = [Node("primary", int(sys.argv[1]), Path(sys.argv[3]))]
sys.exit(asyncio.run(run_local.Supervisor(nodes).run()))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_servers_and_then_the_supervisor(number: signal.Signals, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", DRIVER, str(port), FAKE_SERVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        lines = []
        while "Ctrl-C" not in (line := driver.stdout.readline()):
            assert line, f"ended early: {lines}"
            lines.append(line)
        driver.send_signal(number)
        rest = driver.stdout.read()
    assert driver.returncode == 0
    assert "stopping" in rest
    assert "primary   | bye" in rest
    assert not run_local.taken(port)
