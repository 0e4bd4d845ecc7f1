"""What a command sees of the node: the selected database, the client, and `record`, the one door to change state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from store.apply.table import APPLY
from store.caller import Caller
from store.errors import ApplyFailed
from store.notifications import EVICTED, EXPIRED
from store.primitives import call_with
from store.replies import NULL_ARRAY
from store.resp.encoded import encode_words

if TYPE_CHECKING:
    from store.client.session import Session
    from store.database import Database
    from store.engine import Engine
    from store.keyspace import Keyspace
    from store.log import EventLog


class Tx:
    """The running command's view. `db`: the selected database; `now`: its frozen unix ms."""

    __slots__ = ("db", "engine", "keyspace", "session")

    def __init__(self, engine: Engine, session: Session) -> None:
        self.engine = engine
        self.keyspace: Keyspace = engine.keyspace
        self.session = session
        self.db: Database = engine.keyspace.databases[0]

    @property
    def now(self) -> int:
        """Unix ms at which the command started: its only clock reading."""
        return self.keyspace.now

    @property
    def replays(self) -> bool:
        """Whether what runs is history already (a Redis primary's commands): its outcome must not depend on this node."""
        return False

    @property
    def longest(self) -> int:
        """Bytes that a string may have."""
        return self.engine.settings.proto_max_bulk_len

    # ── the one door ───────────────────────────────────────────────────────────────────────────────────────────────
    def record(self, name: bytes, *args: bytes) -> object:
        """Make an event part of history, then of the state; return what its apply function returns."""
        return self.enter((name, *args))

    def enter(self, event: tuple[bytes, ...]) -> object:
        """Record an event that stands in a tuple: what the most used commands call, as it costs least."""
        self.log(event, self.db.index)
        try:
            return call_with(APPLY[event[0]], self.db, event, 1)
        except Exception as error:
            raise ApplyFailed(f"{event[0]!r} {event[1:2]!r} in db {self.db.index}: {error!r}") from error

    def log(self, event: tuple[bytes, ...], db: int) -> None:
        """Append an event to history without applying it; a replaying Tx has it there already."""
        engine = self.engine
        if engine.unlogged:
            engine.local_keys.note(encode_words(event), db)
            return
        if engine.log.origins:
            self._sign(engine.log)
        engine.log.enter(event, db)
        self.session.wrote = True
        self.session.write_reign = engine.reign

    def _sign(self, log: EventLog) -> None:
        """Let the log say whose event comes next; the node's own are nobody's."""
        user, address = self.session.user, self.session.address
        log.set_origin("" if user is None else user.name.decode("utf-8", "replace"), address.decode("utf-8", "replace"))

    # ── forms of record ────────────────────────────────────────────────────────────────────────────────────────────
    def record_as(self, notice: bytes, name: bytes, *args: bytes, notice_class: int = 0) -> object:
        """Record an event, naming its keyspace notification after the command (INCR is recorded as SET)."""
        return self.enter_as(notice, (name, *args), notice_class)

    def enter_as(self, notice: bytes, event: tuple[bytes, ...], notice_class: int = 0) -> object:
        """Record an event that stands in a tuple under another notification's name."""
        keyspace = self.keyspace
        if not keyspace.notify_classes and not notice_class:  # with one, tracking asks whether a key went by itself
            return self.enter(event)  # nobody hears it
        keyspace.notice, keyspace.notice_class = notice, notice_class
        try:
            return self.enter(event)
        finally:
            keyspace.notice, keyspace.notice_class = None, 0

    def delete(self, key: bytes, notice: bytes = b"del") -> bool:
        """Record the removal of key if it exists; True if it did."""
        if key not in self.db.entries:
            return False
        self.record_as(notice, b"DEL", key)
        return True

    def expire(self, key: bytes) -> None:
        """Record the removal of a key whose deadline has passed."""
        self.engine.stats.expired += 1
        self.record_as(b"expired", b"DEL", key, notice_class=EXPIRED)

    def evict(self, key: bytes) -> None:
        """Record the removal of a key to make room."""
        self.engine.stats.evicted += 1
        self.record_as(b"evicted", b"DEL", key, notice_class=EVICTED)

    def publish(self, channel: bytes, message: bytes, sharded: bool = False) -> int:
        """Send a message to subscribers: an event on a primary, local only on a replica; return local receivers.

        A message is no data: its reply promises nothing, so it waits for no replica (Sentinel's PUBLISH would, and the PINGs
        behind it: a primary that has just lost its replicas would be taken for dead).
        """
        event = (b"SPUBLISH" if sharded else b"PUBLISH", channel, message)
        if self.engine.primary:
            session = self.session
            wrote = session.wrote
            self.log(event, self.db.index)
            session.wrote, session.write_offset = wrote, self.engine.log.offset
        return call_with(APPLY[event[0]], self.db, event, 1)  # type: ignore[return-value]  # a count, by its function

    # ── waiting ────────────────────────────────────────────────────────────────────────────────────────────────────
    def block(
        self,
        keys: Sequence[bytes],
        timeout_ms: int,
        serve: Callable[[Tx, bytes], object],
        on_timeout: object = NULL_ARRAY,
        gone: bool = False,
    ) -> object:
        """Let the client wait until serve(tx, key) returns a reply for one of the keys, or timeout_ms (0: for ever) have passed.

        serve is called each time one of the keys changed and returns None while there is nothing for this client. Where a
        command may not wait (in MULTI, in a script, while a log is applied) on_timeout is the reply at once. gone: call serve
        too when a key was removed, not only while there is one.
        """
        return self.engine.blocking.wait(self, keys, timeout_ms, serve, on_timeout, gone)


class NoSession(Caller):
    """Stands where a session is expected when no client is: expiry, eviction, replay. Its commands may not block."""

    def __init__(self) -> None:
        super().__init__()
        self.may_block = False
        self.resp = 2
        self.address = b""
        self.name = b""
        self.number = 0
        self.transaction = None
        self.conditions = 0
        self.scripted = False
        self.user = None
        self.tracking = None


def internal_tx(engine: Engine) -> Tx:
    """A Tx for what the node does by itself."""
    return Tx(engine, NoSession())  # type: ignore[arg-type]  # has what commands without a client use
