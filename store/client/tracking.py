"""Client-side caching: who may hold which keys in a cache of their own, and telling them when those change (tracking.c 7.0).

By default the keys a client reads are remembered, once each, until they change. In broadcast mode a client hears of all changes
of keys with its prefixes, collected over a turn. Keys are those of all databases together, as in Redis.

Law: a client hears of a change after the reply of its own command that made it, and before any later read of its own.
Like every reply, messages leave after the log write of what they tell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from store.commands.key_access import key_uses
from store.notifications import EVICTED, EXPIRED
from store.replies import Push
from store.resp.encoder import encode

if TYPE_CHECKING:
    from store.client.session import Session
    from store.commands.table import Command
    from store.engine import Engine

CHANNEL = b"__redis__:invalidate"
"""Where RESP2 clients, which know no push messages, listen for the messages redirected to them."""

Message = list[bytes] | None
"""The keys that changed; None: all there were."""


@dataclass(slots=True, eq=False)
class Tracked:
    """A session that tracks. `redirect`: id of the client that gets the messages, 0 itself; `caching`: CLIENT CACHING was called."""

    redirect: int = 0
    broadcast: bool = False
    optin: bool = False
    optout: bool = False
    noloop: bool = False
    caching: bool = False
    broken: bool = False
    prefixes: dict[bytes, None] = field(default_factory=dict)

    @property
    def remembers(self) -> bool:
        """Tell whether the keys of the next read are to be remembered."""
        if self.broadcast:
            return False
        return self.caching if self.optin else not (self.optout and self.caching)


class Prefix:
    """A prefix in broadcast mode: who listens, and the keys that changed this turn with who changed them last."""

    __slots__ = ("changed", "sessions")

    def __init__(self) -> None:
        self.sessions: dict[Session, None] = {}
        self.changed: dict[bytes, Session | None] = {}


class Tracking:
    """All tracking of a node. `clients`: how many sessions track; `items`: pairs of key and client that are remembered."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.clients = 0
        self.items = 0
        self.keys: dict[bytes, dict[int, None]] = {}
        self.prefixes: dict[bytes, Prefix] = {}
        self.pending: list[tuple[Session, Message]] = []  # told after the reply of the running command
        self.current: Session | None = None  # whose command is running
        self._stirred = False  # a prefix has changed keys
        self._script_read = False  # the running script has called a read

    # ── who tracks ─────────────────────────────────────────────────────────────────────────────────────────────────
    def start(self, session: Session, state: Tracked, prefixes: list[bytes]) -> None:
        """Let a session track as state says; prefixes are added to those it has in broadcast mode."""
        before = session.tracking
        if before is None:
            self.clients += 1
            self.engine.keyspace.on_touch, self.engine.keyspace.on_flush = self.touched, self.flushed
        else:
            state.prefixes, state.caching = before.prefixes, before.caching
        session.tracking = state
        if state.broadcast:
            for prefix in prefixes or [b""]:
                state.prefixes[prefix] = None
                self.prefixes.setdefault(prefix, Prefix()).sessions[session] = None

    def stop(self, session: Session) -> None:
        """Let a session track no more; what is remembered of it is dropped as its keys change."""
        state = session.tracking
        if state is None:
            return
        session.tracking = None
        self.clients -= 1
        for name in state.prefixes:
            prefix = self.prefixes[name]
            del prefix.sessions[session]
            if not prefix.sessions:
                del self.prefixes[name]
        if not self.clients:
            self.engine.keyspace.on_touch = self.engine.keyspace.on_flush = None
            self.keys.clear()
            self.items = 0

    # ── what is read ───────────────────────────────────────────────────────────────────────────────────────────────
    def ran(self, session: Session, command: Command, argv: list[bytes]) -> None:
        """Remember the keys of a read that is done, and end the effect of CLIENT CACHING."""
        if not self.engine.depth:
            self.current = None
            self.limit()
        state = session.tracking
        if state is None:
            return
        if self._reads(session, command) and state.remembers and "pubsub" not in command.flags:
            for use in key_uses(command, argv):
                self._remember(session, argv[use.place])
        if session.transaction is None and not self.engine.depth and not command.name.startswith("client|"):
            state.caching = False

    def _reads(self, session: Session, command: Command) -> bool:
        """Tell whether a command has read its keys; a script's count, all that it declared, once one of its commands was a read."""
        if session.scripted:
            self._script_read = self._script_read or command.reads
            return False
        if command.group != "scripting":
            return command.reads
        read, self._script_read = self._script_read, False
        return read

    def _remember(self, session: Session, key: bytes) -> None:
        readers = self.keys.setdefault(key, {})
        if session.number not in readers:
            readers[session.number] = None
            self.items += 1

    def limit(self) -> None:
        """Forget keys beyond `tracking-table-max-keys`, telling those who read them."""
        most = self.engine.settings.tracking_table_max_keys
        while most and len(self.keys) > most:
            self._tell_readers(next(iter(self.keys)), forgotten=True)

    # ── what changes ───────────────────────────────────────────────────────────────────────────────────────────────
    def touched(self, key: bytes) -> None:
        """Tell who has read key that it changed, and keep it for those who listen to its prefix."""
        for name, prefix in self.prefixes.items():
            if key.startswith(name):
                by_itself = self.engine.keyspace.notice_class in (EXPIRED, EVICTED)
                prefix.changed[key] = None if by_itself else self.current
                self._stirred = True
        if key in self.keys:
            self._tell_readers(key)

    def _tell_readers(self, key: bytes, forgotten: bool = False) -> None:
        """Tell who has read key; one's own change is nothing new in NOLOOP mode, that a key was forgotten is."""
        readers = self.keys.pop(key)
        self.items -= len(readers)
        for number in readers:
            session = self.engine.sessions.get(number)
            state = session.tracking if session is not None else None
            if session is None or state is None or state.broadcast:
                continue
            if session is not self.current:
                self._tell(session, [key])
            elif forgotten or not state.noloop:
                self.pending.append((session, [key]))

    def flushed(self) -> None:
        """Tell everybody who tracks that all keys are gone."""
        for session in list(self.engine.sessions.values()):
            if session.tracking is None:
                continue
            if session is self.current:
                self.pending.append((session, None))
            else:
                self._tell(session, None)
        self.keys.clear()
        self.items = 0

    def settle(self) -> None:
        """Tell the client whose command just ended what it changed itself."""
        pending, self.pending = self.pending, []
        for session, message in pending:
            self._tell(session, message)

    def end_turn(self) -> None:
        """Tell listeners in broadcast mode what changed this turn, one message a prefix."""
        if not self._stirred:
            return
        self._stirred = False
        for prefix in self.prefixes.values():
            changed, prefix.changed = prefix.changed, {}
            for session in list(prefix.sessions) if changed else ():
                quiet = session.tracking is not None and session.tracking.noloop
                keys = [key for key, changer in changed.items() if not (quiet and changer is session)]
                if keys:
                    self._tell(session, keys)

    # ── messages ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _tell(self, session: Session, message: Message) -> None:
        """Send a message to a session, or to the one that it redirects to; RESP2 clients hear only by subscription."""
        state = session.tracking
        if state is None:
            return
        target: Session | None = session
        if state.redirect:
            target = self.engine.sessions.get(state.redirect)
        if target is None or target.closing:
            state.broken = True
            if session.resp == 3:
                session.push(encode(Push([b"tracking-redir-broken", state.redirect]), 3))
            return
        if target.resp == 3:
            target.push(encode(Push([b"invalidate", message]), 3))
        elif state.redirect and target.subscribed:
            target.push(encode(Push([b"message", CHANNEL, message]), 2))
