"""Splitting lines and quoting arguments: the round trip, and redis-server's answer for every corner."""

from hypothesis import given
from hypothesis import strategies as st

from store.config.quoting import quote, split_args
from tests.kit.resp_client import Error
from tests.kit.servers import redis_server, requires_redis

TRICKY = [
    b"a b  c",
    b"\ta\t b ",
    b'"a b" c',
    b"\"\" ''",
    b"'it\\'s' x",
    b"'a\\nb' 'a\\\\'",
    b'"\\n\\r\\t\\b\\a\\\\\\"\\q"',
    b'"\\x41\\x4\\xzz\\x7a"',
    b'foo"bar baz"',
    b"foo'bar baz' \"q\"",
    b'a"b"\x0bc',
    b"a\x0bb\x0cc",
    b"caf\xc3\xa9 \xff",
    b'"a"b',
    b"'a'b",
    b'"open',
    b"'open",
    b'"open\\"',
    b"'open\\'",
    b'"back\\',
    b'a "',
]


@given(st.lists(st.binary()))
def test_quoted_arguments_split_back_into_themselves(arguments: list[bytes]) -> None:
    assert split_args(b" ".join(map(quote, arguments))) == arguments


@requires_redis
def test_lines_split_as_redis_splits_inline_commands() -> None:
    ours: list[object] = []
    theirs: list[object] = []
    with redis_server() as redis:
        for line in TRICKY:
            try:
                ours.append([b"x", *split_args(line)])
            except ValueError:
                ours.append(Error(b"ERR Protocol error: unbalanced quotes in request"))
            with redis.client() as client:
                client.send_raw(b"COMMAND GETKEYS MGET x " + line + b"\r\n")
                theirs.append(client.read())
    assert ours == theirs
