"""What ZADD and ZINCRBY change: their options, and the outcome of a call as final scores.

    call    = *option 1*(score member)
    option  = NX | XX | GT | LT | CH | INCR

Law: planning touches nothing; what it finds is recorded as scores, and only for members whose score changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from store.arguments import parse_float
from store.errors import ReplyError, syntax_error
from store.values.sorted_set import SortedSet

OPTIONS = frozenset((b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR"))


@dataclass(slots=True)
class Update:
    """The outcome of a call. `scores`: members that change, with new scores; `processed`: pairs no option refused."""

    scores: dict[bytes, float] = field(default_factory=dict)
    added: int = 0
    updated: int = 0
    processed: int = 0
    last: float = 0.0


def read_options(words: Sequence[bytes]) -> tuple[frozenset[bytes], int]:
    """Read the option words before the pairs: (options, how many); raise ReplyError for what does not fit together."""
    count = 0
    while count < len(words) and words[count].upper() in OPTIONS:
        count += 1
    options = frozenset(word.upper() for word in words[:count])
    pairs, odd = divmod(len(words) - count, 2)
    if odd or not pairs:
        raise syntax_error()
    if {b"NX", b"XX"} <= options:
        raise ReplyError("XX and NX options at the same time are not compatible")
    if len(options & {b"GT", b"LT", b"NX"}) > 1:
        raise ReplyError("GT, LT, and/or NX options at the same time are not compatible")
    if b"INCR" in options and pairs > 1:
        raise ReplyError("INCR option supports a single increment-element pair")
    return options, count


def read_pairs(words: Sequence[bytes]) -> list[tuple[bytes, float]]:
    """Read score member score member … as (member, score) pairs; raise ReplyError for a score that is no float."""
    return [(words[place + 1], parse_float(words[place])) for place in range(0, len(words), 2)]


def plan_update(current: SortedSet, options: frozenset[bytes], pairs: Sequence[tuple[bytes, float]]) -> Update:
    """Work out what the pairs change in current under the options; raise ReplyError when an increment makes nan."""
    update = Update()
    for member, score in pairs:
        old = update.scores.get(member, current.score(member))
        if old is None:
            if b"XX" in options:
                continue
            update.added += 1
        else:
            if b"NX" in options:
                continue
            if b"INCR" in options:
                score += old
                if score != score:
                    raise ReplyError("resulting score is not a number (NaN)")
            if (b"LT" in options and score >= old) or (b"GT" in options and score <= old):
                continue
            update.updated += score != old
        update.processed += 1
        update.last = score
        if score != old:
            update.scores[member] = score
    return update


def score_text(score: float) -> bytes:
    """Write a score so that reading it gives the same double: `3`, `0.1`, `1e+30`, `inf`."""
    return b"%d" % score if score.is_integer() and abs(score) < 1e17 else repr(score).encode()
