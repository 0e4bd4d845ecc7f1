"""Frames as bytes: the compiled writer makes what the plain one makes, and the reader reads it."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.log import pack
from store.log.frame import decode
from tests.kit.plain import plain_twin

FORMS: list[Any] = [plain_twin("store.log.pack").pack, pack.pack]
EDGES = [0, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**62 - 1]
number = st.sampled_from(EDGES) | st.integers(0, 2**62 - 1)
origins = st.none() | st.lists(st.tuples(st.integers(1, 99), st.text(max_size=5), st.text(max_size=5)), max_size=3)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 65535, 65536, 100_000])
@settings(max_examples=20)
@given(offset=number, unix_ms=number, db=number, origins=origins)
def test_a_frame_is_the_same_from_both_and_comes_back(size: int, offset: int, unix_ms: int, db: int, origins: Any) -> None:
    payload = bytes(size)
    made = [form(offset, unix_ms, db, msgpack.packb(origins), payload) for form in FORMS]
    assert made[0] == made[1]
    found = decode(made[0])
    assert found is not None
    frame, end = found
    assert (frame.offset, frame.unix_ms, frame.db, frame.origins, frame.payload) == (offset, unix_ms, db, origins, payload)
    assert (frame.raw, end) == (made[0], len(made[0]))
