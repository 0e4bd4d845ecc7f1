"""Whether traffic should come here: the answer of /readyz, of readiness probes and of `chronis_ready`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.commands.table import FEW_REPLICAS, LOADING, POISONED, STALE

if TYPE_CHECKING:
    from store.node import Node

WITHOUT_LIMIT_SECONDS = 60
"""Silence of the primary after which a replica is not ready where replica-max-staleness is 0 (redis.conf: repl-timeout)."""


def is_loading(node: Node) -> bool:
    """Tell whether the state of a node that starts is not there yet."""
    return node.timers is None or bool(node.engine.gates.closed & LOADING)


def why_not_ready(node: Node) -> list[str]:
    """Return the reasons why a node is not ready, one short line each; none: it is recovered, and writable or in sync."""
    gates = node.engine.gates
    reasons = []
    if node.stopping:
        reasons.append("the node is stopping")
    if is_loading(node):
        reasons.append("the data set is being loaded")
    if gates.closed & POISONED:
        reasons.append(gates.disk_error or "the log can't be written")
    leader = node.engine.topology.leader
    if leader is None:
        if gates.closed & FEW_REPLICAS:
            reasons.append("fewer replicas in sync than min-replicas-to-write")
        return reasons
    if gates.closed & STALE and leader.up:
        reasons.append("what it knows is older than replica-max-staleness")
    if not leader.up:
        reasons.append(f"not in sync with {leader.host}:{leader.port}: {leader.state}")
        return reasons
    silence = leader.details.get("master_last_io_seconds_ago", 0)
    limit = node.settings.replica_max_staleness or WITHOUT_LIMIT_SECONDS
    if isinstance(silence, int) and silence > limit:
        reasons.append(f"heard nothing of {leader.host}:{leader.port} for {silence} seconds")
    return reasons
