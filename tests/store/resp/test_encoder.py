"""Replies to bytes: every type in RESP2 and RESP3, the compiled encoder like the plain one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import ReplyError
from store.replies import NO_REPLY, NULL_ARRAY, Attributed, BigNumber, Pairs, Push, SetReply, Several, Verbatim
from store.resp import codec, encoded
from store.resp import encoder as plain

ENCODERS: list[Any] = [plain.encode]
if codec.IMPLEMENTATION == "compiled":
    ENCODERS.append(encoded.encode)

TABLE: list[tuple[object, bytes, bytes]] = [
    (None, b"$-1\r\n", b"_\r\n"),
    (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
    (NO_REPLY, b"", b""),
    ("OK", b"+OK\r\n", b"+OK\r\n"),
    ("Background saving started", b"+Background saving started\r\n", b"+Background saving started\r\n"),
    (5, b":5\r\n", b":5\r\n"),
    (-(1 << 63), b":-9223372036854775808\r\n", b":-9223372036854775808\r\n"),
    (True, b":1\r\n", b"#t\r\n"),
    (False, b":0\r\n", b"#f\r\n"),
    (b"", b"$0\r\n\r\n", b"$0\r\n\r\n"),
    (b"a\r\nb", b"$4\r\na\r\nb\r\n", b"$4\r\na\r\nb\r\n"),
    (3.1, b"$18\r\n3.1000000000000001\r\n", b",3.1000000000000001\r\n"),
    (float("-inf"), b"$4\r\n-inf\r\n", b",-inf\r\n"),
    ([b"a", 1, None], b"*3\r\n$1\r\na\r\n:1\r\n$-1\r\n", b"*3\r\n$1\r\na\r\n:1\r\n_\r\n"),
    ([], b"*0\r\n", b"*0\r\n"),
    ({b"k": 1}, b"*2\r\n$1\r\nk\r\n:1\r\n", b"%1\r\n$1\r\nk\r\n:1\r\n"),
    (SetReply([b"m"]), b"*1\r\n$1\r\nm\r\n", b"~1\r\n$1\r\nm\r\n"),
    (Push([b"message"]), b"*1\r\n$7\r\nmessage\r\n", b">1\r\n$7\r\nmessage\r\n"),
    (Pairs([b"m", 1.0]), b"*2\r\n$1\r\nm\r\n$1\r\n1\r\n", b"*1\r\n*2\r\n$1\r\nm\r\n,1\r\n"),
    (Verbatim(b"hi"), b"$2\r\nhi\r\n", b"=6\r\ntxt:hi\r\n"),
    (BigNumber(12), b"$2\r\n12\r\n", b"(12\r\n"),
    (Several([1, b"x"]), b":1\r\n$1\r\nx\r\n", b":1\r\n$1\r\nx\r\n"),
    (Attributed({b"k": 1}, b"v"), b"$1\r\nv\r\n", b"|1\r\n$1\r\nk\r\n:1\r\n$1\r\nv\r\n"),
    (ReplyError("no\r\nway"), b"-ERR no  way\r\n", b"-ERR no  way\r\n"),
]


@pytest.mark.parametrize("encode", ENCODERS)
@pytest.mark.parametrize(("reply", "resp2", "resp3"), TABLE)
def test_each_type_of_reply(encode: Any, reply: object, resp2: bytes, resp3: bytes) -> None:
    assert encode(reply, 2) == resp2
    assert encode(reply, 3) == resp3


replies = st.recursive(
    st.none() | st.booleans() | st.integers() | st.binary() | st.just("OK"),
    lambda inner: st.lists(inner) | st.dictionaries(st.binary(), inner),
)


@pytest.mark.skipif(len(ENCODERS) < 2, reason="the compiled encoder is not built")
@given(reply=replies, resp=st.sampled_from([2, 3]))
def test_both_encoders_agree(reply: object, resp: int) -> None:
    assert ENCODERS[0](reply, resp) == ENCODERS[1](reply, resp)


@pytest.mark.skipif(len(ENCODERS) < 2, reason="the compiled encoder is not built")
@given(words=st.lists(st.binary(max_size=200), min_size=1, max_size=12))
def test_both_event_encoders_agree(words: list[bytes]) -> None:
    assert encoded.encode_event(*words) == plain.encode_event(*words)


@pytest.mark.parametrize("encode", ENCODERS)
def test_a_value_no_command_should_return_is_refused(encode: Any) -> None:
    with pytest.raises((TypeError, KeyError)):
        encode(object(), 2)
