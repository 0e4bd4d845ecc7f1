"""Timeouts of blocking commands, as Redis 7.0 reads them."""

import pytest

from store.commands.timeouts import parse_timeout
from store.errors import ReplyError


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0), ("1", 1000), ("0.001", 1), ("0.0001", 1), ("-0.0001", 0), ("+.5", 500), ("5.", 5000), ("1e-3", 1),
        ("0x1p-3", 125), ("0x1", 1000), ("0x.8", 500), ("9007199254740", 9007199254740000), ("1e-400", 0),
    ],
)  # fmt: skip
def test_seconds_become_whole_milliseconds(text: str, milliseconds: int) -> None:
    assert parse_timeout(text.encode()) == milliseconds


@pytest.mark.parametrize("text", ["", "abc", " 1", "1 ", "nan", "1e", "0x", "0x.", "--1", "1,5", "\u0661"])
def test_what_is_no_float_is_refused(text: str) -> None:
    with pytest.raises(ReplyError, match=r"^timeout is not a float or out of range$"):
        parse_timeout(text.encode())


@pytest.mark.parametrize("text", ["-1", "-0.001", "-inf", "inf", "1e18", "1e400", "0x7FFFFFFFFFFFFFFF", "0x1p9999"])
def test_negative_and_overflowing_ones_are_called_negative(text: str) -> None:
    with pytest.raises(ReplyError, match=r"^timeout is negative$"):
        parse_timeout(text.encode())
