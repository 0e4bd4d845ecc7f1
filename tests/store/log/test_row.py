"""Rows of events: the compiled form is like the plain one, and both like a list of bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.events import encode_event
from store.log import row
from tests.kit.plain import plain_twin

FORMS: list[Any] = [plain_twin("store.log.row").Row, row.Row]
event = st.lists(st.binary(max_size=30), min_size=1, max_size=4)
step = st.tuples(st.sampled_from(["append", "enter", "insert", "cut", "begins"]), event, st.integers(0, 12))


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=40)
@given(steps=st.lists(step, max_size=40))
def test_a_row_is_a_list_of_events(form: Any, steps: list[tuple[str, list[bytes], int]]) -> None:
    made, model = form(), []
    for name, words, place in steps:
        data = encode_event(*words)
        if name == "append":
            made.append(data)
            model.append(data)
        elif name == "enter":
            assert made.enter(tuple(words)) == len(data)
            model.append(data)
        elif name == "insert":
            place = min(place, len(model))
            made.insert(place, data)
            model.insert(place, data)
        elif name == "begins" and place < len(model):
            assert made.begins(place, data[:5]) == model[place].startswith(data[:5])
        elif name == "cut":
            assert made.cut(place) == b"".join(model[:place])
            del model[:place]
        assert len(made) == len(model)
    assert made.cut(len(model)) == b"".join(model)
    assert len(made) == 0
