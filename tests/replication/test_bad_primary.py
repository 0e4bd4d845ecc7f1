"""Whatever answers in the place of a primary: the reason stands in INFO and the log, what is served stays, it is tried again."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from store import rdb
from store.events import encode_event
from store.keyspace import Keyspace
from store.log.frame import encode
from tests.kit.cluster import equal, eventually, info, linked
from tests.kit.servers import HOST, Server, chronis_server

ID = b"a" * 40


class Pretender:
    """Listens on `port` and sends `hello` at once, +OK or +PONG to what comes before PSYNC, `answer`, `more` after its first ACK."""

    def __init__(self, hello: bytes, answer: bytes, more: bytes = b"") -> None:
        self.hello, self.answer, self.more = hello, answer, more
        self.came: list[float] = []  # when connections came
        self.listener = socket.create_server((HOST, 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.came.append(time.monotonic())
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(self.hello)
            while data := connection.recv(65536):
                if b"PSYNC" in data:
                    connection.sendall(self.answer)
                elif b"REPLCONF\r\n$3\r\nACK" in data:
                    connection.sendall(self.more)
                else:
                    connection.sendall(b"+PONG\r\n" if b"PING" in data else b"+OK\r\n")


@pytest.fixture(scope="module")
def replica() -> Iterator[Server]:
    with chronis_server() as server:
        server.command_reply("SET", "kept", "as it was")
        yield server


FULL = b"+FULLRESYNC " + ID + b" 100\r\n"
BAD = {
    "a web server": (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", "Error reply to PING from master: 'HTTP/1.1 400"),
    "a line without end": (b"x" * 10_000, b"", "an answer without end"),
    "an unknown answer": (b"", b"+WELCOME\r\n", "Unexpected reply to PSYNC"),
    "an error": (b"", b"-ERR no\r\n", "Unexpected reply to PSYNC from master: -ERR no"),
    "no snapshot": (b"", FULL + b"-ERR no disk\r\n", "instead of a snapshot the primary sent"),
    "garbage for a snapshot": (b"", FULL + b"$20\r\n" + b"x" * 20, "What came from the master can't be used"),
    "a snapshot that is damaged": (b"", FULL + b"$24\r\nREDIS0010\xff" + b"\x01" * 14, "What came from the master can't be used"),
    "a snapshot that breaks off": (b"", FULL + b"$30\r\nREDIS0010\xfe\x00\x00\x01k\x01v\xff" + b"\x01" * 14, "can't be used"),
    "garbage for history": (b"", b"+CONTINUE " + ID + b"\r\n*1\r\n:1\r\n", "not a command"),
    "garbage for frames": (b"", b"+CONTINUE " + ID + b" chronis\r\n" + b"\xff" * 40, "what came is no frame"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_primary(name: str, replica: Server) -> None:
    """Link down, with the reason; the data stay; it is tried again."""
    hello, answer, reason = BAD[name]
    pretender = Pretender(hello, answer)
    said = len(replica.output())
    replica.command_reply("REPLICAOF", HOST, pretender.port)
    eventually(lambda: reason in info(replica).get("master_link_error", ""), f"the reason is shown: {info(replica)}")
    eventually(lambda: replica.output()[said:].count(reason) >= 2, "it is tried again, and said")
    assert info(replica)["master_link_status"] == "down"
    assert replica.command_reply("GET", "kept") == b"as it was"
    pretender.listener.close()
    replica.command_reply("REPLICAOF", "NO", "ONE")


@pytest.mark.parametrize("parts", [1, 2])
def test_an_event_that_can_not_be_applied_stops_the_node_whenever_it_comes(parts: int) -> None:
    """With the end of the snapshot or after it: memory and log may differ then, so the node ends, and says why."""
    aux = rdb.standard_aux(ctime=1, history_id=ID.decode())
    snapshot = b"".join(rdb.encode_snapshot(Keyspace(1), aux=aux))
    events = encode_event(b"SET", b"k", b"v") + encode_event(b"HSET", b"k", b"field", b"value")
    answer = b"+FULLRESYNC " + ID + b" 100 chronis\r\n$%d\r\n" % len(snapshot) + snapshot
    frame = encode(100, 1, 0, None, events)
    pretender = Pretender(b"", answer + frame if parts == 1 else answer, b"" if parts == 1 else frame)
    with chronis_server() as server:
        server.command_reply("REPLICAOF", HOST, pretender.port)
        assert server.process is not None
        assert server.process.wait(20) == 70
        assert "an event could not be applied" in server.output()
        server.kill()  # it has ended, and not in good order
    pretender.listener.close()


def test_a_stream_that_fails_again_and_again_is_tried_ever_more_slowly_and_said_a_few_times(replica: Server) -> None:
    """An answer that goes on is no success yet: only what comes after it is. Less than one line an attempt is logged."""
    pretender = Pretender(*BAD["garbage for history"][:2])
    said = len(replica.output())
    replica.command_reply("REPLICAOF", HOST, pretender.port)
    eventually(lambda: len(pretender.came) >= 8, "eight attempts")
    assert pretender.came[7] - pretender.came[0] > 1.5
    lines = replica.output()[said:].splitlines()
    assert 1 <= sum("What came from the master can't be used" in line and "lost" not in line for line in lines) <= 4
    pretender.listener.close()
    replica.command_reply("REPLICAOF", "NO", "ONE")


def test_a_snapshot_that_breaks_off_is_said_each_time(replica: Server) -> None:
    """The log that tells of each snapshot on its way tells of each end."""
    pretender = Pretender(b"", FULL + b"$20\r\n" + b"x" * 20)
    said = len(replica.output())
    replica.command_reply("REPLICAOF", HOST, pretender.port)
    eventually(lambda: len(pretender.came) >= 8, "eight attempts")
    replica.command_reply("REPLICAOF", "NO", "ONE")
    told = replica.output()[said:]
    assert told.count("Internal error in RDB") == told.count("Loading DB in memory") >= 7
    pretender.listener.close()


@pytest.mark.parametrize("host", ["x" * 70, "a..b", "nobody\x00", "n\u00f6.invalid"])
def test_a_name_that_nobody_can_have(host: str, replica: Server) -> None:
    """It is said, and tried again as any other."""
    replica.command_reply("REPLICAOF", host.encode("utf-8", "surrogateescape"), 1)
    eventually(lambda: "Error condition on socket" in info(replica).get("master_link_error", ""), "the reason is shown")
    replica.command_reply("REPLICAOF", "NO", "ONE")


def test_a_wrong_password(replica: Server) -> None:
    """The primary's own words are the reason; with the right one the link comes up by itself."""
    with chronis_server("--requirepass", "right") as primary, chronis_server("--masterauth", "wrong") as other:
        other.command_reply("REPLICAOF", HOST, primary.port)
        eventually(lambda: "Unable to AUTH to MASTER: -WRONGPASS" in info(other).get("master_link_error", ""), "refused")
        other.command_reply("CONFIG", "SET", "masterauth", "")
        eventually(lambda: "NOAUTH" in info(other).get("master_link_error", ""), "refused without one too")
        other.command_reply("CONFIG", "SET", "masterauth", "right")
        linked(other)


def test_a_replica_of_itself_and_a_cycle(replica: Server) -> None:
    """Nobody in a circle has a primary: all say so, and one that is promoted gets the others back."""
    replica.command_reply("REPLICAOF", HOST, replica.port)
    eventually(lambda: "NOMASTERLINK" in info(replica).get("master_link_error", ""), "no replica of itself")
    with chronis_server() as other:
        other.command_reply("REPLICAOF", HOST, replica.port)
        replica.command_reply("REPLICAOF", "NO", "ONE")
        linked(other)
        replica.command_reply("REPLICAOF", HOST, other.port)
        eventually(lambda: "NOMASTERLINK" in info(replica).get("master_link_error", ""), "no replica of its replica")
        assert info(replica)["master_link_status"] == "down"
        assert replica.command_reply("GET", "kept") == b"as it was"
        replica.command_reply("REPLICAOF", "NO", "ONE")
        equal(replica, other)


def test_a_primary_whose_history_went_backwards(tmp_path: Path) -> None:
    """Restored from an older copy it gives a full synchronization; what only the replica had is kept in a file that is named."""
    home = tmp_path / "primary"
    home.mkdir()
    with chronis_server(directory=home) as primary, chronis_server() as other:
        primary.command_reply("SET", "a", 1)
        other.command_reply("REPLICAOF", HOST, primary.port)
        linked(other)
        primary.command_reply("BGSAVE")
        eventually(lambda: info(primary, "persistence")["rdb_bgsave_in_progress"] == "0", "saved")
        shutil.copytree(home, tmp_path / "copy", ignore=shutil.ignore_patterns("lock", "server.out"))
        primary.command_reply("SET", "b", "newer")
        equal(primary, other)
        primary.kill()
        for name in ("log", "snapshots"):
            shutil.rmtree(home / name)
        shutil.copytree(tmp_path / "copy", home, dirs_exist_ok=True)
        primary.start()
        equal(primary, other)
        assert other.command_reply("GET", "b") != b"newer"
        assert info(primary, "stats")["sync_full"] == "1"
        kept = list((other.directory / "lost").iterdir())
        assert len(kept) == 1
        assert b"newer" in kept[0].read_bytes()
        assert str(kept[0]) in other.output()
