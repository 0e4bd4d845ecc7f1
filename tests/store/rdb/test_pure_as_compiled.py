"""Loading is compiled for what is common: a damaged file is told the same way with it and without."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from store.rdb import quick
from tests.kit.rdb_damage import outcomes
from tests.kit.servers import redis_server, requires_redis

pytestmark = requires_redis


def written_by_redis() -> bytes:
    """A small file with every type, encoding and form of a string."""
    with redis_server("--set-max-intset-entries", "6") as server, server.client() as client:
        run = client.command
        for number, text in enumerate(("short", "7", "-300", "70000", "12345678901", "x" * 70, "ab" * 60, "é" * 9)):
            run("SET", f"string:{number}", text)
        run("SET", "dying", "value", "PXAT", 4_000_000_000_000)
        run("HSET", "small hash", "name", "value", "number", 12, "long", "y" * 50, "negative", -5000, "big", 1 << 40, "text", "-12x")
        run("HSET", "hash", *(word for n in range(5) for word in (f"field:{n}", "z" * 70)))
        run("ZADD", "small zset", 1, "a", 2.5, "b", -3e30, "c", 0.1, "d", 123456, "e", "inf", "f", -7, "g")
        run("ZADD", "board", 1, "a", 1, "b", 2.5, "c", 0.1, "d", -123456, "e", "1e300", "17", -7.25, "long" * 9)
        run("ZADD", "zset", *(word for n in range(5) for word in (n / 3, f"{n}" + "m" * 70)))
        run("RPUSH", "list", "a", "17", "-1", "w" * 100, "70000", "1099511627776", "v" * 20)
        run("SADD", "ints", 5, -6, 70000)
        run("SADD", "set", "a", "b", "12", "c" * 30)
        run("XADD", "stream", "1-1", "field", "value", "other", "12")
        run("EXPIREAT", "small hash", 4_000_000_000)
        run("SELECT", 3)
        run("SET", "elsewhere", "value")
        run("SAVE")
        return (server.directory / "dump.rdb").read_bytes()


def pure_outcomes(path: Path, cases: int, seed: int) -> list[str]:
    """What a process that runs from the sources says."""
    command = [sys.executable, "-m", "tests.kit.rdb_damage", str(path), str(cases), str(seed)]
    done = subprocess.run(command, env={**os.environ, "CHRONIS_PURE": "1"}, capture_output=True, text=True, timeout=300, check=True)
    return done.stdout.splitlines()


@pytest.mark.skipif(quick.__file__.endswith(".py"), reason="loading is not compiled here")
def test_a_damaged_file_is_told_the_same_way_by_compiled_code(tmp_path: Path) -> None:
    path = tmp_path / "dump.rdb"
    path.write_bytes(written_by_redis())
    cases = int(os.environ.get("CHRONIS_EXAMPLES", "500"))
    compiled, pure = outcomes(path.read_bytes(), cases, seed=1), pure_outcomes(path, cases, seed=1)
    assert compiled == pure
    refused = [line for line in compiled if " is damaged at byte " in line]
    assert len(refused) > cases // 3
    assert len(refused) < cases
