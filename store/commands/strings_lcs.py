"""LCS: the longest common subsequence of two strings, and where it lies in them.

Method: one big integer a row of the table (Hyyrö, "Bit-parallel LCS-length computation revisited", 2004). Bit j-1 of
row i is set where LCS(i, j) = LCS(i, j-1) + 1; a row costs a handful of big-integer operations, and the way back needs
no other numbers: at a mismatch a cell equals the larger of its upper and its left neighbour, and the bit tells which.
"""

from __future__ import annotations

from dataclasses import dataclass

from store.commands.arguments import parse_int
from store.commands.table import command
from store.errors import ReplyError, syntax_error
from store.tx import Tx
from store.values.base import Value

Range = tuple[int, int, int, int]
"""A run of equal bytes: first and last position in one string, first and last in the other."""


@dataclass(slots=True)
class _Options:
    indices: bool = False
    length: bool = False
    with_length: bool = False
    least: int = 0


def _parse(args: tuple[bytes, ...]) -> _Options:
    options = _Options()
    rest = iter(args)
    for arg in rest:
        word = arg.upper()
        if word == b"IDX":
            options.indices = True
        elif word == b"LEN":
            options.length = True
        elif word == b"WITHMATCHLEN":
            options.with_length = True
        elif word == b"MINMATCHLEN" and (least := next(rest, None)) is not None:
            options.least = max(0, parse_int(least))
        else:
            raise syntax_error()
    if options.length and options.indices:
        raise ReplyError("If you want both the length and indexes, please just use IDX.")
    return options


def rows_of(a: bytes, b: bytes) -> list[int]:
    """The table as one integer a byte of a (see the module's method); the last one's set bits count the length."""
    everything = (1 << len(b)) - 1
    places = {byte: _places(b, byte) for byte in set(a)}
    row, rows = everything, []
    for byte in a:
        match = row & places[byte]
        row = (row + match | row - match) & everything
        rows.append(row ^ everything)
    return rows


def _places(text: bytes, byte: int) -> int:
    """An integer with bit j set where text[j] is byte."""
    marks = text.translate(b"0" * byte + b"1" + b"0" * (255 - byte))
    return int(marks[::-1], 2) if marks else 0


def trace(a: bytes, b: bytes, rows: list[int]) -> tuple[bytes, list[Range]]:
    """Walk the table back from its end: the subsequence, and its runs from last to first, in Redis's order."""
    i, j = len(a), len(b)
    found = bytearray()
    runs: list[Range] = []
    end_a = end_b = -1  # the last byte of the run being walked; -1 between runs
    while i and j:
        if a[i - 1] == b[j - 1]:
            found.append(a[i - 1])
            i, j = i - 1, j - 1
            if end_a < 0:
                end_a, end_b = i, j
            continue
        if end_a >= 0:
            runs.append((i, end_a, j, end_b))
            end_a = -1
        if rows[i - 1] >> (j - 1) & 1:
            i -= 1
        else:
            j -= 1
    if end_a >= 0:
        runs.append((i, end_a, j, end_b))
    return bytes(reversed(found)), runs


def _strings(tx: Tx, *keys: bytes) -> list[bytes]:
    values = [tx.db.get(key) for key in keys]
    if any(isinstance(value, Value) for value in values):
        raise ReplyError("The specified keys must contain string values")
    return [bytes(value) if isinstance(value, bytes | bytearray) else b"" for value in values]


@command("LCS", "readonly", keys="RO access @1:1", since="7.0.0", group="string", complexity="O(length1 × length2)")
def lcs(tx: Tx, key1: bytes, key2: bytes, *options: bytes) -> object:
    """Find the longest common subsequence of two strings: itself, its length, or the runs it consists of."""
    a, b = _strings(tx, key1, key2)
    wanted = _parse(options)
    if (len(a) + 1) * (len(b) + 1) * 4 > tx.engine.settings.proto_max_bulk_len:
        raise ReplyError("Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
    rows = rows_of(a, b)
    length = rows[-1].bit_count() if rows else 0
    if wanted.length:
        return length
    text, runs = trace(a, b, rows)
    if not wanted.indices:
        return text
    matches: list[object] = []
    for first_a, last_a, first_b, last_b in runs:
        size = last_a - first_a + 1
        if size >= wanted.least:
            matches.append([[first_a, last_a], [first_b, last_b]] + ([size] if wanted.with_length else []))
    return {b"matches": matches, b"len": length}
