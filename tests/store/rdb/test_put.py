"""Writing is compiled: what it writes is what the plain form writes, to the byte."""

import math
from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from store.database import Database
from store.entry import Stored
from store.keyspace import Keyspace
from store.rdb import put, put_listpack
from store.rdb.encode import put_value, type_of
from store.values.base import Limits
from store.values.hash import Hash
from store.values.sorted_set import SortedSet
from tests.kit.plain import plain_twin

PLAIN, PLAIN_LISTPACK = plain_twin("store.rdb.put"), plain_twin("store.rdb.put_listpack")
BITS = (0, 6, 7, 8, 12, 13, 15, 16, 23, 31, 32, 62, 63)
EDGES = sorted({sign * (1 << bits) + off for bits in BITS for sign in (1, -1) for off in (-1, 0, 1)})
ODD = [b"-0", b"00", b"-", b"+1", b"1 ", b"01", b"a" * 5000, b"ab" * 3000]
NUMBERS = st.sampled_from(EDGES) | st.integers(-(1 << 65), 1 << 65)
TEXTS = st.binary(max_size=300) | NUMBERS.map(b"%d".__mod__) | st.sampled_from(ODD)
SCORES = st.floats(allow_nan=False) | st.integers(-(1 << 64), 1 << 64).map(float) | st.integers(-(10**9), 10**9).map(lambda n: n / 64)


def written(module: ModuleType, name: str, *args: object) -> bytes:
    """What a function appends."""
    out = bytearray(b"before")
    getattr(module, name)(out, *args)
    return bytes(out)


@given(TEXTS, st.booleans())
def test_strings(text: bytes, packing: bool) -> None:
    expected = written(PLAIN, "put_string", text, packing)
    assert written(put, "put_string", text, packing) == written(put, "put_string", bytearray(text), packing) == expected


@pytest.mark.parametrize("number", EDGES)
def test_numbers_at_the_edges_of_their_forms(number: int) -> None:
    text = b"%d" % number
    assert written(put, "put_string", text, False) == written(PLAIN, "put_string", text, False)
    assert put_listpack.encode_listpack([text]) == PLAIN_LISTPACK.encode_listpack([text])
    if number >= 0:
        assert written(put, "put_length", number) == written(PLAIN, "put_length", number)


@given(st.lists(TEXTS, max_size=20))
def test_listpacks(entries: list[bytes]) -> None:
    expected = PLAIN_LISTPACK.encode_listpack(entries)
    assert put_listpack.encode_listpack(entries) == put_listpack.encode_listpack(iter(entries)) == expected


@pytest.mark.parametrize("size", [126, 127, 128, 4094, 4095, 4096, 16380, 16383, 16390, 2097146, 2097151, 2097160])
def test_long_entries_of_listpacks(size: int) -> None:
    assert put_listpack.encode_listpack([b"x" * size, b"1"]) == PLAIN_LISTPACK.encode_listpack([b"x" * size, b"1"])


LIMITS = st.sampled_from([60, 500, 4096]), st.sampled_from([1, 7, 1 << 32]), st.sampled_from([100, 1 << 30])


@given(st.lists(TEXTS, max_size=50), *LIMITS)
def test_nodes_of_lists(members: list[bytes], most_bytes: int, most_members: int, longest: int) -> None:
    nodes = PLAIN_LISTPACK.cut_nodes(members, most_bytes, most_members, longest)
    assert put_listpack.cut_nodes(members, most_bytes, most_members, longest) == nodes
    assert written(put, "put_strings", members, True) == written(PLAIN, "put_strings", members, True)


@given(st.lists(st.tuples(SCORES, TEXTS), max_size=20))
@example([(score, b"m") for score in (math.inf, -math.inf, -0.0, 0.1, 2.0**62, -(2.0**62), 2.0**53, 2.0**53 + 2)])
def test_scores(pairs: list[tuple[float, bytes]]) -> None:
    assert put_listpack.encode_scores(pairs) == PLAIN_LISTPACK.encode_scores(pairs)
    assert [put_listpack.format_score(score) for score, _ in pairs] == [PLAIN_LISTPACK.format_score(score) for score, _ in pairs]
    assert [written(put, "put_double", score) for score, _ in pairs] == [written(PLAIN, "put_double", score) for score, _ in pairs]


def filled() -> Database:
    """Strings of both kinds, with and without a deadline, and what takes another way."""
    db = Keyspace().databases[0]
    for number in range(50):
        db.put(b"key:%d" % number, b"%d" % (number * 97) if number % 2 else bytearray(b"v" * number)).access = number * 300
        if number % 3 == 0:
            db.set_deadline(b"key:%d" % number, 1_700_000_000_000 + number)
    db.put(b"small hash", Hash({b"%d" % number: b"v" * number for number in range(70)}))
    db.put(b"hash", Hash({b"%d" % number: b"v" * number for number in range(200)}))
    db.put(b"small zset", SortedSet((b"m" * number, number / 7) for number in range(1, 60)))
    db.put(b"zset", SortedSet((b"m%d" % number, number / 64) for number in range(300)))
    return db


@pytest.mark.parametrize("access", [None, "idle", "frequency"])
@pytest.mark.parametrize("most", [0, 100, 1 << 20])
def test_keys(access: str | None, most: int) -> None:
    db = filled()
    assert keys(put, db, access, most) == keys(PLAIN, db, access, most)


def plain_put(out: bytearray, key: bytes, value: Stored) -> None:
    """Append type, key and value of a collection as the plain form does."""
    out.append(type_of(value))
    PLAIN.put_string(out, key, False)
    if isinstance(value, Hash) and value.compact:
        PLAIN.put_string(out, PLAIN_LISTPACK.encode_listpack(part for pair in value.items() for part in pair), False)
    elif isinstance(value, SortedSet) and value.compact:
        PLAIN.put_string(out, PLAIN_LISTPACK.encode_scores(value), False)
    else:
        put_value(out, value, Limits(), False)


def keys(module: ModuleType, db: Database, access: str | None, most: int) -> list[tuple[int, bytes]]:
    """Each piece of a database's keys with the place after it."""
    pieces: list[tuple[int, bytes]] = []
    place = 0
    while place < len(db.order):
        out = bytearray()
        place = module.put_keys(out, db.order, place, most, False, access, 9000, plain_put)
        pieces.append((place, bytes(out)))
    return pieces
