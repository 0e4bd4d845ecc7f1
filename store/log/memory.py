"""The log in memory alone (`appendonly no`): the same door, a bounded tail instead of files.

Law: the tail holds at most its limit in bytes, or one frame if that alone is larger; what falls out is gone, and a
replica that still needs it gets a full synchronization. Beyond the limit it holds what those who follow still need
(`keep_from`); it is for their owner to see that this ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from store.errors import LogFailed
from store.log.buffer import EventBuffer
from store.log.frame import Frame
from store.log.syncer import Waiters


class FrameTail:
    """The newest frames of history, up to a limit in payload bytes; may be a log's subscriber (`log.subscribers`)."""

    def __init__(self, limit: int, offset: int) -> None:
        self.limit = limit
        self._needed: int | None = None  # history from here on stays
        self._frames: deque[Frame] = deque()
        self._start = offset
        self._end = offset

    @property
    def first_offset(self) -> int:
        """The oldest offset promised: within the limit, or needed by somebody."""
        promised = self._end - self.limit
        return max(self._start, promised if self._needed is None else min(promised, self._needed))

    @property
    def end(self) -> int:
        """The offset after the newest frame."""
        return self._end

    def __call__(self, frame: Frame) -> None:
        """Add the next frame and drop the oldest beyond the limit; raises ValueError for a gap."""
        if frame.offset != self._end:
            raise ValueError(f"a frame at offset {frame.offset} does not continue the tail at {self._end}")
        self._frames.append(frame)
        self._end = frame.end
        self.trim()

    def trim(self) -> None:
        """Drop the oldest frames beyond the limit that nobody needs, as after lowering it."""
        frames, needed = self._frames, self._end if self._needed is None else self._needed
        while len(frames) > 1 and self._end - self._start > self.limit and frames[1].offset <= needed:
            frames.popleft()
            self._start = frames[0].offset

    def keep_from(self, offset: int | None) -> None:
        """Hold history from offset on, however much it is (None: only the limit's worth), and drop what may go."""
        self._needed = offset
        self.trim()

    def forget(self) -> None:
        """Drop all frames; what comes next is held again."""
        self._frames.clear()
        self._start = self._end

    def since(self, offset: int) -> list[Frame] | None:
        """Return the frames from the one that holds offset on ([] at the end), None when offset is not held."""
        if not self._start <= offset <= self._end:
            return None
        found: list[Frame] = []
        for frame in reversed(self._frames):
            if frame.end <= offset:
                break
            found.append(frame)
        return found[::-1]


class MemoryLog(EventBuffer):
    """Count offsets and hand out frames as LogWriter does, keeping `limit` bytes of them (see EventLog)."""

    def __init__(self, offset: int, db: int = 0, *, limit: int) -> None:
        super().__init__(offset, db)
        self.failed: LogFailed | None = None
        self.written_offset = offset
        self.tail = FrameTail(limit, offset)
        self._waiters = Waiters()
        self._callbacks: list[Callable[[int], None]] = []

    @property
    def synced_offset(self) -> int:
        """Equal to written_offset: there is nothing more durable than the memory."""
        return self.written_offset

    @property
    def first_offset(self) -> int:
        """The oldest offset in the tail."""
        return self.tail.first_offset

    def commit(self, now_ms: int, before: int | None = None) -> bool:
        """End the turn: its events, or those before a mark, become the newest frame of the tail. Always True."""
        self._close_turn(now_ms, before)
        if not self._queue:
            return True
        while self._queue:
            frame = self._queue.popleft()
            self.tail(frame)
            self.written_offset = frame.end
            for subscriber in self.subscribers:
                subscriber(frame)
        self._waiters.reached(self.written_offset)
        for callback in self._callbacks:
            callback(self.written_offset)
        return True

    def retry(self) -> bool:
        """Nothing can fail, so nothing is tried again."""
        return True

    def tick(self) -> None:
        """Nothing is due by time."""

    def poll(self) -> None:
        """Nothing is synced."""

    def reset(self, offset: int, db: int = 0) -> None:
        """Forget the tail and go on at offset in db."""
        self._restart(offset, db)
        self.written_offset = offset
        self.tail = FrameTail(self.tail.limit, offset)

    async def durable(self, offset: int) -> None:
        """Wait until offset is committed."""
        if offset > self.written_offset:
            await self._waiters.add(offset)

    def on_synced(self, callback: Callable[[int], None]) -> None:
        """Have callback called with the new offset after each commit."""
        self._callbacks.append(callback)

    def forget_synced(self, callback: Callable[[int], None]) -> None:
        """Call a callback of `on_synced` no more."""
        self._callbacks.remove(callback)

    def on_failed(self, callback: Callable[[LogFailed], None]) -> None:
        """Take callback, which is never called."""

    def close(self) -> None:
        """Nothing has to be ended."""
