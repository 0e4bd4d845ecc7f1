"""The commands between nodes and about roles: REPLICAOF, SLAVEOF, PSYNC, SYNC, REPLCONF, FAILOVER."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replication.circle import CIRCLE
from replication.failover import CANT_LEAD, IS_PRIMARY
from replication.gathering import GATHERING
from replication.peer import Peer
from replication.resync import SYNC_COMMAND
from replication.roles import Replication
from replication.staleness import LEAST_HEARTBEAT_MS
from store.commands.arguments import parse_int
from store.commands.table import command
from store.errors import ReplyError, syntax_error
from store.log.segment import is_history_id
from store.logfile import notice, warn
from store.replies import NO_REPLY, OK
from store.tx import Tx

if TYPE_CHECKING:
    from store.client.session import Session

GROUP = "server"


def replication_of(tx: Tx) -> Replication:
    """The node's replication; raise ReplyError where there is none (a node in memory)."""
    topology = tx.engine.topology
    if not isinstance(topology, Replication):
        raise ReplyError("replication is not available here")
    return topology


@command("replicaof", "admin noscript stale no_async_loading", since="5.0.0", group=GROUP)
def replicaof(tx: Tx, host: bytes, port: bytes) -> str:
    """Follow another server, or (NO ONE) be a primary."""
    replication = replication_of(tx)
    if replication.failover_state != "no-failover":
        raise ReplyError("REPLICAOF not allowed while failing over.")
    if host.lower() == b"no" and port.lower() == b"one":
        if replication.replica is not None:
            _lead(replication)
            notice(f"MASTER MODE enabled (user request from '{tx.session.address.decode()}')")
        return OK
    if tx.session.role == "replica":
        raise ReplyError("Command is not valid when client is a replica.")
    number = parse_int(port, "Invalid master port")
    if not 0 <= number <= 65535:
        raise ReplyError("Invalid master port")
    name = host.decode("utf-8", "surrogateescape")
    followed = replication.replica
    if followed is not None and (followed.host.lower(), followed.port) == (name.lower(), number):
        notice(
            "REPLICAOF would result into synchronization with the master we are already connected with. No operation performed."
        )
        return "OK Already connected to specified master"
    replication.follow(name, number)
    notice(f"REPLICAOF {name}:{number} enabled (user request from '{tx.session.address.decode()}')")
    return OK


@command("slaveof", "admin noscript stale no_async_loading", since="1.0.0", group=GROUP)
def slaveof(tx: Tx, host: bytes, port: bytes) -> str:
    """Follow another server, or be a primary (the older name of REPLICAOF)."""
    return str(replicaof(tx, host, port))


@command("psync", "admin noscript no_async_loading no_multi", since="2.8.0", group=GROUP)
def psync(tx: Tx, history_id: bytes, offset: bytes, *options: bytes) -> object:
    """Become a replica of this server: go on at an offset of a history, or get a snapshot."""
    replication, session = replication_of(tx), tx.session
    if session.role == "replica":
        return NO_REPLY
    start = _start(session, offset)
    name = history_id.decode("ascii", "replace")
    if options and options[0].lower() == b"failover":
        _take_over(replication, name)
    elif options:
        raise syntax_error()
    peer = replication.primary.peer_of(session)
    _check_service(replication, peer)
    if replication.replica is not None and replication.replica.follows(peer):
        raise _not_now("Can't SYNC with a node that I follow: neither of us is a primary")
    known, end = name if is_history_id(name) else "?", start - 1 if start > 0 else -1
    if replication.gathering is not None:
        replication.gathering.hear(peer, known, end)
    if replication.gathering is not None:
        raise _not_now(GATHERING)
    replication.primary.psync(session, known, end)
    return NO_REPLY


def _start(session: Session, offset: bytes) -> int:
    try:
        return parse_int(offset)
    except ReplyError:
        warn(f"Replica {session.address.decode()} asks for synchronization but with a wrong offset")
        raise


def _take_over(replication: Replication, history_id: str) -> None:
    """Be primary because the one we follow asks for it."""
    if replication.replica is None:
        raise ReplyError(IS_PRIMARY)
    if replication.failover_state != "no-failover":
        raise _not_now("Can't SYNC while failing over")
    if history_id != replication.primary.history.current:
        raise ReplyError("PSYNC FAILOVER replid must match my replid.")
    notice("Failover request received: becoming primary")
    _lead(replication, complete=True)


def _lead(replication: Replication, complete: bool = False) -> None:
    """Be primary; raise ReplyError, all being as it was, when that can't be stored."""
    try:
        replication.lead(complete)
    except OSError as error:
        text = f"{CANT_LEAD}: {error.strerror or error}"
        warn(text)
        raise ReplyError(text) from error


def _not_now(why: str) -> ReplyError:
    return ReplyError(why, "NOMASTERLINK")


def _check_service(replication: Replication, peer: Peer) -> None:
    """Raise ReplyError if this node serves no replicas now, or not this one; in the order of Redis."""
    replica = replication.replica
    if replication.failover_state != "no-failover":
        raise _not_now("Can't SYNC while failing over")
    if replica is not None and not replica.up:
        raise _not_now(CIRCLE if replication.circle.found else "Can't SYNC while not connected with my master")
    if peer.options.functions_only and "eof" not in peer.options.capabilities:
        raise ReplyError("Filtered replica requires EOF capability")


@command("sync", "admin noscript no_async_loading no_multi", since="1.0.0", group=GROUP)
def sync(tx: Tx) -> object:
    """Become a replica of this server in the way before PSYNC: a snapshot and history, no acknowledgements."""
    replication, session = replication_of(tx), tx.session
    if session.role == "replica":
        return NO_REPLY
    peer = replication.primary.peer_of(session)
    _check_service(replication, peer)
    if replication.gathering is not None:
        raise _not_now(GATHERING)
    peer.acknowledges = False
    replication.primary.full_sync(session, peer, SYNC_COMMAND)
    return NO_REPLY


@command("replconf", "admin noscript loading stale allow_busy", since="3.0.0", group=GROUP)
def replconf(tx: Tx, *pairs: bytes) -> object:
    """Tell one's port and capabilities as a replica, or acknowledge history."""
    replication = replication_of(tx)
    if len(pairs) % 2:
        raise syntax_error()
    named = dict(zip((name.lower() for name in pairs[::2]), pairs[1::2], strict=True))
    if b"ack" in named:
        synced = parse_int(named[b"fack"]) if b"fack" in named else None
        heartbeat = parse_int(named.get(b"heartbeat", b"0"))
        heartbeat = max(heartbeat, LEAST_HEARTBEAT_MS) if heartbeat > 0 else 0
        replication.primary.acknowledged(tx.session, parse_int(named[b"ack"]), synced, heartbeat)
        return NO_REPLY
    if b"getack" in named:
        if replication.replica is not None:
            replication.replica.acknowledgements.send()
        return NO_REPLY
    if b"below" in named and tx.session.role == "replica":
        replication.circle.heard(named[b"below"])
        return NO_REPLY
    peer: Peer = replication.primary.peer_of(tx.session)
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        peer.options.take(name, value)
    return OK


@command("failover", "admin noscript stale", since="6.2.0", group=GROUP)
def failover(tx: Tx, *options: bytes) -> str:
    """Exchange roles with a replica, once it has everything."""
    replication = replication_of(tx)
    target, timeout, force, abort = _failover_options(options)
    if abort:
        replication.failover.abort()
        return OK
    replication.failover.start(target, timeout, force)
    return OK


def _failover_options(options: tuple[bytes, ...]) -> tuple[tuple[str, int] | None, int | None, bool, bool]:
    """Read [TO host port [FORCE]] [ABORT] [TIMEOUT ms]: target, timeout, FORCE, ABORT."""
    target: tuple[str, int] | None = None
    timeout: int | None = None
    force = False
    if len(options) == 1 and options[0].lower() == b"abort":
        return None, None, False, True
    place = 0
    while place < len(options):
        word, left = options[place].lower(), len(options) - place - 1
        if word == b"timeout" and left >= 1 and timeout is None:
            timeout = parse_int(options[place + 1])
            if timeout <= 0:
                raise ReplyError("FAILOVER timeout must be greater than 0")
            place += 2
        elif word == b"to" and left >= 2 and target is None:
            target = (options[place + 1].decode("utf-8", "replace"), parse_int(options[place + 2]))
            place += 3
        elif word == b"force" and not force:
            force = True
            place += 1
        else:
            raise syntax_error()
    return target, timeout, force, False


@command("role", "noscript loading stale fast", since="2.8.12", group=GROUP, acl="dangerous admin")
def role(tx: Tx) -> list[object]:
    """Tell whether this server is a primary or a replica, of whom or for whom, and how far it is."""
    leader, offset = tx.engine.topology.leader, tx.engine.log.offset
    if leader is not None:
        return [b"slave", leader.host.encode(), leader.port, leader.state.encode(), leader.offset]
    followers = [
        [follower.ip.encode(), str(follower.port).encode(), str(follower.offset).encode()]
        for follower in tx.engine.topology.followers
        if follower.state == "online"
    ]
    return [b"master", offset, followers]
