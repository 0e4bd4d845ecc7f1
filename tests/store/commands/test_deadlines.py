"""Lifetimes: what is read, what is refused, and where the 64-bit count of milliseconds ends."""

from __future__ import annotations

import pytest

from store.commands.arguments import INT64_MAX
from store.commands.deadlines import (
    StringOptions,
    deadline_after,
    deadline_from,
    parse_getex_options,
    parse_set_options,
)
from store.errors import ReplyError

NOW = 1_700_000_000_000


@pytest.mark.parametrize(
    ("unit", "amount", "deadline"),
    [
        (b"EX", b"10", NOW + 10_000),
        (b"PX", b"10", NOW + 10),
        (b"EXAT", b"10", 10_000),
        (b"PXAT", b"10", 10),
        (b"PX", b"%d" % (INT64_MAX - NOW), INT64_MAX),
        (b"PXAT", b"%d" % INT64_MAX, INT64_MAX),
    ],
)
def test_a_lifetime_becomes_a_deadline(unit: bytes, amount: bytes, deadline: int) -> None:
    assert deadline_after("set", unit, amount, NOW) == deadline


@pytest.mark.parametrize(
    ("unit", "amount"),
    [
        (b"EX", b"0"), (b"PX", b"-1"), (b"PXAT", b"0"), (b"EXAT", b"-5"), (b"EX", b"9223372036854775807"),
        (b"EX", b"%d" % (INT64_MAX // 1000)), (b"PX", b"%d" % (INT64_MAX - NOW + 1)),
    ],
)  # fmt: skip
def test_a_lifetime_that_is_not_positive_or_too_long_is_refused(unit: bytes, amount: bytes) -> None:
    with pytest.raises(ReplyError, match=r"^invalid expire time in 'getex' command$"):
        deadline_after("getex", unit, amount, NOW)


def test_expire_may_reach_into_the_past_but_not_overflow() -> None:
    assert deadline_from("expire", b"-10", 1000, NOW) == NOW - 10_000
    assert deadline_from("pexpireat", b"-9223372036854770000", 1, 0) == -9223372036854770000
    for amount in (b"9223370399119966", b"9223372036854776", b"-9223372036854776"):
        with pytest.raises(ReplyError, match="invalid expire time in 'expire' command"):
            deadline_from("expire", amount, 1000, NOW)


@pytest.mark.parametrize(
    ("args", "options"),
    [
        (b"", StringOptions()),
        (b"nx get", StringOptions(condition=b"NX", get=True)),
        (b"XX xx KeepTTL KEEPTTL", StringOptions(condition=b"XX", lifetime=b"KEEPTTL")),
        (b"EX 5 ex 6", StringOptions(lifetime=b"EX", amount=b"6")),
    ],
)
def test_options_of_set(args: bytes, options: StringOptions) -> None:
    assert parse_set_options(tuple(args.split())) == options


@pytest.mark.parametrize(
    "args", [b"NX XX", b"EX", b"EX 1 PX 1", b"KEEPTTL EX 1", b"EX 1 KEEPTTL", b"PERSIST", b"FOO", b"PXAT 1 EXAT 1"]
)
def test_unknown_or_contradicting_options_of_set_are_a_syntax_error(args: bytes) -> None:
    with pytest.raises(ReplyError, match=r"^syntax error$"):
        parse_set_options(tuple(args.split()))


@pytest.mark.parametrize("args", [b"PERSIST EX 1", b"EX 1 PERSIST", b"NX", b"GET", b"KEEPTTL", b"PX"])
def test_options_of_getex_are_its_own(args: bytes) -> None:
    assert parse_getex_options((b"persist", b"PERSIST")) == StringOptions(lifetime=b"PERSIST")
    with pytest.raises(ReplyError, match=r"^syntax error$"):
        parse_getex_options(tuple(args.split()))
