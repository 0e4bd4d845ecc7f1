"""Replies to bytes: one function a Python type, one table for RESP2 and one for RESP3 (RESP3 spec; networking.c 7.0)."""

from __future__ import annotations

import math
from collections.abc import Callable

from store.errors import ReplyError
from store.replies import (
    NO_REPLY,
    NULL_ARRAY,
    Attributed,
    BigNumber,
    DoubleText,
    MultiMap,
    Pairs,
    Push,
    SetReply,
    Several,
    Verbatim,
)

Encoder = Callable[[object], bytes]


def encode(reply: object, resp: int = 2) -> bytes:
    """Encode a reply for a client speaking RESP2 or RESP3; raise TypeError for a value no command should return."""
    return (_RESP3 if resp == 3 else _RESP2)[type(reply)](reply)


def encode_error(line: bytes) -> bytes:
    """Encode an error reply from its line."""
    return b"-%b\r\n" % line


def encode_event(*words: bytes) -> bytes:
    """Encode one command (name and arguments) as the RESP array of bulk strings that history stores."""
    return encode_words(words)


def encode_words(words: tuple[bytes, ...]) -> bytes:
    """Encode one command given as a tuple."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        parts.append(b"$%d\r\n" % len(word))
        parts.append(word)
        parts.append(b"\r\n")
    return b"".join(parts)


_SMALL = {number: b":%d\r\n" % number for number in range(-2, 1024)}
_SIMPLE = {
    word: b"+%b\r\n" % word.encode()
    for word in ("OK", "QUEUED", "PONG", "none", "string", "list", "hash", "set", "zset")
}


def _int(reply: int) -> bytes:
    return _SMALL.get(reply) or b":%d\r\n" % reply


def _bytes(reply: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(reply), reply)


def _str(reply: str) -> bytes:
    return _SIMPLE.get(reply) or b"+%b\r\n" % reply.encode("utf-8", "surrogateescape")


def _error(reply: ReplyError) -> bytes:
    return encode_error(reply.line)


def number_text(reply: float) -> bytes:
    """A double as Redis 7.0 prints it: `inf`, `-inf`, else %.17g."""
    if math.isinf(reply):
        return b"inf" if reply > 0 else b"-inf"
    return b"%.17g" % reply


def _array(table: dict[type, Encoder], mark: bytes) -> Encoder:
    def array(reply: list[object]) -> bytes:
        parts = [b"%b%d\r\n" % (mark, len(reply))]
        parts += [table[type(item)](item) for item in reply]
        return b"".join(parts)

    return array  # type: ignore[return-value]  # the table is keyed by the type that each encoder takes


def _flat_map(table: dict[type, Encoder], mark: bytes, factor: int) -> Encoder:
    def mapping(reply: dict[object, object]) -> bytes:
        parts = [b"%b%d\r\n" % (mark, len(reply) * factor)]
        for key, value in reply.items():
            parts.append(table[type(key)](key))
            parts.append(table[type(value)](value))
        return b"".join(parts)

    return mapping  # type: ignore[return-value]  # as above


def _several(table: dict[type, Encoder]) -> Encoder:
    return lambda reply: b"".join(table[type(item)](item) for item in reply)  # type: ignore[attr-defined]  # a Several


def _pairs3(reply: list[object]) -> bytes:
    parts = [b"*%d\r\n" % (len(reply) // 2)]
    for place in range(0, len(reply), 2):
        parts.append(b"*2\r\n")
        parts.append(_RESP3[type(reply[place])](reply[place]))
        parts.append(_RESP3[type(reply[place + 1])](reply[place + 1]))
    return b"".join(parts)


def _attributed3(reply: Attributed) -> bytes:
    return _flat_map(_RESP3, b"|", 1)(reply.attributes) + encode(reply.reply, 3)


def _verbatim3(reply: Verbatim) -> bytes:
    return b"=%d\r\ntxt:%b\r\n" % (len(reply) + 4, bytes(reply))


_BOTH: dict[type, Callable[..., bytes]] = {int: _int, bytes: _bytes, bytearray: _bytes, str: _str, ReplyError: _error}
_RESP2: dict[type, Callable[..., bytes]] = {
    **_BOTH,
    type(None): lambda _: b"$-1\r\n",
    bool: lambda reply: b":1\r\n" if reply else b":0\r\n",
    float: lambda reply: _bytes(number_text(reply)),
    Verbatim: _bytes,
    BigNumber: _bytes,
    DoubleText: _bytes,
    Attributed: lambda reply: encode(reply.reply, 2),
}
_RESP3: dict[type, Callable[..., bytes]] = {
    **_BOTH,
    type(None): lambda _: b"_\r\n",
    bool: lambda reply: b"#t\r\n" if reply else b"#f\r\n",
    float: lambda reply: b",%b\r\n" % number_text(reply),
    Verbatim: _verbatim3,
    BigNumber: lambda reply: b"(%b\r\n" % reply,
    DoubleText: lambda reply: b",%b\r\n" % bytes(reply),
    Pairs: _pairs3,
    Attributed: _attributed3,
}
for _table, _resp in ((_RESP2, 2), (_RESP3, 3)):
    _table[list] = _table[tuple] = _array(_table, b"*")
    _table[dict] = _flat_map(_table, b"*", 2) if _resp == 2 else _flat_map(_table, b"%", 1)
    _table[MultiMap] = _table[dict]
    _table[SetReply] = _array(_table, b"*" if _resp == 2 else b"~")
    _table[Push] = _array(_table, b"*" if _resp == 2 else b">")
    _table[Several] = _several(_table)
    _table[type(NULL_ARRAY)] = (
        (lambda reply: b"" if reply is NO_REPLY else b"*-1\r\n")
        if _resp == 2
        else (lambda reply: b"" if reply is NO_REPLY else b"_\r\n")
    )
_RESP2[Pairs] = _RESP2[list]
