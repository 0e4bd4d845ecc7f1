"""DUMP and RESTORE: values as portable payloads (RDB body, version, CRC64), exchangeable with redis-server."""

from __future__ import annotations

from dataclasses import dataclass

from store.commands.arguments import INT64_MAX, parse_int
from store.commands.table import command
from store.errors import ReplyError, syntax_error
from store.rdb.dump import dump_value, restore_value
from store.replies import OK
from store.tx import Tx


@command(
    "DUMP", "readonly", keys="RO access @1", since="2.6.0", group="generic", complexity="O(size)",
    tips="nondeterministic_output",
)  # fmt: skip
def dump(tx: Tx, key: bytes) -> bytes | None:
    """Answer the value at a key as a payload for RESTORE."""
    value = tx.db.get(key)
    return None if value is None else dump_value(value, tx.keyspace.limits, tx.engine.settings.rdbcompression)


@dataclass(slots=True)
class _Options:
    replace: bool = False
    absolute: bytes = b""  # the word as it came: it goes into history so, as in Redis
    access: tuple[bytes, ...] = ()  # IDLETIME seconds, or FREQ counter


def _parse(args: tuple[bytes, ...]) -> _Options:
    options = _Options()
    rest = iter(args)
    for arg in rest:
        word = arg.upper()
        if word == b"REPLACE":
            options.replace = True
        elif word == b"ABSTTL":
            options.absolute = arg
        elif word in (b"IDLETIME", b"FREQ") and options.access[:1] in ((), (word,)):
            options.access = (word, _access_number(word, next(rest, None)))
        else:
            raise syntax_error()
    return options


def _access_number(word: bytes, text: bytes | None) -> bytes:
    if text is None:
        raise syntax_error()
    number = parse_int(text)
    if word == b"IDLETIME" and number < 0:
        raise ReplyError("Invalid IDLETIME value, must be >= 0")
    if word == b"FREQ" and not 0 <= number <= 255:
        raise ReplyError("Invalid FREQ value, must be >= 0 and <= 255")
    return text


@command(
    "RESTORE", "write denyoom", keys="OW update @1", since="2.6.0", group="generic", acl="dangerous",
    complexity="O(size)",
)
def restore(tx: Tx, key: bytes, ttl: bytes, serialized_value: bytes, *options: bytes) -> str:
    """Create a key from a payload of DUMP, with a lifetime in milliseconds (0: none)."""
    wanted = _parse(options)
    taken = tx.db.get(key) is not None
    if taken and not wanted.replace:
        raise ReplyError("Target key name already exists.", "BUSYKEY")
    lifetime = parse_int(ttl)
    if lifetime < 0:
        raise ReplyError("Invalid TTL value, must be >= 0")
    checked = not tx.engine.switches.skip_checksums
    value = restore_value(serialized_value, checked)  # raises the reply for a payload that apply could not read
    payload = serialized_value if checked else dump_value(value)  # what is recorded has a good checksum
    deadline = lifetime if wanted.absolute or not lifetime else lifetime + tx.now
    # Redis lets the sum wrap around into the past, and so removes the key at once; the outcome here is the same.
    if lifetime and not tx.now < deadline <= INT64_MAX:
        if taken:
            tx.delete(key)
        return OK
    replace = (b"REPLACE",) if taken else ()
    tx.record(b"RESTORE", key, b"%d" % deadline, payload, *replace, *wanted.access, wanted.absolute or b"ABSTTL")
    return OK
