"""Who hears what: channels, patterns, shard channels, keyspace notifications and MONITOR; one place from which messages go out.

Law: messages leave after the log write of their turn like every reply, since they go through the sessions' output.
Invariant: a session is in a channel's table exactly as long as the channel is in the session's own table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from store.client.redaction import redacted
from store.glob import compile_glob
from store.notifications import KEYEVENT, KEYSPACE, parse_classes
from store.replies import Push
from store.resp import encode

if TYPE_CHECKING:
    from store.client.session import Session
    from store.commands.table import Command
    from store.database import Database
    from store.engine import Engine
    from store.tx import Tx

Table = dict[bytes, dict["Session", None]]


class Bus:
    """Subscriptions of a node."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.channels: Table = {}
        self.patterns: Table = {}
        self.shard_channels: Table = {}
        self._matchers: dict[bytes, Callable[[bytes], bool]] = {}
        self.messages = 0
        engine.keyspace.on_publish = self.publish
        engine.keyspace.on_notify = self.notify
        self._configure()
        engine.settings.on_change("notify-keyspace-events", self._configure)

    def _configure(self) -> None:
        self.engine.keyspace.notify_classes = parse_classes(self.engine.settings.notify_keyspace_events)

    # ── subscriptions ──────────────────────────────────────────────────────────────────────────────────────────────
    def subscribe(self, session: Session, kind: str, name: bytes) -> None:
        """Add a subscription; kind is `channels`, `patterns` or `shard_channels`, here and in the session."""
        table: Table = getattr(self, kind)
        table.setdefault(name, {})[session] = None
        session.subscriptions(kind)[name] = None
        if kind == "patterns" and name not in self._matchers:
            self._matchers[name] = compile_glob(name)

    def unsubscribe(self, session: Session, kind: str, name: bytes) -> None:
        """Take a subscription away if the session has it."""
        own = session.subscriptions(kind)
        if name not in own:
            return
        del own[name]
        table: Table = getattr(self, kind)
        del table[name][session]
        if not table[name]:
            del table[name]
            if kind == "patterns":
                del self._matchers[name]

    def forget(self, session: Session) -> None:
        """Drop everything a closing session listens to."""
        for kind in ("channels", "patterns", "shard_channels"):
            for name in list(session.subscriptions(kind)):
                self.unsubscribe(session, kind, name)
        self.engine.monitors.pop(session, None)

    # ── messages ───────────────────────────────────────────────────────────────────────────────────────────────────
    def publish(self, channel: bytes, message: bytes, sharded: bool = False) -> int:
        """Deliver a message to the local subscribers of channel, then to those of matching patterns; return how many."""
        self.messages += 1
        receivers = (self.shard_channels if sharded else self.channels).get(channel, ())
        count = len(receivers)
        if receivers:
            self._send(list(receivers), Push([b"smessage" if sharded else b"message", channel, message]))
        if not sharded and self.patterns:
            for pattern, matches in list(self._matchers.items()):
                if matches(channel):
                    count += len(self.patterns[pattern])
                    self._send(list(self.patterns[pattern]), Push([b"pmessage", pattern, channel, message]))
        return count

    def _send(self, sessions: list[Session], push: Push) -> None:
        encoded: dict[int, bytes] = {}
        for session in sessions:
            data = encoded.get(session.resp)
            if data is None:
                data = encoded[session.resp] = encode(push, session.resp)
            session.push(data)

    def notify(self, db: Database, notice_class: int, notice: bytes, key: bytes) -> None:
        """Publish a keyspace notification to local subscribers (never an event: replicas make their own)."""
        classes = self.engine.keyspace.notify_classes
        if classes & KEYSPACE:
            self.publish(b"__keyspace@%d__:%b" % (db.index, key), notice)
        if classes & KEYEVENT:
            self.publish(b"__keyevent@%d__:%b" % (db.index, notice), key)

    # ── MONITOR ────────────────────────────────────────────────────────────────────────────────────────────────────
    def monitor(self, tx: Tx, command: Command, argv: list[bytes]) -> None:
        """Show a command that has run to all monitors, but for those that must not be seen and those that show themselves."""
        if command.flags & {"skip_monitor", "admin"}:
            return
        self.show(tx, redacted(command, argv))

    def show(self, tx: Tx, argv: list[bytes]) -> None:
        """Send a request to all monitors."""
        now = self.engine.clock.now_us()
        words = " ".join(quoted(argument) for argument in argv)
        address = b"lua" if tx.session.scripted else tx.session.address
        source = address.decode("utf-8", "surrogateescape")
        line = f"{now // 1_000_000}.{now % 1_000_000:06d} [{tx.db.index} {source}] {words}"
        for session in list(self.engine.monitors):
            session.push(encode(line, session.resp))


_ESCAPES = {10: "\\n", 13: "\\r", 9: "\\t", 7: "\\a", 8: "\\b", 34: '\\"', 92: "\\\\"}


def quoted(text: bytes) -> str:
    """Quote bytes as redis-cli does: printable ASCII as it is, the rest escaped."""
    return '"' + "".join(_ESCAPES.get(c) or (chr(c) if 32 <= c < 127 else f"\\x{c:02x}") for c in text) + '"'
