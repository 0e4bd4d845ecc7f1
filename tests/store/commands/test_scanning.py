"""Cursors and options of the SCAN family."""

from __future__ import annotations

import pytest

from store.commands.scanning import parse_cursor, parse_scan_options
from store.errors import ReplyError


@pytest.mark.parametrize(
    ("text", "cursor"),
    [
        (b"0", 0),
        (b"17", 17),
        (b"", 0),
        (b"+5", 5),
        (b"-1", (1 << 64) - 1),
        (b"-0", 0),
        (b"18446744073709551615", (1 << 64) - 1),
        (b"0" * 5000 + b"7", 7),
    ],
)
def test_a_cursor_is_read_as_strtoul_reads_it(text: bytes, cursor: int) -> None:
    assert parse_cursor(text) == cursor


@pytest.mark.parametrize("text", [b"x", b" 1", b"1 ", b"1\n", b"-", b"0x1", b"18446744073709551616", b"9" * 5000])
def test_what_is_no_cursor_is_refused(text: bytes) -> None:
    with pytest.raises(ReplyError, match="invalid cursor"):
        parse_cursor(text)


def test_options_come_in_any_order_and_the_last_of_each_counts() -> None:
    options = parse_scan_options((b"count", b"3", b"MATCH", b"a*", b"Count", b"5", b"TYPE", b"ZSet"), typed=True)
    assert (options.count, options.type) == (5, b"zset")
    assert options.matching([b"ab", b"b", b"a"]) == [b"ab", b"a"]
    assert parse_scan_options((b"match", b"*")).matches is None


@pytest.mark.parametrize("words", ["count", "count 0", "match", "type set", "foo bar", "match a foo"])
def test_options_that_do_not_fit_are_a_syntax_error(words: str) -> None:
    with pytest.raises(ReplyError, match="syntax error"):
        parse_scan_options(tuple(words.encode().split()))
