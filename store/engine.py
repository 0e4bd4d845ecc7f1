"""The hub: a request comes in, is looked up, gated, run; its events are recorded; its reply goes back to the session.

Law: nothing is awaited between decide and record; one clock reading a command; every stage is one line of `execute` and `call`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from store.acl.users import Users
from store.blocking import Blocking
from store.bus import Bus
from store.client.tracking import Tracking
from store.clock import Clock
from store.commands.table import QUEUEING, RESTRICTED, TABLE, Command
from store.errors import ConfigError, ReplyError
from store.gates import Gates, divert
from store.keyspace import Keyspace
from store.local_keys import LocalKeys
from store.log import EventLog
from store.observe.latency import Latency
from store.observe.rates import Rates
from store.observe.slowlog import SlowLog
from store.observe.stats import Stats
from store.slices import Slices
from store.switches import Switches
from store.topology import Alone, Topology
from store.turn import Turn
from store.waiting import Waiting

if TYPE_CHECKING:
    from store.client.session import Queued, Session
    from store.config.settings import Settings
    from store.node import Node
    from store.steps import LoadFigures
    from store.tx import Tx


_QUEUEING, _RESTRICTED = QUEUEING, RESTRICTED  # compiled, numbers without objects
MOST_SPELLINGS = 1024
"""Names of commands that are remembered as clients write them: SET, set, Set."""
BASE_MEMORY = 800 * 1024
"""Bytes counted for the server without data, about what an empty Redis counts: a tiny maxmemory then refuses as it does there."""


class Engine:
    """One node's state and the way to it."""

    def __init__(
        self, settings: Settings, log: EventLog, keyspace: Keyspace | None = None, clock: Clock | None = None
    ) -> None:
        self.settings = settings
        self.log = log
        self.keyspace = keyspace if keyspace is not None else Keyspace(settings.databases)
        self.clock = clock if clock is not None else Clock()
        self.stats = Stats()
        self.stats.started_ms = self.clock.now_ms()
        self.gates = Gates()
        self.bus = Bus(self)
        self.blocking = Blocking(self)
        self.topology: Topology = Alone()  # replication puts its own here
        self.waiting = Waiting(self)
        self.rates = Rates(self)
        self.turn = Turn(self)
        self.slices = Slices(self)
        self.latency = Latency(settings)
        self.switches = Switches()
        self.expiring_actively = True  # DEBUG SET-ACTIVE-EXPIRE
        self.slowlog = SlowLog(self)
        self.commands: dict[bytes, Command] = dict(TABLE)
        self.spelled: dict[bytes, Command] = {}  # the commands by their names as clients write them
        self.users = Users(self)
        self.tracking = Tracking(self)
        self.sessions: dict[int, Session] = {}
        self.monitors: dict[Session, None] = {}
        self.node: Node | None = None  # set by the process that owns sockets and a data directory; None offline
        self.depth = 0  # > 0 while a command runs: EXEC and scripts call commands inside
        # Not above: compiled, the modules need each other's types first.
        from store.scripting.scripts import Scripts
        from store.tx import internal_tx

        self.scripts = Scripts(self)
        self.internal = internal_tx(self)
        self.on_log: list[Callable[[EventLog], None]] = []  # who has to hear that another log is recorded into
        self.local_keys = LocalKeys(self)
        self.unlogged = False  # a writable replica: what its own clients write is no history, and goes with the next full sync
        self.loading: LoadFigures | None = None  # how far, while data are loaded
        self.primary = True  # expired keys are deleted here; a replica waits for its primary's event
        self.reign = 0  # how often this node has ceased to be primary

    # ── the way of a request ───────────────────────────────────────────────────────────────────────────────────────
    def execute(self, session: Session, argv: list[bytes]) -> None:
        """Answer one request of a client."""
        session.last_command = None
        try:
            command = session.last_command = self.find(argv)
            reply = self.admit(session, command, argv)
            if reply is None:
                reply = self.call(session.tx, command, argv)
        except ReplyError as error:
            reply = self.failed(session, error)
        session.reply(reply)
        if self.tracking.pending:
            self.tracking.settle()
        if self.keyspace.ready and not self.depth:  # depth: a client served while a script is busy
            self.blocking.serve()

    def execute_queued(self, tx: Tx, queued: list[Queued]) -> list[object]:
        """Run the commands of a transaction; the error of one is its reply, and the others run all the same."""
        self.scripts.transaction_mark, session = self.log.mark(), tx.session
        replies: list[object] = []
        for command, argv in queued:
            try:
                if session.conditions & _RESTRICTED:
                    self.users.check(session, command, argv, "multi", changed=True)
                reply = self.call(tx, command.base, argv)
            except ReplyError as error:
                self.stats.count_error(error.code)
                reply = error
            replies.append(reply)
        return replies

    def failed(self, session: Session, error: ReplyError) -> ReplyError:
        """Count an error and return it as the reply; one that came before the command was found spoils a transaction."""
        if session.last_command is None:
            error = session.refused(None, error)
        self.stats.count_error(error.code)
        return error

    def admit(self, session: Session, command: Command, argv: list[bytes]) -> object:
        """Pass a command through the gates; return its reply if it must not run, else None."""
        conditions = self.gates.closed | session.conditions
        if command.variant is None and not conditions & command.gate:
            return None
        try:
            row = command if command.variant is None else command.variant(self, command, argv)
            conditions &= row.gate
            if conditions == _QUEUEING:
                return session.queue_command(row, argv)
            return divert(self, session, row, argv, conditions)
        except ReplyError as error:
            command.rejected += 1
            raise session.refused(command, error) from error

    def call(self, tx: Tx, command: Command, argv: list[bytes]) -> object:
        """Run one command: freeze the clock, drop its expired keys, decide and record, close its transaction, account."""
        started = self.clock.ticks()
        keyspace = self.keyspace
        if not self.depth:
            keyspace.now = self.clock.wall_ms(started)
        self.before(tx, command, argv)
        self.depth += 1
        mark = self.log.mark()
        try:
            return command.run(tx, argv)
        except ReplyError:
            command.failed += 1
            raise
        finally:
            self.depth -= 1
            self.after(tx, command, argv, mark, started)

    def before(self, tx: Tx, command: Command, argv: list[bytes]) -> None:
        """Prepare the keyspace for a command: what it counts, and its keys without the expired ones."""
        self.keyspace.counting = command.reads
        if self.tracking.clients and not self.depth:
            self.tracking.current = tx.session
        if tx.db.expiring and command.keyspecs:
            self.expire_keys(tx, command.keys(argv), command.writes)

    def after(self, tx: Tx, command: Command, argv: list[bytes], mark: int, started: int) -> None:
        """Close what a command recorded and account for it."""
        log = self.log
        if not self.depth and log.mark() != mark:
            if not command.reads:  # a read records only removals of expired keys, and each stands for itself (SCAN)
                log.wrap_transaction(mark)
            log.seal_if_large()
        if self.monitors:
            self.bus.monitor(tx, command, argv)
        if self.tracking.clients:
            self.tracking.ran(tx.session, command, argv)
        duration = self.clock.ticks() - started
        self.stats.commands += 1
        command.ran(duration)
        if duration >= self.slowlog.threshold:
            self.slowlog.note(tx.session, command, argv, duration)

    # ── stages ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def find(self, argv: list[bytes]) -> Command:
        """Look a request's command up and check its argument count; raise ReplyError as Redis words it."""
        command = self.spelled.get(argv[0])
        if command is None:
            command = self.commands.get(argv[0].lower())
            if command is None:
                raise unknown_command(argv)
            if len(self.spelled) < MOST_SPELLINGS:
                self.spelled[argv[0]] = command
        if command.subcommands and len(argv) > 1:
            container, command = command, command.subcommands.get(argv[1].lower())
            if command is None:
                raise ReplyError(f"unknown subcommand '{_shown(argv[1])}'. Try {container.name.upper()} HELP.")
        if not command.accepts(len(argv)):
            command.rejected += 1
            raise ReplyError(f"wrong number of arguments for '{command.name}' command")
        return command

    def lookup(self, argv: list[bytes]) -> Command | None:
        """The command that a request would run, or None if there is none of that name."""
        command = self.commands.get(argv[0].lower())
        if command is not None and command.subcommands and len(argv) > 1:
            return command.subcommands.get(argv[1].lower())
        return command

    def expire_keys(self, tx: Tx, keys: list[bytes], to_write: bool = False) -> None:
        """Record the removal of those keys whose deadline has passed (not while writes pause).

        On a replica they stay until the primary says so, unless it is a writable one and they are about to be written.
        """
        if self.gates.writes_paused or not (self.primary or (to_write and self.unlogged)):
            return
        now = self.keyspace.now
        for key in keys:
            entry = tx.db.entries.get(key)
            if entry is not None and 0 < entry.deadline <= now:
                tx.expire(key)

    def adopt_log(self, log: EventLog) -> None:
        """Record into another log from now on (after recovery, or when appendonly is switched)."""
        self.log = log
        log.origins = self.settings.log_origins
        for listener in self.on_log:
            listener(log)
        self.turn.watch(log)
        self.waiting.watch(log)

    def used_memory(self) -> int:
        """Bytes of the data set and of what clients hold, as far as it is accounted."""
        return BASE_MEMORY + self.keyspace.used + self.turn.buffered

    def rename_commands(self, renames: dict[bytes, bytes]) -> None:
        """Apply `rename-command`: a new name, or none at all when it is empty; raise ConfigError for an unknown command."""
        for old in renames:
            if old not in self.commands:
                raise ConfigError(f"No such command in rename-command: {_shown(old)}")
        renamed = {new: self.commands.pop(old) for old, new in renames.items()}
        renamed.pop(b"", None)
        self.commands.update({new.lower(): command for new, command in renamed.items()})
        self.spelled.clear()


def _shown(text: bytes, most: int = 128) -> str:
    return text[:most].decode("utf-8", "surrogateescape")


def unknown_command(argv: list[bytes]) -> ReplyError:
    """The error for a name that is no command: it shows the first 128 bytes of the name and of the arguments."""
    shown, size = "", 0
    for argument in argv[1:]:
        if size >= 128:
            break
        piece = f"'{_shown(argument, 128 - size)}' "
        shown += piece
        size += len(piece)
    return ReplyError(f"unknown command '{_shown(argv[0])}', with args beginning with: {shown}")
