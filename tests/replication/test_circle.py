"""Nodes that follow each other in a circle: all say so within moments, keep what they hold, and go on once one of them leads."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise

import pytest

from tests.kit.cluster import equal, eventually, info, linked
from tests.kit.resp_client import Error
from tests.kit.servers import HOST, Server, chronis_server


def in_circle(server: Server) -> bool:
    """Tell whether a node shows its link as down, because of a circle."""
    shown = info(server)
    return shown["master_link_status"] == "down" and "in a circle" in shown.get("master_link_error", "")


@pytest.fixture(scope="module")
def chain() -> Iterator[list[Server]]:
    """Four nodes, each the replica of the one before."""
    with ExitStack() as stack:
        nodes = [stack.enter_context(chronis_server()) for _ in range(4)]
        nodes[0].command_reply("SET", "kept", "as it was")
        for upper, lower in pairwise(nodes):
            lower.command_reply("REPLICAOF", HOST, upper.port)
            linked(lower)
        equal(nodes[0], nodes[-1])
        yield nodes


def test_a_chain_is_no_circle(chain: list[Server]) -> None:
    """A link in its middle that is lost and found again changes nothing for those below."""
    top, *others = chain
    for upper in chain[:2]:
        upper.command_reply("CLIENT", "KILL", "TYPE", "replica")
    top.command_reply("SET", "k", "v")
    equal(top, *others)
    for node in others:
        assert "in a circle" not in node.output()


def test_nobody_in_a_circle_seems_to_have_a_primary(chain: list[Server]) -> None:
    top, second, *lower = chain
    top.command_reply("REPLICAOF", HOST, lower[-1].port)
    eventually(lambda: all(map(in_circle, chain)), "all say so")
    assert {node.command_reply("GET", "kept") for node in chain} == {b"as it was"}
    second.command_reply("REPLICAOF", "NO", "ONE")
    second.command_reply("SET", "more", "1")
    equal(second, *lower, top)
    assert {info(node, "stats")["sync_full"] for node in chain[:-1]} == {"1"}  # in the beginning
    assert info(lower[-1], "stats")["sync_full"] == "0"


def test_a_message_of_no_sense_ends_the_connection_that_it_came_over(chain: list[Server]) -> None:
    with chain[1].client() as client:
        assert client.command("REPLCONF", "BELOW", "x") == Error(b"ERR Unrecognized REPLCONF option: BELOW")
        assert str(client.command("PSYNC", "?", "-1")).startswith("FULLRESYNC")
        client.send("REPLCONF", "BELOW", "x")
        eventually(lambda: "Replica generated a reply to command 'replconf'" in chain[1].output(), "it was cut off")
