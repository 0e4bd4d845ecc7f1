"""How XADD and XTRIM trim: their options, and the length that a stream has afterwards.

    trim = (MAXLEN | MINID) ["=" | "~"] bound ["LIMIT" count]

Law: whatever was asked, what is recorded is `MAXLEN = length`, the exact outcome: with `~` it depends on how entries are cut into
nodes, which is a matter of configuration.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from store.arguments import parse_int
from store.errors import ReplyError, syntax_error
from store.values.base import Limits
from store.values.stream import Stream
from store.values.stream_ids import parse_id, parse_new_id
from store.values.stream_node import Fields

Addition = tuple[int, Fields]


@dataclass(slots=True)
class Options:
    """`by`: MAXLEN, MINID or empty; `bound`: a length or an id; `limit`: entries at most, 0 = any; `place`: where options end."""

    by: bytes = b""
    bound: int = 0
    roughly: bool = False
    limit: int = 0
    create: bool = True
    place: int = 0


def read_options(words: Sequence[bytes], adding: bool, node_entries: int, obeyed: bool = False) -> Options:
    """Read the options of XADD (up to the id, whose place is set) or XTRIM; node_entries: entries in a node at most.

    obeyed: the words are history. A Redis primary writes `=` for `~` there but leaves LIMIT, which then means nothing.
    """
    options = Options()
    limit: int | None = None
    place = 0
    while place < len(words):
        word, more = words[place].upper(), len(words) - place - 1
        if word in (b"MAXLEN", b"MINID") and more:
            place = _read_bound(options, word, words, place)
        elif word == b"LIMIT" and more:
            limit = parse_int(words[place + 1])
            if limit < 0:
                raise ReplyError("The LIMIT argument must be >= 0.")
            place += 2
        elif adding and word == b"NOMKSTREAM":
            options.create = False
            place += 1
        elif adding:
            if word != b"*":
                parse_new_id(word)  # a bad id is answered before options that don't fit together
            break
        else:
            raise syntax_error()
    options.place = place
    _check(options, limit, adding, obeyed)
    if options.roughly and not obeyed:  # without LIMIT it is a hundred nodes, so that a trim never takes long
        options.limit = min(100 * node_entries, 1000000) or 10000 if limit is None else limit
    return options


def _read_bound(options: Options, word: bytes, words: Sequence[bytes], place: int) -> int:
    if options.by:
        raise ReplyError("syntax error, MAXLEN and MINID options at the same time are not compatible")
    options.roughly = False
    place += 1
    if place + 1 < len(words) and words[place] in (b"~", b"="):
        options.roughly = words[place] == b"~"
        place += 1
    options.bound = parse_int(words[place]) if word == b"MAXLEN" else parse_id(words[place])
    if options.bound < 0:
        raise ReplyError("The MAXLEN argument must be >= 0.")
    options.by = word
    return place + 1


def _check(options: Options, limit: int | None, adding: bool, obeyed: bool) -> None:
    if limit and not options.by:
        raise ReplyError("syntax error, LIMIT cannot be used without specifying a trimming strategy")
    if not adding and not options.by:
        raise ReplyError("syntax error, XTRIM must be called with a trimming strategy")
    if limit is not None and not options.roughly and not obeyed:
        raise ReplyError("syntax error, LIMIT cannot be used without the special ~ option")


def length_after(options: Options, stream: Stream | None, limits: Limits, added: Addition | None = None) -> int:
    """The length that a stream has after the trim, of which an entry was added before; None is a stream without entries."""
    stream = Stream() if stream is None else stream
    length = stream.length + (added is not None)
    if not options.by:
        return length
    if options.roughly:
        return _rough_length(options, stream, limits, length, added)
    if options.by == b"MAXLEN":
        return min(options.bound, length)
    return length - stream.below(options.bound) - (added is not None and added[0] < options.bound)


def _rough_length(options: Options, stream: Stream, limits: Limits, length: int, added: Addition | None) -> int:
    """What is left when only whole nodes go, from the first on."""
    removed = 0
    for live, last in _nodes(stream, limits, added):
        if options.by == b"MAXLEN" and length <= options.bound:
            break
        if options.limit and removed + live > options.limit:
            break
        if not (length - live >= options.bound if options.by == b"MAXLEN" else last < options.bound):
            break
        removed += live
        length -= live
    return length


def _nodes(stream: Stream, limits: Limits, added: Addition | None) -> Iterator[tuple[int, int]]:
    """Live entries and last id of each node, as they are once the entry has been added."""
    joins = added is not None and not stream.starts_node(added[1], limits)
    for place, node in enumerate(stream.nodes):
        if added is not None and joins and place + 1 == len(stream.nodes):
            yield node.live + 1, added[0]
        else:
            yield node.live, node.ids[-1]
    if added is not None and not joins:
        yield 1, added[0]
