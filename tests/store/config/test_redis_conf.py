"""Configuration files: what they set, how they include each other, and how a bad one is reported."""

import subprocess
from pathlib import Path

import pytest

from store.config import ConfigFileError, Settings, load
from tests.kit.servers import REDIS_SERVER, requires_redis

BAD_LINES = [
    b"port",
    b"port 1 2",
    b'port ""',
    b"port abc",
    b"port 65536",
    b"maxmemory 1tb",
    b"maxmemory-clients 101%",
    b"appendonly maybe",
    b"maxmemory-policy lru",
    b"save 60",
    b"save 0 1",
    b"replicaof 127.0.0.1",
    b"slaveof 127.0.0.1 x",
    b"client-output-buffer-limit normal 1 2",
    b"client-output-buffer-limit master 0 0 0",
    b"oom-score-adj-values 1 2",
    b"notify-keyspace-events KEy",
    b"unixsocketperm 9",
    b"unixsocketperm 1000",
    b"appendfilename a/b",
    b"dbfilename a/b",
    b"dir /nowhere/at/all",
    b"shutdown-on-sigint save nosave",
    b"bind 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
    b"logfile /nowhere/at/all/x.log",
    b'requirepass "open',
    b"include",
    b"rename-command GET",
    b"user",
    b"proc-title-template {nothing}",
    b"lua-replicate-commands",
]


def loaded(text: bytes) -> Settings:
    settings = Settings()
    load(settings, stdin=text)
    return settings


def problem(text: bytes) -> ConfigFileError:
    with pytest.raises(ConfigFileError) as caught:
        loaded(text)
    return caught.value


def test_a_file_sets_options_by_any_name_in_any_case_with_any_quotes() -> None:
    settings = loaded(
        b"# a comment\n\n  PORT 7000 \r\nslave-priority 5\nlist-max-ziplist-size -1\n"
        b"requirepass \"a \\x00\\n\\\"b\"\nmasteruser 'it\\'s'\nbind 127.0.0.1 -::1\nunixsocketperm 700\n"
        b"lua-replicate-commands yes\nmaxmemory 100mb\nmaxmemory 1k\nlogfile ''\n"
    )
    assert (settings.port, settings.replica_priority, settings.list_max_listpack_size) == (7000, 5, -1)
    assert (settings.requirepass, settings.masteruser) == (b'a \x00\n"b', "it's")
    assert (settings.bind, settings.unixsocketperm, settings.maxmemory) == (("127.0.0.1", "-::1"), 0o700, 1000)


@pytest.mark.parametrize(
    ("text", "points"),
    [
        (b"", ((3600, 1), (300, 100), (60, 10000))),
        (b"save 900 1", ((900, 1),)),
        (b"save 900 1\nsave 60 5 30 7", ((900, 1), (60, 5), (30, 7))),
        (b'save "900 1 60 5"', ((900, 1), (60, 5))),
        (b'save ""', ()),
        (b'save 900 1\nsave ""', ()),
        (b'save ""\nsave 900 1', ((900, 1),)),
    ],
)
def test_save_lines_replace_the_defaults_and_add_up(text: bytes, points: object) -> None:
    assert loaded(text).save == points


def test_directives_are_collected() -> None:
    settings = loaded(
        b"user alice on >secret ~* +@all\nuser bob off\nrename-command CONFIG ''\n"
        b"rename-command GET fetch\nrename-command FETCH take\nreplicaof localhost 6380"
    )
    assert settings.users == [[b"alice", b"on", b">secret", b"~*", b"+@all"], [b"bob", b"off"]]
    assert settings.renamed_commands == {b"config": b"", b"get": b"take"}
    assert settings.replicaof == ("localhost", 6380)
    assert loaded(b"replicaof localhost 1\nreplicaof No ONE").replicaof is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"rename-command GET a\nrename-command GET b", "No such command in rename-command"),
        (b"rename-command GET a\nrename-command SET A", "Target command name already exists"),
        (b"loadmodule /x.so", "Chronis can't load modules: remove the 'loadmodule' line"),
        (b"activedefrag yes", "Active defragmentation cannot be enabled: it requires a Redis server compiled with a"),
        (b"maxmemroy 1", "Bad directive or wrong number of arguments (did you mean 'maxmemory'?)"),
        (b"qqqqqqqq 1", "Bad directive or wrong number of arguments"),
        (b"aclfile /x\nuser a on", "Users are declared both by 'user' lines and in an ACL file ('aclfile')"),
    ],
)
def test_what_can_not_work_is_refused(text: bytes, reason: str) -> None:
    assert str(problem(text)).startswith(reason)


def test_a_report_names_the_file_the_line_and_the_rule(tmp_path: Path) -> None:
    inner = tmp_path / "inner.conf"
    inner.write_bytes(b"# one\nport  99999 # two\n")
    (tmp_path / "main.conf").write_bytes(b"\n\ninclude inner.conf\n")
    settings = Settings()
    settings.dir = str(tmp_path)
    with pytest.raises(ConfigFileError) as caught:
        load(settings, "main.conf")
    assert (caught.value.source, caught.value.number) == (str(inner), 2)
    lines = caught.value.report().splitlines()
    assert lines[1].startswith("*** FATAL CONFIG FILE ERROR (Chronis ")
    assert lines[2:] == [
        f"Reading the configuration file, at line 2 of {inner}",
        ">>> 'port  99999 # two'",
        "wrong number of arguments",
    ]


def test_who_wants_defragmentation_is_told_the_line_and_what_to_do() -> None:
    error = problem(b"port 7000\nactivedefrag yes\n")
    place = f"Reading the configuration file, at line 2 of {error.source}"
    assert error.report().splitlines()[2:4] == [place, ">>> 'activedefrag yes'"]
    assert error.report().endswith("Chronis leaves memory to Python and its allocator: remove the line, or say no")
    assert loaded(b"activedefrag no").activedefrag is False


def test_include_takes_patterns_and_later_lines_win(tmp_path: Path) -> None:
    for name, port in ("b.conf", 2), ("a.conf", 1):
        (tmp_path / name).write_text(f"port {port}\nsave {port} 1\n")
    settings = Settings()
    load(settings, options=f"include {tmp_path}/*.conf\ninclude {tmp_path}/none-*.conf\nsave 9 9".encode())
    assert (settings.port, settings.save) == (2, ((1, 1), (2, 1), (9, 9)))


def test_a_missing_file_or_a_loop_stops_the_start(tmp_path: Path) -> None:
    loop = tmp_path / "loop.conf"
    loop.write_text(f"include {loop}\n")
    with pytest.raises(ConfigFileError, match="includes itself"):
        load(Settings(), str(loop))
    with pytest.raises(ConfigFileError, match=r"can't open config file '/no/such': No such file or directory"):
        load(Settings(), "/no/such")


@requires_redis
def test_bad_lines_are_refused_in_redis_words() -> None:
    differing = []
    for line in BAD_LINES:
        error = problem(line)
        shown = [f">>> '{error.line.decode()}'"] if error.number else []
        ours = [*shown, str(error).split(" (did you mean")[0]]
        theirs = subprocess.run([str(REDIS_SERVER), "-"], input=line, capture_output=True, check=False, timeout=20)
        said = [
            text for text in theirs.stderr.decode().splitlines() if text and not text.startswith(("***", "Reading"))
        ]
        if ours != said or theirs.returncode != 1:
            differing.append((line, ours, said))
    assert differing == []
