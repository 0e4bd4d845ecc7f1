"""HAProxy and nutcracker with deploy's configurations before real nodes: writes follow a Sentinel failover, keys spread."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.kit.resp_client import RespClient
from tests.kit.servers import HOST, chronis_server, free_port

DEPLOY = Path(__file__).parents[2] / "deploy"
WAIT_SECONDS = 40.0


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip where one of the programs is not installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{' and '.join(missing)} not installed")


@contextlib.contextmanager
def process(*command: str, **environment: str) -> Iterator[None]:
    """Run a program for the time of the context."""
    running = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        running.terminate()
        running.wait(20)


def ask(port: int, *command: object) -> object:
    """Run a command on a connection of its own; what goes wrong with the connection is the reply."""
    try:
        with RespClient(HOST, port) as client:
            return client.command(*command)
    except (OSError, EOFError) as error:
        return error


def eventually(happened: Callable[[], bool], what: str) -> None:
    """Wait until something happens; fail saying what did not."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {WAIT_SECONDS} s", pytrace=False)
        time.sleep(0.1)


def role(port: int) -> str:
    """What the node behind a port says it is; empty if there is none."""
    text = str(ask(port, "INFO", "replication"))
    return "primary" if "role:master" in text else "replica" if "master_link_status:up" in text else ""


@needs("haproxy", "redis-sentinel")
def test_writes_through_haproxy_follow_a_sentinel_failover(tmp_path: Path) -> None:
    sentinel_port, writes, reads = free_port(), free_port(), free_port()
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(chronis_server())
        second = stack.enter_context(chronis_server("--replicaof", f"{HOST} {first.port}"))
        eventually(lambda: role(second.port) == "replica", "the replica follows")
        configuration = tmp_path / "sentinel.conf"
        configuration.write_text(
            f"port {sentinel_port}\nbind {HOST}\ndir {tmp_path}\nsentinel monitor chronis {HOST} {first.port} 1\n"
            "sentinel down-after-milliseconds chronis 1000\nsentinel failover-timeout chronis 10000\n"
        )
        addresses = {
            "CHRONIS_1": f"{HOST}:{first.port}", "CHRONIS_2": f"{HOST}:{second.port}", "CHRONIS_3": f"{HOST}:{free_port()}",
            "WRITE_BIND": f"{HOST}:{writes}", "READ_BIND": f"{HOST}:{reads}", "CHRONIS_PASSWORD": "any",
        }  # fmt: skip
        with (
            process("redis-sentinel", str(configuration)),
            process("haproxy", "-db", "-f", str(DEPLOY / "haproxy/haproxy.cfg"), **addresses),
        ):
            eventually(lambda: role(writes) == "primary", "HAProxy finds the primary")
            eventually(lambda: role(reads) == "replica", "HAProxy finds the replica")
            assert str(ask(writes, "SET", "before", "1")) == "OK"
            eventually(lambda: "slaves=1" in str(ask(sentinel_port, "INFO", "sentinel")), "Sentinel knows the replica")
            eventually(lambda: str(ask(second.port, "EXISTS", "before")) == "1", "the replica has the write")
            first.kill()
            eventually(lambda: role(second.port) == "primary", "Sentinel promotes the replica")
            eventually(lambda: str(ask(writes, "SET", "after", "1")) == "OK", "writes go to the new primary")
            assert str(ask(second.port, "DBSIZE")) == "2"
            eventually(lambda: role(reads) == "primary", "reads fall back to the primary")


@needs("nutcracker")
def test_nutcracker_spreads_keys_over_two_primaries(tmp_path: Path) -> None:
    port = free_port()
    with chronis_server() as first, chronis_server() as second:
        model = yaml.safe_load((DEPLOY / "nutcracker/nutcracker.yml").read_text())
        model["chronis"]["listen"] = f"{HOST}:{port}"
        model["chronis"]["servers"] = [f"{HOST}:{first.port}:1 shard-1", f"{HOST}:{second.port}:1 shard-2"]
        configuration = tmp_path / "nutcracker.yml"
        configuration.write_text(yaml.safe_dump(model))
        with process("nutcracker", "-c", str(configuration), "-s", str(free_port()), "-a", HOST):
            eventually(lambda: str(ask(port, "SET", "key:0", "0")) == "OK", "nutcracker serves")
            with RespClient(HOST, port) as client:
                for number in range(200):
                    assert str(client.command("SET", f"key:{number}", number)) == "OK"
                for number in range(200):
                    assert str(client.command("GET", f"key:{number}")) == repr(b"%d" % number)
                client.command("SET", "{tag}:a", "1")
                client.command("SET", "{tag}:b", "1")
        sizes = [int(str(server.command_reply("DBSIZE"))) for server in (first, second)]
        assert sum(sizes) == 202
        assert min(sizes) > 40
        assert [str(server.command_reply("EXISTS", "{tag}:a", "{tag}:b")) for server in (first, second)] in (
            ["2", "0"],
            ["0", "2"],
        )
