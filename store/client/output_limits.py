"""client-output-buffer-limit: who reads too slowly is cut off, at once over the hard limit, after a while over the soft one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.client.session import Session


def judge(session: Session) -> bool:
    """Close a session whose unread output passes its class's limits; True if it was closed."""
    hard, soft, seconds = limits_of(session)
    size = session.output_pending
    over = bool(hard) and size >= hard
    if soft and size >= soft:
        now = asyncio.get_running_loop().time()
        session.soft_limit_since = session.soft_limit_since or now
        over = over or now - session.soft_limit_since > seconds
    else:
        session.soft_limit_since = 0.0
    if over:
        cut_off(session)
    return over


def cut_off(session: Session) -> None:
    """Close a session that is over its limits, and count it."""
    stats = session.engine.stats
    stats.output_limit_disconnects += 1
    stats.cut_off[session.role] = stats.cut_off.get(session.role, 0) + 1
    session.abort()


def limits_of(session: Session) -> tuple[int, int, int]:
    """The hard limit, soft limit (bytes) and soft seconds of a session's class; replicas and primaries by their own class."""
    wanted = "replica" if session.role == "replica" else "pubsub" if session.role == "pubsub" else "normal"
    return session.engine.settings.output_limit(wanted)
