"""What flows to one replica: the answer to its PSYNC, the snapshot's file, history from the log, then live frames.

Law: at most WINDOW bytes wait in a connection; a replica that reads more slowly is served from the log again, so however
slow it is and however many there are, none costs the primary memory or anybody else's time. The courier sends the snapshot, and of
history to a Chronis node all that is not the newest, as it lies in the log's files. The loop sends the rest in slices: what it needs
from disk is read by threads, and of a slice waits in the connection only what the socket did not take.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from replication.courier import Piece
from replication.messages import full_resync_line
from replication.pace import SLICE
from replication.peer import Action, Event, Peer, State
from replication.source import HistoryGone
from replication.tasks import begin
from store.logfile import notice, warn

if TYPE_CHECKING:
    from replication.primary import Primary
    from replication.source import HistoryReader
    from store.client.session import Session
    from store.log.frame import Frame

WINDOW = 1 << 20
"""Bytes that may wait in a replica's connection."""


class ReplicaFeed:
    """One replica's connection and what is sent over it."""

    def __init__(self, primary: Primary, session: Session, peer: Peer) -> None:
        self.primary = primary
        self.session = session
        self.peer = peer
        self.task: asyncio.Task[None] | None = None
        self.progress_ms = primary.engine.clock.now_ms()  # when the connection took something
        self.missed = 0  # bytes of history that it lacked when it began to catch up
        self._read_upto = 0  # history that is not carried unread
        self._silent = 0  # seconds in a row without a sign of life ...
        self._signs = (0, 0)  # ... and what there had been of them before
        self._room = asyncio.Event()
        self._room.set()

    # ── what the session tells ─────────────────────────────────────────────────────────────────────────────────────
    def drained(self) -> None:
        """The connection takes more output again."""
        self._room.set()

    def replied(self, reply: object) -> None:
        """The replica sent a command that has a reply, which would be taken for a part of the stream: cut it off."""
        self.primary.offended(self, reply)

    def closed(self) -> None:
        """The connection is gone."""
        if self.peer.state is State.GONE:
            return
        was_waiting = self.peer.state is State.WAITING
        self.peer.receive(Event.LOST)
        if self.task is not None:
            self.task.cancel()
        self.primary.lost(self, was_waiting)

    def count_silence(self) -> int:
        """Return for how many seconds in a row the replica has sent nothing, nor taken anything of a snapshot; call it each second.

        While it is busy with a snapshot it sends line feeds. Seconds in which we were busy ourselves don't count.
        """
        taken = 0 if self.peer.following else self.progress_ms
        signs = (self.session.net_input, taken)
        self._silent = self._silent + 1 if signs == self._signs else 0
        self._signs = signs
        return self._silent

    # ── sending ────────────────────────────────────────────────────────────────────────────────────────────────────
    def write(self, data: bytes) -> None:
        """Send bytes of the stream."""
        transport = self.session.transport
        if transport is None or transport.is_closing():
            return
        self._count(len(data))
        transport.write(data)
        if transport.get_write_buffer_size() > WINDOW:
            self._room.clear()
        else:
            self.progress_ms = self.primary.engine.clock.now_ms()

    def _count(self, size: int) -> None:
        """Account for bytes that leave."""
        self.session.net_output += size
        self.primary.engine.stats.net_repl_output += size

    def send_frame(self, frame: Frame) -> None:
        """Send the frame that follows what was sent."""
        self.peer.sent = frame.end
        self.write(frame.raw if self.peer.options.framed else frame.payload)

    async def _send_slices(self, data: bytes, hurry: bool = False) -> None:
        """Send bytes slice by slice, each when it is this replica's turn and the socket has taken the last."""
        rest = memoryview(data)
        while rest:
            await self.primary.pace.turn(min(SLICE, len(rest)), hurry)
            self._send_slice(rest[:SLICE])
            rest = rest[SLICE:]
            await self._room.wait()

    def _send_slice(self, data: memoryview) -> None:
        """Send bytes past the transport, which holds nothing, and give it what the socket does not take."""
        transport = self.session.transport
        if transport is None or transport.is_closing():
            return
        sent = 0
        if not transport.get_write_buffer_size():
            with contextlib.suppress(BlockingIOError):
                sent = os.write(self.session.fd, data)
        self._count(len(data))
        self.progress_ms = self.primary.engine.clock.now_ms()
        if sent < len(data):
            transport.write(bytes(data[sent:]))
            if transport.get_write_buffer_size():
                self._room.clear()

    def _may_wait(self, size: int) -> None:
        """Say how many bytes may wait in the connection before it counts as full."""
        if self.session.transport is not None:
            self.session.transport.set_write_buffer_limits(high=size, low=size // 4)

    def live(self, frame: Frame) -> None:
        """Send a frame that was just written, or fall back to the log if too much waits already."""
        if frame.offset != self.peer.sent or not self._room.is_set():
            self.run(self.peer.receive(Event.CONGESTED))
        else:
            self.send_frame(frame)

    def run(self, action: Action) -> None:
        """Do what the table says, in a task that ends with the next state."""
        steps = {Action.PROVIDE_SNAPSHOT: self._full_sync, Action.READ_LOG: self._catch_up}
        step = steps.get(action)
        if step is not None:
            self.task = begin(self._guarded(step()), lambda _: self.session.abort())

    async def _guarded(self, step: object) -> None:
        try:
            await step  # type: ignore[misc]  # a coroutine of this class
        except HistoryGone as error:
            warn(
                f"Replica {self.peer.name} can't go on from offset {self.peer.sent}: {error}; it has to synchronize anew"
            )
            self.session.abort()
        except OSError as error:
            warn(f"Sending to replica {self.peer.name} failed: {error}")
            self.session.abort()

    async def _full_sync(self) -> None:
        """Send a snapshot and go on with the log from its offset."""
        peer = self.peer
        self._may_wait(0)
        snapshot = await self.primary.snapshots.provide(self)
        peer.receive(Event.SNAPSHOT_READY)
        peer.resume(snapshot.offset, self.primary.engine.clock.now_ms(), has_data=False)
        notice(f"Sending snapshot of offset {snapshot.offset} to replica {peer.name}")
        if snapshot.path is None:
            self.write(b"$%d\r\n" % len(snapshot.data) + snapshot.data)
        else:
            await self._send_file(snapshot.path)
        if peer.options.rdb_only:
            peer.receive(Event.DELIVERED)
            return
        notice(f"Synchronization with replica {peer.name} succeeded")
        peer.acked_ms = self.primary.engine.clock.now_ms()  # while it was sent none was to be expected
        peer.receive(Event.SNAPSHOT_SENT)
        if peer.has_data:  # a quick one has acknowledged before this task heard that all was sent
            self.primary.judge_gate()
            self.primary.advanced()
        await self._catch_up(hurry=False)

    def announce(self, offset: int) -> None:
        """Tell the replica of which offset the snapshot is or will be, and have history kept from there on."""
        self.peer.sent = offset
        self.primary.backlog.judge()
        if self.peer.acknowledges:
            self.write(full_resync_line(self.primary.history.current, offset, self.peer.options.framed))

    async def _send_file(self, path: Path) -> None:
        """Send a file with its length before it."""
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(path.open("rb"))
            size = os.fstat(file.fileno()).st_size
            self._send_slice(memoryview(b"$%d\r\n" % size))
            await self._carry(Piece(file.fileno(), 0, size), hurry=False)

    async def _carry(self, piece: Piece, hurry: bool) -> None:
        """Have a piece of a file sent after what waits in the connection. Raises OSError."""
        transport = self.session.transport
        if transport is not None and not transport.is_closing() and transport.get_write_buffer_size():
            self._room.clear()
            await self._room.wait()
        if transport is None or transport.is_closing():
            raise OSError("the connection is being closed")
        await self.primary.courier.carry(piece, self.session.fd, self._carried, hurry)

    def _carried(self, size: int) -> None:
        """Account for what a courier tells of."""
        self._count(size)
        self.progress_ms = self.primary.engine.clock.now_ms()

    async def _catch_up(self, hurry: bool = True) -> None:
        """Send history from the log until nothing is missing, then be live.

        After a snapshot there is no hurry unless more is written than sent; a replica that follows is stale meanwhile.
        """
        primary, peer = self.primary, self.peer
        self._may_wait(0)
        reader, least = primary.history_from(peer.sent), primary.released - peer.sent
        self.missed = least
        # Who comes back from within what was carried, to it or others, may have found damage in it: that is for us to name, so
        # it is read now.
        self._read_upto = max((end for start, end in primary.carried if start <= peer.sent < end), default=0)
        try:
            while not reader.seek():  # noqa: ASYNC110 - nobody else can tell when: this is the work, in slices
                await asyncio.sleep(0)
            while True:
                missing = primary.released - peer.sent
                least, hurry = min(least, missing), hurry or missing > least + WINDOW
                if await self._send_some(reader, hurry):
                    continue
                if peer.sent >= primary.released:
                    self._may_wait(WINDOW)
                    peer.receive(Event.CAUGHT_UP)
                    return
                await asyncio.sleep(0)
        finally:
            peer.carried_from = None
            reader.close()

    async def _send_some(self, reader: HistoryReader, hurry: bool) -> bool:
        """Send what comes next of history: a piece of a file, or a slice; False if there is nothing yet.

        It counts as sent before: the replica may acknowledge the last of it while this task waits.
        """
        peer, upto, framed = self.peer, self.primary.released, self.peer.options.framed
        unread = framed and self.primary.courier.usable and peer.sent >= self._read_upto
        piece = reader.piece(upto) if unread else None
        if piece is not None:
            peer.carried_from, peer.sent = peer.sent, reader.offset
            self.primary.carried.append((peer.carried_from, peer.sent))
            await self._carry(piece, hurry)
            peer.carried_from = None
            return True
        await self._room.wait()
        await reader.read_ahead()
        frames = reader.take(SLICE, self.primary.released)
        if not frames:
            return False
        peer.sent = frames[-1].end
        await self._send_slices(b"".join([f.raw if framed else f.payload for f in frames]), hurry)
        return True
