"""What is asked of the system about sockets: a listener for an address, finding dead peers, ending a connection at once."""

from __future__ import annotations

import contextlib
import socket


def socket_for(address: str, port: int, backlog: int) -> socket.socket:
    """A listening socket for one address of the `bind` option (`*` all IPv4, `::*` or `::` all IPv6); raise OSError."""
    host = {"*": "0.0.0.0", "::*": "::"}.get(address, address)
    info = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    sock = socket.socket(info[0], socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if info[0] == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(info[4])
        sock.listen(backlog)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def keep_alive(sock: socket.socket, seconds: int) -> None:
    """Let the kernel find dead peers within about twice the given seconds (anet.c: anetKeepAlive)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, seconds // 3))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)


def gather_packets(sock: socket.socket) -> None:
    """Let the kernel put small writes together into fewer packets (Nagle's algorithm), at the cost of their delay."""
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)


def address_text(address: tuple[str, int]) -> bytes:
    """`ip:port`, with brackets around an IPv6 address as Redis prints it."""
    host, port = address[0], address[1]
    return (f"[{host}]:{port}" if ":" in host else f"{host}:{port}").encode()


def hang_up(fd: int) -> None:
    """End a connection at once: the event loop closes it only when the running turn is over, which may take long."""
    with contextlib.suppress(OSError), socket.socket(fileno=socket.dup(fd)) as sock:
        sock.shutdown(socket.SHUT_RDWR)
