"""Glob matching: the table of corners, random patterns against a plain matcher and redis-server, and no blow-up."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.glob import compile_glob
from tests.kit.servers import redis_server, requires_redis

CORNERS = [
    (b"", b"", True),
    (b"", b"a", False),
    (b"*", b"", True),
    (b"**", b"", False),
    (b"**", b"anything\n\xff", True),
    (b"?", b"", False),
    (b"?", b"\n", True),
    (b"h?llo", b"hello", True),
    (b"h*llo", b"hllo", True),
    (b"*llo", b"hello", True),
    (b"*ell*", b"hello", True),
    (b"h*", b"oh", False),
    (b"h[ae]llo", b"hallo", True),
    (b"h[^e]llo", b"hello", False),
    (b"h[^e]llo", b"hbllo", True),
    (b"h[a-c]llo", b"hbllo", True),
    (b"[c-a]", b"b", True),  # ends in the wrong order
    (b"[a-]", b"-", False),  # a range from a to ], left open
    (b"[a-]", b"^", True),
    (b"[a-", b"-", True),
    (b"[a", b"a", True),  # a set left open
    (b"[", b"[", False),
    (b"[]", b"]", False),
    (b"[]a]", b"a]", False),
    (b"[^]", b"x", True),
    (b"[^", b"x", True),
    (b"[\\]]", b"]", True),
    (b"[\\a-c]", b"-", True),  # an escaped byte starts no range
    (b"[\\", b"\\", True),
    (b"[a-\\]]", b"\\]", True),  # but may end one
    (b"\\*", b"*", True),
    (b"\\*", b"x", False),
    (b"\\", b"\\", True),
    (b"a\\", b"a\\", True),
    (b"a*b*c", b"abbbcbc", True),
    (b"a*b*c", b"abcb", False),
    (b"*a*a", b"a", False),
    (b"[\x7f-\x80]", b"a", True),  # char is signed: the range from -128 to 127
]


@pytest.mark.parametrize(("pattern", "subject", "matches"), CORNERS)
def test_corners(pattern: bytes, subject: bytes, matches: bool) -> None:
    assert compile_glob(pattern)(subject) is matches


@pytest.mark.parametrize(
    ("pattern", "subject", "matches"),
    [
        (b"MaxMemory*", b"maxmemory-policy", True),
        (b"max*", b"MAX", True),
        (b"[A-Z]", b"q", True),
        (b"[Z-a]", b"m", False),  # ordered first, then lowered: from z to a nothing is left
        (b"[\\A]", b"a", False),  # an escaped byte in a set stays exact
        (b"[^a]", b"A", False),
        (b"\\A", b"a", True),
        (b"\xc4", b"\xe4", False),  # ASCII letters only
    ],
)
def test_case_may_be_ignored(pattern: bytes, subject: bytes, matches: bool) -> None:
    assert compile_glob(pattern, ignore_case=True)(subject) is matches


def plain(pattern: bytes, subject: bytes) -> bool:
    """Match by the definition: every place for every star (patterns of literals, ? and * only)."""
    if not pattern:
        return not subject
    if pattern[:1] == b"*":
        return any(plain(pattern[1:], subject[cut:]) for cut in range(len(subject) + 1))
    return bool(subject) and pattern[:1] in (b"?", subject[:1]) and plain(pattern[1:], subject[1:])


def small(alphabet: str, size: int) -> st.SearchStrategy[bytes]:
    return st.text(alphabet, max_size=size).map(str.encode)


@given(small("ab?*", 8), small("ab", 8))
def test_stars_match_as_if_every_place_was_tried(pattern: bytes, subject: bytes) -> None:
    assert compile_glob(pattern)(subject) is (plain(pattern, subject) if subject or pattern == b"*" else not pattern)


@given(st.binary(max_size=12))
def test_every_pattern_compiles_and_its_escaped_form_matches_itself(pattern: bytes) -> None:
    compile_glob(pattern)(b"subject")
    compile_glob(pattern, ignore_case=True)(b"subject")
    assert compile_glob(re.sub(rb"(.)", rb"\\\1", pattern, flags=re.DOTALL))(pattern)


def test_many_stars_do_not_blow_up() -> None:
    # A matcher that tried every place would need about 10^40 steps here.
    assert compile_glob(b"a*" * 30 + b"b")(b"a" * 10_000) is False
    assert compile_glob(b"*?" * 30 + b"b")(b"a" * 10_000) is False


@requires_redis
def test_redis_finds_the_same_keys() -> None:
    subjects = sorted({subject for _, subject, _ in CORNERS} | {b"a", b"b", b"B", b"ab", b"\xff", b"[a", b"a-c", b"^"})
    patterns = [pattern for pattern, _, _ in CORNERS] + [b"[b-\xff]", b"[^a-c]*", b"[\\^a]", b"?*?", b"*[a-b]"]
    with redis_server("--save", "") as server, server.client() as client:
        client.command("MSET", *[part for subject in subjects for part in (subject, b"1")])
        for pattern in patterns:
            found = client.command("KEYS", pattern)
            match = compile_glob(pattern)
            assert sorted(found) == [subject for subject in subjects if match(subject)], pattern
