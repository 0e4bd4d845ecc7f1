"""What the service manager is told."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from store.notify import ServiceManager
from tests.kit.servers import running


@pytest.fixture
def manager(tmp_path: Path) -> socket.socket:
    """A socket as systemd listens on it."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(tmp_path / "notify"))
    listening.settimeout(20)
    return listening


def test_messages(manager: socket.socket) -> None:
    service = ServiceManager({"NOTIFY_SOCKET": manager.getsockname()})
    service.ready("all is well")
    assert manager.recv(1000).decode() == f"READY=1\nSTATUS=all is well\nMAINPID={os.getpid()}"
    service.reloading()
    assert manager.recv(1000).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    service.alive()
    assert manager.recv(1000) == b"WATCHDOG=1"
    service.stopping()
    assert manager.recv(1000).startswith(b"STOPPING=1")
    manager.close()


def test_silent_without_a_manager_and_when_it_went_away(tmp_path: Path) -> None:
    ServiceManager({}).ready("nobody hears")
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("nobody hears")


def test_watchdog_only_for_the_process_that_is_meant() -> None:
    assert ServiceManager({"WATCHDOG_USEC": "30000000"}).watchdog_seconds == 30
    assert ServiceManager({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}).watchdog_seconds == 0


def test_a_server_says_ready_alive_reloading_and_stopping(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    logfile = tmp_path / "chronis.log"
    data = tmp_path / "data"
    data.mkdir()
    command = [sys.executable, "-m", "store", "--metrics-port", "0", "--logfile", str(logfile)]
    with running(command, directory=data) as server:
        assert manager.recv(1000).startswith(b"READY=1\n")
        assert manager.recv(1000) == b"WATCHDOG=1"
        logfile.rename(tmp_path / "rotated.log")
        os.kill(server.pid, signal.SIGHUP)
        assert until(manager, b"RELOADING=1")
        assert until(manager, b"READY=1")
        assert logfile.exists()
    assert until(manager, b"STOPPING=1")
    manager.close()


def until(manager: socket.socket, beginning: bytes) -> bool:
    """Read messages up to one that starts so; time out otherwise."""
    while not manager.recv(1000).startswith(beginning):
        pass
    return True
