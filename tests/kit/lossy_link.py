"""A bad network between two servers: a TCP proxy that cuts, delays, halves and stalls by a seeded schedule.

Bytes are never reordered or changed, as TCP promises; what a cut loses is what was on its way.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time

from tests.kit.servers import HOST

_PIECE = 16 * 1024


class LossyLink:
    """Listens on `port` and forwards to target. `schedule(seed)` starts trouble, `heal()` ends it for good."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.cuts = 0
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._random: random.Random | None = None
        self._closed = threading.Event()
        self._stalled = threading.Event()
        self._down = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    # ── trouble ────────────────────────────────────────────────────────────────────────────────────────────────────
    def schedule(self, seed: int) -> None:
        """Deliver in random portions with random delays from now on, cutting and stalling now and then."""
        self._random = random.Random(seed)
        threading.Thread(target=self._trouble, args=(self._random,), daemon=True).start()

    def heal(self) -> None:
        """Be a good network again."""
        self._random = None
        self._stalled.clear()

    def cut(self) -> None:
        """Close every connection, losing what is on its way."""
        self.cuts += 1
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def stall(self) -> None:
        """Deliver nothing, with every connection open (half-open, as after a lost route), until `heal` or a cut."""
        self._stalled.set()

    def down(self) -> None:
        """Close every connection, and those that are tried, until `restore`."""
        self._down.set()
        self.cut()

    def restore(self) -> None:
        """Let connections be made again."""
        self._down.clear()

    def _trouble(self, chance: random.Random) -> None:
        while self._random is chance and not self._closed.is_set():
            time.sleep(chance.uniform(0.02, 0.25))
            if self._random is not chance:
                return
            if chance.random() < 0.3:
                self.stall()
                time.sleep(chance.uniform(0.02, 0.2))
                self._stalled.clear()
            if chance.random() < 0.7:
                self.cut()

    # ── forwarding ─────────────────────────────────────────────────────────────────────────────────────────────────
    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._down.is_set():
                near.close()
                continue
            try:
                far = socket.create_connection((HOST, self.target), 5)
            except OSError:
                near.close()
                continue
            self._pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE):
                for portion in self._portions(data):
                    while self._stalled.is_set() and not self._closed.is_set():
                        time.sleep(0.005)
                    sink.sendall(portion)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _portions(self, data: bytes) -> list[bytes]:
        chance = self._random
        if chance is None or chance.random() < 0.5:
            return [data]
        time.sleep(chance.uniform(0, 0.01))
        place = chance.randrange(len(data))
        return [part for part in (data[:place], data[place:]) if part]

    def close(self) -> None:
        """Stop listening and close everything."""
        self._closed.set()
        self._listener.close()
        self.cut()
