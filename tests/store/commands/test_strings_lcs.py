"""LCS by big integers: the same length, subsequence and runs as the table of the textbook gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.commands.strings_lcs import Range, rows_of, trace

small = st.lists(st.sampled_from(b"abc\x00\xff"), max_size=24).map(bytes)


def table_of(a: bytes, b: bytes) -> list[list[int]]:
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            table[i][j] = table[i - 1][j - 1] + 1 if x == y else max(table[i - 1][j], table[i][j - 1])
    return table


def walk(a: bytes, b: bytes) -> tuple[bytes, list[Range]]:
    """The way back as Redis goes it: diagonally on a match, up only if the upper cell is larger than the left one."""
    table, i, j = table_of(a, b), len(a), len(b)
    found, runs = bytearray(), list[list[int]]()
    last = (-1, -1)
    while i and j:
        if a[i - 1] == b[j - 1]:
            i, j = i - 1, j - 1
            found.append(a[i])
            if last == (i + 1, j + 1):
                runs[-1][0], runs[-1][2] = i, j
            else:
                runs.append([i, i, j, j])
            last = (i, j)
        elif table[i - 1][j] > table[i][j - 1]:
            i -= 1
            last = (-1, -1)
        else:
            j -= 1
            last = (-1, -1)
    return bytes(reversed(found)), [(w, x, y, z) for w, x, y, z in runs]


@given(small, small)
def test_rows_and_way_back_equal_the_textbook_table(a: bytes, b: bytes) -> None:
    rows = rows_of(a, b)
    table = table_of(a, b)
    for i, row in enumerate(rows, 1):
        steps = [table[i][j] - table[i][j - 1] for j in range(1, len(b) + 1)]
        assert [row >> j & 1 for j in range(len(b))] == steps
    assert trace(a, b, rows) == walk(a, b)


@pytest.mark.parametrize(
    ("a", "b", "text", "runs"),
    [
        (b"ohmytext", b"mynewtext", b"mytext", [(4, 7, 5, 8), (2, 3, 0, 1)]),
        (b"", b"abc", b"", []),
        (b"abc", b"", b"", []),
        (b"same", b"same", b"same", [(0, 3, 0, 3)]),
    ],
)
def test_known_pairs(a: bytes, b: bytes, text: bytes, runs: list[Range]) -> None:
    assert trace(a, b, rows_of(a, b)) == (text, runs)
