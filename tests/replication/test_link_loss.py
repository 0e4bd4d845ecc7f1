"""The end of a connection to a primary: known as soon as the kernel tells it, before anybody is answered."""

import os
import signal
from types import SimpleNamespace
from typing import cast

from replication.connection import PrimaryConnection
from replication.replica import Replica
from tests.kit.cluster import info, linked
from tests.kit.inprocess import Node
from tests.kit.servers import HOST, chronis_server


def test_the_end_of_the_stream_is_the_loss() -> None:
    """The replica hears of it at once, and the transport is left to close itself."""
    told: list[str] = []
    replica = SimpleNamespace(
        node=SimpleNamespace(engine=Node().engine), disconnected=lambda connection, reason: told.append(reason)
    )
    connection = PrimaryConnection(cast(Replica, replica), 1)
    assert not connection.eof_received()
    assert told == ["connection lost"]


def test_nobody_is_told_that_a_lost_link_is_up() -> None:
    """A client whose command came after the loss, in the same turn of the loop, sees the link down."""
    with chronis_server() as primary, chronis_server() as replica, replica.client() as client:
        replica.command_reply("REPLICAOF", HOST, primary.port)
        linked(replica)
        assert client.command("PING")
        os.kill(replica.pid, signal.SIGSTOP)
        try:
            primary.command_reply("CLIENT", "KILL", "TYPE", "replica")
            assert info(primary)["connected_slaves"] == "0"
            client.send("INFO", "replication")
        finally:
            os.kill(replica.pid, signal.SIGCONT)
        answer = client.read()
        assert isinstance(answer, bytes)
        assert b"master_link_status:down" in answer
        linked(replica)
