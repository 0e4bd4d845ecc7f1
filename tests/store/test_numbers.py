"""Long doubles: sums and their digits as redis-server computes them, up to the ends of the format."""

from __future__ import annotations

import random

import pytest

from store.numbers import is_integer, parse_long_double
from tests.kit.resp_client import Error, Reply
from tests.kit.servers import redis_server, requires_redis

WRITTEN = """
inf +INFINITY -inf nan 1e4932 1.18973149535723176502e4932 1.18973149535723176509e4932 1.2e4932 1e-4951 1.8e-4951
1.83e-4951 3.6e-4951 1e-5000 0e99999999999999 1e99999999999999 1e-9999999999 .5 5. . e5 1e 1e+ 0x 0x1p3 0x.8 0xA.8p-2
0x1p16384 0x1p-16446 0x1.0000001p-16446 0x1p-16445 -0 +0.0 1_0 0x1p0000000000000003 1e00000000000003 0b1 1e5.0 --1 5e-18
9223372036854775807 18446744073709551617 36893488147419103233 -0.000000000000000005 4.9e-324 1.7976931348623157e309
"""
ODDITIES = WRITTEN.split()
LONG = ["1" * 4931, "1" * 5119, "1" * 5120, "0" * 5000 + "1." + "3" * 100, "0." + "0" * 4900 + "1", " 1", "1 ", ""]


def some_number(choice: random.Random) -> str:
    """A number as clients write them: integers, decimals, exponents, hexadecimal."""
    sign = choice.choice(["", "", "-", "+"])
    whole, fraction = choice.randrange(10 ** choice.randrange(1, 20)), choice.randrange(10 ** choice.randrange(1, 22))
    return sign + choice.choice(
        [
            str(whole),
            f"{whole}.{fraction}",
            f"{whole % 1000}.{fraction % 100}",
            f"{choice.random()}e{choice.randrange(-25, 25)}",
            f"{choice.random()}e{choice.randrange(-4960, 4940)}",
            choice.uniform(0, 1e10).hex(),
            choice.choice(ODDITIES),
            choice.choice(LONG),
        ]
    )


def our_sum(old: str, increment: str) -> Reply:
    """What HINCRBYFLOAT replies, by the rules of the command alone."""
    try:
        step = parse_long_double(increment.encode())
    except ValueError:
        return Error(b"ERR value is not a valid float")
    if not step.finite:
        return Error(b"ERR value is NaN or Infinity")
    try:
        total = parse_long_double(old.encode()) + step
    except ValueError:
        return Error(b"ERR hash value is not a float")
    return bytes(total) if total.finite else Error(b"ERR increment would produce NaN or Infinity")


@requires_redis
def test_sums_have_the_digits_of_redis() -> None:
    choice = random.Random(7)
    pairs = [(some_number(choice), some_number(choice)) for _ in range(3000)]
    pairs += [(odd, "0") for odd in ODDITIES + LONG] + [("0", odd) for odd in ODDITIES + LONG]
    with redis_server() as server, server.client() as redis:
        for start in range(0, len(pairs), 500):
            batch = pairs[start : start + 500]
            for old, increment in batch:
                redis.send("HSET", "h", "f", old)
                redis.send("HINCRBYFLOAT", "h", "f", increment)
            replies = [(redis.read(), redis.read())[1] for _ in batch]
            for (old, increment), reply in zip(batch, replies, strict=True):
                assert our_sum(old, increment) == reply, (old, increment)


@pytest.mark.parametrize(
    ("first", "second", "total"),
    [
        ("10.1", "0.2", b"10.3"),
        ("3.0e3", "200", b"3200"),
        ("1", "-1.0000000000000000001", b"0"),
        ("-0.5", "0.5", b"0"),
        ("9007199254740993", "0", b"9007199254740993"),
        ("0x10", "1", b"17"),
    ],
)
def test_sums_without_a_server(first: str, second: str, total: bytes) -> None:
    assert bytes(parse_long_double(first.encode()) + parse_long_double(second.encode())) == total


def test_what_is_infinite_is_not_finite_whatever_is_added() -> None:
    infinite, one = parse_long_double(b"-inf"), parse_long_double(b"1")
    assert [(infinite + one).finite, (one + infinite).finite, (one + one).finite] == [False, False, True]


@pytest.mark.parametrize("text", ["0", "-1", "9223372036854775807", "-9223372036854775808"])
def test_canonical_integers(text: str) -> None:
    assert is_integer(text.encode())


@pytest.mark.parametrize(
    "text", ["", "-0", "+1", "01", " 1", "1\n", "1.0", "9223372036854775808", "-9223372036854775809"]
)
def test_texts_that_are_no_canonical_integer(text: str) -> None:
    assert not is_integer(text.encode())
