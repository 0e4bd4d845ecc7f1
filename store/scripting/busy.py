"""Other clients while a script takes too long: the script holds the only thread, so they are served from inside of it.

Every interrupt of the script (about once a millisecond) looks at the clients' sockets, runs what came and sends the replies
at once. The BUSY gate lets through what may run meanwhile: SCRIPT KILL, FUNCTION KILL and STATS, SHUTDOWN NOSAVE, the
commands that log in, and transactions' own. New connections are accepted and handed to the event loop when the script ends.

Law: no timer runs here and the script's events stay one transaction: what came before it in its turn is committed and
answered first, then only replies of commands that recorded nothing leave. The caller's own connection waits, and so does
whoever has output that must not leave yet. A connection that the event loop accepted in the very turn of the script is not
known yet and waits as well.
"""

from __future__ import annotations

import asyncio
import select
import socket
from typing import TYPE_CHECKING, cast

from store.client.output import joined
from store.commands.table import BUSY

if TYPE_CHECKING:
    from store.client.session import Session
    from store.engine import Engine
    from store.scripting.run import Run

READ_SIZE = 1 << 16
PAUSE_NS = 1_000_000
"""Least time between two looks at the sockets."""


class Busy:
    """The time from when a script became too slow until it ends."""

    def __init__(self, engine: Engine, run: Run) -> None:
        self.engine = engine
        self.caller = run.tx.session
        self._next = 0
        self._ended: set[int] = set()  # connections at whose end nothing more is to be read
        self._arrivals: list[Arrival] = []
        engine.gates.set(BUSY, True)
        self._usual = engine.turn.send
        engine.turn.send = self._send_now
        engine.turn.end_before(run.mark)  # who sent commands in the same turn would else wait as long as the script runs

    def serve(self) -> None:
        """Serve who has sent something."""
        now = self.engine.clock.ticks()
        if now < self._next:
            return
        self._next = now + PAUSE_NS
        self.engine.log.poll()
        self._accept()
        sessions = {fd: session for session in self._sessions() if (fd := session.fd) >= 0 and fd not in self._ended}
        poll = select.poll()
        for fd in sessions:
            poll.register(fd, select.POLLIN)
        for fd, _ in poll.poll(0):
            self._read(sessions[fd], fd)

    def _sessions(self) -> list[Session]:
        return [
            session
            for session in self.engine.sessions.values()
            if session is not self.caller and not session.halted and not session.out and session.role in ("normal", "pubsub")
        ]

    def _read(self, session: Session, fd: int) -> None:
        """Take in what a client sent, run it, and send what it is answered."""
        with socket.socket(fileno=_duplicate(fd)) as sock:
            try:
                data = sock.recv(READ_SIZE, socket.MSG_DONTWAIT)
            except OSError:
                data = b""  # the event loop finds the same error later and closes the connection
            if not data:
                self._ended.add(fd)
                return
            session.data_received(data)
            self._send(session, joined(session.take_output()), sock)

    def _send_now(self, session: Session, data: bytes) -> None:
        """Send past the event loop, unless the connection is gone: its descriptor may be another's by now."""
        transport = session.transport
        if session.fd < 0 or self.engine.sessions.get(session.number) is not session or not transport or transport.is_closing():
            self._usual(session, data)
            return
        with socket.socket(fileno=_duplicate(session.fd)) as sock:
            self._send(session, data, sock)

    def _send(self, session: Session, data: bytes, sock: socket.socket) -> None:
        """Send output past the event loop; what the socket does not take at once waits in its transport."""
        transport = session.transport
        sent = 0
        if transport is None or not transport.get_write_buffer_size():
            try:
                sent = sock.send(data, socket.MSG_DONTWAIT) if data else 0
            except OSError:
                sent = 0
        session.net_output += sent
        self.engine.stats.net_output += sent
        if sent < len(data) or session.closing:
            session.send(data[sent:])

    # ── new connections ────────────────────────────────────────────────────────────────────────────────────────────
    def _accept(self) -> None:
        node = self.engine.node
        if node is None:
            return
        for listener in node.server.listening():
            with socket.socket(fileno=_duplicate(listener)) as sock:
                sock.setblocking(False)
                try:
                    connection, _ = sock.accept()
                except OSError:
                    continue
                connection.setblocking(False)
                try:
                    self._arrivals.append(Arrival(connection, node.server.accept()))
                except OSError:  # it has left already
                    connection.close()

    def end(self) -> None:
        """The script has ended: everything goes its usual way again."""
        self.engine.gates.set(BUSY, False)
        self.engine.turn.send = self._usual
        for arrival in self._arrivals:
            arrival.hand_over()


def _duplicate(fd: int) -> int:
    return socket.dup(fd)


class Arrival(asyncio.Transport):
    """A connection that came while a script was busy: a transport that writes at once, until the event loop takes over."""

    def __init__(self, sock: socket.socket, session: Session) -> None:
        super().__init__({"socket": sock, "peername": _name(sock.getpeername()), "sockname": _name(sock.getsockname())})
        self.sock = sock
        self.session = session
        self._unsent = b""
        self._closing = False
        session.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send what the socket takes; the rest goes when the event loop has taken over."""
        self._unsent += bytes(data)
        try:
            self._unsent = self._unsent[self.sock.send(self._unsent, socket.MSG_DONTWAIT) :]
        except OSError:
            return

    def get_write_buffer_size(self) -> int:
        """Bytes that are still to be sent."""
        return len(self._unsent)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is limited here: replies of a busy server are short."""

    def is_closing(self) -> bool:
        """Tell whether the connection is to be closed."""
        return self._closing

    def close(self) -> None:
        """Close the connection when the event loop has taken over."""
        self._closing = True

    def abort(self) -> None:
        """Close the connection at once."""
        self._closing = True
        self._unsent = b""

    def is_reading(self) -> bool:
        """Tell that the connection is read: by the busy script, or as soon as the event loop has it."""
        return True

    def pause_reading(self) -> None:
        """Nothing reads here by itself."""

    def resume_reading(self) -> None:
        """Nothing reads here by itself."""

    def hand_over(self) -> None:
        """Give the connection to the event loop."""
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._adopt(loop))

    async def _adopt(self, loop: asyncio.AbstractEventLoop) -> None:
        transport, _ = await loop.connect_accepted_socket(lambda: Handover(self), self.sock)
        if self._closing:
            transport.close()


class Handover(asyncio.Protocol):
    """Puts the event loop's transport in the place of an Arrival."""

    def __init__(self, arrival: Arrival) -> None:
        self._arrival = arrival

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the session go on with the real transport."""
        arrival, real = self._arrival, cast(asyncio.Transport, transport)
        session = arrival.session
        real.set_write_buffer_limits(high=(1 << 31) - 1)
        session.transport = real
        real.set_protocol(session)  # type: ignore[arg-type]  # a protocol by its methods
        if arrival.get_write_buffer_size():
            real.write(arrival._unsent)


def _name(address: object) -> object:
    return address if isinstance(address, tuple) else ("", 0)
