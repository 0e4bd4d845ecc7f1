"""Sockets: TCP, IPv6 and unix listeners, who is let in, and closing it all in order."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, cast

from store.client.session import Session
from store.client.sockets import address_text, hang_up, keep_alive, socket_for
from store.errors import ConfigError

if TYPE_CHECKING:
    from store.engine import Engine

PROTECTED = (
    b"-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. "
    b"In this mode connections are only accepted from the loopback interface. If you want to connect from external computers to "
    b"Redis you may adopt one of the following solutions: 1) Just disable protected mode sending the command 'CONFIG SET "
    b"protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, however "
    b"MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. "
    b"2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the "
    b"protected mode option to 'no', and then restarting the server. 3) If you started the server manually just for testing, "
    b"restart it with the '--protected-mode no' option. 4) Setup a an authentication password for the default user. NOTE: You "
    b"only need to do one of the above things in order for the server to start accepting connections from the outside.\r\n"
)
FULL = b"-ERR max number of clients reached\r\n"


class Server:
    """The listeners of a node and the sessions they accept."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._listeners: list[asyncio.Server] = []
        self._next = 1
        self.port = engine.settings.port

    async def start(self) -> None:
        """Listen on every configured address; raise ConfigError naming the one that can't be had."""
        settings = self.engine.settings
        if settings.port:
            await self._listen_all(list(settings.bind), settings.port)
        if settings.unixsocket:
            await self._listen_unix(settings.unixsocket, settings.unixsocketperm)
        settings.on_change("port", self._moved)
        settings.on_change("bind", self._moved)

    async def _listen_all(self, addresses: list[str], port: int) -> None:
        loop = asyncio.get_running_loop()
        listening = 0
        for address in addresses:
            optional = address.startswith("-")
            try:
                listener = socket_for(address.removeprefix("-"), port, self.engine.settings.tcp_backlog)
            except OSError as error:
                if optional and error.errno in (99, 97):  # EADDRNOTAVAIL, EAFNOSUPPORT: `-` says it may be missing
                    continue
                raise ConfigError(
                    f"Could not create server TCP listening socket {address}:{port}: {error.strerror}"
                ) from error
            self._listeners.append(await loop.create_server(self._accept, sock=listener))  # type: ignore[arg-type]  # Session is one by its methods
            listening += 1
        if addresses and not listening:
            raise ConfigError(f"Configured to not listen anywhere: none of {' '.join(addresses)} is available")

    async def _listen_unix(self, path: str, mode: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            if os.path.exists(path):
                os.unlink(path)
            self._listeners.append(await loop.create_unix_server(self._accept, path))  # type: ignore[arg-type]  # as above
            if mode:
                os.chmod(path, mode)
        except OSError as error:
            raise ConfigError(f"Failed opening Unix socket: {path}: {error.strerror}") from error

    def _moved(self) -> None:
        """CONFIG SET port or bind: open the new sockets first, so that a failure leaves the old ones working."""
        settings = self.engine.settings
        fresh: list[socket.socket] = []
        try:
            for address in settings.bind if settings.port else ():
                if settings.port == self.port and address in self._bound():
                    continue
                fresh.append(socket_for(address.removeprefix("-"), settings.port, settings.tcp_backlog))
        except OSError as error:
            for listener in fresh:
                listener.close()
            raise ConfigError(f"Unable to listen on this port: {error.strerror}") from error
        keep = [server for server in self._listeners if self._wanted(server)]
        for server in self._listeners:
            if server not in keep:
                server.close()
        self._listeners, self.port = keep, settings.port
        for listener in fresh:
            self._adopt(listener)

    def _adopt(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        task = loop.create_task(loop.create_server(self._accept, sock=listener))  # type: ignore[arg-type]  # Session is one by its methods
        task.add_done_callback(lambda done: self._listeners.append(done.result()))

    def _bound(self) -> set[str]:
        return {
            sock.getsockname()[0]
            for server in self._listeners
            for sock in server.sockets
            if sock.family != socket.AF_UNIX
        }

    def _wanted(self, server: asyncio.Server) -> bool:
        settings = self.engine.settings
        for sock in server.sockets:
            if sock.family == socket.AF_UNIX:
                return True
            name = sock.getsockname()
            if name[1] != settings.port or name[0] not in {address.removeprefix("-") for address in settings.bind}:
                return False
        return True

    # ── accepting ──────────────────────────────────────────────────────────────────────────────────────────────────
    def listening(self) -> list[int]:
        """The descriptors of the sockets that are listened on."""
        return [sock.fileno() for listener in self._listeners for sock in listener.sockets]

    def accept(self) -> Session:
        """Make the session of a connection that was accepted in the place of the event loop."""
        return self._accept()

    def _accept(self) -> Session:
        return Accepted(self, self.next_number())

    def next_number(self) -> int:
        """Number one more connection: client ids grow and are never used twice."""
        self._next += 1
        return self._next - 1

    def refusal(self, session: Session) -> bytes | None:
        """The line with which a new connection is turned away, or None to let it in."""
        engine = self.engine
        engine.stats.connections += 1
        if len(engine.sessions) > engine.settings.maxclients:
            engine.stats.rejected += 1
            return FULL
        if engine.settings.protected_mode and engine.users.default.nopass and not session.is_local:
            engine.stats.rejected += 1
            return PROTECTED
        return None

    def refuse(self) -> None:
        """Refuse connections at once, before anybody can see that others are closed and try again."""
        for fd in self.listening():
            hang_up(fd)

    async def close(self) -> None:
        """Stop listening, then close every connection after what is in its output."""
        self.refuse()
        for listener in self._listeners:
            listener.close()
        for session in list(self.engine.sessions.values()):
            if session.transport is not None:
                session.transport.close()
        await asyncio.sleep(0)
        path = self.engine.settings.unixsocket
        if path and os.path.exists(path):
            os.unlink(path)


class Accepted(Session):
    """A session that came in by a listener: checked on arrival, known by its addresses."""

    def __init__(self, server: Server, number: int) -> None:
        super().__init__(server.engine, number)
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set the socket up and turn the client away if there is no place for it."""
        super().connection_made(transport)
        sock = cast(socket.socket, transport.get_extra_info("socket"))
        self.fd = sock.fileno()
        settings = self.engine.settings
        if sock.family == socket.AF_UNIX:
            self.address = self.local_address = settings.unixsocket.encode() + b":0"
            self.is_local = self.is_unix = True
        else:
            peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
            self.address, self.local_address = address_text(peer), address_text(own)
            self.is_local = peer[0].startswith("127.") or peer[0] in ("::1", "::ffff:127.0.0.1")
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if settings.tcp_keepalive:
                keep_alive(sock, settings.tcp_keepalive)
        line = self._server.refusal(self)
        self.direct = line is None
        if line is not None:
            self.closing = self.halted = True
            cast(asyncio.Transport, transport).write(line)
            transport.close()
