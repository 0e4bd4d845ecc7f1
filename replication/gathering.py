"""A promoted replica takes what other nodes hold of its history beyond its own, before it begins a new one and accepts writes.

Sentinel promotes by offsets that it read up to ten seconds ago, so of several replicas it may choose one that is behind. With
`reply-after-replicas K` a write is held by the old primary and K of N replicas: whoever has heard from N - K other nodes has
heard from one that holds it. So with `promote-after-replicas N - K` no acknowledged write is lost, whichever is promoted; and since
a node that asks the new primary no longer follows the old one, nothing more is acknowledged there.

    a node is heard when it asks to follow: PSYNC id offset        (Sentinel tells it to, as soon as the promotion shows in INFO)
    our id, beyond our offset    its part is fetched (CHRONIS HISTORY id offset), then it is heard
    our id, or one before        heard
    no history, another one      not heard: it holds nothing of ours, or may have lost it
    it followed us before        not heard: the old primary never counted on it

A node that becomes primary by FAILOVER gathers nothing: the old primary holds all there is and hands it over (with FORCE: gives
up what has not arrived). So does an old primary whose failover comes to nothing: nobody holds more of its history than it does.

Law: until enough nodes are heard writes are refused (-NOREPLICAS) and nothing is recorded but what was fetched, at the old
primary's offsets under its id; a node that was to be a replica again meanwhile has lost nothing and added nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import hiredis

from replication.acknowledgements import Acknowledgements
from replication.follower import Follower
from replication.stream import BadStream
from replication.tasks import begin
from store.errors import ReplyError
from store.events import encode_event
from store.logfile import notice, warn
from store.resp.foreign import next_value

if TYPE_CHECKING:
    from replication.peer import Peer
    from replication.primary import Primary
    from store.engine import Engine

GATHERING = "Gathering history after a promotion: come back"
"""What a node that asks to follow is told meanwhile; it tries again within a second."""
PAUSE = 0.01
"""Seconds between two looks whether writes, and with them what was fetched, may go on."""


class Gathering:
    """One promotion under way. `done` is called when enough nodes have been heard; it raises OSError, and is called again later,
    while the new history can't be begun."""

    def __init__(self, engine: Engine, primary: Primary, done: Callable[[], None], applied: Callable[[int], None]) -> None:
        self.engine = engine
        self.primary = primary
        self.heard: set[str] = set()
        self._below = {feed.peer.name for feed in primary.feeds.values()}  # what they hold came from here
        self._complaint = ""
        self._done = done
        self._applied = applied  # called with the offset after each piece of history
        self._fetching: dict[str, asyncio.Task[None]] = {}
        primary.accepts_writes = False

    @property
    def missing(self) -> int:
        """How many nodes have still to be heard."""
        return max(0, self.engine.settings.promote_after_replicas - len(self.heard))

    @property
    def reason(self) -> str:
        """Why writes are refused."""
        if self.missing or not self._complaint:
            return f"Promoted, and waiting for what {self.missing} more of the group's nodes hold (promote-after-replicas)."
        return self._complaint

    def judge(self) -> None:
        """Be done if enough nodes have been heard (the option may have changed)."""
        if self.missing:
            notice(
                f"Promoted at offset {self.engine.log.offset}; writes are refused until {self.missing} more nodes of the group "
                "have shown what they hold (promote-after-replicas)"
            )
            return
        try:
            self._done()
        except OSError as error:
            self._complain(f"Promoted, but a history of our own can't be begun yet: {error.strerror or error}")

    def _complain(self, text: str) -> None:
        if text != self._complaint:
            warn(text)
        self._complaint = text

    def every_second(self) -> None:
        """Try again what failed when enough nodes had been heard."""
        if not self.missing:
            self.judge()

    def call_off(self) -> None:
        """Gather no more."""
        for task in self._fetching.values():
            if task is not asyncio.current_task(asyncio.get_running_loop()):
                task.cancel()
        self._fetching.clear()
        self.primary.accepts_writes = True

    def hear(self, peer: Peer, history_id: str, offset: int) -> None:
        """A node that holds history_id up to offset (-1: nothing) asks to follow this one; a feed, which tells no port, is none."""
        if not peer.options.port or peer.options.followed_before or peer.name in self._below:
            return
        history, log = self.primary.history, self.engine.log
        if history_id == history.current and offset > log.offset:
            self._fetch_from(peer, offset)
        elif offset >= 0 and history.allows(history_id, offset):
            self._note(peer)

    def _note(self, peer: Peer) -> None:
        if peer.name not in self.heard:
            notice(f"{peer.name} holds no more of our history than we do")
            self.heard.add(peer.name)
            self.judge()

    # ── taking what another node holds ─────────────────────────────────────────────────────────────────────────────
    def _fetch_from(self, peer: Peer, offset: int) -> None:
        """Begin to fetch, unless that is under way."""
        if peer.name in self._fetching:
            return
        notice(f"{peer.name} holds our history up to offset {offset}, we up to {self.engine.log.offset}: fetching it")
        self._fetching[peer.name] = begin(self._fetch(peer), lambda error: warn(f"Fetching from {peer.name} failed: {error!r}"))

    async def _fetch(self, peer: Peer) -> None:
        acknowledgements = Acknowledgements(self.engine, lambda data: None)
        follower = Follower(self.engine, True, self._applied, acknowledgements)
        try:
            async with asyncio.timeout(self.engine.settings.repl_timeout):
                await self._take_all(peer, follower)
        except (OSError, BadStream, ReplyError, hiredis.ProtocolError) as error:
            warn(f"Fetching history from {peer.name} failed: {error or 'timeout'}")
            return
        finally:
            acknowledgements.close()
            self._fetching.pop(peer.name, None)
        self._note(peer)

    async def _take_all(self, peer: Peer, follower: Follower) -> None:
        """Ask for piece after piece, and apply each, until there is no more."""
        log, history = self.engine.log, self.primary.history
        asking = await Asking.of(peer.ip, peer.options.port)
        try:
            settings = self.engine.settings
            if settings.masterauth:
                await asking.ask(b"AUTH", *filter(None, [settings.masteruser.encode()]), settings.masterauth)
            while frames := await asking.ask(b"CHRONIS", b"HISTORY", history.current.encode(), b"%d" % log.offset):
                follower.receive(frames)
                while follower.step() or follower.read_offset > log.offset:  # noqa: ASYNC110 - the work itself, in slices
                    await asyncio.sleep(PAUSE if self.engine.gates.writes_paused else 0)
        finally:
            asking.close()


class Asking:
    """A connection to another node: one question, one answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._parser = hiredis.Reader(replyError=ReplyError)

    @classmethod
    async def of(cls, host: str, port: int) -> Asking:
        """Connect; raise OSError."""
        return cls(*await asyncio.open_connection(host, port))

    async def ask(self, *words: bytes) -> bytes:
        """Send a command; return its reply, which is a string. Raise ReplyError for an error, OSError when the link is lost."""
        self._writer.write(encode_event(*words))
        while (reply := next_value(self._parser)) is False:
            data = await self._reader.read(1 << 16)
            if not data:
                raise ConnectionError("the connection was closed")
            self._parser.feed(data)
        if isinstance(reply, ReplyError):
            raise reply
        if not isinstance(reply, bytes):
            raise BadStream(f"not a string: {reply!r:.80}")
        return reply

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()
