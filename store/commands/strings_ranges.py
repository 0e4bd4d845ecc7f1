"""Commands on parts of a string: append, overwrite, cut out, measure."""

from __future__ import annotations

from store.commands.arguments import parse_int
from store.commands.lookups import string_part
from store.commands.table import command
from store.errors import ReplyError
from store.tx import Tx


def check_length(tx: Tx, length: int) -> None:
    """Raise ReplyError when a string of length bytes would exceed `proto-max-bulk-len`."""
    if length > tx.longest:
        raise ReplyError("string exceeds maximum allowed size (proto-max-bulk-len)")


@command("APPEND", "write denyoom fast", keys="RW insert @1", since="2.0.0", group="string", complexity="O(1)")
def append(tx: Tx, key: bytes, value: bytes) -> object:
    """Append to the string at a key, created if it is missing; answer the new length."""
    before = string_part(tx.db, key)
    if before is not None:
        check_length(tx, len(before) + len(value))
    return tx.record(b"APPEND", key, value)


@command("STRLEN", "readonly fast", keys="RO @1", since="2.2.0", group="string", complexity="O(1)")
def strlen(tx: Tx, key: bytes) -> int:
    """Answer the length in bytes of the string at a key; 0 if it is missing."""
    return len(string_part(tx.db, key) or b"")


@command("SETRANGE", "write denyoom", keys="RW update @1", since="2.2.0", group="string", complexity="O(length)")
def setrange(tx: Tx, key: bytes, offset: bytes, value: bytes) -> object:
    """Overwrite a part of the string at a key, padded with zero bytes up to the offset; answer the new length."""
    start = parse_int(offset)
    if start < 0:
        raise ReplyError("offset is out of range")
    before = string_part(tx.db, key)
    if not value:
        return len(before or b"")
    check_length(tx, start + len(value))
    return tx.record(b"SETRANGE", key, offset, value)


@command("GETRANGE", "readonly", keys="RO access @1", since="2.4.0", group="string", complexity="O(length)")
def getrange(tx: Tx, key: bytes, start: bytes, end: bytes) -> bytes:
    """Answer the bytes from start to end, both inclusive; negative ones count from the end of the string."""
    return _part(tx, key, parse_int(start), parse_int(end))


def _part(tx: Tx, key: bytes, first: int, last: int) -> bytes:
    value = string_part(tx.db, key)
    if value is None or (first < 0 and last < 0 and first > last):
        return b""
    size = len(value)
    first = max(0, first + size if first < 0 else first)
    last = max(0, last + size if last < 0 else last)
    return bytes(value[first : last + 1])


@command("SUBSTR", "readonly", keys="RO access @1", since="1.0.0", group="string", complexity="O(length)")
def substr(tx: Tx, key: bytes, start: bytes, end: bytes) -> bytes:
    """Answer a part of a string: the older name of GETRANGE."""
    return _part(tx, key, parse_int(start), parse_int(end))
