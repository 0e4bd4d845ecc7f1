"""The stream against a plain list of entries, over random edits; sizes of nodes against their real encoding."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from store.rdb.compact import encode_listpack
from store.rdb.streams import _elements
from store.values.base import Limits
from store.values.stream import Stream
from store.values.stream_node import MAX_ID, Node, id_text, make_id

edits = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 3)),
        st.tuples(st.just("delete"), st.integers(0, 60)),
        st.tuples(st.just("trim"), st.integers(0, 30)),
    ),
    max_size=60,
)


@settings(max_examples=150)
@given(edits, st.integers(1, 9))
def test_a_stream_is_a_list_of_entries(steps: list[tuple[str, int]], node_entries: int) -> None:
    stream, model = Stream(), dict[int, tuple[bytes, ...]]()
    limits = Limits(stream_node_max_entries=node_entries)
    for number, (kind, argument) in enumerate(steps):
        if kind == "add":
            fields = (b"name", b"%d" % number) * argument
            stream.append(stream.last + argument, fields, limits)
            model[stream.last] = fields
        elif kind == "delete":
            assert stream.delete(argument) == (model.pop(argument, None) is not None)
        else:
            gone = list(model)[: max(len(model) - argument, 0)]
            assert stream.trim(argument) == len(gone)
            for key in gone:
                del model[key]
        stream._check()
        assert dict(stream) == model
    for start in range(0, 70, 7):
        inside = [(key, fields) for key, fields in model.items() if start <= key <= start + 20]
        assert list(stream.range(start, start + 20)) == inside
        assert list(stream.backwards(start, start + 20)) == inside[::-1]
        assert stream.below(start) == sum(key < start for key in model)
    twin = stream.copy()
    twin._check()
    assert dict(twin) == model
    while not twin.drop(3):
        pass
    assert dict(stream) == model


numbers = st.integers(-(1 << 64), 1 << 64).map(lambda number: b"%d" % number)
words = st.one_of(st.binary(max_size=70), numbers, st.sampled_from([b"-", b"007", b"-0"]))


@given(
    st.lists(st.lists(st.tuples(words, words), min_size=1, max_size=3), min_size=1, max_size=5), st.integers(0, 1 << 70)
)
def test_a_nodes_size_is_that_of_its_encoding(contents: list[list[tuple[bytes, bytes]]], step: int) -> None:
    flat = [tuple(part for pair in pairs for part in pair) for pairs in contents]
    node = Node(make_id(5, 9), flat[0][::2])
    for number, fields in enumerate(flat):
        node.add(node.base + number * (step + 1), fields)
    size = len(encode_listpack(_elements(node)))
    assert not node.is_full(0, size + 1, 0)
    assert node.is_full(0, size, 0)


def test_long_elements_have_the_size_of_their_encoding() -> None:
    for size in (63, 64, 125, 126, 127, 128, 4095, 4096, 16377, 16378, 16384, 70000):
        node = Node(1, (b"f",))
        node.add(1, (b"f", b"x" * size))
        whole = len(encode_listpack(_elements(node)))
        assert not node.is_full(0, whole + 1, 0)
        assert node.is_full(0, whole, 0)


def test_ids_compare_as_numbers() -> None:
    assert id_text(make_id(12, 7)) == b"12-7"
    assert id_text(MAX_ID) == b"18446744073709551615-18446744073709551615"
    assert make_id(1, (1 << 64) - 1) + 1 == make_id(2, 0)
