"""CPU time of a server: every thread of its process, its children, and the children it has waited for.

Law: work handed to a thread or a child is not work saved, so the whole tree counts, whenever it happens to run.
Source: the process clock of clock_getcpuclockid(3), in nanoseconds, for what is alive; /proc/PID/stat (ticks of 10 ms)
for children that have ended.
"""

import time

import psutil

# The encoding behind clock_getcpuclockid(3) on Linux: the complement of the pid, shifted, and the scheduler's clock.
SCHEDULER_CLOCK = 2


def process_seconds(pid: int) -> float:
    """Return the CPU time all threads of a process have used, ended ones too. Raise OSError if there is no process."""
    return time.clock_gettime((~pid << 3) | SCHEDULER_CLOCK)


def tree_seconds(pid: int) -> float:
    """Return the CPU time used so far by a process, its descendants, and those they have waited for."""
    process = psutil.Process(pid)
    total = 0.0
    for member in (*process.children(recursive=True), process):
        try:
            times = member.cpu_times()
            total += process_seconds(member.pid) + times.children_user + times.children_system
        except (psutil.NoSuchProcess, OSError):
            if member.pid == pid:
                raise
            continue  # ended since it was listed: its parent counts it from now on
    return total


def settle(pid: int, most: float = 0.5) -> None:
    """Wait until the process itself is idle (its children may work on), at most so many seconds.

    What a preparation left to do in the background of the server would otherwise be charged to the load after it.
    """
    end = time.monotonic() + most
    while time.monotonic() < end:
        before = process_seconds(pid)
        time.sleep(0.02)
        if process_seconds(pid) - before < 0.002:
            return
