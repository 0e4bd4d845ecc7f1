"""How many files and sockets the process may have open: `maxclients` needs as many, and some for the server itself."""

from __future__ import annotations

import resource

RESERVED = 32
"""Descriptors for the log, snapshots, listeners and replication."""


def serveable(clients: int) -> int:
    """Raise the process's limit of open files as far as needed and allowed; return how many of the clients it is enough for."""
    needed = clients + RESERVED
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return clients
    for limits in (
        (needed, max(needed, hard)),
        (needed if hard == resource.RLIM_INFINITY else min(needed, hard), hard),
    ):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        except (ValueError, OSError):
            continue  # beyond what this process may have: the next best is tried, or the present limit stays
        soft = limits[0]
        break
    return min(clients, soft - RESERVED)
