"""What part of a sorted set a command means: by rank, by score or by member, either way round, limited.

    query   = first last *option                   (with REV, first is the upper end of scores or members)
    option  = BYSCORE | BYLEX | REV | WITHSCORES | LIMIT offset count
    score   = ["("] float                          "(" leaves the end out; floats as strtod(3) reads them
    member  = "[" bytes | "(" bytes | "-" | "+"    with this member, without it, before all members, after all members

Law: reading a query needs nothing but its words, so an event that holds them means the same wherever it is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from store.arguments import parse_int, strtod
from store.errors import ReplyError, syntax_error
from store.values.ranking import Pair
from store.values.sorted_set import LexBound, SortedSet

Span = Callable[[SortedSet], tuple[int, int]]
"""The ranks (start, stop) of a sorted set that a range covers, as of a slice; empty when start >= stop."""


@dataclass(frozen=True, slots=True)
class RangeQuery:
    """A range, read. `offset`: pairs to skip (negative: nothing is left); `limit`: pairs at most, negative for all."""

    span: Span
    reverse: bool = False
    offset: int = 0
    limit: int = -1
    with_scores: bool = False

    def ranks(self, zset: SortedSet) -> tuple[int, int]:
        """The ranks (start, stop) that are selected, LIMIT included."""
        start, stop = self.span(zset)
        if self.offset < 0:
            return 0, 0
        if self.reverse:
            stop -= self.offset
            return (start if self.limit < 0 else max(start, stop - self.limit)), stop
        start += self.offset
        return start, (stop if self.limit < 0 else min(stop, start + self.limit))

    def pairs(self, zset: SortedSet) -> list[Pair]:
        """The selected (score, member) pairs, in the order asked for."""
        return zset.backwards(*self.ranks(zset)) if self.reverse else zset.slice(*self.ranks(zset))


def read_query(
    words: Sequence[bytes], kind: bytes | None = None, reverse: bool | None = None, store: bool = False
) -> RangeQuery:
    """Read `first last *option`; kind (RANK, SCORE, LEX) and reverse are options unless given; store bars WITHSCORES.

    Raise the ReplyError that Redis answers, in its order: options, their combination, then the two ends.
    """
    options = _read_options(words[2:], kind, reverse, store)
    kind, limit = options.kind or b"RANK", options.limit
    if limit != -1 and kind == b"RANK":
        raise ReplyError("syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
    if options.with_scores and kind == b"LEX":
        raise ReplyError("syntax error, WITHSCORES not supported in combination with BYLEX")
    backwards = bool(options.reverse)
    low, high = (words[1], words[0]) if backwards and kind != b"RANK" else (words[0], words[1])
    if kind == b"RANK":
        return RangeQuery(rank_span(low, high, backwards), backwards, with_scores=options.with_scores)
    if kind == b"LEX" and options.offset >= 0:  # the span itself skips, see SortedSet.lex_span
        return RangeQuery(lex_span(low, high, backwards, options.offset), backwards, 0, limit)
    span = score_span(low, high) if kind == b"SCORE" else lex_span(low, high)
    return RangeQuery(span, backwards, options.offset, limit, options.with_scores)


@dataclass(slots=True)
class _Options:
    kind: bytes | None
    reverse: bool | None
    offset: int = 0
    limit: int = -1
    with_scores: bool = False


def _read_options(words: Sequence[bytes], kind: bytes | None, reverse: bool | None, store: bool) -> _Options:
    options = _Options(kind, reverse)
    place = 0
    while place < len(words):
        word = words[place].upper()
        if word == b"WITHSCORES" and not store:
            options.with_scores = True
        elif word == b"LIMIT" and place + 2 < len(words):
            options.offset, options.limit = parse_int(words[place + 1]), parse_int(words[place + 2])
            place += 2
        elif word == b"REV" and options.reverse is None:
            options.reverse = True
        elif word in (b"BYLEX", b"BYSCORE") and options.kind is None:
            options.kind = word[2:]
        else:
            raise syntax_error()
        place += 1
    return options


# ── the two ends ─────────────────────────────────────────────────────────────────────────────────────────────────────
def rank_span(first: bytes, last: bytes, reverse: bool = False) -> Span:
    """Ranks first to last, both included, negative ones from the end; counted from the highest score with reverse."""
    begin, end = parse_int(first), parse_int(last)

    def span(zset: SortedSet) -> tuple[int, int]:
        size = len(zset)
        start = max(begin + size, 0) if begin < 0 else begin
        stop = min(end + size if end < 0 else end, size - 1) + 1
        return (max(size - stop, 0), size - start) if reverse else (start, stop)

    return span


def score_span(low: bytes, high: bytes) -> Span:
    """Scores low to high; raise ReplyError unless both are floats, `(` before one leaves it out."""
    bottom, top = _score_end(low), _score_end(high)

    def span(zset: SortedSet) -> tuple[int, int]:
        return zset.score_span(*bottom, *top)

    return span


def lex_span(low: bytes, high: bytes, reverse: bool = False, skip: int = 0) -> Span:
    """Members low to high by bytes; raise ReplyError unless both are written as `[x`, `(x`, `-` or `+`."""
    bottom, top = _lex_end(low), _lex_end(high)

    def span(zset: SortedSet) -> tuple[int, int]:
        return zset.lex_span(bottom, top, reverse, skip)

    return span


def _score_end(word: bytes) -> tuple[float, bool]:
    is_open = word.startswith(b"(")
    text = (word[1:] if is_open else word).lstrip(b" \t\n\v\f\r")
    score = strtod(text) if text else 0.0  # only here Redis takes blanks, nothing at all, and what overflows
    if score is None:
        raise ReplyError("min or max is not a float")
    return score, is_open


def _lex_end(word: bytes) -> LexBound:
    first, rest = word[:1], word[1:]
    if first in (b"[", b"("):
        return LexBound(rest, open_=first == b"(")
    if word in (b"-", b"+"):
        return LexBound(infinite=-1 if word == b"-" else 1)
    raise ReplyError("min or max not valid string range item")
