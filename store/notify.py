"""Telling the service manager how the process is: sd_notify(3) of systemd, over the unix datagram socket it names.

Without `NOTIFY_SOCKET` in the environment (not started by systemd, or Type= is not notify) every call does nothing.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping


class ServiceManager:
    """The way to the service manager. `watchdog_seconds`: it wants a sign of life that often, 0: never."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):  # the abstract namespace of Linux
            self._address = "\0" + self._address[1:]
        concerned = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_seconds = int(environment.get("WATCHDOG_USEC", "0")) / 1e6 if concerned else 0.0

    def ready(self, status: str) -> None:
        """The node serves; status is shown by `systemctl status`."""
        self._send(f"READY=1\nSTATUS={status}\nMAINPID={os.getpid()}")

    def reloading(self) -> None:
        """Configuration or log files are being read anew; `ready` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The node is shutting down."""
        self._send("STOPPING=1\nSTATUS=Shutting down")

    def alive(self) -> None:
        """A sign of life, due within `watchdog_seconds`."""
        self._send("WATCHDOG=1")

    def pulse(self) -> Callable[[], None]:
        """Return a function to be called every second: it gives signs of life twice as often as they are wanted."""
        interval = self.watchdog_seconds / 2
        last = time.monotonic()

        def beat() -> None:
            nonlocal last
            if self.watchdog_seconds and time.monotonic() - last >= min(interval, 1.0):
                last = time.monotonic()
                self.alive()

        return beat

    def _send(self, message: str) -> None:
        """Send one datagram; a manager that does not take it is its own trouble, not ours."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            manager.setblocking(False)
            try:
                manager.sendto(message.encode(), self._address)
            except OSError:
                return
