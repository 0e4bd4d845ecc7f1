"""What a command may return; `store.resp.encoder` turns it into RESP2 or RESP3 at the edge.

None is a null; int an integer; bytes a bulk string; str a simple string (`OK`); float a double (RESP2: bulk); bool a boolean
(RESP2: 1 or 0); list or tuple an array; dict a map (RESP2: flat array); `ReplyError` an error inside an array. The types below
are for what plain Python values can't say.
"""

from __future__ import annotations

from collections.abc import Iterable


class SetReply(list[object]):
    """A RESP3 set (RESP2: array), in the order given."""


class Push(list[object]):
    """A RESP3 push message (RESP2: array)."""


class Pairs(list[object]):
    """A flat list a1 b1 a2 b2 …: RESP3 an array of two-element arrays, RESP2 the flat array (WITHSCORES, WITHVALUES)."""


class MultiMap(list[tuple[object, object]]):
    """A map in which a key may stand more than once (RESP2: flat array)."""

    def items(self) -> list[tuple[object, object]]:
        """The pairs, as a dict would give them."""
        return self


class Verbatim(bytes):
    """Text for people: RESP3 `=len txt:…`, RESP2 a bulk string."""


class BigNumber(bytes):
    """The digits of an integer that may exceed 64 bits: RESP3 `(n`, RESP2 a bulk string."""

    def __new__(cls, number: int | bytes) -> BigNumber:
        """Make one of an integer, or of text that a script says is one."""
        return super().__new__(cls, b"%d" % number if isinstance(number, int) else number)


class DoubleText(bytes):
    """A double that is printed already, with other digits than a float gets: RESP3 `,text`, RESP2 a bulk string."""


class Several(list[object]):
    """Several replies to one command, each sent on its own (SUBSCRIBE a b answers twice)."""


class Attributed:
    """A reply preceded by RESP3 attributes (`|n`), which RESP2 clients do not see."""

    __slots__ = ("attributes", "reply")

    def __init__(self, attributes: dict[object, object], reply: object) -> None:
        self.attributes = attributes
        self.reply = reply


class _Sentinel:
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


OK = "OK"
NULL_ARRAY = _Sentinel("NULL_ARRAY")
"""A null where RESP2 clients expect `*-1` (BLPOP's timeout, an aborted EXEC); RESP3: `_`."""
NO_REPLY = _Sentinel("NO_REPLY")
"""Nothing now: the client is blocked and answered later, or the command answers by itself."""


def flat(pairs: Iterable[tuple[object, object]]) -> Pairs:
    """Make the flat list of pairs that `Pairs` holds."""
    reply = Pairs()
    for first, second in pairs:
        reply.append(first)
        reply.append(second)
    return reply
