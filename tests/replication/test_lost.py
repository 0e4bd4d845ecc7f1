"""What is given up is kept: no file takes the place of another history's, and going back uses only files that are still there."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from replication.lost import keep_lost_tail
from replication.off_loop import OffLoop
from replication.primary import Primary
from store.tools.main import main
from tests.kit.cluster import equal, eventually, info, offset, syncs
from tests.kit.inprocess import Node
from tests.kit.servers import HOST, chronis_server
from tests.kit.slowed_node import slowed_server


def test_the_same_offsets_of_two_histories_are_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second attempt for the same history writes its file again; another history's gets a number."""
    node = Node()
    node.run("SET", "k", "v")
    node.engine.log.commit(0)
    end = node.engine.log.offset

    async def keep(history_id: str) -> str:
        primary = SimpleNamespace(engine=node.engine, directory=str(tmp_path), off_loop=OffLoop())
        path = await keep_lost_tail(cast(Primary, primary), history_id, 0)
        assert path is not None
        return path.name

    names = [asyncio.run(keep(letter * 40)) for letter in "abacb"]
    first, second, third = (f"{0:020d}-{end}{more}.seg" for more in ("", "-2", "-3"))
    assert names == [first, second, first, third, second]
    assert main(["log", str(tmp_path / "lost" / second)]) == 0
    assert '"SET" "k" "v"' in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "lost").iterdir()) == sorted({first, second, third})


def test_what_memory_holds_no_more_is_not_said_to_be_kept() -> None:
    """With appendonly no the oldest events of a long tail are gone: the rest is kept, and it is said how much is lost."""
    with chronis_server() as new, chronis_server("--appendonly", "no", "--repl-backlog-size", "16384") as old:
        new.command_reply("REPLICAOF", HOST, old.port)
        equal(old, new)
        new.command_reply("REPLICAOF", "NO", "ONE")
        parted = offset(old)
        with old.client() as client:
            client.pipeline([("SET", "k", b"%d" % number + b"v" * 200) for number in range(300)])
            client.command("SET", "last", "one")
        end = offset(old)
        old.command_reply("REPLICAOF", HOST, new.port)
        equal(new, old)
        (kept,) = (old.directory / "lost").iterdir()
        begin = int(kept.name.partition("-")[0])
        assert parted < begin < end
        assert kept.name == f"{begin:020d}-{end}.seg"
        assert b"last" in kept.read_bytes()
        assert f"parted from the master's at offset {parted}: events up to {begin} are lost" in old.output()
        assert f"bytes of events from {begin} up to {end} are kept in {kept}" in old.output()


def test_a_log_that_was_switched_off_meanwhile_is_not_gone_back_in() -> None:
    """CONFIG SET appendonly no during the rebuild: the log in memory stays, a full synchronization follows, nothing is lost."""
    with slowed_server(2) as old, chronis_server() as new:
        old.command_reply("SET", "both", 1)
        new.command_reply("REPLICAOF", HOST, old.port)
        equal(old, new)
        new.command_reply("REPLICAOF", "NO", "ONE")
        old.command_reply("SET", "lost", "value")
        end = offset(old)
        old.command_reply("REPLICAOF", HOST, new.port)
        eventually(lambda: any((old.directory / "lost").glob("*.seg")), "it is going back")
        assert str(old.command_reply("CONFIG", "SET", "appendonly", "no")) == "OK"
        equal(new, old)
        assert syncs(new)[0] == 1
        assert info(old, "persistence")["aof_enabled"] == "0"
        assert any(str(end) in path.name for path in (old.directory / "lost").iterdir())
