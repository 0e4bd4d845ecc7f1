"""A replica's connection to its primary: a session that this node opened, for which no reply is ever meant."""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING, cast

from store.client.session import Session
from store.client.sockets import address_text, keep_alive

if TYPE_CHECKING:
    from replication.replica import Replica


class PrimaryConnection(Session):
    """The outgoing connection: a session with the right to everything, listed among the clients once it is followed."""

    def __init__(self, replica: Replica, number: int) -> None:
        super().__init__(replica.node.engine, number)
        self.replica = replica
        self.user, self.role = None, "master"
        self.refresh_permissions()
        self.reason = "connection lost"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set the socket up and begin the handshake."""
        self.transport = cast(asyncio.Transport, transport)
        sock = self.transport.get_extra_info("socket")
        self.fd = sock.fileno()
        self.address = address_text(self.transport.get_extra_info("peername"))
        self.local_address = address_text(self.transport.get_extra_info("sockname"))
        keep_alive(sock, self.engine.settings.repl_timeout)
        self.replica.opened(self)

    def data_received(self, data: bytes) -> None:
        """Take what the primary sent."""
        self.net_input += len(data)
        self.engine.stats.net_repl_input += len(data)
        self.active_ms = self.engine.clock.now_ms()
        self.replica.received(self, data)

    def reply(self, reply: object) -> None:
        """A primary gets no replies."""

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if data and self.transport is not None and not self.transport.is_closing():
            self.net_output += len(data)
            self.engine.stats.net_output += len(data)
            self.transport.write(data)

    def listed(self) -> None:
        """Be seen by CLIENT LIST and CLIENT KILL."""
        self.engine.sessions[self.number] = self

    @property
    def ended(self) -> bool:
        """Tell whether the primary has closed the connection, even if the event loop has others to serve before it tells."""
        if self.transport is None or self.transport.is_closing():
            return True
        poll = select.poll()
        poll.register(self.fd, select.POLLRDHUP)
        return bool(poll.poll(0))

    def eof_received(self) -> bool:
        """The primary has ended its side: that is the loss, which `connection_lost` would tell a turn of the loop later."""
        self.replica.disconnected(self, self.reason)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the replica, if it does not know."""
        super().connection_lost(exc)
        self.replica.disconnected(self, f"{exc}" if exc is not None else self.reason)
