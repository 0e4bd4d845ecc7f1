"""The log on disk: one frame a turn, one write(2) a frame, rolled into segments, made durable by the syncer.

Law: a reply leaves after the write of its frame and never before. When a write fails, the part that reached the file is
cut off again, the frames stay in memory in their order, and `failed` says so until `retry()` has written them all.
When an fsync fails, `failed` stays set until a restart (syncer.py says why). Nothing is ever written after a gap.

Unlike Redis, a slow fsync under `everysec` does not hold back writes, as that would hold back their replies;
it is counted in `delayed_fsync`.
"""

from __future__ import annotations

import errno
import os
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from store.errors import CorruptLog, LogFailed
from store.log import retention
from store.log.buffer import EventBuffer
from store.log.cutting import Cut, cut_files
from store.log.disk import Disk, write_all
from store.log.frame import Frame
from store.log.history import History
from store.log.reader import Place
from store.log.segment import HEADER_SIZE, LOG_DIRECTORY, LogEnd, encode_header, list_segments, segment_path
from store.log.syncer import FsyncTimes, Syncer, sync_files

SEGMENT_BYTES = 64 * 1024 * 1024
POLICIES = ("always", "everysec", "no")
# Bytes of a segment between two places that are remembered.
PLACES = 256 * 1024
# What a frame has beside its payload, without origins: enough to decide when a segment is full.
_FRAME_OVERHEAD = 40


@dataclass(frozen=True, slots=True)
class LogStatistics:
    """Counters of one log since it was opened (bytes and offsets of history unless said otherwise)."""

    events: int
    frames: int
    bytes_written: int  # of frames, headers included
    first_offset: int
    offset: int
    unsynced: int
    segments: int
    retained_bytes: int  # of all segment files
    delayed_fsync: int
    fsync: FsyncTimes


class LogWriter(EventBuffer):
    """Append frames to the segments below a data directory (see EventLog for the protocol).

    Invariant: synced_offset <= written_offset <= offset; the open segment holds exactly `_size` bytes of whole frames
    unless `_ragged`, when a failed write could not be cut off yet.
    """

    def __init__(
        self,
        directory: str,
        history: History,
        end: LogEnd,
        *,
        disk: Disk | None = None,
        fsync: str = "everysec",
        segment_bytes: int = SEGMENT_BYTES,
        clock: Callable[[], float] = time.monotonic,
        patience: float = 0.0,
    ) -> None:
        """Go on where the log ended (LogEnd(0) for a new one) and mark the history as running.

        patience: seconds of an fsync up to which `always` holds up the event loop (see syncer.py).

        Everything an earlier process may have left unsynced is synced first, blocking. Raises OSError, or CorruptLog
        when the last segment is longer than end says: a torn tail has to be cut before (reader.cut).
        """
        super().__init__(end.offset, end.db)
        self.segment_bytes = segment_bytes
        self.written_offset = end.offset
        self.failed: LogFailed | None = None
        self.directory = directory
        self.history = history
        self._disk = disk or Disk()
        self._folder = os.path.join(directory, LOG_DIRECTORY)
        self._fsync = fsync
        self._starts: set[int] = set()  # offsets of queued frames that start a segment
        self._roll_next = end.path is None
        self._planned = end.size  # the size of the segment once the queue is written, about
        self._ragged = False
        self._fd = -1
        self._size = end.size
        self._sealed_bytes = 0
        self._places: list[Place] = []  # one every PLACES bytes, so that a reader finds an offset without a long walk
        self._segment = 0  # first offset of the open segment
        self.frames = 0
        self.bytes_written = 0
        self._open(end)
        self._syncer = Syncer(self._disk, self._folder, self._position, clock, patience)
        self._syncer.failed_callbacks.append(self._fsync_failed)

    def _open(self, end: LogEnd) -> None:
        """Open the last segment for appending, after syncing what an unclean stop may have left in the page cache."""
        self._disk.mkdir(self._folder)
        segments = list_segments(self.directory)
        if self.history.clean_offset is None:
            sync_files(self._disk, [segment.path for segment in segments])
        self._disk.sync_directory(self._folder)
        self._disk.sync_directory(self.directory)
        self.history.mark_running()
        self._segments = len(segments)
        self._sealed_bytes = sum(segment.size for segment in segments if segment.path != end.path)
        self._first_offset = segments[0].first_offset if segments else end.offset
        if end.path is None:
            return
        self._segment = segments[-1].first_offset
        self._fd = self._disk.open(end.path, os.O_WRONLY | os.O_APPEND)
        size = os.fstat(self._fd).st_size
        if size != end.size:
            self._disk.close(self._fd)
            raise CorruptLog(end.path, end.size, f"{size - end.size} bytes after the last whole frame")

    def _position(self) -> tuple[int, int]:
        return self._fd, self.written_offset

    # -- the turn ------------------------------------------------------------------------------------------------

    def commit(self, now_ms: int, before: int | None = None) -> bool:
        """End the turn: write its events as one frame stamped now_ms (those sealed early as frames of their own).

        With before (a mark), the events from there on stay pending: a transaction that is still running. Returns False when
        the log is failed: the frames then wait in memory, and no reply to a write may leave.
        """
        self._close_turn(now_ms, before)
        if self._queue and self.failed is None:
            self._write_out()
        return self.failed is None

    def retry(self) -> bool:
        """Write what a failed write left in memory; True when the log is healthy (again). Call it once a second."""
        if self._syncer.failed is not None:
            return False
        if self.failed is not None and self._write_out():
            self.failed = self._syncer.failed
        return self.failed is None

    def _write_out(self) -> bool:
        """Write the queued frames in order; on an error keep the rest, set `failed` and return False."""
        queue = self._queue
        while queue:
            frame = queue[0]
            try:
                if frame.offset in self._starts:
                    self._roll(frame.offset)
                    self._starts.discard(frame.offset)
                self._write(frame.raw)
            except OSError as error:
                self._write_failed(error)
                return False
            queue.popleft()
            self.written_offset = frame.end
            if not self._places or self._size - self._places[-1].position >= PLACES:
                self._places.append(Place(self._segment, self._size, frame.end))
            self.frames += 1
            for subscriber in self.subscribers:
                subscriber(frame)
        if self._fsync == "always" or self._syncer.waiters:
            self._syncer.request(awaited=self._fsync == "always")
        return True

    def _write(self, raw: bytes) -> None:
        """Append raw to the open segment; on an error cut off what was written of it and raise OSError."""
        if self._ragged:
            self._disk.ftruncate(self._fd, self._size)
            self._ragged = False
        try:
            write_all(self._disk, self._fd, raw)
        except OSError:
            self._ragged = True
            self._disk.ftruncate(self._fd, self._size)
            self._ragged = False
            raise
        self._size += len(raw)
        self.bytes_written += len(raw)

    def _roll(self, first_offset: int) -> None:
        """Open the next segment and hand the sealed one to the syncer; raises OSError with the old one still open."""
        path = segment_path(self.directory, first_offset)
        fd = self._disk.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            if os.fstat(fd).st_size > HEADER_SIZE:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
            self._disk.ftruncate(fd, 0)  # what an attempt that failed has left
            write_all(self._disk, fd, encode_header(self.history.current, first_offset))
        except OSError:
            self._disk.close(fd)
            raise
        self._retire()
        self._fd, self._size, self._segments = fd, HEADER_SIZE, self._segments + 1
        self._segment = first_offset
        self._places.append(Place(first_offset, HEADER_SIZE, first_offset))
        self._syncer.directory_changed()

    def _retire(self) -> None:
        """Give the open segment to the syncer, which syncs it at once under any policy: sealed segments are durable."""
        if self._fd >= 0:
            self._sealed_bytes += self._size
            self._syncer.retire(self._fd)
            self._fd = -1
            self._syncer.request()

    def _enqueue(self, frame: Frame) -> None:
        """Queue frame and plan the segments: when one is full, the next frame starts another, SELECT first."""
        if self._roll_next:
            self._starts.add(frame.offset)
            self._planned = HEADER_SIZE
        self._queue.append(frame)
        self._planned += len(frame.payload) + _FRAME_OVERHEAD
        self._roll_next = self._planned >= self.segment_bytes
        if self._roll_next:
            self.select_next()

    def _write_failed(self, error: OSError) -> None:
        healthy = self.failed is None
        self.failed = LogFailed(error.strerror or str(error))
        if healthy:  # a retry in vain is no news
            for callback in self._syncer.failed_callbacks:
                callback(self.failed)

    def _fsync_failed(self, error: LogFailed) -> None:
        self.failed = error

    # -- durability ----------------------------------------------------------------------------------------------

    @property
    def synced_offset(self) -> int:
        """History up to here survives power loss."""
        return self._syncer.synced_offset

    @property
    def fsync(self) -> str:
        """The policy, one of POLICIES; may be set at any time."""
        return self._fsync

    @fsync.setter
    def fsync(self, policy: str) -> None:
        if policy not in POLICIES:
            raise ValueError(f"{policy!r} is none of {', '.join(POLICIES)}")
        self._fsync = policy
        if policy == "always":
            self._syncer.request()

    async def durable(self, offset: int) -> None:
        """Wait until an fsync covers offset; raises LogFailed when that can't happen any more.

        Waiters share fsyncs: one is in flight at a time, and the next covers all that piled up (group commit).
        """
        if offset <= self._syncer.synced_offset:
            return
        if self._syncer.failed is not None:
            raise self._syncer.failed
        waiting = self._syncer.waiters.add(offset)
        self._syncer.request()
        await waiting

    def on_synced(self, callback: Callable[[int], None]) -> None:
        """Have callback called in the loop's thread with synced_offset after each fsync."""
        self._syncer.synced_callbacks.append(callback)

    def forget_synced(self, callback: Callable[[int], None]) -> None:
        """Call a callback of `on_synced` no more."""
        self._syncer.synced_callbacks.remove(callback)

    def on_failed(self, callback: Callable[[LogFailed], None]) -> None:
        """Have callback called in the loop's thread when the log turns from healthy to failed."""
        self._syncer.failed_callbacks.append(callback)

    def tick(self) -> None:
        """Under `everysec`, start an fsync if something is unsynced and the last began a second ago or longer."""
        if self._fsync == "everysec" and self._syncer.synced_offset < self.written_offset:
            self._syncer.due()

    def poll(self) -> None:
        """Take the outcome of an fsync that has ended, for who holds up the event loop."""
        self._syncer.poll()

    @property
    def fsync_in_flight(self) -> bool:
        """Tell whether an fsync is running (INFO aof_pending_bio_fsync)."""
        return self._syncer.in_flight

    # -- the files -----------------------------------------------------------------------------------------------

    @property
    def first_offset(self) -> int:
        """The oldest offset still in the log."""
        return self._first_offset

    def statistics(self) -> LogStatistics:
        """Return the counters of this log."""
        return LogStatistics(
            events=self.events,
            frames=self.frames,
            bytes_written=self.bytes_written,
            first_offset=self.first_offset,
            offset=self.offset,
            unsynced=self.written_offset - self.synced_offset,
            segments=self._segments,
            retained_bytes=self._sealed_bytes + self._size,
            delayed_fsync=self._syncer.delayed,
            fsync=self._syncer.times,
        )

    def retain(self, snapshot_offset: int, size: int, age_ms: int, now_ms: int) -> int:
        """Drop the oldest segments beyond size bytes or age_ms (0: no bound) that a snapshot at snapshot_offset covers.

        Returns the bytes dropped; raises OSError.
        """
        # An fsync in flight may still have to close a sealed file: unlinking it does no harm.
        dropped = retention.drop(self._disk, self.directory, snapshot_offset, size, age_ms, now_ms)
        if dropped:
            self._segments -= len(dropped)
            self._sealed_bytes -= sum(found.size for found in dropped)
            self._first_offset = dropped[-1].end
            self._places = [place for place in self._places if place.offset >= self._first_offset]
        return sum(found.size for found in dropped)

    def reset(self, offset: int, db: int = 0) -> None:
        """Forget every segment and go on at offset in db, after a full synchronization replaced the state.

        Call it when the new snapshot and history are durable; a crash in between leaves segments that the history
        does not name, which recovery must not replay. Raises OSError: this log is of no use any more then.
        """
        for segment in list_segments(self.directory):
            self._disk.unlink(segment.path)
        self._disk.sync_directory(self._folder)
        self._go_on(LogEnd(offset, db), Cut(-1, [], 0))

    def cut_back(self, end: LogEnd) -> None:
        """Give up what is after end, the end of a frame, and go on there; `sync` must have been called before.

        Raises OSError with the log as it was, or Unfinished: a part of it is gone, and this log is of no use any more.
        """
        self._go_on(end, cut_files(self._disk, self.directory, end))

    def _go_on(self, end: LogEnd, left: Cut) -> None:
        """Go on at end with what is left of the files, and nothing in memory."""
        if self._fd >= 0:
            self._syncer.retire(self._fd)
        self._syncer.restart(end.offset)
        self._restart(end.offset, end.db)
        segments = left.segments
        self._fd, self._size, self._planned = left.fd, end.size, end.size
        self._segments, self._sealed_bytes = len(segments), left.sealed_bytes
        self._segment = segments[-1].first_offset if segments else end.offset
        self._first_offset = segments[0].first_offset if segments else end.offset
        self.written_offset = end.offset
        self._roll_next, self._ragged = not segments, False
        self._starts.clear()
        self._places.clear()

    def place_before(self, offset: int) -> Place | None:
        """Return the last place at or before offset that is known, for LogCursor: the end of what is written, or one remembered."""
        if offset >= self.written_offset and self._fd >= 0:
            return Place(self._segment, self._size, self.written_offset)
        index = bisect_right(self._places, offset, key=_offset_of)
        return self._places[index - 1] if index else None

    def sync(self) -> None:
        """Make everything durable that was recorded, blocking; raises LogFailed when that can't be."""
        self._syncer.sync()
        if self.failed is not None:
            raise self.failed

    def close(self) -> None:
        """Sync and close everything and mark the history clean; raises LogFailed when not all could be made durable.

        Events of a turn that was not committed are not written.
        """
        self.release()
        self.history.mark_clean(self.synced_offset)

    def release(self) -> None:
        """Sync and close everything, as `close` does, with the history as it is: another log goes on with it."""
        try:
            self._syncer.close()
        finally:
            if self._fd >= 0:
                self._disk.close(self._fd)
                self._fd = -1
        if self.failed is not None:
            raise self.failed


def _offset_of(place: Place) -> int:
    return place.offset
