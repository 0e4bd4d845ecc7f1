"""What this node is, primary or replica, and the change from one to the other.

Law: the role flips at once and in one turn; a new primary begins a new history id, the old one staying valid up to there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from replication.assurance import Assurance
from replication.circle import Circle
from replication.digests import Digests
from replication.failover import Failover
from replication.gathering import Gathering
from replication.link import SHOWN as LINK_SHOWN
from replication.link import State
from replication.peer import SHOWN
from replication.positions import Positions
from replication.primary import Primary
from replication.replica import Replica
from replication.resync import Syncs
from replication.staleness import lag_seconds, too_old
from store.commands.table import LOADING, READ_ONLY, STALE
from store.errors import ReplyError
from store.logfile import TextFormat, notice
from store.topology import Follower, Leader

if TYPE_CHECKING:
    from replication.transfer import TransferReader
    from store.node import Node


class Replication:
    """A node's place among others; the store reads it as its Topology."""

    def __init__(self, node: Node) -> None:
        """Take the place of `Alone`, in the role that is configured; the state may still be loading."""
        self.node = node
        self.engine = node.engine
        self.primary = Primary(node)
        node.persistence.saving.needed = self.primary.backlog.needed
        self.replica: Replica | None = None
        self.gathering: Gathering | None = None  # promoted, but not accepting writes yet
        self.failover = Failover(self)
        self.circle = Circle(self, node.run_id)
        self.assurance = Assurance(self.primary)
        self.primary.on_acknowledged.append(self.assurance.advanced)
        self.positions = Positions(self.primary)
        self.digests = Digests(self.primary)
        self.engine.topology = self
        self.engine.settings.on_change("promote-after-replicas", self._judge_gathering)
        timers = node.timers
        assert timers is not None
        timers.every_tick.append(self._tick)
        timers.every_second.append(self._second)
        node.on_stop.append(self._stop)
        for name in (
            "replica-read-only",
            "replica-serve-stale-data",
            "min-replicas-to-write",
            "min-replicas-max-lag",
            "replica-max-staleness",
        ):
            self.engine.settings.on_change(name, self.judge_gates)
        followed = self.engine.settings.replicaof
        if followed is not None:
            self._become_replica(*followed)

    def start(self) -> None:
        """Follow the configured primary, if there is one: the state is there. A replica that was started as a primary is promoted."""
        self.primary.known_ms = self.node.persistence.recovered.unix_ms
        if self.replica is not None:
            self.replica.start()
        elif self.primary.history.told:
            self._gather()
        self.judge_gates()

    def _stop(self) -> None:
        """The node ends: nothing that comes, or is under way, changes the log any more."""
        if self.replica is not None:
            self.replica.stop()

    def _tick(self) -> None:
        self.failover.tick()  # before a heartbeat, which would have to be waited for again
        self.primary.tick()
        if self.replica is not None:
            self.replica.tick()
            self.judge_gates()
        self.assurance.tick()
        self.positions.tick()
        self.digests.tick()

    def _second(self) -> None:
        self.primary.every_second()
        if self.replica is not None:
            self.replica.every_second()
        if self.gathering is not None:
            self.gathering.every_second()

    def _judge_gathering(self) -> None:
        if self.gathering is not None:
            self.gathering.judge()

    # ── roles ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def follow(self, host: str, port: int, takes_over: bool = False) -> None:
        """Be a replica of host:port from now on (takes_over: it becomes primary by our request)."""
        self._become_replica(host, port, takes_over).start()

    def _become_replica(self, host: str, port: int, takes_over: bool = False) -> Replica:
        engine = self.engine
        if self.replica is not None:
            self.replica.stop()
        if self.gathering is not None:
            self.gathering.call_off()
            self.gathering = None
        was_primary, engine.primary = engine.primary, False
        engine.settings.replicaof = (host, port)
        TextFormat.role = "S"
        if was_primary:
            self.positions.reign_ended()
            self.assurance.fail_all()
            engine.blocking.fail_all(
                ReplyError(
                    "force unblock from blocking operation, instance state changed (master -> replica?)", "UNBLOCKED"
                )
            )
        self.circle.found = False
        self.replica = Replica(self.node, self.primary, host, port, self._link_changed, self.digests.passed)
        self.replica.takes_over = takes_over
        self.replica.answered, self.replica.refused = self.failover.answered, self._refused
        self.judge_gates()
        return self.replica

    def _link_changed(self) -> None:
        self.judge_gates()
        if self.replica is not None and self.replica.up:
            self.circle.linked()

    def _refused(self, reason: str) -> None:
        self.failover.refused(reason)
        self.circle.refused(reason)

    def lead(self, complete: bool = False) -> None:
        """Be a primary from now on: accept writes, at once or when other nodes' share of history has been gathered.

        complete: nobody holds more of our history than we do, or may do so by an operator's word; nothing is to be gathered.
        Raises OSError when a new history id can't be stored: this node is the replica that it was.
        """
        replica = self.replica
        if replica is None:
            return
        if replica.follower is not None:
            replica.follower.drain()
        gathers = not complete and self.engine.settings.promote_after_replicas > 0
        if not gathers:
            self._begin_history()
        replica.stop()
        self.replica = None
        self.engine.settings.replicaof = None
        TextFormat.role = "M"
        if gathers:
            self._gather()
        else:
            self._accept_writes()

    def _gather(self) -> None:
        """Be a primary that accepts writes when it has heard from other nodes (option promote-after-replicas)."""
        self.engine.primary = False
        self.gathering = Gathering(self.node.engine, self.primary, self._gathered, self.digests.passed)
        self.gathering.judge()
        self.judge_gates()

    def _gathered(self) -> None:
        """Go on with a history of our own. Raises OSError, with all as it was, when that can't be stored."""
        self._begin_history()
        if self.gathering is not None:
            self.gathering.call_off()
            self.gathering = None
        self._accept_writes()

    def _begin_history(self) -> None:
        """Renew the history id at the end of history; raises OSError, with all as it was."""
        engine, history = self.engine, self.primary.history
        engine.turn.end()
        old = history.current
        history.renew(engine.log.offset)
        notice(
            f"Setting secondary replication ID to {old}, valid up to offset: {history.second_offset}. "
            f"New replication ID is {history.current}"
        )

    def _accept_writes(self) -> None:
        engine = self.engine
        engine.log.select_next()
        engine.primary = True
        self.primary.disconnect_all("this node is a primary now")
        self.judge_gates()
        engine.local_keys.become_history()
        engine.turn.schedule()

    def judge_gates(self) -> None:
        """Let the gates follow role, link and settings."""
        engine, settings, replica = self.engine, self.engine.settings, self.replica
        engine.gates.set(READ_ONLY, replica is not None and settings.replica_read_only)
        loading = bool(engine.gates.closed & LOADING)
        engine.unlogged = loading or not engine.primary  # what happens here alone (DEBUG POPULATE) is no history
        down = replica is not None and not replica.up and not settings.replica_serve_stale_data
        engine.gates.set(STALE, down or (replica is not None and too_old(self.primary)))
        self.primary.judge_gate()

    # ── what the store asks (Topology) ─────────────────────────────────────────────────────────────────────────────
    @property
    def failover_state(self) -> str:
        """The state of a FAILOVER, in INFO's words."""
        return self.failover.state.value

    @property
    def awaited(self) -> int:
        """How many nodes a promotion still waits for."""
        return self.gathering.missing if self.gathering is not None else 0

    @property
    def promotion(self) -> str:
        """Why this node, promoted, refuses writes yet."""
        return self.gathering.reason if self.gathering is not None else ""

    @property
    def sync_full(self) -> int:
        """Full synchronizations given."""
        return sum(self.primary.syncs.full.values())

    @property
    def sync_partial_ok(self) -> int:
        """Partial synchronizations given."""
        return self.primary.syncs.partial

    @property
    def sync_partial_err(self) -> int:
        """Partial synchronizations that could not be given as asked."""
        return self.primary.syncs.refused

    @property
    def sync_parted(self) -> int:
        """Replicas told to go back to where histories parted."""
        return self.primary.syncs.parted

    @property
    def full_sync_reasons(self) -> Mapping[str, int]:
        """Full synchronizations given, by reason."""
        return self.primary.syncs.full

    def reset_statistics(self) -> None:
        """Set the counters of synchronizations to zero."""
        self.primary.syncs = Syncs()

    @property
    def followers(self) -> Sequence[Follower]:
        """The replicas, in the order they came."""
        now = self.engine.clock.now_ms()
        peers = [feed.peer for feed in self.primary.listed()]
        return [
            Follower(peer.ip, peer.options.port, SHOWN[peer.state], max(0, peer.acked), peer.lag(now)) for peer in peers
        ]

    @property
    def good_followers(self) -> int:
        """Replicas online with a lag within min-replicas-max-lag."""
        return self.primary.good

    def acknowledged(self, offset: int) -> int:
        """How many replicas have acknowledged history up to offset: they have applied it."""
        return self.primary.count(offset)

    def synced(self, offset: int) -> int:
        """How many replicas have synced history up to offset to their disks."""
        return self.primary.count_synced(offset)

    def gave_up(self, reign: int, offset: int) -> bool:
        """Tell whether a write of an earlier reign is in this node's history no more."""
        return self.positions.gave_up(reign, offset)

    def request_acknowledgements(self) -> None:
        """Ask every replica to acknowledge now."""
        self.primary.ask()

    @property
    def leader(self) -> Leader | None:
        """The primary that this node follows."""
        replica = self.replica
        if replica is None:
            return None
        offset = self.engine.log.offset
        state, details = LINK_SHOWN[replica.state], self._link_details(replica)
        return Leader(replica.host, replica.port, state, offset if replica.up else -1, self.primary.is_shared, details)

    def _link_details(self, replica: Replica) -> dict[str, object]:
        offset = self.engine.log.offset
        syncing = replica.link.state is State.TRANSFER
        details: dict[str, object] = {
            "master_last_io_seconds_ago": replica.silent_seconds if replica.up else -1,
            "master_sync_in_progress": int(syncing),
            "slave_read_repl_offset": replica.follower.read_offset if replica.follower is not None else offset,
            "slave_repl_offset": offset,
            "replica_lag_seconds": lag_seconds(self.primary),
        }
        if replica.arrival is not None:
            details |= _progress(replica, replica.arrival.reader)
        if not replica.up:
            since = replica.down_since_ms
            details["master_link_down_since_seconds"] = (
                max(0, self.engine.clock.now_ms() - since) // 1000 if since else -1
            )
            if replica.error:
                details["master_link_error"] = replica.error
        return details


def _progress(replica: Replica, reader: TransferReader) -> dict[str, object]:
    """How far a full synchronization has come, in INFO's words (size unknown: 0, as in Redis)."""
    total = reader.size or 0
    return {
        "master_sync_total_bytes": total,
        "master_sync_read_bytes": reader.received,
        "master_sync_left_bytes": reader.left,
        "master_sync_perc": f"{100 * reader.received / total:.2f}" if total else "0.00",
        "master_sync_last_io_seconds_ago": replica.silent_seconds,
    }
