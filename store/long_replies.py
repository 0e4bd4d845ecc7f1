"""Replies too long to be made in one go: their forms, and where their parts come from.

Law: parts are lists of what a whole reply would be a list of; put together they encode to the very same bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

from store.replies import Pairs
from store.resp import encode
from store.resp.encoder import number_text
from store.slices import Steps
from store.values.hash import Hash
from store.values.list import List
from store.values.ranking import Pair
from store.values.sample_sort import sorted_parts
from store.values.sorted_set import SortedSet

if TYPE_CHECKING:
    from store.key_walk import KeyWalk
    from store.tx import Tx
    from store.values.base import Value

T = TypeVar("T")
LONG = 5000
"""Items from which a reply is made in slices: in one go they take about a millisecond."""
PART = 200
"""Items of a part, which is made without a look at the clock."""

Parts = Iterator[list[Any]]
"""Items of a reply, a few hundred at a time; an empty list is work that brought none."""


@dataclass(frozen=True, slots=True)
class Form:
    """A reply's form. `marks`: the first byte in RESP2 and RESP3; `words`: items of a part for each that RESP2, RESP3 count."""

    marks: tuple[bytes, bytes]
    words: tuple[int, int] = (1, 1)
    wrap: Callable[[list[Any]], list[Any]] = list

    def head(self, items: int, resp: int) -> bytes:
        """The reply's first line."""
        return b"%b%d\r\n" % (self.marks[resp == 3], items // self.words[resp == 3])

    def body(self, part: list[Any], resp: int) -> bytes:
        """The bytes of a part, which follow one another."""
        if self.wrap is Pairs and resp == 2:
            part = [word if type(word) is bytes else number_text(word) for word in part]  # the encoder is fast with bytes
        whole = encode(part if self.wrap is list else self.wrap(part), resp)
        return whole[whole.index(b"\n") + 1 :]


ARRAY = Form((b"*", b"*"))
SET = Form((b"*", b"~"))
MAP = Form((b"*", b"%"), (1, 2))
PAIRS = Form((b"*", b"*"), (1, 2), Pairs)


def is_long(tx: Tx, items: int) -> bool:
    """Tell whether a reply of so many items, or one that looks at so many, is to be made in slices."""
    return items > LONG and tx.engine.slices.possible(tx)


def answer(
    tx: Tx, form: Form, parts: Parts, values: Sequence[Value] = (), count: int | None = None, walk: KeyWalk | None = None
) -> object:
    """Answer the running command by parts, which read these values or this walk; count: how many items they have, if known."""
    resp = tx.session.resp
    steps = _known(form, parts, count, resp) if count is not None else _counted(form, parts, resp)
    return tx.engine.slices.begin(tx, steps, values, walk)


def _known(form: Form, parts: Parts, count: int, resp: int) -> Steps:
    head = form.head(count, resp)  # it goes with the first items: work before them may end in an error
    for part in parts:
        yield head + form.body(part, resp) if part else None
        if part:
            head = b""
    if head:
        yield head


def _counted(form: Form, parts: Parts, resp: int) -> Steps:
    """The length stands first, so all parts are found before the first is sent."""
    kept: deque[list[Any]] = deque()
    for part in parts:
        if part:
            kept.append(part)
        yield None
    yield form.head(sum(map(len, kept)), resp)
    while kept:
        yield form.body(kept.popleft(), resp)


# ── where parts come from ──────────────────────────────────────────────────────────────────────────────────────────
def cut(items: Iterable[T], size: int = PART) -> Iterator[list[T]]:
    """Items as they come."""
    source = iter(items)
    while part := list(islice(source, size)):
        yield part


def pairs_of(value: Hash) -> Parts:
    """A hash's fields, each followed by its value."""
    return cut(chain.from_iterable(value.items()))


def span_of(value: List, start: int, stop: int) -> Parts:
    """The members of a list at start <= position < stop."""
    for first in range(start, stop, PART):
        yield value.span(first, min(first + PART, stop))


def window(parts: Parts, start: int, stop: int) -> Parts:
    """What lies at start <= place < stop of all items."""
    place = 0
    for part in parts:
        yield part[max(start - place, 0) : max(stop - place, 0)]
        place += len(part)
        if place >= stop:
            return


def range_of(zset: SortedSet, start: int, stop: int, reverse: bool, scores: bool) -> Parts:
    """The members with start <= rank < stop, each followed by its score if wanted, from either end."""
    places = range(start, stop, PART)
    for first in reversed(places) if reverse else places:
        pairs = zset.slice(first, min(first + PART, stop))
        if reverse:
            pairs.reverse()
        yield flat_scores(pairs) if scores else only_members(pairs)


def flat_scores(pairs: list[Pair]) -> list[object]:
    """Members, each followed by its score."""
    return [word for score, member in pairs for word in (member, score)]


def only_members(pairs: list[Pair]) -> list[bytes]:
    """Members without their scores."""
    return [member for _, member in pairs]


def keys_of(walk: KeyWalk, now: int, matches: Callable[[bytes], bool] | None) -> Parts:
    """The keys of a walk that were alive at now (unix ms) and match."""
    while not walk.done:
        entries = walk.take(PART)
        if matches is None:
            yield [entry.key for entry in entries if not 0 < entry.deadline <= now]
        else:
            yield [entry.key for entry in entries if not 0 < entry.deadline <= now and matches(entry.key)]


def gathered(parts: Parts, few: int, arrange: Callable[[list[Any]], list[Any]]) -> Parts:
    """The same parts, unless they have no more than a few items together: those are arranged before."""
    kept: list[Any] = []
    for part in parts:
        kept += part
        if len(kept) > few:
            yield kept
            break
        yield []
    else:
        yield arrange(kept)
    yield from parts


def in_rank_order(found: Iterable[list[Any]], shown: Callable[[list[Any]], list[Any]], descending: bool = False) -> Parts:
    """Gather items that compare with one another, then yield them in order, as they are shown in the reply."""
    items: list[Any] = []
    for part in found:
        items += part
        yield []
    for part in sorted_parts(items, descending):
        yield shown(part)
