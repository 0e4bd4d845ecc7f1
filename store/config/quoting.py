"""Splitting a configuration line into arguments, and writing an argument so that it splits back.

Law: `split_args(quote(text)) == [text]` for every byte string without a NUL. The rules are those of redis.conf
and of Redis's inline commands (sds.c, 7.0):

    line     = *( blank ) *( argument 1*( blank ) )
    argument = bare [ quoted ] | quoted          ; a quoted part ends its argument: a blank or the end must follow
    quoted   = '"' *( escape | any but '"' ) '"' | "'" *( "\\'" | any but "'" ) "'"
    escape   = "\\" ( "x" 2HEXDIG | "n" | "r" | "t" | "b" | "a" | any )
"""

from __future__ import annotations

import re

_BLANKS = re.compile(rb"\s*")

# Possessive loops (`*+`): an escaped quote must not be given back as the closing one.
_ARGUMENT = re.compile(
    rb"""([^ \n\r\t"']*+)(?:"((?:\\.|[^"\\])*+)"(?=\s|\Z)|'((?:\\'|[^'])*+)'(?=\s|\Z)|(?=[ \n\r\t]|\Z))""",
    re.DOTALL,
)
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}
_QUOTED = {0x5C: b"\\\\", 0x22: b'\\"', 0x0A: b"\\n", 0x0D: b"\\r", 0x09: b"\\t", 0x07: b"\\a", 0x08: b"\\b"}


def split_args(line: bytes) -> list[bytes]:
    """Split line into its arguments; raise ValueError when quotes are not balanced (source: sds.c 7.0)."""
    arguments = []
    position = _blanks_end(line, 0)
    while position < len(line):
        found = _ARGUMENT.match(line, position)
        if found is None:
            raise ValueError("unbalanced quotes")
        bare, double, single = found.groups()
        if double is not None:
            bare += _ESCAPE.sub(_unescape, double)
        elif single is not None:
            bare += single.replace(b"\\'", b"'")
        arguments.append(bare)
        position = _blanks_end(line, found.end())
    return arguments


def quote(text: bytes) -> bytes:
    """Return text in double quotes, everything but printable ASCII escaped."""
    body = b"".join(
        _QUOTED.get(byte) or (bytes((byte,)) if 0x20 <= byte < 0x7F else b"\\x%02x" % byte) for byte in text
    )
    return b'"' + body + b'"'


def _blanks_end(line: bytes, position: int) -> int:
    found = _BLANKS.match(line, position)
    assert found is not None, "the pattern matches the empty string"
    return found.end()


def _unescape(found: re.Match[bytes]) -> bytes:
    code: bytes = found[1]
    if len(code) == 3:
        return bytes((int(code[1:], 16),))
    return _LETTERS.get(code, code)
