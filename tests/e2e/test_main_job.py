"""The main job: take over the data of a redis-server, lose nothing through a crash, give everything back."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.workload import Writers, digest, fill, missing
from tests.kit.resp_client import Simple
from tests.kit.servers import Server, chronis_server, redis_server, requires_redis

BENCHMARK = shutil.which("redis-benchmark")
pytestmark = [requires_redis, pytest.mark.skipif(BENCHMARK is None, reason="redis-benchmark is not installed")]

# How redis-server leaves its data: options, and the command that makes it all lie on the disk.
FORMS = {
    "dump": ((), ("SAVE",)),
    "append-only": (("--appendonly", "yes"), ("SET", "last", "word")),
    "append-only without preamble": (
        ("--appendonly", "yes", "--aof-use-rdb-preamble", "no", "--aof-timestamp-enabled", "yes"),
        ("SET", "last", "word"),
    ),
}


def benchmark(server: Server) -> None:
    """Let redis-benchmark write strings, lists, sets, hashes and sorted sets."""
    tests = "set,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,mset"
    subprocess.run(
        [str(BENCHMARK), "-p", str(server.port), "-n", "600", "-c", "8", "-P", "16", "-r", "500", "-q", "-t", tests],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def run_tool(*arguments: object) -> str:
    """Run `chronis`; it has to succeed; return its output."""
    done = subprocess.run(
        [sys.executable, "-m", "store.tools.main", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("form", FORMS)
def test_data_of_a_redis_server_is_taken_over_kept_through_a_kill_and_given_back(tmp_path: Path, form: str) -> None:
    options, finish = FORMS[form]
    data, back = tmp_path / "data", tmp_path / "back"
    data.mkdir()
    with redis_server(*options, directory=data) as redis:
        benchmark(redis)
        fill(redis)
        redis.command_reply(*finish)
        given = digest(redis)
    with chronis_server("--appendfsync", "always", directory=data) as chronis:
        assert digest(chronis) == given
        writers = Writers(chronis).start()
        time.sleep(0.3)
        chronis.kill()
        writers.join()
        chronis.start()
        assert writers.acknowledged
        assert missing(chronis, writers.acknowledged) == []
        fill(chronis, seed=2)
        kept = digest(chronis)
    run_tool("check", data)
    run_tool("export", data, back)
    with redis_server(directory=back) as redis:
        assert digest(redis) == kept


@pytest.mark.parametrize("policy", ["everysec", "no"])
def test_a_kill_loses_nothing_acknowledged_under_a_lazier_policy_either(policy: str) -> None:
    with chronis_server("--appendfsync", policy) as chronis:
        writers = Writers(chronis, depth=32).start()
        time.sleep(0.4)
        chronis.kill()
        writers.join()
        chronis.start()
        assert len(writers.acknowledged) > 32
        assert missing(chronis, writers.acknowledged) == []


def test_a_kill_while_a_snapshot_is_made_leaves_the_data_whole(tmp_path: Path) -> None:
    with chronis_server(directory=tmp_path) as chronis:
        fill(chronis)
        before = digest(chronis)
        assert chronis.command_reply("BGSAVE") == Simple(b"Background saving started")
        chronis.kill()
        chronis.start()
        assert digest(chronis) == before
        assert not list(tmp_path.glob("**/temp-*"))


def test_history_is_exported_up_to_a_point(tmp_path: Path) -> None:
    data, back = tmp_path / "data", tmp_path / "back"
    data.mkdir()
    with chronis_server(directory=data) as chronis:
        fill(chronis)
        then = digest(chronis)
        info = chronis.command_reply("INFO", "replication")
        assert isinstance(info, bytes)
        offset = next(line for line in info.decode().splitlines() if line.startswith("master_repl_offset:")).split(":")[
            1
        ]
        chronis.command_reply("FLUSHALL")
    run_tool("export", "--aof", "--at", offset, data, back)
    with redis_server("--appendonly", "yes", directory=back) as redis:
        assert digest(redis) == then
