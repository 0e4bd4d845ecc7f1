"""Making the log durable without stopping the loop: at most one fsync in flight, in a thread of its own.

Where all replies wait for the fsync (`always`) and the disk is quick, the loop does it by itself: the way to a thread and
back would cost more than it spares. One that took longer than `patience` sends the next ones to the thread again.

Law: `synced_offset` moves only after every file that holds an earlier byte has been synced, and the directory that
names it. A failed fsync is final: the kernel may have dropped the dirty pages and would call the next one a success
(so does every file system on Linux), so nothing synced after it proves anything; only a restart, which reads
the log back from the disk, does.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import os
from bisect import bisect_left
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from store.errors import LogFailed
from store.log.disk import Disk

# Upper bounds of the histogram of fsync durations, in seconds; the last bucket is beyond them.
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SLOW_SECONDS = 2.0
EVERY_SECONDS = 1.0
PATIENCE = 0.002
"""Seconds of an fsync up to which a node's event loop may be held up for the next."""


class Waiters:
    """Coroutines that wait for an offset, woken in the order of their offsets."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = 0  # breaks ties: futures have no order

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, offset: int) -> asyncio.Future[None]:
        """Return a future that is done once offset is reached."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._number += 1
        heapq.heappush(self._heap, (offset, self._number, future))
        return future

    def reached(self, offset: int) -> None:
        """Wake everyone who waits for offset or less."""
        while self._heap and self._heap[0][0] <= offset:
            future = heapq.heappop(self._heap)[2]
            if not future.done():  # a waiter may have been cancelled
                future.set_result(None)

    def fail(self, error: Exception) -> None:
        """Raise error in everyone who waits."""
        waiting, self._heap = self._heap, []
        for _, _, future in waiting:
            if not future.done():
                future.set_exception(error)


@dataclass(slots=True)
class FsyncTimes:
    """How long fsyncs took: counts per bucket of BOUNDS (and one beyond), their number and sum in seconds."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    count: int = 0
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one fsync."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.count += 1
        self.seconds += seconds

    def quantile(self, share: float) -> float:
        """The bound in seconds below which that share of fsyncs stayed (the last bound for those beyond it); 0 without any."""
        wanted, seen = share * self.count, 0
        for bound, count in zip((*BOUNDS, BOUNDS[-1]), self.buckets, strict=True):
            seen += count
            if self.count and seen >= wanted:
                return bound
        return 0.0


@dataclass(slots=True)
class _Job:
    """One fsync in flight: sealed segments to sync and close, then the directory, then the open segment."""

    retired: list[int]
    directory: bool
    fd: int
    target: int
    started: float
    slow: bool = False
    future: Future[float] | None = None


class Syncer:
    """Sync the files of one log; `position` tells the open segment's descriptor and the offset written so far."""

    def __init__(
        self,
        disk: Disk,
        folder: str,
        position: Callable[[], tuple[int, int]],
        clock: Callable[[], float],
        patience: float = 0.0,
    ):
        self.synced_offset = position()[1]
        self.failed: LogFailed | None = None
        self.times = FsyncTimes()
        self.delayed = 0
        self.patience = patience
        self._took = float("inf")  # seconds of the last fsync
        self.waiters = Waiters()
        self.synced_callbacks: list[Callable[[int], None]] = []
        self.failed_callbacks: list[Callable[[LogFailed], None]] = []
        self._disk = disk
        self._folder = folder
        self._position = position
        self._clock = clock
        self._retired: list[int] = []
        self._directory = False
        self._job: _Job | None = None
        self._again = self._awaited = False
        self._last = clock()
        self._executor = ThreadPoolExecutor(1, "log-fsync")

    @property
    def in_flight(self) -> bool:
        """Tell whether an fsync is running."""
        return self._job is not None

    def retire(self, fd: int) -> None:
        """Take over the descriptor of a sealed segment: the next fsync covers and closes it."""
        self._retired.append(fd)

    def directory_changed(self) -> None:
        """Have the next fsync cover the directory too: a segment was created."""
        self._directory = True

    def request(self, awaited: bool = False) -> None:
        """Start an fsync of what is written; while one runs, everything that piles up shares the next.

        Without a running event loop (tools, tests, shutdown) it is done before this returns, and likewise if it is
        awaited by whatever the loop could do meanwhile and promises to be quick.
        """
        if self._job is not None:
            self._again, self._awaited = True, self._awaited or awaited
            return
        if self.failed is None and not self._covered():
            self._launch(None if awaited and self._took < self.patience else _running_loop())

    def _covered(self) -> bool:
        return self.synced_offset >= self._position()[1] and not self._retired

    def due(self) -> None:
        """Start the fsync of `everysec` if the last is a second old; count one that takes more than SLOW_SECONDS."""
        job = self._job
        if job is None:
            if self._clock() - self._last >= EVERY_SECONDS:
                self.request()
        elif not job.slow and self._clock() - job.started > SLOW_SECONDS:
            job.slow = True
            self.delayed += 1

    def _launch(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Start a job for everything written so far: in the thread, or right here when there is no loop to tell."""
        fd, target = self._position()
        self._last = self._clock()
        job = self._job = _Job(self._retired, self._directory, fd, target, self._last)
        self._retired, self._directory, self._again, self._awaited = [], False, False, False
        if loop is None or not self._submit(job, loop):
            self._run_here(job)

    def _submit(self, job: _Job, loop: asyncio.AbstractEventLoop) -> bool:
        """Give job to the thread; False when none can be started: a job that nobody does would be waited for in vain."""
        try:
            job.future = self._executor.submit(self._run, job)
        except RuntimeError:
            return False
        job.future.add_done_callback(lambda _: self._announce(loop, job))
        return True

    def _run_here(self, job: _Job) -> None:
        job.future = Future()
        try:
            job.future.set_result(self._run(job))
        except BaseException as error:  # raised again by _finish, unless it is the disk's
            job.future.set_exception(error)
        self._finish(job)

    def _run(self, job: _Job) -> float:
        """Do the work of job, in the thread; return its duration in seconds."""
        started = self._clock()
        for fd in job.retired:
            self._disk.fdatasync(fd)
        if job.directory:
            self._disk.sync_directory(self._folder)
        if job.fd >= 0:
            self._disk.fdatasync(job.fd)
        return self._clock() - started

    def _announce(self, loop: asyncio.AbstractEventLoop, job: _Job) -> None:
        """Bring the end of job from the thread to the loop; a loop that was closed meanwhile has nobody waiting."""
        try:
            loop.call_soon_threadsafe(self._finish, job)
        except RuntimeError:
            if not loop.is_closed():
                raise

    def _finish(self, job: _Job) -> None:
        """Take the outcome of job: move synced_offset and tell everyone, or fail for good."""
        if self._job is not job or job.future is None:
            return  # close() was first
        self._job = None
        for fd in job.retired:
            self._disk.close(fd)
        error = job.future.exception()
        if isinstance(error, OSError):
            self._fail(error)
            return
        self._took = job.future.result()
        self.times.add(self._took)
        self.synced_offset = job.target
        self.waiters.reached(job.target)
        for callback in self.synced_callbacks:
            callback(job.target)
        if self._again or len(self.waiters):
            self.request(self._awaited)

    def poll(self) -> None:
        """Take the outcome of the fsync in flight if it has ended, without waiting for the loop to tell."""
        job = self._job
        if job is not None and job.future is not None and job.future.done():
            self._finish(job)

    def _fail(self, error: OSError) -> None:
        self.failed = LogFailed(error.strerror or str(error))
        self.waiters.fail(self.failed)
        for callback in self.failed_callbacks:
            callback(self.failed)

    def restart(self, offset: int) -> None:
        """Go on at offset after the log was reset: what was to be synced before no longer matters."""
        while self._job is not None:
            self._wait()
        for fd in self._retired:
            with contextlib.suppress(OSError):  # closed it is; and what it held was given up
                self._disk.close(fd)
        self._retired = []
        self.waiters.fail(LogFailed("the history was replaced by another"))
        self.synced_offset = offset

    def _wait(self) -> None:
        """Block until the fsync in flight, if any, has ended, and take its outcome."""
        job = self._job
        if job is not None:
            assert job.future is not None
            self._again = False
            job.future.exception()
            self._finish(job)

    def sync(self) -> None:
        """Sync everything written, blocking; raises LogFailed if that can't be done."""
        while self._job is not None:
            self._wait()
        if self.failed is None and not self._covered():
            self._launch(None)
        if self.failed is not None:
            raise self.failed

    def close(self) -> None:
        """Sync everything written, blocking, and end the thread; raises LogFailed if not all could be synced."""
        try:
            self.sync()
        finally:
            self._executor.shutdown(wait=True)
            for fd in self._retired:
                self._disk.close(fd)
            self._retired = []


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def sync_files(disk: Disk, paths: list[str]) -> None:
    """Make files that an earlier process wrote durable, blocking; raises OSError."""
    for path in paths:
        fd = disk.open(path, os.O_RDONLY)
        try:
            disk.fdatasync(fd)
        finally:
            disk.close(fd)
