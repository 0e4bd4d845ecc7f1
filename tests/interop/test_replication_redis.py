"""Chronis and redis-server as each other's replica: full and partial synchronization, restarts, chains, moving over and back."""

from tests.kit.cluster import digest, equal, eventually, info, linked, offset, syncs
from tests.kit.servers import HOST, Server, chronis_server, redis_server, requires_redis

pytestmark = requires_redis
NOW = ("--repl-diskless-sync-delay", "0")


def follow(replica: Server, primary: Server) -> None:
    """Make a server a replica of another and wait until it is."""
    replica.command_reply("REPLICAOF", HOST, primary.port)
    linked(replica)


def write(server: Server, name: str, count: int = 60) -> None:
    """Write keys of every type and several databases, plainly, in transactions and from scripts."""
    with server.client() as client:
        commands: list[tuple[object, ...]] = []
        for number in range(count):
            commands += [
                ("SELECT", number % 4),
                ("SET", f"{name}:string:{number}", number, "EX", 1000),
                ("INCRBYFLOAT", f"{name}:float", "0.1"),
                ("RPUSH", f"{name}:list", "a", "b", number),
                ("LMPOP", 1, f"{name}:list", "LEFT"),
                ("SADD", f"{name}:set", number, number + 1),
                ("SPOP", f"{name}:set"),
                ("HSET", f"{name}:hash", number, "x" * number),
                ("HINCRBYFLOAT", f"{name}:hash", "float", "1.5"),
                ("ZADD", f"{name}:zset", number / 7, number),
                ("ZINCRBY", f"{name}:zset", "0.3", number),
                ("EXPIRE", f"{name}:string:{number}", 5000 + number),
            ]
        commands += [("SELECT", 9), ("MULTI",), ("INCR", "n"), ("SELECT", 2), ("INCR", "n"), ("APPEND", "a", "b"), ("EXEC",)]
        commands += [("EVAL", "redis.call('set', KEYS[1], 1) redis.call('incr', KEYS[1]) return 1", 1, f"{name}:script")]
        commands += [("PUBLISH", "channel", "message"), ("SET", f"{name}:gone", 1, "PX", 1), ("UNLINK", f"{name}:float")]
        client.pipeline(commands)
        gone = f"{name}:gone"  # its removal is an event too: let it be history before anything else happens
        eventually(lambda: client.command("EXISTS", gone) == 0, "the short-lived key has expired")


def test_chronis_follows_redis_and_resumes_after_restarts() -> None:
    """Full synchronization from redis-server; partial ones after Chronis stopped, was killed, and after a lost link."""
    with redis_server(*NOW) as redis, chronis_server() as chronis:
        write(redis, "before")
        follow(chronis, redis)
        write(redis, "after")
        equal(redis, chronis)
        assert info(chronis)["master_replid"] == info(redis)["master_replid"]
        for number, end in enumerate((chronis.stop, chronis.kill), 1):
            end()
            write(redis, f"meanwhile{number}")
            chronis.start("--replicaof", f"{HOST} {redis.port}")
            equal(redis, chronis)
            assert syncs(redis) == (1, number)
        redis.command_reply("CLIENT", "KILL", "TYPE", "replica")
        write(redis, "relinked")
        equal(redis, chronis)
        assert syncs(redis) == (1, 3)
        assert info(redis)["slave0"].startswith(f"ip={HOST},port={chronis.port},state=online,")
        assert redis.command_reply("WAIT", 1, 5000) == 1


def test_what_redis_wrote_is_the_same_whatever_the_options_of_its_replica() -> None:
    """Limits of strings, sizes of HyperLogLogs, the estimate kept in them: on the replica, behind it, and after a restart."""
    options = ("--proto-max-bulk-len", "1mb", "--hll-sparse-max-bytes", "20")
    with redis_server(*NOW) as redis, chronis_server(*options) as chronis, chronis_server(*options) as behind:
        follow(chronis, redis)
        follow(behind, chronis)
        with redis.client() as client:
            commands: list[tuple[object, ...]] = [("APPEND", "appended", "x" * 600_000)] * 2
            commands += [("SETRANGE", "set", 2_000_000, "x"), ("SETBIT", "bit", 18_000_000, 1)]
            commands += [("BITFIELD", "field", "SET", "u8", 18_000_000, 1), ("PFADD", "few", "a"), ("PFCOUNT", "few")]
            commands += [("PFADD", "some", *range(9)), ("PFMERGE", "all", "few", "some"), ("PFCOUNT", "all")]
            assert client.pipeline(commands)[-1] == 10
        equal(redis, chronis, behind)
        chronis.kill()
        chronis.start("--replicaof", f"{HOST} {redis.port}")
        equal(redis, chronis, behind)


def test_redis_follows_chronis_and_resumes() -> None:
    """Full synchronization of redis-server from Chronis, from an empty and from a made snapshot; then a lost link."""
    with chronis_server() as chronis, redis_server(*NOW) as first, redis_server(*NOW) as second:
        write(chronis, "before")
        follow(first, chronis)
        write(chronis, "after")
        equal(chronis, first)
        chronis.command_reply("SAVE")
        write(chronis, "saved")
        follow(second, chronis)
        equal(chronis, first, second)
        assert syncs(chronis) == (2, 0)
        chronis.command_reply("CLIENT", "KILL", "TYPE", "replica")
        write(chronis, "relinked")
        equal(chronis, first, second)
        assert syncs(chronis) == (2, 2)
        with chronis.client() as client:
            client.command("SET", "k", 1)
            assert client.command("WAIT", 2, 5000) == 2
        chronis.kill()
        chronis.start()
        write(chronis, "restarted")
        equal(chronis, first, second)
        assert syncs(chronis) == (0, 2)


def test_a_chain_of_redis_chronis_redis_and_moving_over() -> None:
    """redis → chronis → redis; then Chronis is promoted, the rest goes on with it, and the way back is the same."""
    with redis_server(*NOW) as source, chronis_server() as chronis, redis_server(*NOW) as end:
        write(source, "source")
        follow(chronis, source)
        follow(end, chronis)
        write(source, "chained")
        equal(source, chronis, end)
        assert str(chronis.command_reply("REPLICAOF", "NO", "ONE")) == "OK"
        write(chronis, "moved")
        equal(chronis, end)
        assert syncs(chronis) == (1, 1)
        follow(source, chronis)
        write(chronis, "back")
        equal(chronis, source, end)
        assert syncs(chronis) == (1, 2)
        assert str(end.command_reply("REPLICAOF", "NO", "ONE")) == "OK"
        follow(chronis, end)
        write(end, "again")
        equal(end, chronis)
        assert syncs(end) == (0, 1)


def test_passwords_and_a_primary_that_is_none() -> None:
    """A wrong password or port is named in INFO and the data stays; once it is right the link comes up."""
    with redis_server("--requirepass", "secret", *NOW) as redis, chronis_server() as chronis:
        chronis.command_reply("SET", "own", "data")
        chronis.command_reply("REPLICAOF", HOST, redis.port)
        eventually(lambda: "NOAUTH" in info(chronis).get("master_link_error", ""), "the reason is shown")
        assert info(chronis)["master_link_status"] == "down"
        assert chronis.command_reply("GET", "own") == b"data"
        chronis.command_reply("CONFIG", "SET", "masterauth", "wrong")
        eventually(lambda: "Unable to AUTH" in info(chronis).get("master_link_error", ""), "the reason is shown")
        chronis.command_reply("CONFIG", "SET", "masterauth", "secret")
        linked(chronis)
        assert chronis.command_reply("DBSIZE") == 0
        assert offset(chronis) >= 0
        with redis.client() as client:
            client.command("AUTH", "secret")
            client.command("SET", "k", "v")
        eventually(lambda: chronis.command_reply("GET", "k") == b"v", "the write arrives")
        assert len(digest(chronis)) > 0
