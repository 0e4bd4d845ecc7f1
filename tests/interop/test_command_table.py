"""Every command's row in the table against redis-server's: clients, proxies and ACL rules rely on each field of it."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

import store.commands  # noqa: F401 - fills the table
from store.acl.catalog import every
from store.commands.command import describe
from store.commands.table import TABLE
from store.resp import encode
from tests.kit.resp_client import Map, Reply, RespClient, Set, Simple
from tests.kit.servers import redis_server, requires_redis

LATER = {"client|setinfo", "waitaof"}
"""Commands that came after Redis 7.0: libraries send the first, and the second says what the log is for."""

ROWS = {row.name: row for row in every(TABLE) if row.name not in LATER}
NAMES = list(ROWS)
FIELDS = ("name", "arity", "flags", "first key", "last key", "step", "categories", "tips", "key specifications")


@pytest.fixture(scope="module")
def rows() -> Iterator[dict[str, Reply]]:
    """What redis-server says of our commands, by name."""
    with redis_server() as server, server.client(resp=3) as client:
        infos = client.command("COMMAND", "INFO", *NAMES)
        assert isinstance(infos, list)
        yield dict(zip(NAMES, infos, strict=True))


def plain(reply: object) -> object:
    """A reply as comparable Python values: sets without order, maps as dicts, notes (prose about keys) left out."""
    if isinstance(reply, Set):
        return sorted((plain(member) for member in reply.members), key=repr)
    if isinstance(reply, Map):
        return {str(plain(key)): plain(value) for key, value in reply.pairs if key != b"notes"}
    if isinstance(reply, Simple):
        return reply.text
    return [plain(item) for item in reply] if isinstance(reply, list) else reply


def parse(data: bytes) -> Reply:
    """Read encoded data as a client would."""
    client = object.__new__(RespClient)
    client.file = io.BytesIO(data)  # type: ignore[assignment]  # a file of bytes, as a socket's
    return client.read()


@requires_redis
@pytest.mark.parametrize("name", NAMES)
def test_row_is_that_of_redis(name: str, rows: dict[str, Reply]) -> None:
    theirs = plain(rows[name])
    assert isinstance(theirs, list), f"redis-server has no command {name}"
    mine = plain(parse(encode(describe(ROWS[name]), 3)))
    assert isinstance(mine, list)
    # Subcommands are rows of their own here; those that are not offered are missing from their container.
    assert dict(zip(FIELDS, mine, strict=False)) == dict(zip(FIELDS, theirs, strict=False))
