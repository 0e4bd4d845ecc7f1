"""Requests out of bytes: both parsers, whole and in pieces, good and bad."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.resp import codec
from store.resp import parser as plain

PARSERS: list[Any] = [plain.Parser]
if codec.IMPLEMENTATION == "compiled":
    PARSERS.append(codec.Parser)

words = st.binary(max_size=40)
requests = st.lists(st.lists(words, min_size=1, max_size=5), max_size=6)


def wire(request: list[bytes]) -> bytes:
    return b"*%d\r\n" % len(request) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in request)


def fed(parser: Any, data: bytes) -> list[list[bytes]]:
    """The requests that some more bytes complete."""
    parser.receive(data)
    return list(iter(parser.next, None))


def everything(parser: Any, pieces: list[bytes]) -> list[list[bytes]]:
    return [request for piece in pieces for request in fed(parser, piece)]


@pytest.mark.parametrize("kind", PARSERS)
@given(wanted=requests, cut=st.lists(st.integers(0, 400), max_size=5))
def test_requests_come_out_as_they_went_in_however_cut(kind: Any, wanted: list[list[bytes]], cut: list[int]) -> None:
    data = b"".join(map(wire, wanted))
    places = sorted({0, len(data), *(place for place in cut if place < len(data))})
    parser = kind()
    assert everything(parser, [data[a:b] for a, b in itertools.pairwise(places)]) == wanted
    assert parser.error is None
    assert parser.pending == 0


@pytest.mark.parametrize("kind", PARSERS)
@given(wanted=requests)
def test_an_unauthenticated_client_gets_one_request_at_a_time(kind: Any, wanted: list[list[bytes]]) -> None:
    parser = kind(authenticated=False)
    assert everything(parser, [b"".join(map(wire, wanted))]) == wanted


@pytest.mark.skipif(len(PARSERS) < 2, reason="the compiled parser is not built")
@given(
    data=st.lists(
        st.sampled_from(
            [
                b"*",
                b"$",
                b"1",
                b"2",
                b"-1",
                b"\r\n",
                b"\n",
                b"PING",
                b"ab",
                b"0",
                b" ",
                b'"',
                b"99999999999999999999",
                b"\r",
                b"x",
            ]
        ),
        max_size=14,
    ).map(b"".join)
)
def test_both_parsers_agree_on_anything(data: bytes) -> None:
    one, other = PARSERS[0](), PARSERS[1]()
    assert everything(one, [data]) == everything(other, [data])
    assert one.error == other.error


BAD = [
    (b"*3000000000\r\n", "invalid multibulk length"),
    (b"*x\r\n", "invalid multibulk length"),
    (b"*1\r\nfoo\r\n", "expected '$', got 'f'"),
    (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "expected '$', got 'f'"),
    (b"*1\r\n%1\r\n*0\r\n:1\r\n", "expected '$', got '%'"),
    (b"*1\r\n$-10\r\n", "invalid bulk length"),
    (b"*1\r\n$2000000000\r\n", "invalid bulk length"),
    (b"*1\r\n$blabla\r\n", "invalid bulk length"),
    (b"*1\r\n$03\r\nfoo\r\n", "invalid bulk length"),
    (b'set """test""" v\r\n', "unbalanced quotes in request"),
    (b"*" + b"1" * 70000, "too big mbulk count string"),
    (b"*1\r\n$" + b"1" * 70000, "too big bulk count string"),
    (b"x" * 70000, "too big inline request"),
]


@pytest.mark.parametrize("kind", PARSERS)
@pytest.mark.parametrize(("data", "error"), BAD)
def test_each_mistake_has_redis_text_and_what_came_before_it_counts(kind: Any, data: bytes, error: str) -> None:
    parser = kind()
    assert fed(parser, wire([b"PING"]) + data) == [[b"PING"]]
    assert parser.error == error


@pytest.mark.parametrize("kind", PARSERS)
def test_limits_are_stricter_before_auth(kind: Any) -> None:
    parser = kind(authenticated=False)
    assert fed(parser, b"*11\r\n") == []
    assert parser.error == "unauthenticated multibulk length"
    parser = kind(authenticated=False)
    assert fed(parser, b"*2\r\n$16385\r\n") == []
    assert parser.error == "unauthenticated bulk length"


@pytest.mark.parametrize("kind", PARSERS)
def test_empty_requests_are_passed_over(kind: Any) -> None:
    parser = kind()
    assert fed(parser, b"*0\r\n\r\n*-10\r\nPING\r\n  set 'a b' \"c\\x41\"\r\n") == [[b"PING"], [b"set", b"a b", b"cA"]]


@pytest.mark.parametrize("kind", PARSERS)
def test_a_large_argument_in_many_pieces(kind: Any) -> None:
    value = bytes(range(256)) * 4096
    data = wire([b"SET", b"k", value]) + wire([b"GET", b"k"])
    parser = kind()
    pieces = [data[place : place + 65536] for place in range(0, len(data), 65536)]
    assert everything(parser, pieces) == [[b"SET", b"k", value], [b"GET", b"k"]]
