"""The first law, over random commands: what is in memory is exactly what replaying the recorded events gives."""

from __future__ import annotations

import pytest

from store.digest import digest
from tests.kit.inprocess import Client, Node
from tests.oracle.families import FAMILIES
from tests.oracle.generate import Generator

SEEDS = range(40)
STEPS = 250


def play(node: Node, seed: int, families: list[str], steps: int) -> None:
    """Run random steps on two clients; a client whose last command still waits is replaced, as if it had gone."""
    clients: list[Client] = [node.connect(), node.connect()]
    generator = Generator(seed, families)
    for _ in range(steps):
        for sent in generator.step():
            if sent.command[0].startswith(b"#sleep"):
                node.clock.advance(int(sent.command[1]))
                continue
            client = clients[sent.connection]
            client.run(*sent.command)
            if client.halted:
                client.connection_lost(None)
                clients[sent.connection] = node.connect()
        node.clock.advance(generator.rng.choice((0, 0, 1, 40)))


@pytest.mark.parametrize("seed", SEEDS)
async def test_live_state_is_the_replay_of_its_history(seed: int) -> None:
    node = Node()
    families = [*FAMILIES, "transaction"] if seed % 4 == 0 else [list(FAMILIES)[seed % len(FAMILIES)], "generic", "expire"]
    play(node, seed, families, STEPS)
    node.check()


async def test_replay_reads_no_clock() -> None:
    node = Node()
    play(node, 7, ["string", "expire", "zset"], STEPS)
    state = node.digest()
    node.clock.advance(10_000_000_000)
    assert digest(node.replayed()) == state
