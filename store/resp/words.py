"""Splitting a line into words with redis-cli's quoting: inline commands, redis.conf lines (sds.c: sdssplitargs)."""

from __future__ import annotations

_ESCAPES = {110: 10, 114: 13, 116: 9, 98: 8, 97: 7}
_BLANKS = b" \n\r\t\v\f\0"


class UnbalancedQuotes(ValueError):
    """A quote that is not closed, or closed inside a word."""


def split_words(line: bytes) -> list[bytes]:
    r"""Split line at blanks; "…" takes \n \r \t \b \a \xHH and \<any>, '…' takes \'; raise UnbalancedQuotes."""
    words: list[bytes] = []
    place, end = 0, len(line)
    while True:
        while place < end and line[place] in _BLANKS:
            place += 1
        if place >= end or line[place] == 0:
            return words
        word, place = _word(line, place)
        words.append(word)


def _word(line: bytes, place: int) -> tuple[bytes, int]:
    word = bytearray()
    while place < len(line) and line[place] not in _BLANKS:
        character = line[place]
        if character in (34, 39):
            place = _quoted(line, place + 1, character, word)
            break
        word.append(character)
        place += 1
    return bytes(word), place


def _quoted(line: bytes, place: int, quote: int, word: bytearray) -> int:
    """Read up to the closing quote into word; return the place after it, which must be a blank or the end."""
    while place < len(line):
        character = line[place]
        if character == quote:
            if place + 1 < len(line) and line[place + 1] not in _BLANKS:
                raise UnbalancedQuotes
            return place + 1
        if character == 92 and place + 1 < len(line) and (quote == 34 or line[place + 1] == 39):
            place = _escape(line, place + 1, word) if quote == 34 else _plain(line, place + 1, word)
            continue
        place = _plain(line, place, word)
    raise UnbalancedQuotes


def _plain(line: bytes, place: int, word: bytearray) -> int:
    word.append(line[place])
    return place + 1


def _escape(line: bytes, place: int, word: bytearray) -> int:
    if line[place] == 120 and len(digits := line[place + 1 : place + 3]) == 2:
        try:
            word.append(int(digits, 16))
        except ValueError:
            return _plain(line, place, word)
        return place + 3
    word.append(_ESCAPES.get(line[place], line[place]))
    return place + 1
