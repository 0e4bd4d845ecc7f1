"""Play one sequence on two servers and find the first difference, in a reply or in the data at the end.

Law: both get exactly the same bytes in the same order. Where the server may choose (SPOP), both are brought
back to one state afterwards, so that a sequence can go on.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from tests.kit.resp_client import Error, Reply, RespClient
from tests.kit.servers import Server
from tests.oracle.compare import CHOSEN_BY_SERVER, equal, equal_transaction, flat, from_population, population
from tests.oracle.generate import Sent, Step
from tests.oracle.grammar import Command

DATABASES = 3
BATCH = 64
REPLAY_SECONDS = 900.0
QUEUED = b"QUEUED"
# How to read a value whole; KEY stands for its key. A stream's delivery times are left out: they are clock readings.
KEY = b"<key>"
READERS: dict[bytes, list[Command]] = {
    b"string": [(b"GET", KEY)],
    b"hash": [(b"HGETALL", KEY)],
    b"list": [(b"LRANGE", KEY, b"0", b"-1")],
    b"set": [(b"SMEMBERS", KEY)],
    b"zset": [(b"ZRANGE", KEY, b"0", b"-1", b"WITHSCORES")],
    b"stream": [(b"XRANGE", KEY, b"-", b"+"), (b"XINFO", b"GROUPS", KEY)],
}


@dataclass(frozen=True)
class Difference:
    """Where two servers part: the command (or what of the data), both replies, and how many steps had been played."""

    what: Command
    ours: Reply | str
    theirs: Reply | str
    steps: int


class Differs(Exception):
    """Raised inside a duel at the first difference."""

    def __init__(self, what: Command, ours: Reply | str, theirs: Reply | str) -> None:
        super().__init__(what)
        self.what, self.ours, self.theirs = what, ours, theirs


class Side:
    """One of the two servers, with its two connections."""

    def __init__(self, server: Server, resp: int) -> None:
        self.server = server
        self.resp = resp
        self.clients: list[RespClient] = []

    def reset(self) -> None:
        """Empty the server, started again if it has died, and connect afresh."""
        self.close()
        if not self.server.running:
            self.server.start()
        self.clients = [self.server.client(self.resp) for _ in range(2)]
        self.clients[0].command("FLUSHALL")

    def close(self) -> None:
        """Close the connections."""
        for client in self.clients:
            client.close()
        self.clients = []

    def send(self, connection: int, commands: list[Command]) -> str | None:
        """Send commands in one go; return what went wrong, if anything."""
        try:
            self.clients[connection].send_raw(b"".join(encode_all(commands)))
        except OSError as error:
            return f"could not send: {error!r}"
        return None

    def read(self, connection: int) -> Reply | str:
        """Read one reply; a string says why there is none."""
        try:
            return self.clients[connection].read()
        except (OSError, EOFError, ValueError) as error:
            state = "running" if self.server.running else "dead"
            return f"no reply: {error!r}, the server is {state}"


def encode_all(commands: Iterable[Command]) -> Iterable[bytes]:
    """Encode commands as RESP arrays."""
    for command in commands:
        yield b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in command)


class Duel:
    """The two sides, and what is queued in a transaction on each connection (None outside of one)."""

    def __init__(self, ours: Server, theirs: Server, resp: int = 2) -> None:
        self.ours = Side(ours, resp)
        self.theirs = Side(theirs, resp)
        self.queued: list[list[Command] | None] = [None, None]
        self.batch: list[Sent] = []
        self.steps = 0

    def play(self, steps: Iterable[Step], data_every: int = 2000) -> Difference | None:
        """Play steps from an empty state; compare the data after each data_every steps and at the end."""
        self.ours.reset()
        self.theirs.reset()
        self.queued, self.batch, self.steps = [None, None], [], 0
        try:
            for step in steps:
                for sent in step:
                    self.take(sent)
                self.steps += 1
                if self.steps % data_every == 0:
                    self.compare_data()
            self.compare_data()
        except Differs as found:
            return Difference(found.what, found.ours, found.theirs, self.steps + 1)
        return None

    def take(self, sent: Sent) -> None:
        """Add a command to the batch, or play it by itself where it needs company or a pause."""
        name = sent.command[0].upper()
        if name == b"#SLEEP":
            self.flush()
            time.sleep(int(sent.command[1]) / 1000)
            return
        if name in CHOSEN_BY_SERVER:
            self.flush()
            if self.queued[sent.connection] is None:
                self.play_choice(sent)
                return
        if self.batch and (self.batch[0].connection != sent.connection or len(self.batch) >= BATCH):
            self.flush()
        self.batch.append(sent)

    def flush(self) -> None:
        """Send the batch to both and compare reply by reply."""
        if not self.batch:
            return
        batch, self.batch = self.batch, []
        connection = batch[0].connection
        commands = [sent.command for sent in batch]
        for command, (ours, theirs) in zip(commands, self.ask(connection, commands), strict=True):
            self.judge(connection, command, ours, theirs)

    def ask(self, connection: int, commands: list[Command]) -> Iterable[tuple[Reply, Reply]]:
        """Send commands to both and yield their replies in pairs; raise Differs when one side has none."""
        failed = (self.ours.send(connection, commands), self.theirs.send(connection, commands))
        for command in commands:
            ours = failed[0] or self.ours.read(connection)
            theirs = failed[1] or self.theirs.read(connection)
            if isinstance(ours, str) or isinstance(theirs, str):
                raise Differs(command, ours, theirs)
            yield ours, theirs

    def judge(self, connection: int, command: Command, ours: Reply, theirs: Reply) -> None:
        """Compare one pair of replies, knowing what is queued."""
        name, queued = command[0].upper(), self.queued[connection]
        executed = name == b"EXEC" and queued is not None
        if not (equal_transaction(queued or [], ours, theirs) if executed else equal(command, ours, theirs)):
            raise Differs(command, ours, theirs)
        if getattr(ours, "text", None) == QUEUED and queued is not None:
            queued.append(command)
        elif name == b"MULTI" and not isinstance(ours, Error):
            self.queued[connection] = []
        elif name in (b"EXEC", b"DISCARD") and (not isinstance(ours, Error) or ours.text.startswith(b"EXECABORT")):
            self.queued[connection] = None

    def play_choice(self, sent: Sent) -> None:
        """Play a command that leaves the choice to the server: the choice must be a possible one."""
        command, connection = sent.command, sent.connection
        (among,) = self.ask(connection, [population(command)])
        (replies,) = self.ask(connection, [command])
        self.judge(connection, command, *replies)
        for reply, possible in zip(replies, among, strict=True):
            if not from_population(reply, possible):
                raise Differs(command, *replies)
        if command[0].upper() == b"SPOP" and len(command) > 1:
            # Each took what it liked: what either took goes from both.
            popped = {item for reply in replies for item in flat(reply) if isinstance(item, bytes)}
            if popped:
                self.ask_quietly(connection, (b"SREM", command[1], *sorted(popped)))

    def ask_quietly(self, connection: int, command: Command) -> None:
        """Play a command whose replies may differ."""
        for _ in self.ask(connection, [command]):
            return

    def compare_data(self) -> None:
        """Compare every key of every database: type, value and deadline."""
        self.flush()
        for connection in (0, 1):
            if self.queued[connection] is not None:
                (replies,) = self.ask(connection, [(b"DISCARD",)])
                self.judge(connection, (b"DISCARD",), *replies)
        for database in range(DATABASES):
            self.compare_database(b"%d" % database)
        self.ask_quietly(0, (b"SELECT", b"0"))

    def compare_database(self, database: bytes) -> None:
        """Compare one database."""
        (_, (ours, theirs)) = self.ask(0, [(b"SELECT", database), (b"KEYS", b"*")])
        if not equal((b"KEYS",), ours, theirs):
            raise Differs((b"KEYS", b"*", b"in database", database), ours, theirs)
        keys = [key for key in flat(ours) if isinstance(key, bytes)]
        types = list(self.ask(0, [(b"TYPE", key) for key in keys]))
        commands: list[Command] = []
        for key, (kind, _) in zip(keys, types, strict=True):
            readers = READERS.get(getattr(kind, "text", b""), [])
            commands += [(b"TYPE", key), (b"PEXPIRETIME", key)]
            commands += [tuple(key if word == KEY else word for word in reader) for reader in readers]
        for command, (ours, theirs) in zip(commands, list(self.ask(0, commands)), strict=True):
            if not equal(command, ours, theirs):
                raise Differs((*command, b"in database", database), ours, theirs)

    def restart_ours(self) -> Difference | None:
        """Stop our server cleanly, start it again, and compare the data: what was recovered must be what was there."""
        self.ours.close()
        self.ours.server.stop()
        self.ours.server.start(seconds=REPLAY_SECONDS)
        self.ours.clients = [self.ours.server.client(self.ours.resp) for _ in range(2)]
        self.queued = [None, None]
        try:
            self.compare_data()
        except Differs as found:
            return Difference((b"after a restart:", *found.what), found.ours, found.theirs, self.steps)
        return None

    def close(self) -> None:
        """Close all connections."""
        self.ours.close()
        self.theirs.close()


def missing_commands(server: Server, names: list[bytes]) -> list[bytes]:
    """Return which of names the server does not know; each is sent alone, which at worst empties the server."""
    missing = []
    with server.client() as client:
        for name in names:
            reply = client.command(name)
            if isinstance(reply, Error) and reply.text.startswith(b"ERR unknown command"):
                missing.append(name)
    return missing
