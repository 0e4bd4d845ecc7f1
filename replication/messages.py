"""The words of the handshake between a replica and its primary: made here, read here, on both sides.

    PSYNC id offset+1           id may be "?" and the offset -1: nothing is known yet
    +FULLRESYNC id offset       a snapshot of that point follows, then history from there on
    +CONTINUE [id]              history follows from the offset asked for, under this id from now on
    +PARTED offset              (between Chronis nodes) the histories parted there: go back to it, or ask for a full sync
    … chronis                   a last word: the stream comes in frames (the replica said `capa chronis`)

Source: replication.c of Redis 7.0 (wire format); PARTED and the last word are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from store.errors import ReplyError
from store.events import encode_event
from store.log.segment import is_history_id
from store.resp.words import UnbalancedQuotes, split_words

FRAMED = "chronis"
"""The capability, and the last word of an answer, that mean frames instead of bare commands."""
FOLLOWED_BEFORE = "chronis-returns"
"""The capability of a replica that has followed this primary before: what it holds it has from there."""
GETACK = encode_event(b"REPLCONF", b"GETACK", b"*")


@dataclass(frozen=True, slots=True)
class FullResync:
    """The primary sends a snapshot of history_id at offset."""

    history_id: str
    offset: int
    framed: bool = False


@dataclass(frozen=True, slots=True)
class Continue:
    """The primary goes on at the offset asked for; history_id None: under the id asked for."""

    history_id: str | None = None
    framed: bool = False


@dataclass(frozen=True, slots=True)
class Parted:
    """The primary's history is another one from offset on."""

    offset: int


@dataclass(frozen=True, slots=True)
class TryLater:
    """The primary can't serve now (it is loading, or has lost its own primary)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The primary said no, or something that makes no sense."""

    reason: str


PsyncAnswer = FullResync | Continue | Parted | TryLater | Refused


def psync_answer(line: bytes) -> PsyncAnswer:
    """Read what a primary answered to PSYNC."""
    text = line.decode("utf-8", "replace")
    words = text.split(" ")
    framed = words[-1] == FRAMED
    match words[:-1] if framed else words:
        case ["+FULLRESYNC", history_id, offset] if is_history_id(history_id) and offset.isdecimal():
            return FullResync(history_id, int(offset), framed)
        case ["+CONTINUE"]:
            return Continue(None, framed)
        case ["+CONTINUE", history_id] if is_history_id(history_id):
            return Continue(history_id, framed)
        case ["+PARTED", offset] if offset.isdecimal():
            return Parted(int(offset))
    if text.startswith(("-NOMASTERLINK", "-LOADING")):
        return TryLater(text[1:])
    return Refused(text[1:] if text.startswith("-") else f"unexpected answer to PSYNC: {text[:80]}")


def full_resync_line(history_id: str, offset: int, framed: bool) -> bytes:
    """The answer that announces a snapshot."""
    return f"+FULLRESYNC {history_id} {offset}{_last_word(framed)}\r\n".encode("ascii")


def continue_line(history_id: str | None, framed: bool) -> bytes:
    """The answer that goes on; without an id for replicas that don't know of it (no `capa psync2`)."""
    shown = f" {history_id}" if history_id is not None else ""
    return f"+CONTINUE{shown}{_last_word(framed)}\r\n".encode("ascii")


def parted_line(offset: int) -> bytes:
    """The answer that tells where the histories parted."""
    return f"+PARTED {offset}\r\n".encode("ascii")


def _last_word(framed: bool) -> str:
    return f" {FRAMED}" if framed else ""


def ack(offset: int, synced: int | None = None, heartbeat_ms: int = 0) -> bytes:
    """A replica's acknowledgement: offset applied and written, and (FACK, Redis 7.2) the offset that is on its disk.

    heartbeat_ms (0: not told; for a Chronis primary): it wants to hear something at least that often.
    """
    words = [b"REPLCONF", b"ACK", b"%d" % offset]
    if synced is not None:
        words += [b"FACK", b"%d" % synced]
    if heartbeat_ms:
        words += [b"HEARTBEAT", b"%d" % heartbeat_ms]
    return encode_event(*words)


@dataclass(slots=True)
class ReplicaOptions:
    """What a replica told by REPLCONF before its PSYNC. `port` 0 and `ip` "": not told."""

    port: int = 0
    ip: str = ""
    capabilities: set[str] = field(default_factory=set)
    rdb_only: bool = False
    functions_only: bool = False

    @property
    def framed(self) -> bool:
        """Tell whether it takes frames."""
        return FRAMED in self.capabilities

    @property
    def followed_before(self) -> bool:
        """Tell whether it has followed this node before."""
        return FOLLOWED_BEFORE in self.capabilities

    def take(self, name: bytes, value: bytes) -> None:
        """Read one pair of REPLCONF; raise ReplyError in Redis's words."""
        match name.lower():
            case b"listening-port":
                self.port = _integer(value)
            case b"ip-address":
                if len(value) > 255:
                    raise ReplyError(
                        f"REPLCONF ip-address provided by replica instance is too long: {len(value)} bytes"
                    )
                self.ip = value.decode("utf-8", "replace")
            case b"capa":
                self.capabilities.add(value.decode("ascii", "replace").lower())
            case b"rdb-only":
                self.rdb_only = _flag(value)
            case b"rdb-filter-only":
                self._filter(value)
            case _:
                raise ReplyError(f"Unrecognized REPLCONF option: {name.decode('utf-8', 'replace')}")

    def _filter(self, value: bytes) -> None:
        try:
            words = split_words(value)
        except UnbalancedQuotes:
            raise ReplyError("Missing rdb-filter-only values") from None
        for word in words:
            if word.lower() != b"functions":
                raise ReplyError(f"Unsupported rdb-filter-only option: {word.decode('utf-8', 'replace')}")
            self.functions_only = True


def _flag(value: bytes) -> bool:
    number = _integer(value)
    if number not in (0, 1):
        raise ReplyError("value is out of range, value must between 0 and 1")
    return number == 1


def _integer(value: bytes) -> int:
    try:
        return int(value)
    except ValueError:
        raise ReplyError("value is not an integer or out of range") from None
