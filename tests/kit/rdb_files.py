"""Pieces to make RDB files of by hand (also of versions nobody writes any more), and a dataset that uses every form."""

from collections.abc import Iterable, Iterator

from store.keyspace import Keyspace
from store.rdb.crc64 import crc64
from store.rdb.primitives import put_length
from store.values.base import Limits
from store.values.hash import Hash
from store.values.list import List
from store.values.set import Set
from store.values.sorted_set import SortedSet

EOF = b"\xff"


def length(number: int) -> bytes:
    """Encode an RDB length."""
    out = bytearray()
    put_length(out, number)
    return bytes(out)


def string(text: bytes) -> bytes:
    """Encode a string in its plainest form."""
    return length(len(text)) + text


def rdb(*parts: bytes, version: int = 10, checksum: bool = True) -> bytes:
    """Put a file together: header, parts, end, and the checksum (0 without one)."""
    body = b"REDIS%04d" % version + b"".join(parts) + EOF
    if version < 5:
        return body
    return body + (crc64(body) if checksum else 0).to_bytes(8, "little")


def entry(type_byte: int, key: bytes, value: bytes) -> bytes:
    """Encode a key with its value."""
    return bytes((type_byte,)) + string(key) + value


def payload(type_byte: int, value: bytes, version: int = 10) -> bytes:
    """Make a DUMP payload with a right checksum around any bytes."""
    body = bytes((type_byte,)) + value + version.to_bytes(2, "little")
    return body + crc64(body).to_bytes(8, "little")


def ziplist(*entries: bytes | int) -> bytes:
    """Make a ziplist: bytes become strings, numbers the smallest integer encoding."""
    body, before, last = b"", 0, 10
    for item in entries:
        encoded = (bytes((before,)) if before < 254 else b"\xfe" + before.to_bytes(4, "little")) + _ziplist_entry(item)
        last = 10 + len(body)
        body += encoded
        before = len(encoded)
    total = 10 + len(body) + 1
    return (
        total.to_bytes(4, "little") + last.to_bytes(4, "little") + len(entries).to_bytes(2, "little") + body + b"\xff"
    )


def _ziplist_entry(item: bytes | int) -> bytes:
    if isinstance(item, int):
        if 0 <= item <= 12:
            return bytes((0xF1 + item,))
        for first, size in ((0xFE, 1), (0xC0, 2), (0xF0, 3), (0xD0, 4), (0xE0, 8)):
            if -(1 << 8 * size - 1) <= item < 1 << 8 * size - 1:
                return bytes((first,)) + item.to_bytes(size, "little", signed=True)
        raise ValueError(f"{item} does not fit into 64 bits")
    if len(item) < 1 << 6:
        return bytes((len(item),)) + item
    if len(item) < 1 << 14:
        return (0x4000 | len(item)).to_bytes(2, "big") + item
    return b"\x80" + len(item).to_bytes(4, "big") + item


def zipmap(*pairs: tuple[bytes, bytes, int]) -> bytes:
    """Make a zipmap of (field, value, unused bytes)."""

    def size(text: bytes) -> bytes:
        return bytes((len(text),)) if len(text) < 254 else b"\xfe" + len(text).to_bytes(4, "little")

    body = b"".join(size(f) + f + size(v) + bytes((free,)) + v + b"?" * free for f, v, free in pairs)
    return bytes((min(len(pairs), 254),)) + body + b"\xff"


STRINGS = (
    b"", b"0", b"-1", b"127", b"128", b"-129", b"32767", b"-32769", b"2147483647", b"-2147483649",
    b"9223372036854775807", b"007", b"-0", b"+1", b"3.5", b"a" * 20, b"a" * 21,
    b"ab" * 5000, bytes(range(256)), b"x" * 100000,
)  # fmt: skip
SCORES = {
    b"inf": float("inf"), b"-inf": float("-inf"), b"zero": 0.0, b"tenth": 0.1, b"huge": 1e300, b"tiny": 1e-320,
    b"m1": -1.0, b"2^53": 2.0**53, b"2^62": 2.0**62, b"2^63": 2.0**63,
}  # fmt: skip
SIZES = (1, 5, 128, 129, 512, 513)


def mixed_commands() -> Iterator[list[object]]:
    """Yield commands that make a key of every type in every encoding, small and large, in three databases."""
    for db in (0, 3, 15):
        yield ["SELECT", db]
        for number, text in enumerate(STRINGS):
            yield ["SET", f"string:{number}", text]
        for size in SIZES:
            yield ["RPUSH", f"list:{size}", *(n if n % 2 else f"member:{n}" for n in range(size))]
            yield ["SADD", f"intset:{size}", *range(-size, size, 2)]
            yield ["SADD", f"set:{size}", *(f"member:{n}" for n in range(size))]
            yield ["HSET", f"hash:{size}", *(x for n in range(size) for x in (f"field:{n}", n * 1000003))]
            yield ["ZADD", f"zset:{size}", *(x for n in range(size) for x in (n / 3, f"member:{n}"))]
        yield ["SADD", "intset:32", 1, 40000, -(2**31)]
        yield ["SADD", "intset:64", 2**40, -(2**63)]
        yield ["RPUSH", "list:long", "x" * 10000, "y", "z" * 9000, bytes(range(256)) * 300]
        yield ["RPUSH", "list:lengths", *("q" * n for n in (0, 63, 64, 126, 127, 4095, 4096, 16382, 16383, 65535))]
        yield ["RPUSH", "list:integers", *numbers()]
        yield ["HSET", "hash:long", "field", "v" * 65]
        yield ["ZADD", "zset:scores", *(x for member, score in SCORES.items() for x in (score, member))]
        yield ["ZADD", "zset:long", 1, "m" * 65]
        yield ["PEXPIREAT", "string:1", 4000000000000]
        yield ["PEXPIREAT", "list:5", 4000000000001]


def numbers() -> list[int]:
    """Integers around every limit of the integer encodings."""
    around = {sign * 2**power + d for power in (0, 7, 12, 15, 23, 31, 62) for sign in (1, -1) for d in (-1, 0, 1)}
    return sorted(around | {2**63 - 1, -(2**63)})


def small_keyspace(deadline: int = 4000000000000) -> Keyspace:
    """A keyspace with one key of each type and encoding, as few bytes as that takes."""
    keyspace = Keyspace()
    keyspace.limits = Limits(hash_max_listpack_entries=2, set_max_intset_entries=2, zset_max_listpack_entries=2)
    first, second = keyspace.databases[0], keyspace.databases[5]
    first.put(b"text", b"value")
    first.put(b"number", b"1234")
    first.set_deadline(b"number", deadline)
    first.put(b"packed", b"a" * 40)
    first.put(b"list", List([b"a", b"12", b""]))
    second.put(b"intset", Set([b"1", b"70000"]))
    second.put(b"set", Set([b"a", b"b", b"3"]))
    second.put(b"hash", Hash({b"f": b"v"}))
    second.put(b"table", Hash({b"f%d" % n: b"v" for n in range(3)}))
    second.put(b"zset", SortedSet([(b"m", 1.5), (b"n", -2.0)]))
    second.put(b"skiplist", SortedSet([(b"m%d" % n, n / 3) for n in range(3)]))
    return keyspace


def contents(keyspace: Keyspace) -> dict[tuple[int, bytes], tuple[object, int]]:
    """Everything a keyspace holds, in a form that can be compared: (database, key) to (value, deadline)."""
    return {
        (db.index, item.key): (plain(item.value), item.deadline) for db in keyspace.databases for item in db.order
    }  # fmt: skip


def plain(value: object) -> object:
    """A value as builtin types, order kept where it counts."""
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, Hash):
        return value.to_dict()
    if isinstance(value, Set):
        return set(value)
    if isinstance(value, SortedSet):
        return ("zset", list(value))
    if isinstance(value, List):
        return list(value)
    return value


def members(texts: Iterable[bytes]) -> bytes:
    """Encode texts as RDB strings, one after the other."""
    return b"".join(map(string, texts))
