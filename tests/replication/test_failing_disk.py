"""A replica whose disk fails while it takes another state over: it keeps what it serves, or ends and starts with one of the two."""

from tests.kit.cluster import digest, equal, eventually, info
from tests.kit.servers import HOST, chronis_server


def test_a_synchronization_that_cannot_be_stored_costs_nothing() -> None:
    """What the node holds and what is written to it later is there after a restart."""
    with chronis_server() as primary, chronis_server() as node:
        primary.command_reply("SET", "theirs", 1)
        node.command_reply("SET", "ours", 1)
        obstacle = node.directory / "history.tmp"
        obstacle.mkdir()
        node.command_reply("REPLICAOF", HOST, primary.port)
        eventually(lambda: "Storing the snapshot failed" in info(node).get("master_link_error", ""), "it has failed")
        assert (node.command_reply("GET", "ours"), sorted(node.directory.glob("resync*"))) == (b"1", [])
        primary.kill()
        obstacle.rmdir()
        assert str(node.command_reply("REPLICAOF", "NO", "ONE")) == "OK"
        assert str(node.command_reply("SET", "later", 2)) == "OK"
        held = digest(node)
        node.kill()
        node.start()
        assert (digest(node), node.command_reply("MGET", "ours", "later")) == (held, [b"1", b"2"])
        primary.start()
        node.command_reply("REPLICAOF", HOST, primary.port)
        equal(primary, node)


def test_a_disk_that_fails_half_way_ends_the_node_and_the_next_start_finishes() -> None:
    """It must not go on under the primary's history id with data of its own."""
    with chronis_server() as primary, chronis_server() as node:
        primary.command_reply("SET", "theirs", 1)
        node.command_reply("SET", "ours", 1)
        assert str(primary.command_reply("SAVE")) == "OK"
        obstacle = node.directory / "log" / f"{10**19}.seg"
        obstacle.mkdir()
        node.command_reply("REPLICAOF", HOST, primary.port)
        assert node.process is not None
        assert node.process.wait(20) == 70
        said = node.output()
        assert "replacing the state by the master's failed half-way: [Errno 21] Is a directory" in said
        assert "stopping without writing more. Restart to recover" in said
        obstacle.rmdir()
        node.start()
        assert "finished a synchronization that was interrupted" in node.output()
        assert (node.command_reply("GET", "theirs"), node.command_reply("EXISTS", "ours")) == (b"1", 0)
        node.command_reply("REPLICAOF", HOST, primary.port)
        equal(primary, node)


def test_going_back_that_fails_leaves_a_log_that_works() -> None:
    """An old primary that can't give up its tail serves and records on, and comes back once its disk lets it."""
    with chronis_server() as old, chronis_server() as new:
        old.command_reply("SET", "both", 1)
        new.command_reply("REPLICAOF", HOST, old.port)
        equal(old, new)
        new.command_reply("REPLICAOF", "NO", "ONE")
        new.command_reply("SET", "new", 1)
        old.command_reply("SET", "lost", 1)
        obstacle = old.directory / "history.tmp"
        obstacle.mkdir()
        old.command_reply("REPLICAOF", HOST, new.port)
        eventually(lambda: "Going back to offset" in old.output(), "going back has failed")
        eventually(lambda: "Storing the snapshot failed" in old.output(), "so has replacing everything")
        assert old.command_reply("GET", "lost") == b"1"
        obstacle.rmdir()
        equal(new, old)
        assert "Went back to offset" in old.output()
        new.command_reply("SET", "new", 2)
        equal(new, old)
        old.command_reply("REPLICAOF", "NO", "ONE")
        with old.client() as client:
            assert str(client.command("SET", "mine", 1)) == "OK"
            assert client.command("WAITAOF", 1, 0, 5000) == [1, 0]
