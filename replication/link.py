"""The link to a primary as its replica sees it: a table of states and the script of the handshake, no I/O.

    state       the replica ...
    WAITING     waits for its next attempt to connect
    CONNECTING  waits for the connection
    HANDSHAKE   sends a line and waits for its answer: PING, AUTH, REPLCONF …, PSYNC
    GOING_BACK  gives up what the primary does not have (PARTED), then asks again
    TRANSFER    receives a snapshot
    CONNECTED   receives history

Instructions tell what to do; what is not in the table can't happen: `receive` raises and leaves the state as it was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from replication.messages import FOLLOWED_BEFORE, FRAMED, Continue, FullResync, Parted, TryLater, ack, psync_answer


class State(Enum):
    """Where the link is (see the module's table)."""

    WAITING = auto()
    CONNECTING = auto()
    HANDSHAKE = auto()
    GOING_BACK = auto()
    TRANSFER = auto()
    CONNECTED = auto()


class Event(Enum):
    """What happens to the link."""

    ATTEMPT = "the time for an attempt has come"
    OPENED = "the connection is there"
    CONTINUED = "the primary goes on where we are"
    FULL_SYNC = "the primary sends a snapshot"
    PARTED = "the primary's history is another one"
    WENT_BACK = "we are where the histories parted, or know that we can't be"
    LOADED = "the snapshot is our state now"
    LOST = "the connection is gone"


_S, _E = State, Event
TRANSITIONS: dict[tuple[State, Event], State] = {
    (_S.WAITING, _E.ATTEMPT): _S.CONNECTING,
    (_S.CONNECTING, _E.OPENED): _S.HANDSHAKE,
    (_S.HANDSHAKE, _E.CONTINUED): _S.CONNECTED,
    (_S.HANDSHAKE, _E.FULL_SYNC): _S.TRANSFER,
    (_S.HANDSHAKE, _E.PARTED): _S.GOING_BACK,
    (_S.GOING_BACK, _E.WENT_BACK): _S.HANDSHAKE,
    (_S.TRANSFER, _E.LOADED): _S.CONNECTED,
    **{(state, _E.LOST): _S.WAITING for state in _S},
}


SHOWN = {
    State.WAITING: "connect", State.CONNECTING: "connecting", State.HANDSHAKE: "handshake", State.GOING_BACK: "handshake",
    State.TRANSFER: "sync", State.CONNECTED: "connected",
}  # fmt: skip
"""The words of ROLE."""

SILENCE = {
    State.TRANSFER: "Timeout receiving bulk data from MASTER... If the problem persists try to set the 'repl-timeout' "
    "parameter in redis.conf to a larger value.",
    State.CONNECTED: "MASTER timeout: no data nor PING received...",
}
"""Redis's words for a primary that was silent for too long."""

SIGNS_OF_LIFE = {State.GOING_BACK: ack(0), State.TRANSFER: b"\n"}
"""What shows the primary that we live: no reply comes, nothing is acknowledged (the line feed is what Redis sends)."""


class Unexpected(Exception):
    """An event that a state does not know."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send a command."""

    words: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection and try again later; say why. `refused`: it was PSYNC that the primary said no to."""

    reason: str
    refused: bool = False


Instruction = Send | Drop | FullResync | Continue | Parted


@dataclass(frozen=True, slots=True)
class Identity:
    """What a replica tells about itself. `position`: its history id and offset, None when it has no history."""

    port: int
    ip: str = ""
    user: bytes = b""
    password: bytes = b""
    framed: bool = True
    returns: bool = False  # it has followed the receiver before
    takes_over: bool = False  # a failover: the receiver becomes primary before it answers
    position: tuple[str, int] | None = None

    def psync(self) -> Send:
        """The PSYNC command."""
        history_id, offset = self.position or ("?", -2)
        words = (b"PSYNC", history_id.encode("ascii"), b"%d" % (offset + 1))
        return Send((*words, b"FAILOVER") if self.takes_over else words)


def script(identity: Identity) -> list[Send]:
    """The lines of the handshake, in order."""
    lines = [Send((b"PING",))]
    if identity.password:
        lines.append(Send((b"AUTH", *filter(None, [identity.user]), identity.password)))
    lines.append(Send((b"REPLCONF", b"listening-port", b"%d" % identity.port)))
    if identity.ip:
        lines.append(Send((b"REPLCONF", b"ip-address", identity.ip.encode())))
    capabilities = ["eof", "psync2", *([FRAMED] if identity.framed else []), *([FOLLOWED_BEFORE] if identity.returns else [])]
    lines.append(Send((b"REPLCONF", *(word for name in capabilities for word in (b"capa", name.encode())))))
    lines.append(identity.psync())
    return lines


class Link:
    """The link's state and what comes next. `remarks`: answers that were not as wanted but do no harm."""

    def __init__(self) -> None:
        self.state = State.WAITING
        self.remarks: list[str] = []
        self._script: deque[Send] = deque()
        self._asked = b""

    def receive(self, event: Event) -> None:
        """Go to the next state."""
        following = TRANSITIONS.get((self.state, event))
        if following is None:
            raise Unexpected(f"link {self.state.name}: {event.value}")
        self.state = following

    @property
    def silence(self) -> str:
        """What is said when the primary was silent for too long."""
        return SILENCE.get(self.state, "Timeout connecting to the MASTER...")

    @property
    def sign_of_life(self) -> bytes:
        """What is sent each second while there is nothing else to say, b"" when there is."""
        return SIGNS_OF_LIFE.get(self.state, b"")

    def opened(self, identity: Identity) -> Sequence[Instruction]:
        """The connection is there: begin the handshake."""
        self.receive(Event.OPENED)
        self._script = deque(script(identity))
        return [self._next()]

    def went_back(self, identity: Identity) -> Sequence[Instruction]:
        """Ask again, from another place in history."""
        self.receive(Event.WENT_BACK)
        self._script = deque([identity.psync()])
        return [self._next()]

    def _next(self) -> Send:
        line = self._script.popleft()
        self._asked = line.words[0]
        return line

    def line(self, line: bytes) -> Sequence[Instruction]:
        """The primary answered a line; an empty one is only a sign of life."""
        if self.state is not State.HANDSHAKE:
            raise Unexpected(f"link {self.state.name}: a line")
        if not line:
            return []
        if self._asked == b"PSYNC":
            return [self._answered(line)]
        complaint = _JUDGES[self._asked](line)
        if complaint is not None:
            return [Drop(complaint)]
        if self._asked == b"REPLCONF" and line.startswith(b"-"):
            self.remarks.append(
                f"(Non critical) Master does not understand REPLCONF: {line.decode('utf-8', 'replace')}"
            )
        return [self._next()]

    def _answered(self, line: bytes) -> Instruction:
        answer = psync_answer(line)
        match answer:
            case FullResync():
                self.receive(Event.FULL_SYNC)
            case Continue():
                self.receive(Event.CONTINUED)
            case Parted():
                self.receive(Event.PARTED)
            case TryLater(reason):
                return Drop(f"MASTER is currently unable to PSYNC but should be in the future: -{reason}", refused=True)
            case _:
                return Drop(f"Unexpected reply to PSYNC from master: -{answer.reason}", refused=True)
        return answer


def _judge_ping(line: bytes) -> str | None:
    if line.startswith((b"+", b"-NOAUTH", b"-NOPERM", b"-ERR operation not permitted")):
        return None
    return f"Error reply to PING from master: '{line.decode('utf-8', 'replace')[:200]}'"


def _judge_auth(line: bytes) -> str | None:
    return f"Unable to AUTH to MASTER: {line.decode('utf-8', 'replace')[:200]}" if line.startswith(b"-") else None


def _judge_replconf(line: bytes) -> str | None:
    if line.startswith((b"+", b"-")) and not line.startswith((b"-NOAUTH", b"-NOPERM")):
        return None
    return f"Unexpected answer to REPLCONF from master: '{line.decode('utf-8', 'replace')[:200]}'"


_JUDGES: dict[bytes, Callable[[bytes], str | None]] = {
    b"PING": _judge_ping, b"AUTH": _judge_auth, b"REPLCONF": _judge_replconf,
}  # fmt: skip
