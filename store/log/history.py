"""The chain of history ids, kept in the file `history` of the data directory.

A history id (Redis's replid) names one unbroken line of events. It changes on promotion and whenever continuity can't
be proven; the id before stays valid up to the offset where the lines parted (replid2, second_repl_offset). The file
also says which boot of the machine wrote the log last and whether it was closed cleanly: after an unclean stop on
another boot the tail past the last fsync may be gone, while a replica may hold it.

    file  = "chronis-history 1" LF chain+ boot state told? crc      all lines end in LF
    chain = "id " 40 hex " from " first offset                oldest first, offsets never fall
    boot  = "boot " ( boot id of the machine | "unknown" )  unknown: whatever the log's end is, it may not be all
    state = "state running" | "state volatile" | "state clean " synced offset
    told  = "told"                                            the current id was told by a primary, who goes on under it
    crc   = "crc32c " 8 hex digits, over every byte before this line

Law: the file is replaced as a whole and durable before anything relies on it.
"""

from __future__ import annotations

import dataclasses
import os
import secrets
from dataclasses import dataclass, field
from itertools import pairwise

from crc32c import crc32c

from store.errors import CorruptLog
from store.log.disk import Disk, put_in_place, replace_file, write_beside
from store.log.segment import is_history_id

FILE_NAME = "history"
# Enough for a failover a day over a season; the oldest are forgotten first, as their events are.
MAX_CHAIN = 100

_TITLE = "chronis-history 1"
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_UNKNOWN = "unknown"


def new_id() -> str:
    """Return a new history id: 40 random hexadecimal digits."""
    return secrets.token_hex(20)


def boot_id() -> str:
    """Return the id of the running boot of this machine; "unknown" (never equal to a boot) where there is none."""
    try:
        with open(_BOOT_ID, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return _UNKNOWN


@dataclass(slots=True)
class History:
    """The chain of ids of one data directory: [(id, first offset)], the current one last.

    Invariants: the chain is never empty, its offsets never fall. `clean_offset` is the end of a log that was closed
    cleanly and synced, None while a server runs on it or after one stopped without closing it; `volatile` then
    tells that this server keeps its log in memory. `told`: the current id is a primary's, so a server that is to record
    events of its own has to renew it first.
    """

    path: str
    chain: list[tuple[str, int]]
    boot: str
    clean_offset: int | None = None
    disk: Disk = field(default_factory=Disk, repr=False, compare=False)
    volatile: bool = False
    told: bool = False

    @property
    def current(self) -> str:
        """The id of the newest events (INFO master_replid)."""
        return self.chain[-1][0]

    @property
    def previous(self) -> str:
        """The id before the current one, 40 zeros when there is none (INFO master_replid2)."""
        return self.chain[-2][0] if len(self.chain) > 1 else "0" * 40

    @property
    def second_offset(self) -> int:
        """Where the previous id ends, -1 when there is none (INFO second_repl_offset).

        Counted from 1 as Redis does: a replica may ask PSYNC previous N for N up to this number.
        """
        return self.chain[-1][1] + 1 if len(self.chain) > 1 else -1

    def id_at(self, offset: int) -> str | None:
        """Return the id of the event at offset, None before the chain starts."""
        found = None
        for history_id, first_offset in self.chain:
            if first_offset <= offset:
                found = history_id
        return found

    def allows(self, history_id: str, offset: int) -> bool:
        """Tell whether a log under history_id that ends at offset is a beginning of this history."""
        if history_id == self.current:
            return True
        # Redis knows one id back; the chain knows them all, so a replica may be several failovers late.
        parted = pairwise(self.chain)
        return any(known == history_id and offset <= end for (known, _), (_, end) in parted)

    def names(self, history_id: str, first_offset: int) -> bool:
        """Tell whether a segment header (history_id, first_offset) belongs to this chain."""
        if len(self.chain) >= MAX_CHAIN and first_offset < self.chain[0][1]:
            return True  # older than what the chain still remembers
        for index, (known, start) in enumerate(self.chain):
            last = index + 1 == len(self.chain)
            # A segment opened just before the id changed bears the older one: both ends are inclusive.
            if known == history_id and start <= first_offset and (last or first_offset <= self.chain[index + 1][1]):
                return True
        return False

    def renew(self, at_offset: int, history_id: str | None = None) -> str:
        """Start a new id (or history_id, told by a primary) at at_offset, keep the old as previous, save; return it.

        Raises ValueError when the chain starts after at_offset, OSError when it can't be saved: nothing has changed then.
        """
        kept = [link for link in self.chain if link[1] <= at_offset]
        if not kept:
            raise ValueError(f"offset {at_offset} is before the history starts")
        chain = [*kept, (history_id or new_id(), at_offset)][-MAX_CHAIN:]
        self._turn_into(dataclasses.replace(self, chain=chain, told=history_id is not None))
        return self.current

    def replace(self, history_id: str | None, offset: int) -> None:
        """Adopt another history (`prepare_another`) in one step; raises OSError when it can't be saved: nothing has changed then."""
        self.become(self.prepare_another(history_id, offset))

    def mark_told(self) -> None:
        """Note that a primary goes on under the current id; save if that is news."""
        if not self.told:
            self._turn_into(dataclasses.replace(self, told=True))

    def mark_running(self, volatile: bool = False) -> None:
        """Note that a server of this boot is about to go on with the log, on disk or (volatile) in memory; save."""
        self._turn_into(dataclasses.replace(self, boot=boot_id(), clean_offset=None, volatile=volatile))

    def mark_clean(self, synced_offset: int) -> None:
        """Note that the log was closed, all up to synced_offset being durable (in a snapshot, if volatile); save."""
        self._turn_into(dataclasses.replace(self, boot=boot_id(), clean_offset=synced_offset, volatile=False))

    def mark_doubtful(self) -> None:
        """Have a start, until the next save, take a new id wherever it finds the log's end: that is about to be cut off.

        What was prepared for `become` stays prepared. Raises OSError.
        """
        replace_file(self.disk, self.path, dataclasses.replace(self, boot=_UNKNOWN).encode(), ".doubtful")

    # -- in two steps: the first needs room on the disk, the second none ------------------------------------------

    def prepare_another(self, history_id: str | None, offset: int) -> History:
        """Return another history, a primary's (None: a new id), that starts here at offset, for `become`. Raises OSError."""
        chain = [(history_id or new_id(), offset)]
        return dataclasses.replace(self, chain=chain, told=history_id is not None)._prepared()

    def prepare_until(self, offset: int) -> History:
        """Return this history without the ids that began after offset, for `become`. Raises OSError."""
        return dataclasses.replace(self, chain=[link for link in self.chain if link[1] <= offset])._prepared()

    def _prepared(self) -> History:
        """Write this one beside the file."""
        write_beside(self.disk, self.path, self.encode())
        return self

    def become(self, prepared: History) -> None:
        """Put what was prepared last in the place of the file, and be that; raises OSError, with all in memory as it was."""
        put_in_place(self.disk, self.path)
        self.chain, self.told = prepared.chain, prepared.told
        self.boot, self.clean_offset, self.volatile = prepared.boot, prepared.clean_offset, prepared.volatile

    def _turn_into(self, other: History) -> None:
        self.become(other._prepared())

    def doubt(self, end: int) -> str | None:
        """Tell why a log recovered up to offset end may miss events that a replica holds, or None when it can't.

        To be asked before mark_running(); an answer calls for renew(end).
        """
        if self.clean_offset is not None:
            if self.clean_offset == end:
                return None
            return f"the log ends at offset {end} but was closed at {self.clean_offset}"
        if self.volatile:
            return "the server kept its log in memory and stopped without a snapshot"
        if self.boot == boot_id() != _UNKNOWN:
            return None  # the machine did not go down: what was written is still there
        if self.boot == _UNKNOWN:
            return "the server stopped without closing the log, and it is not known whether this is all that was in it"
        return "the server stopped without closing the log, and the machine has been started since"

    def save(self) -> None:
        """Write the file, durable on return; raises OSError."""
        replace_file(self.disk, self.path, self.encode())

    def encode(self) -> bytes:
        """Return the content of the file."""
        lines = [_TITLE, *(f"id {history_id} from {offset}" for history_id, offset in self.chain), f"boot {self.boot}"]
        open_state = "state volatile" if self.volatile else "state running"
        lines.append(open_state if self.clean_offset is None else f"state clean {self.clean_offset}")
        if self.told:
            lines.append("told")
        text = "".join(line + "\n" for line in lines).encode("ascii")
        return text + f"crc32c {crc32c(text):08x}\n".encode("ascii")


def history_path(directory: str) -> str:
    """Return the path of the history file of data directory `directory`."""
    return os.path.join(directory, FILE_NAME)


def create(directory: str, offset: int = 0, history_id: str | None = None, disk: Disk | None = None) -> History:
    """Start a history at offset under a new id (or history_id) in data directory `directory`, saved on return."""
    chain = [(history_id or new_id(), offset)]
    history = History(history_path(directory), chain, boot_id(), offset, disk or Disk(), told=history_id is not None)
    history.save()
    return history


def load(directory: str, disk: Disk | None = None) -> History | None:
    """Read the history of data directory `directory`, None when there is none; raises CorruptLog."""
    path = history_path(directory)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return None
    return decode(data, path, disk or Disk())


def decode(data: bytes, path: str, disk: Disk) -> History:
    """Read the content of a history file; raises CorruptLog naming the byte of the line that is wrong."""
    text, checksum, rest = data.rpartition(b"crc32c ")
    if not checksum:
        raise CorruptLog(path, len(data), "the history file has no checksum line")
    if rest != f"{crc32c(text):08x}\n".encode("ascii"):
        raise CorruptLog(path, len(text), "the checksum of the history file does not match its content")
    history = History(path, [], _UNKNOWN, None, disk)
    position = 0
    for number, line in enumerate(text.split(b"\n")[:-1]):
        if not _read_line(history, number, line.decode("ascii", "replace").split(" ")):
            raise CorruptLog(path, position, f"the history file has a line {line!r} that this program can't read")
        position += len(line) + 1
    if not history.chain:
        raise CorruptLog(path, 0, "the history file names no history id")
    return history


def _read_line(history: History, number: int, words: list[str]) -> bool:
    """Take one line of the file into history; return False when it has no known form."""
    match words:
        case ["chronis-history", "1"]:
            return number == 0
        case ["id", history_id, "from", offset] if is_history_id(history_id) and offset.isdecimal():
            link = (history_id, int(offset))
            in_order = not history.chain or history.chain[-1][1] <= link[1]
            history.chain.append(link)
            return number > 0 and in_order
        case ["boot", boot]:
            history.boot = boot
            return True
        case ["state", "running" | "volatile" as state]:
            history.clean_offset, history.volatile = None, state == "volatile"
            return True
        case ["state", "clean", offset] if offset.isdecimal():
            history.clean_offset = int(offset)
            return True
        case ["told"]:
            history.told = True
            return True
    return False
