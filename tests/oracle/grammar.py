"""A small language for command templates, and the pools of words they draw from.

Law: everything comes from the random.Random handed in, so a seed repeats a sequence exactly; pools are small, so that
keys collide, types clash and numbers sit on their edges.

    template := item*
    item     := WORD | <pool> | [a | b] (one or nothing) | (a | b) (one) | {a} (one to three times)
"""

import re
from collections.abc import Callable
from random import Random

Words = list[bytes]
Node = Callable[[Random], Words]
Command = tuple[bytes, ...]

TOKEN = re.compile(r"<[\w:]+>|[\[\](){}|]|[^\s\[\](){}|<]+")
CLOSING = {"[": "]", "(": ")", "{": "}"}


def words(text: str) -> Words:
    """Split text into byte words."""
    return [word.encode() for word in text.split()]


INT64_EDGES = words("9223372036854775807 -9223372036854775808 9223372036854775808")
EDGE_INTEGERS = [*INT64_EDGES, *words("4294967296 -2147483649 00 +1 -0 1e3")]
# No NUL at the start: SORT ALPHA compares up to the first NUL only, and may leave what is equal so far in any order.
ODD_WORDS = [b"", b"abc", b" 1", b"1 ", b"1.5", b"nan", b"\xff\x00", b"0x10"]
ODD_VALUES = [b"", b"\xff\x00\r\n", b"x" * 70, b"foo bar"]
VALUES = [*words("a b hello world 0 1 2 10 -5 3.0 12345678901234567890 Ma~g"), *ODD_VALUES]
# Nothing that over- or underflows: it leaves errno set in redis-server, and a later SORT there trips over it.
FLOATS = words("0 1 -1 0.1 1.5 -2.25 3.0e2 1e17 1e-7 1234567.891 1e-300 17179869184.5 100000000000000000000")
# Whole numbers above 2^53 read differently in ZSCAN by a sorted set's encoding, which in redis-server even SORT changes.
SCORES = [number for number in FLOATS if number != b"1e17"]
ODD_FLOATS = [*words("inf -inf nan abc 0x1p3 1. .5 - +2 1,5"), b"", b" 1", b"1 "]
MEMBERS = [*words("a b c d 1 2 03 -7 3.5 member:6"), b"", b"y" * 70]
PATTERNS = words("* s? h* [lz]* [^s]* *1 \\* a*b ? l[1-2] *:* [a-c]")
SECONDS = [*words("1000 5000 100000 0 -1 -1000 9223372036854775807 9223372036854775"), *ODD_WORDS[:3]]
MILLISECONDS = [*words("1000000 5000000 0 -1 -1000 9223372036854775807"), *ODD_WORDS[:3]]
TIMES = words("4102444800 4102448400 4102444801 1 0 -1 9223372036854775807 abc")
MILLISECOND_TIMES = words("4102444800000 4102448400000 4102444800001 1 0 -1 9223372036854775807 abc")
BIT_TYPES = words("u1 u8 i8 u4 i5 u32 i64 u63 u64 i65 u0 x8 i")
BIT_OFFSETS = words("0 1 7 8 100 #0 #1 #3 -1 # abc 4294967296")
STREAM_IDS = words("1-1 1-2 2-1 2-* 3 5-5 10-0 0-0 0-1 - + 18446744073709551615-18446744073709551615 x 1-x")

# Names of keys by the type a family creates in them; `key` draws from all.
KEYS = {
    "string": words("s1 s2 s3 s4"),
    "hash": words("h1 h2 h3"),
    "list": words("l1 l2 l3"),
    "set": words("t1 t2 t3"),
    "zset": words("z1 z2 z3"),
    "bits": words("b1 b2 b3"),
    "log": words("p1 p2"),
    "stream": words("x1 x2"),
    "geo": words("g1 g2"),
}
ALL_KEYS = [key for keys in KEYS.values() for key in keys] + [b"nokey", b"w_a", b"w_1", b"w_2"]
# Words take the place of keys where another word was left out.
EVERY_KEY = sorted({*ALL_KEYS, *VALUES, *MEMBERS, *SECONDS, *MILLISECONDS, *TIMES, *MILLISECOND_TIMES, *FLOATS})


def mixed(*weighted: tuple[float, Words]) -> Node:
    """Return a node that draws one word, each pool with its weight."""
    weights = [weight for weight, _ in weighted]
    pools = [pool for _, pool in weighted]
    return lambda rng: [rng.choice(rng.choices(pools, weights)[0])]


def small_integers(low: int, high: int) -> Words:
    """Return the integers from low to high as words."""
    return [b"%d" % number for number in range(low, high + 1)]


POOLS: dict[str, Node] = {
    "key": mixed((1, ALL_KEYS)),
    # Asked for before DBSIZE, which counts keys past their deadline until someone looks at them.
    "everykey": lambda _rng: EVERY_KEY,
    "value": mixed((1, VALUES)),
    "member": mixed((1, MEMBERS)),
    "field": mixed((1, MEMBERS)),
    "integer": mixed((12, small_integers(-12, 12)), (2, EDGE_INTEGERS), (1, ODD_WORDS)),
    "index": mixed((20, small_integers(-5, 6)), (1, EDGE_INTEGERS), (1, ODD_WORDS)),
    # Negative edges are left out: a negative count asks for that many repetitions.
    "count": mixed((24, small_integers(-4, 6)), (1, [b"100", INT64_EDGES[0]]), (1, [INT64_EDGES[2]]), (2, ODD_WORDS)),
    # Large offsets are errors only: one below the limit would allocate half a gigabyte.
    "offset": mixed((20, small_integers(0, 60)), (1, [b"-1", b"536870912", b"4294967296", *ODD_WORDS])),
    "bit": mixed((20, [b"0", b"1"]), (1, [b"2", *ODD_WORDS])),
    "float": mixed((12, FLOATS), (1, ODD_FLOATS)),
    "score": mixed((6, small_integers(-3, 9)), (3, SCORES), (1, ODD_FLOATS)),
    "scoremin": mixed((8, words("-inf 0 (0 1 (1 2 -1 1.5 (-inf")), (1, ODD_FLOATS)),
    "scoremax": mixed((8, words("+inf 2 (2 3 (5 9 10 100 (+inf")), (1, ODD_FLOATS)),
    "lexmin": mixed((8, words("- [a (a [b (b [1 [0 [")), (1, words("a + x"))),
    "lexmax": mixed((8, words("+ [z (z [c (c [b [member")), (1, words("a - x"))),
    "pattern": mixed((1, PATTERNS)),
    "seconds": mixed((1, SECONDS)),
    "milliseconds": mixed((1, MILLISECONDS)),
    "time": mixed((1, TIMES)),
    "mstime": mixed((1, MILLISECOND_TIMES)),
    "weight": mixed((6, words("1 2 0 -1 0.5 3")), (1, words("inf -inf")), (1, [*words("nan abc"), b""])),
    "db": mixed((20, words("0 1 2")), (1, words("16 -1 abc"))),
    "bittype": mixed((1, BIT_TYPES)),
    "bitoffset": mixed((1, BIT_OFFSETS)),
    "streamid": mixed((1, STREAM_IDS)),
    "longitude": mixed((12, words("13.361389 15.087269 2.35 0 -122.4 179.9 -180")), (1, words("181 abc"))),
    "latitude": mixed((12, words("38.115556 37.502669 48.85 0 37.7 -85")), (1, words("86 abc"))),
    "radius": mixed((8, words("10 200 1000.5 20000 0")), (1, words("-1 abc"))),
}


def keys_of(kind: str) -> Node:
    """Return a node that mostly draws a key of kind, sometimes any key: type errors must be seen too."""
    return mixed((12, KEYS[kind]), (1, ALL_KEYS))


def counted_keys(kind: str) -> Node:
    """Return a node that draws a key count and that many keys; sometimes the count is wrong."""
    key = keys_of(kind)

    def draw(rng: Random) -> Words:
        number = rng.randint(1, 3)
        keys = [word for _ in range(number) for word in key(rng)]
        said = b"%d" % number if rng.random() < 0.93 else rng.choice([b"0", b"-1", b"4", b"1", b"abc"])
        return [said, *keys]

    return draw


# Ranges by member are defined among equal scores only: these keys get no other, and no other command reaches them.
POOLS["lex"] = mixed((1, words("y1 y2")))
for _kind in KEYS:
    POOLS[_kind] = keys_of(_kind)
    POOLS[f"numkeys:{_kind}"] = counted_keys(_kind)


def parse(template: str) -> Node:
    """Turn a template into a function that draws one command from it."""
    tokens = TOKEN.findall(template)
    node, rest = parse_choice(tokens)
    if rest:
        raise ValueError(f"unbalanced {rest[0]!r} in template {template!r}")
    return node


def parse_choice(tokens: list[str]) -> tuple[Node, list[str]]:
    """Parse `a | b | …` up to a closing bracket; return the node and what is left."""
    branches: list[Node] = []
    while True:
        items: list[Node] = []
        while tokens and tokens[0] not in "])}|":
            item, tokens = parse_item(tokens)
            items.append(item)
        branches.append(sequence(items))
        if not tokens or tokens[0] != "|":
            return (branches[0] if len(branches) == 1 else choice(branches)), tokens
        tokens = tokens[1:]


def parse_item(tokens: list[str]) -> tuple[Node, list[str]]:
    """Parse one item; return its node and what is left."""
    first, rest = tokens[0], tokens[1:]
    if first.startswith("<"):
        return POOLS[first[1:-1]], rest
    if first not in CLOSING:
        word = first.encode()
        return (lambda _rng: [word]), rest
    inner, rest = parse_choice(rest)
    if not rest or rest[0] != CLOSING[first]:
        raise ValueError(f"{first!r} is not closed")
    if first == "(":
        return inner, rest[1:]
    return optional(inner) if first == "[" else repeated(inner), rest[1:]


def sequence(items: list[Node]) -> Node:
    """Draw every item in order."""
    return lambda rng: [word for item in items for word in item(rng)]


def choice(branches: list[Node]) -> Node:
    """Draw one of the branches."""
    return lambda rng: rng.choice(branches)(rng)


def optional(node: Node) -> Node:
    """Draw node in two of five cases."""
    return lambda rng: node(rng) if rng.random() < 0.4 else []


def repeated(node: Node) -> Node:
    """Draw node one to three times."""
    return lambda rng: [word for _ in range(rng.choice((1, 1, 2, 3))) for word in node(rng)]
