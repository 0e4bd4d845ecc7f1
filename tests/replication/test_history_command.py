"""CHRONIS HISTORY: a piece of history is found and read while others are served, however long the way to it is."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from replication import chronis_commands
from replication.primary import Primary
from store.events import encode_event
from store.log import history
from store.log.reader import LogReader
from store.log.segment import LogEnd
from store.log.writer import LogWriter
from tests.kit.inprocess import Client, Node

FRAMES = 12_000


class Restarted:
    """A node whose log has many small frames in one segment, and that was started again: it knows no place within it."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.chain = history.create(str(directory))
        log = LogWriter(str(directory), self.chain, LogEnd(0), fsync="no")
        for number in range(FRAMES):
            log.append(encode_event(b"SET", b"key", b"%d" % number), 0)
            log.commit(number)
        log.close()
        reader = LogReader(str(directory))
        self.frames = list(reader)
        self.node = Node()
        self.log = LogWriter(str(directory), self.chain, reader.end, fsync="no")
        self.node.engine.adopt_log(self.log)
        persistence = SimpleNamespace(history=self.chain, directory=SimpleNamespace(path=directory))
        owner = SimpleNamespace(engine=self.node.engine, settings=self.node.engine.settings, persistence=persistence)
        replication = SimpleNamespace(primary=Primary(owner))  # type: ignore[arg-type]  # what it uses of a node
        monkeypatch.setattr(chronis_commands, "replication_of", lambda tx: replication)
        self.client: Client = self.node.connect()

    def rest(self, frames: int) -> bytes:
        """The last so many frames, as they are in the log."""
        return b"".join(frame.raw for frame in self.frames[-frames:])

    def ask(self, before_end: int) -> object:
        """Ask for history after the end of all but so many frames."""
        return self.client.run("CHRONIS", "HISTORY", self.chain.current, self.frames[-before_end].offset)

    async def turns(self) -> int:
        """Let the loop turn until the answer is there; return how often others had their turn."""
        turns = 0
        while self.client.halted:
            await asyncio.sleep(0)
            turns += 1
        return turns


@pytest.fixture
def restarted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restarted]:
    made = Restarted(tmp_path, monkeypatch)
    yield made
    made.log.close()


async def test_others_are_served_on_the_way_to_an_offset_and_while_it_is_read(restarted: Restarted) -> None:
    restarted.node.engine.slices.attach(asyncio.get_running_loop())
    assert restarted.ask(2000) is None
    assert await restarted.turns() >= 4  # a fast machine may come further in a turn than one step
    expected = restarted.rest(2000)
    assert restarted.client.out.take() == b"$%d\r\n%b\r\n" % (len(expected), expected)


async def test_where_nothing_can_be_waited_for_it_is_answered_at_once(restarted: Restarted) -> None:
    restarted.node.engine.slices.attach(asyncio.get_running_loop())
    restarted.client.run("MULTI")
    restarted.ask(3)
    assert restarted.client.run("EXEC") == [restarted.rest(3)]


async def test_a_history_that_ends_meanwhile_is_not_told(restarted: Restarted) -> None:
    restarted.node.engine.slices.attach(asyncio.get_running_loop())
    restarted.ask(5)
    old = restarted.chain.current
    restarted.chain.renew(restarted.log.offset)
    await restarted.turns()
    (error,) = restarted.client.replies[-1:]
    assert str(error) == f"offset {restarted.frames[-5].offset} of history {old} is not here"


async def test_who_leaves_meanwhile_leaves_no_file_open(restarted: Restarted) -> None:
    restarted.node.engine.slices.attach(asyncio.get_running_loop())
    before = len(os.listdir("/proc/self/fd"))
    restarted.ask(5)
    await asyncio.sleep(0)
    assert len(os.listdir("/proc/self/fd")) == before + 1
    restarted.client.abort()
    while restarted.node.engine.slices.readings:  # noqa: ASYNC110 - the work itself, in slices
        await asyncio.sleep(0)
    assert len(os.listdir("/proc/self/fd")) == before
