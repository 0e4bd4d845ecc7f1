"""Commands on whole strings: set, get and both at once.

Law: what replaces a string is recorded as `SET key value [KEEPTTL | PXAT unix-ms]`: no condition, no relative time.
"""

from __future__ import annotations

from store.commands.deadlines import deadline_after, parse_getex_options, parse_set_options
from store.commands.lookups import string_for_write
from store.commands.table import command
from store.errors import ReplyError
from store.replies import OK
from store.tx import Tx


@command(
    "SET", "write denyoom", keys="RW access update variable_flags @1", since="1.0.0", group="string", complexity="O(1)"
)
def set_(tx: Tx, key: bytes, value: bytes, *options: bytes) -> object:
    """Set a key to a string, on conditions and with a lifetime if asked."""
    if not options:
        tx.enter((b"SET", key, value))
        return OK
    wanted = parse_set_options(options)
    lifetime: tuple[bytes, ...] = ()
    if wanted.lifetime == b"KEEPTTL":
        lifetime = (b"KEEPTTL",)
    elif wanted.lifetime:
        lifetime = (b"PXAT", b"%d" % deadline_after("set", wanted.lifetime, wanted.amount, tx.now))
    reply: object = string_for_write(tx, key) if wanted.get else OK
    if wanted.condition and (tx.db.live(key) is None) != (wanted.condition == b"NX"):
        return reply if wanted.get else None
    tx.record(b"SET", key, value, *lifetime)
    return reply


@command("SETNX", "write denyoom fast", keys="OW insert @1", since="1.0.0", group="string", complexity="O(1)")
def setnx(tx: Tx, key: bytes, value: bytes) -> int:
    """Set a key that does not exist yet."""
    if tx.db.live(key) is not None:
        return 0
    tx.enter((b"SET", key, value))
    return 1


@command("SETEX", "write denyoom", keys="OW update @1", since="2.0.0", group="string", complexity="O(1)")
def setex(tx: Tx, key: bytes, seconds: bytes, value: bytes) -> str:
    """Set a key and let it expire after some seconds."""
    tx.record(b"SET", key, value, b"PXAT", b"%d" % deadline_after("setex", b"EX", seconds, tx.now))
    return OK


@command("PSETEX", "write denyoom", keys="OW update @1", since="2.6.0", group="string", complexity="O(1)")
def psetex(tx: Tx, key: bytes, milliseconds: bytes, value: bytes) -> str:
    """Set a key and let it expire after some milliseconds."""
    tx.record(b"SET", key, value, b"PXAT", b"%d" % deadline_after("psetex", b"PX", milliseconds, tx.now))
    return OK


@command("GET", "readonly fast", keys="RO access @1", since="1.0.0", group="string", complexity="O(1)")
def get(tx: Tx, key: bytes) -> bytes | None:
    """Answer the string at a key."""
    return tx.db.string(key)


@command("GETSET", "write denyoom fast", keys="RW access update @1", since="1.0.0", group="string", complexity="O(1)")
def getset(tx: Tx, key: bytes, value: bytes) -> bytes | None:
    """Set a key and answer the string it held before."""
    before = string_for_write(tx, key)
    tx.record(b"SET", key, value)
    return before


@command("GETDEL", "write fast", keys="RW access delete @1", since="6.2.0", group="string", complexity="O(1)")
def getdel(tx: Tx, key: bytes) -> bytes | None:
    """Answer the string at a key and delete the key."""
    value = string_for_write(tx, key)
    if value is not None:
        tx.delete(key)
    return value


@command("GETEX", "write fast", keys="RW access update @1", since="6.2.0", group="string", complexity="O(1)")
def getex(tx: Tx, key: bytes, *options: bytes) -> bytes | None:
    """Answer the string at a key and change when the key expires."""
    wanted = parse_getex_options(options)
    value = string_for_write(tx, key)
    if value is None or not wanted.lifetime:
        return value
    if wanted.lifetime == b"PERSIST":
        if tx.db.entries[key].deadline:
            tx.record(b"PERSIST", key)
        return value
    deadline = deadline_after("getex", wanted.lifetime, wanted.amount, tx.now)
    if deadline <= tx.now:
        tx.delete(key)
    else:
        tx.record(b"PEXPIREAT", key, b"%d" % deadline)
    return value


@command(
    "MSET", "write denyoom", keys="OW update @1:-1:2", since="1.0.1", group="string", complexity="O(keys)",
    tips="request_policy:multi_shard response_policy:all_succeeded",
)  # fmt: skip
def mset(tx: Tx, key: bytes, value: bytes, *pairs: bytes) -> str:
    """Set several keys at once."""
    if len(pairs) % 2:
        raise ReplyError("wrong number of arguments for 'mset' command")
    tx.enter((b"MSET", key, value, *pairs))
    return OK


@command(
    "MSETNX", "write denyoom", keys="OW insert @1:-1:2", since="1.0.1", group="string", complexity="O(keys)",
    tips="request_policy:multi_shard response_policy:agg_min",
)  # fmt: skip
def msetnx(tx: Tx, key: bytes, value: bytes, *pairs: bytes) -> int:
    """Set several keys at once, provided that none of them exists."""
    if len(pairs) % 2:
        raise ReplyError("wrong number of arguments for 'msetnx' command")
    if any(tx.db.live(name) is not None for name in (key, *pairs[::2])):
        return 0
    tx.record(b"MSET", key, value, *pairs)
    return 1


@command(
    "MGET", "readonly fast", keys="RO access @1:-1:1", since="1.0.0", group="string", complexity="O(keys)",
    tips="request_policy:multi_shard",
)  # fmt: skip
def mget(tx: Tx, key: bytes, *keys: bytes) -> list[bytes | None]:
    """Answer the strings at several keys, a null for each that holds none."""
    reply: list[bytes | None] = []
    for name in (key, *keys):
        value = tx.db.get(name)
        reply.append(bytes(value) if isinstance(value, bytes | bytearray) else None)
    return reply
