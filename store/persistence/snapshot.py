"""Making snapshots: by replay in a child process (the server does nothing), in a forked child (no log on disk), or at once.

`python -m store.persistence.snapshot DIRECTORY OFFSET [--packing] [--no-checksum]` is the child: it recovers the directory up to the
offset and writes the snapshot there. It runs at low priority and shares nothing with the server but the files. Both
children end when the server is gone: nobody would take over what they write.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from store import rdb
from store.errors import CorruptFile
from store.persistence.durable_files import temporary_path
from store.persistence.recovery import Until, recover

if TYPE_CHECKING:
    from store.engine import Engine
    from store.keyspace import Keyspace

NICENESS = 10


@dataclass(frozen=True, slots=True)
class Form:
    """How a snapshot is written: `packing` by LZF, with a `checksum`, with keys' `access`, waiting so many µs after each key."""

    packing: bool = True
    checksum: bool = True
    access: str | None = None
    key_delay: int = 0


def write_snapshot(
    engine: Engine, path: Path, offset: int, history_id: str, db: int, extras: rdb.Extras | None = None
) -> int:
    """Write the engine's state, which is that at offset, to path, durably; return the size in bytes. Raises OSError."""
    settings = engine.settings
    policy = settings.maxmemory_policy
    form = Form(
        packing=settings.rdbcompression,
        checksum=settings.rdbchecksum,
        access="frequency" if policy.endswith("lfu") else "idle" if policy.endswith("lru") else None,
        key_delay=settings.rdb_key_save_delay,
    )
    aux = _aux(engine.used_memory(), offset, history_id, db)
    return _write(engine.keyspace, path, aux, form, extras)


def _aux(used_memory: int, offset: int, history_id: str, db: int) -> dict[str, bytes | int]:
    return rdb.standard_aux(
        ctime=int(time.time()), used_memory=used_memory, history_id=history_id, offset=offset, stream_db=max(0, db)
    )


def _write(keyspace: Keyspace, path: Path, aux: dict[str, bytes | int], form: Form, extras: rdb.Extras | None) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    report = rdb.save(
        keyspace,
        path,
        aux=aux,
        extras=extras,
        packing=form.packing,
        checksum=form.checksum,
        access=form.access,
        pause=_pause(form.key_delay),
    )
    return report.size


def _pause(microseconds: int) -> Callable[[], None] | None:
    """What waits after each key (option rdb-key-save-delay), if anything."""
    return (lambda: time.sleep(microseconds / 1_000_000)) if microseconds > 0 else None


class Child:
    """A snapshot in the making by another process. `poll()`: None while it runs, then its exit status (0: done)."""

    def __init__(self, pid: int, offset: int, path: Path, process: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self.offset = offset
        self.path = path
        self.started = time.time()
        self._process = process
        self._status: int | None = None

    def poll(self) -> int | None:
        """Look whether the child has ended."""
        if self._process is not None:
            return self._process.poll()
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def kill(self) -> None:
        """End the child, wait for it, and remove what it has written so far."""
        if self.poll() is None:
            os.kill(self.pid, 9)
            while self.poll() is None:
                time.sleep(0.005)
            temporary_path(self.path, self.pid).unlink(missing_ok=True)


def spawn_replay(engine: Engine, directory: Path, offset: int, path: Path) -> Child:
    """Start the child that makes the snapshot at offset out of the log on disk. Raises OSError."""
    command = [
        sys.executable,
        "-m",
        "store.persistence.snapshot",
        str(directory),
        str(offset),
        "--databases",
        str(engine.settings.databases),
        "--parent",
        str(os.getpid()),
    ]
    if engine.settings.rdb_key_save_delay > 0:
        command += ["--key-delay", str(engine.settings.rdb_key_save_delay)]
    if not engine.settings.rdbcompression:
        command.append("--no-packing")
    if not engine.settings.rdbchecksum:
        command.append("--no-checksum")
    root = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment)
    return Child(process.pid, offset, path, process)


def fork_writer(engine: Engine, path: Path, offset: int, history_id: str, db: int, extras: rdb.Extras | None) -> Child:
    """Fork a child that writes the present state (appendonly no: there is no log to replay). Raises OSError."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return Child(pid, offset, path)
    leave_with(parent)
    _run_forked(engine, path, offset, history_id, db, extras)


def leave_with(parent: int) -> None:
    """End this process, from a thread of its own, when the server was killed: it has another parent then."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _run_forked(
    engine: Engine, path: Path, offset: int, history_id: str, db: int, extras: rdb.Extras | None
) -> NoReturn:
    """The forked child: write and leave without touching anything that the parent shares."""
    status = 1
    try:
        os.nice(NICENESS)
        write_snapshot(engine, path, offset, history_id, db, extras)
        status = 0
    except OSError as error:
        os.write(2, f"Background saving failed: {error}\n".encode())
    finally:
        os._exit(status)


def main(argv: list[str] | None = None) -> int:
    """Run the replay child; return its exit status."""
    from store.log.history import load
    from store.persistence.offline import Offline

    parser = argparse.ArgumentParser(
        prog="python -m store.persistence.snapshot", description="Write the snapshot of a data directory at an offset."
    )
    parser.add_argument("directory")
    parser.add_argument("offset", type=int)
    parser.add_argument("--databases", type=int, default=16)
    parser.add_argument("--parent", type=int, default=0, help="end when this process is not the parent any more")
    parser.add_argument("--key-delay", type=int, default=0, help="microseconds to wait after each key; for tests")
    parser.add_argument("--no-packing", action="store_true")
    parser.add_argument("--no-checksum", action="store_true")
    options = parser.parse_args(argv)
    os.nice(NICENESS)
    if options.parent:
        leave_with(options.parent)
    gc.disable()  # what it makes has no cycles, and it ends soon
    home = Offline(options.databases)
    try:
        found = recover(home, options.directory, Until(offset=options.offset))
    except CorruptFile as error:
        print(f"Background saving failed: {error}", file=sys.stderr)
        return 1
    if found.offset_reached < options.offset:
        print(f"Background saving failed: the log ends at offset {found.offset_reached}", file=sys.stderr)
        return 1
    history = load(options.directory)
    history_id = (history.id_at(options.offset) if history is not None else None) or "0" * 40
    target = Path(options.directory) / "snapshots" / f"{options.offset:020d}.rdb"
    aux = _aux(home.keyspace.used, options.offset, history_id, found.db_reached)
    form = Form(not options.no_packing, not options.no_checksum, key_delay=options.key_delay)
    _write(home.keyspace, target, aux, form, found.extras)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
