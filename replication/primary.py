"""The primary's side: its replicas, what they are owed, and what they have acknowledged.

Law: a frame leaves for replicas after its write, under `appendfsync always` after the fsync that covers it: a replica never
holds what its primary may forget by a crash of its process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from replication.backlog import Backlog
from replication.courier import Courier
from replication.feed import WINDOW, ReplicaFeed
from replication.messages import GETACK, continue_line, parted_line
from replication.off_loop import OffLoop
from replication.pace import Pace
from replication.peer import SHOWN, Event, Peer, State
from replication.resync import NEW, Syncs, obstacle, parting
from replication.snapshots import Snapshots
from replication.source import HistoryReader
from store.client.output import joined
from store.client.sockets import gather_packets
from store.commands.table import FEW_REPLICAS
from store.errors import ReplyError
from store.events import ANY_DB, PING
from store.log.memory import FrameTail, MemoryLog
from store.logfile import notice, warn
from store.resp.encoder import encode

if TYPE_CHECKING:
    from store.client.session import Session
    from store.log import EventLog
    from store.log.frame import Frame
    from store.log.history import History
    from store.node import Node


class Primary:
    """All replicas of this node. `released`: history up to here may leave for them."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.engine = node.engine
        self.snapshots = Snapshots(node)
        self.off_loop = OffLoop()
        self.feeds: dict[Session, ReplicaFeed] = {}
        self.asking: dict[Session, Peer] = {}  # clients that sent REPLCONF and not yet PSYNC
        self.on_acknowledged: list[Callable[[], None]] = []
        self.released = 0
        self.known_ms = 0  # when the newest event of our log was written, in unix ms of its primary's clock; 0: unknown
        self.syncs = Syncs()
        self.pace = Pace(node.engine)
        self.courier = Courier(self.pace)
        self.carried: deque[tuple[int, int]] = deque(maxlen=64)  # history that couriers were last given, unread: offsets from, to
        self._recent = FrameTail(0, 0)  # the newest frames of this history, while there are replicas
        self._unsynced: deque[Frame] = deque()
        self._ack_wanted = False  # when writes go on
        self._seconds = 0
        self.backlog = Backlog(self)
        self.accepts_writes = True  # not while a promotion waits for other nodes
        self.stands_still = False  # history may not move on by itself: replicas are to catch up in time
        self.follows_on = False  # our history is one that a primary gave us, at whatever offset
        self.is_followed = False  # it is one that a replica has got from us
        self.engine.on_log.append(self._attach)
        self._attach(self.engine.log)

    @property
    def history(self) -> History:
        """The chain of history ids."""
        history = self.node.persistence.history
        assert history is not None
        return history

    @property
    def is_shared(self) -> bool:
        """Tell whether our data are those of a group: a primary gave them to us, now or before a restart, or replicas have them.

        A node of other data, which it found in its directory, must not be promoted in the group's place.
        """
        history = self.node.persistence.history  # None while data are loaded
        return self.follows_on or self.is_followed or (history is not None and history.told)

    @property
    def directory(self) -> str:
        """The data directory."""
        return str(self.node.persistence.directory.path)

    # ── the log ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _attach(self, log: EventLog) -> None:
        """Hear of every frame of a log."""
        self._unsynced.clear()
        self._recent = FrameTail(0, log.written_offset)
        self._volatile = isinstance(log, MemoryLog)
        self.released = log.synced_offset if self._waits_for_fsync else log.written_offset
        log.subscribers.append(self._written)
        log.on_synced(self._synced)

    def restart(self, offset: int, known_ms: int) -> None:
        """Go on at offset: the log was reset there, to a state of known_ms (0: unknown)."""
        self._unsynced.clear()
        self._recent = FrameTail(0, offset)
        self.known_ms = known_ms
        self.released = offset

    @property
    def _waits_for_fsync(self) -> bool:
        return self.engine.settings.appendfsync == "always"

    def _written(self, frame: Frame) -> None:
        self.known_ms = frame.unix_ms
        self._unsynced.append(frame)
        self._synced(self.engine.log.synced_offset if self._waits_for_fsync else frame.end)

    def _synced(self, offset: int) -> None:
        while self._unsynced and self._unsynced[0].end <= offset:
            self._release(self._unsynced.popleft())

    def _release(self, frame: Frame) -> None:
        self.released = frame.end
        if self.feeds:
            self._remember(frame)
        for feed in self.feeds.values():
            if feed.peer.state is State.ONLINE:
                feed.live(frame)
        if self._volatile and self.feeds:
            self.backlog.judge()

    def _remember(self, frame: Frame) -> None:
        """Keep the newest history at hand for replicas that fall behind a little (option repl-backlog-size)."""
        if self._volatile:
            return  # it has its own
        if self._recent.end != frame.offset:
            self._recent = FrameTail(0, frame.offset)
        self._recent.limit = self.engine.settings.repl_backlog_size
        self._recent(frame)

    def history_from(self, offset: int) -> HistoryReader:
        """Read history from an offset on."""
        return HistoryReader(self.engine, self.directory, offset, self._newest)

    def _newest(self) -> FrameTail:
        log = self.engine.log
        return log.tail if isinstance(log, MemoryLog) else self._recent

    # ── handshake ──────────────────────────────────────────────────────────────────────────────────────────────────
    def peer_of(self, session: Session) -> Peer:
        """What is known about a client that may become a replica."""
        feed = self.feeds.get(session)
        if feed is not None:
            return feed.peer
        peer = self.asking.get(session)
        if peer is None:
            self.asking = {other: kept for other, kept in self.asking.items() if not other.closing}
            peer = self.asking[session] = Peer(session.address.decode())
        return peer

    def psync(self, session: Session, history_id: str, offset: int) -> None:
        """Answer PSYNC from a client whose history ends at offset (-1: it has none)."""
        peer = self.peer_of(session)
        found = obstacle(self.history, self.engine.log, history_id, offset)
        if found is None:
            self._go_on(session, peer, offset)
            return
        if found.reason != NEW:
            self.syncs.refused += 1
            notice(f"Unable to partial resync with replica: {found.text}")
            parted = parting(self.history, self.engine.log, history_id, offset)
            if parted is not None and peer.options.framed:
                self.syncs.parted += 1
                session.push(parted_line(parted))
                return
        self.full_sync(session, peer, found.reason)

    def _go_on(self, session: Session, peer: Peer, offset: int) -> None:
        """Give a client history from offset on."""
        self.syncs.partial += 1
        feed = self._take_over(session, peer)
        peer.resume(offset, self.engine.clock.now_ms(), has_data=True)
        self.backlog.judge()
        named = self.history.current if "psync2" in peer.options.capabilities else None
        feed.write(continue_line(named, peer.options.framed))
        notice(
            f"Partial resynchronization request from {peer.name} accepted. "
            f"Sending {self.engine.log.offset - offset} bytes of backlog starting from offset {offset + 1}."
        )
        feed.run(peer.receive(Event.RESUMED))

    def full_sync(self, session: Session, peer: Peer, reason: str) -> None:
        """Give a client a snapshot, then history; reason: a word of FULL_SYNC_REASONS."""
        self.syncs.full[reason] += 1
        notice(f"Full resync requested by replica {peer.name} ({reason})")
        feed = self._take_over(session, peer)
        peer.sent = self.released  # it needs at most what comes from now on, unless a snapshot is at hand
        self.backlog.judge()
        feed.run(peer.receive(Event.FULL_SYNC))

    def _take_over(self, session: Session, peer: Peer) -> ReplicaFeed:
        """Make a client a replica: from here on only its feed writes to it."""
        if session in self.feeds:
            raise ReplyError("a replica can't synchronize twice over one connection")
        self.asking.pop(session, None)
        feed = self.feeds[session] = ReplicaFeed(self, session, peer)
        self.backlog.taken()
        session.become_replica(feed)
        data = joined(session.take_output())
        if session.transport is not None:
            session.transport.set_write_buffer_limits(high=WINDOW, low=WINDOW // 4)
            if self.engine.settings.repl_disable_tcp_nodelay:
                gather_packets(session.transport.get_extra_info("socket"))
        if data:
            feed.write(data)
        self.judge_gate()
        return feed

    # ── the life of a replica ──────────────────────────────────────────────────────────────────────────────────────
    def lost(self, feed: ReplicaFeed, was_waiting: bool) -> None:
        """Forget a replica whose connection is gone; was_waiting: for a snapshot to be made."""
        if self.feeds.pop(feed.session, None) is not None:
            notice(f"Connection with replica {feed.peer.name} lost.")
        if was_waiting and not any(other.peer.state is State.WAITING for other in self.feeds.values()):
            self.snapshots.unwanted()
        self.backlog.left()
        self.judge_gate()

    def offended(self, feed: ReplicaFeed, reply: object) -> None:
        """Cut off a replica that sent a command with a reply."""
        command = feed.session.last_command
        name = command.name if command is not None else "?"
        shown = encode(reply, 2)[:1024].decode("utf-8", "backslashreplace").rstrip()
        warn(f"Replica generated a reply to command '{name}', disconnecting it: {shown!r}")
        if isinstance(reply, ReplyError):
            warn(
                "== CRITICAL == This master is sending an error to its replica: "
                f"'{shown.removeprefix('-')}' after processing the command '{name}'"
            )
        feed.session.close_after_reply()

    def acknowledged(self, session: Session, offset: int, synced: int | None, heartbeat_ms: int = 0) -> None:
        """Take a replica's acknowledgement, and how often it wants to hear of us."""
        feed = self.feeds.get(session)
        if feed is None:
            return
        self.is_followed = self.is_followed or feed.peer.following
        first = not feed.peer.has_data
        feed.peer.heartbeat_ms = heartbeat_ms
        if feed.peer.acknowledge(offset, synced, self.engine.clock.now_ms()):
            self.advanced()
        if first:
            self.judge_gate()

    def advanced(self) -> None:
        """Tell those who wait for replicas that one has got further."""
        self.engine.waiting.advanced()
        for listener in self.on_acknowledged:
            listener()

    def count(self, offset: int) -> int:
        """How many replicas have acknowledged history up to offset: it is in their memory."""
        return sum(peer.acked >= offset for peer in self.following())

    def count_synced(self, offset: int) -> int:
        """How many replicas have synced history up to offset to their disks."""
        return sum(peer.synced >= offset for peer in self.following())

    def count_held(self, offset: int) -> int:
        """How many replicas have history up to offset in a log on disk."""
        return sum(peer.held >= offset for peer in self.following())

    def following(self) -> list[Peer]:
        """The replicas that follow history."""
        return [feed.peer for feed in self.feeds.values() if feed.peer.following]

    def ask(self) -> None:
        """Have every replica asked to acknowledge: at the end of the turn, once for all who want it; after a pause of writes."""
        if self.engine.primary:
            self._ack_wanted = self.engine.gates.writes_paused
            if self.feeds and not self._ack_wanted:
                self.engine.turn.last = self.question
                self.engine.turn.schedule()

    def question(self) -> None:
        """Ask for acknowledgements, by an event: the last of a turn (`Turn.last`)."""
        if self.engine.primary:
            self.engine.log.append(GETACK, ANY_DB)

    def disconnect_all(self, why: str) -> None:
        """Close the connections of all replicas: they come back and learn what has changed."""
        for feed in list(self.feeds.values()):
            notice(f"Disconnecting replica {feed.peer.name}: {why}")
            feed.session.abort()

    # ── by time ────────────────────────────────────────────────────────────────────────────────────────────────────
    def tick(self) -> None:
        """Ten times a second: ask for what could not be asked for while writes paused; heartbeats that replicas want."""
        if self._ack_wanted:
            self.ask()
        wanted, age = self.heartbeat_wanted, self.engine.clock.now_ms() - self.known_ms
        if wanted and self.engine.log.failed is None and not 0 <= age < wanted:  # below 0: the clock was set back
            self._heartbeat()
        self.courier.tick()

    @property
    def heartbeat_wanted(self) -> int:
        """Ms within which a replica wants to hear something, the least of their wishes; 0: there are none."""
        return min(filter(None, (feed.peer.heartbeat_ms for feed in self.feeds.values())), default=0)

    def every_second(self) -> None:
        """Heartbeat, silent replicas, min-replicas-to-write."""
        settings = self.engine.settings
        self._seconds += 1
        if self._seconds % settings.repl_ping_replica_period == 0:
            self._heartbeat()
        for feed in list(self.feeds.values()):
            if feed.count_silence() > settings.repl_timeout and self._is_judged(feed.peer):
                warn(f"Disconnecting timedout replica: {feed.peer.name}")
                feed.session.abort()
        self.backlog.every_second()
        self.judge_gate()

    def _heartbeat(self) -> None:
        """Let replicas know that we live."""
        if self.feeds:
            self.move_on()

    def move_on(self) -> None:
        """Let history move on although nothing happens, if we lead; while writes pause too, as in Redis: no link is to go silent."""
        if self.engine.primary and not self.stands_still:
            self.engine.log.append(PING, ANY_DB)
            self.engine.turn.schedule()

    def _is_judged(self, peer: Peer) -> bool:
        """Tell whether a replica may not be silent: one that waits for a snapshot may."""
        return peer.acknowledges if peer.following else peer.state in (State.SENDING, State.DELIVERED)

    @property
    def good(self) -> int:
        """Replicas online that have the data and whose last acknowledgement is at most min-replicas-max-lag seconds old."""
        now, most = self.engine.clock.now_ms(), self.engine.settings.min_replicas_max_lag
        return sum(peer.has_data and peer.lag(now) <= most for peer in self.following())

    def judge_gate(self) -> None:
        """Refuse writes while there are fewer good replicas than asked for."""
        settings = self.engine.settings
        wanted = settings.min_replicas_to_write if self.engine.primary and settings.min_replicas_max_lag else 0
        self.engine.gates.set(FEW_REPLICAS, not self.accepts_writes or (wanted > 0 and self.good < wanted))

    def listed(self) -> list[ReplicaFeed]:
        """The replicas that INFO shows, in the order they came."""
        return [feed for feed in self.feeds.values() if feed.peer.state in SHOWN]
