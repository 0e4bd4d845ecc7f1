"""INFO replication: role, peers and history, in the order that Sentinel reads (role first, then the primary's lines)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.topology import Leader, history_of

if TYPE_CHECKING:
    from store.engine import Engine


def replication(engine: Engine) -> dict[str, object]:
    """The node's place among others. The log is the backlog: its first byte is the horizon of partial resync."""
    topology, settings, log = engine.topology, engine.settings, engine.log
    leader = topology.leader
    fields: dict[str, object] = {"role": "master" if leader is None else "slave"}
    if leader is not None:
        fields |= _leader(engine, leader)
    fields["connected_slaves"] = len(topology.followers)
    if settings.min_replicas_to_write and settings.min_replicas_max_lag:
        fields["min_slaves_good_slaves"] = topology.good_followers
    if settings.promote_after_replicas:
        fields["promotion_waits_for_replicas"] = topology.awaited
    for number, follower in enumerate(topology.followers):
        fields[f"slave{number}"] = (
            f"ip={follower.ip},port={follower.port},state={follower.state},offset={follower.offset},lag={follower.lag}"
        )
    history, previous, second_offset = history_of(engine)
    kept = log.offset - log.first_offset
    return fields | {
        "master_failover_state": topology.failover_state,
        "master_replid": history,
        "master_replid2": previous,
        "master_repl_offset": log.offset,
        "second_repl_offset": second_offset,
        "repl_backlog_active": int(kept > 0),
        "repl_backlog_size": settings.repl_backlog_size,
        "repl_backlog_first_byte_offset": log.first_offset + 1 if kept else 0,
        "repl_backlog_histlen": kept,
    }


def _leader(engine: Engine, leader: Leader) -> dict[str, object]:
    settings = engine.settings
    return {
        "master_host": leader.host,
        "master_port": leader.port,
        "master_link_status": "up" if leader.up else "down",
        **leader.details,
        "slave_priority": settings.replica_priority if leader.synced else 0,  # 0: not to be promoted
        "slave_read_only": int(settings.replica_read_only),
        "replica_announced": int(settings.replica_announced),
    }
