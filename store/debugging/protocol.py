"""DEBUG PROTOCOL and ERROR: one reply of each type, for the tests of client libraries."""

from __future__ import annotations

from collections.abc import Callable

from store.debugging.table import row
from store.errors import ReplyError
from store.replies import Attributed, BigNumber, Push, SetReply, Several, Verbatim
from store.tx import Tx

_ATTRIBUTES: dict[object, object] = {b"key-popularity": [b"key:123", 90]}

REPLIES: dict[bytes, Callable[[], object]] = {
    b"string": lambda: b"Hello World",
    b"integer": lambda: 12345,
    b"double": lambda: 3.141,
    b"null": lambda: None,
    b"array": lambda: [0, 1, 2],
    b"set": lambda: SetReply([0, 1, 2]),
    b"map": lambda: {0: False, 1: True, 2: False},
    b"attrib": lambda: Attributed(_ATTRIBUTES, b"Some real reply following the attribute"),
    b"push": lambda: Several([Push([b"server-cpu-usage", 42]), b"Some real reply following the push reply"]),
    b"verbatim": lambda: Verbatim(b"This is a verbatim\nstring"),
    b"true": lambda: True,
    b"false": lambda: False,
    b"bignum": lambda: BigNumber(1234567999999999999999999999999999999),
}


def debug_protocol(tx: Tx, kind: bytes) -> object:
    """Reply with a value of the given type."""
    make = REPLIES.get(kind.lower())
    if make is None:
        raise ReplyError(
            "Wrong protocol type name. Please use one of the following: "
            "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
        )
    if kind.lower() == b"push" and tx.session.resp == 2:
        raise ReplyError("RESP2 is not supported by this command")
    return make()


def debug_error(_tx: Tx, text: bytes) -> ReplyError:
    """Reply with an error of the given text, which counts as none."""
    return ReplyError("", text.decode("utf-8", "surrogateescape"))


ROWS = (
    row("error", debug_error, "<string>"),
    row("protocol", debug_protocol, "<type>"),
)
