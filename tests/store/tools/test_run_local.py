"""The local supervisor: what it plans, how it says that a port is taken, and that it ends what it started."""

import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from store.log.history import History, history_path
from store.tools import run_local
from tests.kit.resp_client import RespClient
from tests.kit.servers import HOST, free_port


def test_plan_gives_each_node_its_own_port_directory_and_metrics_port() -> None:
    primary, replica = run_local.plan(7000, 1, Path("/data"))
    assert primary == run_local.Node("primary", 7000, Path("/data/primary"), ())
    assert (replica.name, replica.port, replica.directory) == ("replica-1", 7001, Path("/data/replica-1"))
    assert replica.options == ("--replicaof", "127.0.0.1", "7000")
    assert (primary.metrics_port, replica.metrics_port) == (9121, 9122)
    assert replica.command()[8:10] == ["--metrics-port", "9122"]
    assert replica.command()[1:8] == ["-u", "-m", "store", "--port", "7001", "--dir", "/data/replica-1"]


def histories(data: Path, *chains: tuple[str, bool]) -> list[run_local.Node]:
    """A plan over directories with such histories: the ids, a letter each, oldest first, and whether another told the last."""
    nodes = run_local.plan(7000, len(chains) - 1, data)
    for node, (ids, told) in zip(nodes, chains, strict=True):
        if ids:
            node.directory.mkdir(parents=True)
            chain = [(letter * 40, number) for number, letter in enumerate(ids)]
            History(history_path(str(node.directory)), chain, "boot", told=told).save()
    return nodes


@pytest.mark.parametrize(
    ("chains", "leader"),
    [
        ([("", False), ("", False)], "primary"),  # the first start
        ([("a", False), ("a", True)], "primary"),
        ([("a", False), ("ab", False)], "replica-1"),  # promoted, the old one did not come back
        ([("ab", True), ("ab", False)], "replica-1"),  # promoted, the old one follows
        ([("abc", False), ("ab", False)], "primary"),  # and the other way round
        ([("a", False), ("a", True), ("ab", False)], "replica-2"),
        ([("ac", False), ("ab", False)], "primary"),  # nobody goes on from the other
        ([("a", True), ("a", True)], "primary"),
    ],
)
def test_who_led_last_leads_again(chains: list[tuple[str, bool]], leader: str, tmp_path: Path) -> None:
    nodes = run_local.as_they_were_left(histories(tmp_path, *chains))
    assert [node.name for node in nodes if node.is_primary] == [nodes[0].name] == [leader]
    assert len({node.port for node in nodes}) == len(chains)
    assert all(node.options[2] == str(nodes[0].port) for node in nodes[1:])


def test_a_damaged_history_is_left_to_its_node(tmp_path: Path) -> None:
    nodes = histories(tmp_path, ("a", False), ("ab", False))
    Path(history_path(str(nodes[1].directory))).write_bytes(b"no history")
    assert run_local.as_they_were_left(nodes)[0].name == "primary"


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


PONG = 'self.wfile.write(b"+PONG\\r\\n")'
DOOMED_SERVER = "import os, threading\n" + FAKE_SERVER.replace(PONG, f"{PONG}; threading.Timer(0.2, os._exit, [3]).start()")
assert DOOMED_SERVER.count("os._exit") == 1
DYING = """
import asyncio, sys
from pathlib import Path
from store.tools import run_local
class Node(run_local.Node):
    def command(self):
        return [sys.executable, "-c", sys.argv[2], str(self.port)]
class Doomed(run_local.Node):
    def command(self):
        return [sys.executable, "-c", sys.argv[4], str(self.port)]
ports, data = [int(port) for port in sys.argv[1].split(",")], Path(sys.argv[3])
follows = ("--replicaof", "127.0.0.1", str(ports[0]))
nodes = [Node("primary", ports[0], data / "a"), Doomed("replica-1", ports[1], data / "b", follows)]
sys.exit(asyncio.run(run_local.Supervisor(nodes).run()))
"""


def test_a_server_that_ends_by_itself_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    ports = [free_port(), free_port()]
    command = [sys.executable, "-c", DYING, ",".join(map(str, ports)), FAKE_SERVER, str(tmp_path), DOOMED_SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        lines = []
        while "to have replica-1 again" not in (line := driver.stdout.readline()):
            assert line, f"ended early: {lines}"
            lines.append(line)
        said = "".join(lines)
        assert run_local.taken(ports[0])
        driver.send_signal(signal.SIGINT)
        rest = driver.stdout.read()
    assert driver.returncode == 1
    assert "replica-1 | ended: status 3\nprimary goes on; Ctrl-C ends everything\n" in said
    assert "bye" not in said
    assert "primary   | bye" in rest
    assert "\x1b" not in said  # no terminal, no colours


def test_when_the_last_server_ends_by_itself_so_does_the_supervisor(tmp_path: Path) -> None:
    command = [sys.executable, "-c", DRIVER, str(free_port()), DOOMED_SERVER, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 1
    assert done.stdout.endswith("primary   | ended: status 3\nno server is left\n")


def test_advice_is_what_a_failover_by_hand_takes() -> None:
    primary, first, second = run_local.plan(7000, 2, Path("/data"))
    lines = run_local.advice(primary, [first, second])
    assert lines[0] == "replica-1, replica-2 go on; Ctrl-C ends everything"
    assert lines[1] == "  to make replica-1 the primary:  redis-cli -p 7001 REPLICAOF NO ONE"
    assert lines[2].endswith("-m store --port 7000 --dir /data/primary --metrics-port 9121 --replicaof 127.0.0.1 7001")
    assert run_local.advice(second, [first])[1].endswith("--metrics-port 9123 --replicaof 127.0.0.1 7000")
    assert run_local.advice(primary, []) == []
    assert run_local.outcome(-9) == "killed by SIGKILL"


def test_colours_a_node_and_warnings_loud() -> None:
    look = run_local.Look(["primary", "replica-1"], colourful=True)
    quiet = look.line("primary", "1:M 1 Jan 2026 00:00:00.000 * fine")
    loud = look.line("replica-1", "1:S 1 Jan 2026 00:00:00.000 # bad")
    assert quiet == "\x1b[32mprimary   |\x1b[0m 1:M 1 Jan 2026 00:00:00.000 * fine"
    assert loud == "\x1b[36mreplica-1 |\x1b[0m \x1b[1;31m1:S 1 Jan 2026 00:00:00.000 # bad\x1b[0m"
    assert run_local.Look(["primary"], colourful=False).line("primary", "x") == "primary   | x"


def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert run_local.wants_colours()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not run_local.wants_colours()


def test_a_primary_and_a_replica_for_real(tmp_path: Path) -> None:
    """Both serve, the replica follows, metrics answer, and one signal ends everything."""
    first, metrics = neighbours(), neighbours()
    arguments = ["--port", str(first), "--metrics-port", str(metrics), "--data", str(tmp_path)]
    command = [sys.executable, "-u", "-m", "store.tools.run_local", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        said = ready(driver)
        assert driver.stdout is not None
        for number, name in enumerate(("primary", "replica-1")):
            assert f"{name:<10} redis-cli -p {first + number}" in said
            assert f"http://127.0.0.1:{metrics + number}/metrics" in said
            with urllib.request.urlopen(f"http://127.0.0.1:{metrics + number}/healthz", timeout=10) as answer:
                assert answer.read() == b"alive\n"
        driver.send_signal(signal.SIGINT)
        rest = driver.stdout.read()
    assert driver.returncode == 0, rest
    assert rest.index("replica-1 |") < rest.rindex("primary   |")
    assert not run_local.taken(first)


def test_what_was_written_after_a_failover_is_there_at_the_next_start(tmp_path: Path) -> None:
    """The promoted node leads again, and the old primary, which did not come back meanwhile, takes over what it lacks."""
    first, metrics = neighbours(), neighbours()
    arguments = ["--port", str(first), "--metrics-port", str(metrics), "--data", str(tmp_path)]
    command = [sys.executable, "-u", "-m", "store.tools.run_local", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        ready(driver)
        with RespClient(HOST, first) as primary, RespClient(HOST, first + 1) as replica:
            primary.command("SET", "before", 1)
            assert primary.command("WAIT", 1, 20_000) == 1
            primary.send("SHUTDOWN")
            assert str(replica.command("REPLICAOF", "NO", "ONE")) == "OK"
            assert str(replica.command("SET", "after", 2)) == "OK"
        driver.send_signal(signal.SIGINT)
        assert driver.stdout is not None
        driver.stdout.read()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        assert "replica-1 was the primary at the end of the last run" in ready(driver)
        with RespClient(HOST, first) as old, RespClient(HOST, first + 1) as promoted:
            assert str(promoted.command("SET", "again", 3)) == "OK"
            assert promoted.command("WAIT", 1, 20_000) == 1
            assert [old.command("GET", key) for key in ("before", "after", "again")] == [b"1", b"2", b"3"]
        driver.send_signal(signal.SIGINT)
        assert driver.stdout is not None
        driver.stdout.read()
    assert driver.returncode == 0


def ready(driver: "subprocess.Popen[str]") -> str:
    """Read what a supervisor says until its servers run; return that."""
    assert driver.stdout is not None
    lines = []
    while "Ctrl-C" not in (line := driver.stdout.readline()):
        assert line, f"ended early: {lines}"
        lines.append(line)
    return "".join(lines)


def neighbours() -> int:
    """A port that is free together with the one after it."""
    while True:
        port = free_port()
        if not run_local.taken(port + 1):
            return port
