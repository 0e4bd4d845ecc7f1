"""SAVE to SHUTDOWN: the words of Redis, and on the disk what they promise."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.resp_client import Error, RespClient, Simple
from tests.kit.servers import Server, chronis_server, redis_server, requires_redis

OK = Simple(b"OK")
STARTED, SCHEDULED = Simple(b"Background saving started"), Simple(b"Background saving scheduled")


def info(client: RespClient, field: str) -> str:
    """One field of INFO persistence."""
    reply = client.command("INFO", "persistence")
    assert isinstance(reply, bytes)
    return next(line.partition(":")[2] for line in reply.decode().split("\r\n") if line.startswith(f"{field}:"))


def wait_until(true: Callable[[], bool]) -> None:
    """Wait until something holds, for ten seconds at most."""
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_snapshot_in_the_background_is_one_that_redis_reads(tmp_path: Path) -> None:
    with chronis_server(directory=tmp_path) as server, server.client() as client:
        client.command("DEBUG", "POPULATE", 100)
        assert client.pipeline([("BGSAVE",), ("BGSAVE",), ("SAVE",)]) == [
            STARTED,
            Error(b"ERR Background save already in progress"),
            Error(b"ERR Background save already in progress"),
        ]
        assert info(client, "rdb_bgsave_in_progress") == "1"
        client.command("SET", "later", "not in the snapshot")
        wait_until(lambda: info(client, "rdb_bgsave_in_progress") == "0")
        assert info(client, "rdb_last_bgsave_status") == "ok"
        assert info(client, "rdb_changes_since_last_save") == "1"
        with redis_server("--dbfilename", "copy.rdb", directory=copied(tmp_path)) as redis:
            assert redis.command_reply("DBSIZE") == 100


def copied(directory: Path) -> Path:
    """A directory that holds a copy of the dump alone, as copy.rdb."""
    other = directory / "other"
    other.mkdir()
    (other / "copy.rdb").write_bytes((directory / "dump.rdb").read_bytes())
    return other


def test_one_snapshot_at_a_time_and_the_others_in_turn() -> None:
    with chronis_server() as server, server.client() as client:
        client.command("SET", "k", "v")
        replies = client.pipeline(
            [
                ("BGREWRITEAOF",),
                ("BGREWRITEAOF",),
                ("BGSAVE",),
                ("BGSAVE", "SCHEDULE"),
                ("BGSAVE", "NOW"),
                ("BGSAVE", "a", "b"),
            ]
        )
        assert replies[:2] == [
            Simple(b"Background append only file rewriting started"),
            Error(b"ERR Background append only file rewriting already in progress"),
        ]
        assert str(replies[2]).startswith("ERR Another child process is active (AOF?): can't BGSAVE right now.")
        assert replies[3:] == [SCHEDULED, Error(b"ERR syntax error"), Error(b"ERR syntax error")]
        wait_until(lambda: (info(client, "aof_rewrites"), info(client, "rdb_saves")) == ("1", "1"))
        assert client.pipeline([("MULTI",), ("BGSAVE",), ("BGREWRITEAOF",), ("EXEC",)])[-1] == [
            SCHEDULED,
            Simple(b"Background append only file rewriting scheduled"),
        ]
        wait_until(lambda: (info(client, "aof_rewrites"), info(client, "rdb_saves")) == ("2", "2"))


def test_a_save_is_noted(tmp_path: Path) -> None:
    with chronis_server(directory=tmp_path) as server, server.client() as client:
        before = client.command("LASTSAVE")
        assert isinstance(before, int)
        time.sleep(1.01)
        client.command("SET", "k", "v")
        assert client.command("SAVE") == OK
        after = client.command("LASTSAVE")
        assert isinstance(after, int)
        assert after > before
        assert (info(client, "rdb_saves"), info(client, "rdb_changes_since_last_save")) == ("1", "0")
        assert client.pipeline([("MULTI",), ("SAVE",)])[1] == Error(b"ERR Command not allowed inside a transaction")


def test_flushall_leaves_an_empty_snapshot_where_there_is_no_log(tmp_path: Path) -> None:
    with chronis_server("--appendonly", "no", directory=tmp_path) as server, server.client() as client:
        client.command("SET", "k", "v")
        client.command("SAVE")
        client.command("FLUSHALL")
        assert info(client, "rdb_changes_since_last_save") == "0"
        server.kill()
        server.start()
        assert server.command_reply("DBSIZE") == 0


@pytest.mark.parametrize(
    ("appendonly", "how", "kept"),
    [
        ("yes", "SHUTDOWN", 1),
        ("yes", "SHUTDOWN NOSAVE", 1),
        ("no", "SHUTDOWN", 1),
        ("no", "SHUTDOWN NOSAVE", 0),
        ("no", "SHUTDOWN SAVE NOW FORCE", 1),
        ("no", "SIGTERM", 1),
        ("no", "SIGINT", 1),
    ],
)
def test_what_is_left_after_an_end(tmp_path: Path, appendonly: str, how: str, kept: int) -> None:
    """Without a log on disk the end saves as Redis does, if save points are configured; with one nothing is ever lost."""
    with chronis_server("--appendonly", appendonly, directory=tmp_path) as server:
        server.command_reply("SET", "k", "v")
        end(server, how)
        server.start()
        assert server.command_reply("EXISTS", "k") == kept


def end(server: Server, how: str) -> None:
    """End a server by a command or a signal; it has to end well."""
    process = server.process
    assert process is not None
    if how.startswith("SIG"):
        process.send_signal(signal.Signals[how])
    else:
        with server.client() as client, pytest.raises((EOFError, ConnectionError)):
            client.command(*how.split())
    assert process.wait(10) == 0


@requires_redis
def test_wrong_words_are_refused_as_by_redis() -> None:
    with chronis_server() as ours, redis_server() as theirs:
        for words in ("x", "SAVE NOSAVE", "ABORT NOW", "ABORT", "ABORT SAVE", "SAVE x"):
            command = ("SHUTDOWN", *words.split())
            assert ours.command_reply(*command) == theirs.command_reply(*command), words


def test_a_save_that_fails_keeps_the_server_running_unless_it_is_forced(tmp_path: Path) -> None:
    with chronis_server("--appendonly", "no", directory=tmp_path) as server, server.client() as client:
        client.command("SET", "k", "v")
        (tmp_path / "dump.rdb").mkdir()
        assert client.command("SAVE") == Error(b"ERR")
        assert client.command("SHUTDOWN") == Error(b"ERR Errors trying to SHUTDOWN. Check logs.")
        assert client.command("PING") == Simple(b"PONG")
        assert "Error trying to save the DB, can't exit" in server.output()
        end(server, "SHUTDOWN FORCE")
        (tmp_path / "dump.rdb").rmdir()
        server.start()


def test_a_failed_snapshot_in_the_background_stops_writes_where_there_is_no_log(tmp_path: Path) -> None:
    with chronis_server("--appendonly", "no", directory=tmp_path) as server, server.client() as client:
        client.command("SET", "k", "v")
        (tmp_path / "dump.rdb").mkdir()
        assert client.command("BGSAVE") == STARTED
        wait_until(lambda: info(client, "rdb_last_bgsave_status") == "err")
        refusal = str(client.command("SET", "k", "w"))
        assert refusal.startswith(
            "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist"
        )
        assert client.command("GET", "k") == b"v"
        client.command("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
        assert client.command("SET", "k", "w") == OK
        client.command("CONFIG", "SET", "stop-writes-on-bgsave-error", "yes")
        assert isinstance(client.command("SET", "k", "x"), Error)
        (tmp_path / "dump.rdb").rmdir()
        assert client.command("SAVE") == OK
        assert client.command("SET", "k", "x") == OK


def test_a_signal_can_be_taken_back_before_the_next_tick() -> None:
    with chronis_server() as server, server.client() as client:
        client.command("DEBUG", "PAUSE-CRON", 1)
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "Received SIGTERM" in server.output())
        assert client.command("SHUTDOWN", "ABORT") == OK
        client.command("DEBUG", "PAUSE-CRON", 0)
        time.sleep(0.25)
        assert client.command("PING") == Simple(b"PONG")
        assert "Shutdown manually aborted." in server.output()


def test_the_dump_may_be_renamed_but_not_moved(tmp_path: Path) -> None:
    with chronis_server("--enable-protected-configs", "yes", directory=tmp_path) as server, server.client() as client:
        assert client.command("CONFIG", "SET", "dbfilename", "other.rdb") == OK
        assert client.command("SAVE") == OK
        assert (tmp_path / "other.rdb").exists()
        assert not (tmp_path / "dump.rdb").exists()
        refusal = str(client.command("CONFIG", "SET", "dir", tmp_path.parent))
        assert refusal.endswith("the data directory can't be changed while the server runs on it")
        assert client.command("CONFIG", "SET", "dir", tmp_path) == OK
        assert client.command("CONFIG", "GET", "dir") == [b"dir", str(tmp_path).encode()]
