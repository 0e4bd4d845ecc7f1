"""A server that can't start says why in one line, with the name of what is in its way, and ends with status 1."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.servers import chronis_server, free_port


def refusal(*options: object) -> str:
    """Start a server that must not start; return its one line on the standard error output."""
    command = [sys.executable, "-m", "store", "--metrics-port", "0", *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stderr.strip()


def test_a_second_server_on_a_data_directory(tmp_path: Path) -> None:
    with chronis_server(directory=tmp_path) as server:
        line = refusal("--port", free_port(), "--dir", tmp_path)
        assert line == f"chronis-server: Data directory {tmp_path} is in use by process {server.pid}"


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with chronis_server() as server:
        line = refusal("--port", server.port, "--bind", "127.0.0.1", "--dir", tmp_path)
        expected = f"Could not create server TCP listening socket 127.0.0.1:{server.port}: Address already in use"
        assert line == f"chronis-server: {expected}"


def test_a_data_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    line = refusal("--port", free_port(), "--dir", tmp_path / "file")
    assert str(tmp_path / "file") in line
    assert line.count("\n") <= 3, "Redis's three lines for a bad option at most"


def test_a_data_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("in the place of a directory")
    line = refusal("--port", free_port(), "--dir", tmp_path)
    assert line.startswith("chronis-server: ")
    assert "\n" not in line
    assert str(tmp_path) in line


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--appendfsnyc", "always"), "appendfsync"),
        (("--port", "seventy"), "argument couldn't be parsed into an integer"),
        (("--appendfsync", "sometimes"), "argument(s) must be one of the following: everysec, always, no"),
    ],
)
def test_an_option_that_is_not_understood(tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    assert told in refusal("--dir", tmp_path, *options)
    assert not list(tmp_path.iterdir()), "nothing is touched before the options are right"


def test_damage_in_the_middle_of_the_log_names_file_and_byte(tmp_path: Path) -> None:
    with chronis_server(directory=tmp_path) as server:
        for number in range(20):
            server.command_reply("SET", "k", number)
    segment = next(tmp_path.glob("log/*.seg"))
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    line = refusal("--port", free_port(), "--dir", tmp_path)
    assert str(segment) in line
    assert "damaged at byte" in line
