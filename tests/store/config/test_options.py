"""The table of options: sound in itself, complete against redis-server, with the same defaults."""

import re
from pathlib import Path
from typing import get_type_hints

import pytest

from store.config import NAMES, OPTIONS, Settings, load
from store.config.options import Options
from store.config.redis_conf import ConfigFileError
from tests.kit.servers import redis_server, requires_redis

# Chronis's own options, and those whose default differs from Redis's on purpose.
OWN = {
    "log-segment-size",
    "log-retention-size",
    "log-retention-age",
    "log-origins",
    "log-format",
    "metrics-port",
    "metrics-bind",
    "reply-after-replicas",
    "promote-after-replicas",
    "replica-max-staleness",
    "repl-snapshot-rate",
}
OTHER_DEFAULT = {"appendonly": (b"no", b"yes"), "repl-diskless-sync-delay": (b"5", b"0")}
SET_BY_THE_TEST = {"port", "dir", "save", "enable-debug-command"}
# Read by gates.py as its error names it, and those that can only be as they are.
READ_BY_NAME = ["enable-debug-command", "tls-port", "tls-cluster", "tls-replication", "cluster-enabled"]
STOCK_FILE = Path("/etc/redis/redis.conf")


def texts(settings: Settings) -> dict[bytes, bytes]:
    return dict(settings.get([b"*"]))


def test_every_row_has_a_doc_and_states_the_type_its_default_has() -> None:
    hints = get_type_hints(Options)
    assert set(hints) == {option.attribute for option in OPTIONS.values()}
    for option in OPTIONS.values():
        assert option.doc.endswith("."), option.name
        stated = str(hints[option.attribute])
        assert type(option.default).__name__ in stated or "Mapping" in stated or "None" in stated, option.name


def test_every_option_is_read_somewhere_or_says_that_it_has_no_effect() -> None:
    root = Path(__file__).parents[3]
    sources = [path for part in ("store", "replication", "metrics") for path in (root / part).rglob("*.py")]
    code = "\n".join(path.read_text() for path in sources if path.name != "options.py")
    used = set(re.findall(r"\.(\w+)\b", code))
    silent = [name for name, option in OPTIONS.items() if option.attribute not in used and not option.inert]
    assert silent == READ_BY_NAME
    for option in OPTIONS.values():
        assert option.doc.startswith(("Without effect", "Only no", "Kept for")) == option.inert or option.check, option.name


def test_names_and_aliases_are_all_different() -> None:
    assert len(NAMES) == len(OPTIONS) + sum(bool(option.alias) for option in OPTIONS.values())


def test_every_default_keeps_its_own_rule() -> None:
    settings = Settings()
    for option in OPTIONS.values():
        text = settings.show(option)
        args = text.split(b" ") if option.kind.many and text else [text]
        if option.attribute not in ("dir", "replicaof"):
            assert option.read(args, option.default) == option.default, option.name


def test_a_fresh_server_shows_an_alias_with_the_value_of_its_option() -> None:
    shown = texts(Settings())
    assert shown[b"slaveof"] == shown[b"replicaof"] == b""
    assert shown[b"slave-priority"] == shown[b"replica-priority"] == b"100"


@requires_redis
def test_options_and_defaults_are_those_of_redis() -> None:
    with redis_server() as redis:
        reply = redis.command_reply("CONFIG", "GET", "*")
    assert isinstance(reply, list)
    theirs = dict(zip(reply[::2], reply[1::2], strict=True))
    ours: dict[object, object] = dict(texts(Settings()))
    assert {name.encode() for name in OWN} == ours.keys() - theirs.keys()
    assert theirs.keys() <= ours.keys()
    different = {
        name.decode(): (theirs[name], ours[name])
        for name in theirs
        if isinstance(name, bytes) and theirs[name] != ours[name] and name.decode() not in SET_BY_THE_TEST
    }
    assert different == OTHER_DEFAULT


@pytest.mark.skipif(not STOCK_FILE.exists(), reason="there is no /etc/redis/redis.conf")
def test_the_distributions_redis_conf_is_accepted_line_by_line(tmp_path: Path) -> None:
    refused = []
    settings = Settings()
    for number, line in enumerate(STOCK_FILE.read_bytes().splitlines(), 1):
        # Paths of the package may be missing or belong to another user here.
        if line.split(b" ")[0] in (b"dir", b"logfile"):
            continue
        try:
            load(settings, options=line)
        except ConfigFileError as error:
            refused.append((number, line, str(error)))
    assert refused == []
    assert settings.port == 6379
