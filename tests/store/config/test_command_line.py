"""The command line: the same lines of configuration as redis-server makes of it."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from store.config import parse
from store.config.command_line import plan
from tests.kit.servers import REDIS_SERVER, requires_redis

REFUSED = [
    ["--port"],
    ["--port", "6380", "--loglevel"],
    ["--port", "6379", "6380"],
    ["--port", "--loglevel", "verbose"],
    ["--port", "--bla", "--loglevel", "verbose"],
    ["--logfile", "--my--log--file", "--loglevel", "--bla"],
    ["--shutdown-on-sigint"],
    ["--shutdown-on-sigint", "now force", "--shutdown-on-sigterm"],
    ["--replicaof", "127.0.0.1", "abc"],
    ["--replicaof", "--127.0.0.1", "abc"],
    ["--replicaof", "--127.0.0.1", "--abc"],
    ["--loglevel verbose", "--port x"],
    ["loglevel", "loud"],
    ["--nothing-like-it", "1"],
    ["--port", "1", "-", "--loglevel", "debug"],
    ["--", "1"],
    ["--save", "1"],
    ["--requirepass", 'a"b\n\xe9', "x"],
]


@pytest.mark.parametrize(
    ("argv", "file", "stdin", "options"),
    [
        ([], "", False, b""),
        (["/etc/x.conf"], "/etc/x.conf", False, b""),
        (["-"], "", True, b""),
        (["-", "--port", "1"], "", True, b'port "1"'),
        (["/x.conf", "--port", "1", "-"], "/x.conf", True, b'port "1"'),
        (["/x.conf", "-", "--port", "1"], "/x.conf", False, b'"-"\nport "1"'),
        (["--port 1", "--loglevel verbose"], "", False, b"port 1\nloglevel verbose"),
        (["--save", "--port", "1"], "", False, b'save ""\nport "1"'),
        (["--save", ""], "", False, b'save ""'),
        (["--save"], "", False, b'save ""'),
        (["--SAVE", "3600", "1", "300", "100"], "", False, b'SAVE "3600" "1" "300" "100"'),
        (["--proc-title-template", "--save", "--save", ""], "", False, b'proc-title-template "--save"\nsave ""'),
        (["/x", "loglevel", "verbose", "--port", "1"], "/x", False, b'"loglevel" "verbose"\nport "1"'),
        (["--check-system", "no", "--port", "1"], "", False, b'check-system "no"\nport "1"'),
    ],
)
def test_arguments_become_lines(argv: list[str], file: str, stdin: bool, options: bytes) -> None:
    assert plan(argv) == (file, stdin, options)


def test_the_file_comes_first_then_standard_input_then_the_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.conf").write_text("port 1\ntimeout 1\ndatabases 1")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"timeout 2\ndatabases 2")))
    monkeypatch.chdir(tmp_path)
    settings = parse(["x.conf", "--databases", "3", "-"])
    assert (settings.port, settings.timeout, settings.databases) == (1, 2, 3)
    assert settings.config_file == str(tmp_path / "x.conf")
    assert settings.dir == str(tmp_path)


def test_without_arguments_all_is_default() -> None:
    settings = parse([])
    assert (settings.config_file, settings.port, settings.appendonly) == ("", 6379, True)
    assert parse(["--check-system", "no", "--port", "5"]).port == 5


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (["-v"], 0, "Chronis server v="),
        (["--version"], 0, "Chronis server v="),
        (["--help"], 0, "Usage: chronis-server"),
        (["-h"], 0, "Usage: chronis-server"),
        (["--test-memory", "5"], 1, "no mode --test-memory"),
        (["--sentinel"], 1, "no mode --sentinel"),
        (["--port", "x"], 1, ">>> 'port \"x\"'\nargument couldn't be parsed into an integer"),
        (["/no/such.conf"], 1, "can't open config file '/no/such.conf'"),
    ],
)
def test_some_arguments_end_the_process(
    argv: list[str], status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(argv)
    output = capsys.readouterr()
    assert caught.value.code == status
    assert words in (output.err if status else output.out)


@requires_redis
def test_bad_command_lines_are_refused_as_redis_does(
    capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.conf").touch()
    monkeypatch.chdir(tmp_path)
    differing = []
    for argv in REFUSED:
        args = argv if argv[0].startswith("-") else ["x.conf", *argv]
        theirs = subprocess.run([str(REDIS_SERVER), *args], capture_output=True, check=False, timeout=20)
        with pytest.raises(SystemExit):
            parse(args)
        ours = capfdbinary.readouterr().err.split(b" (did you mean")[0]
        if ours.splitlines()[3:] != theirs.stderr.splitlines()[3:] or theirs.returncode != 1:
            differing.append((args, ours, theirs.stderr))
    assert differing == []
