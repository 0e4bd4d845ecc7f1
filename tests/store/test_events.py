"""Events as bytes: canonical, countable, and read back only when they are whole."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import CorruptLog
from store.events import decode_events, decode_events_plain, encode_event, encode_select, event_size, selected_db

events = st.lists(st.lists(st.binary(max_size=120), min_size=1, max_size=12), max_size=12)


def test_an_event_is_a_resp_array_of_bulk_strings() -> None:
    assert encode_event(b"SET", b"key", b"") == b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$0\r\n\r\n"


@given(events)
def test_what_was_encoded_is_decoded_with_its_positions(commands: list[list[bytes]]) -> None:
    encoded = [encode_event(*args) for args in commands]
    starts = [sum(map(len, encoded[:number])) for number in range(len(encoded))]
    assert list(decode_events(b"".join(encoded))) == list(zip(starts, commands, strict=True))
    assert [event_size(args) for args in commands] == [len(event) for event in encoded]


def test_events_larger_than_a_piece_and_many_small_ones_are_found() -> None:
    commands = [[b"SET", b"k%d" % number, b"x" * size] for number, size in enumerate([0, 9, 10, 99, 100, 200_000, 3])]
    commands += [[b"DEL", b"k%d" % number] for number in range(20_000)]
    payload = b"".join(encode_event(*args) for args in commands)
    assert [args for _, args in decode_events(payload)] == commands


@pytest.mark.parametrize(
    ("payload", "position"),
    [
        (encode_event(b"PING") + b"*2\r\n$3\r\nGET\r\n", 14),
        (encode_event(b"PING") + b"PING\r\n", 14),
        (b"*1\r\n:1\r\n", 0),
        (b"*0\r\n", 0),
        (b"*1\r\n$-1\r\n", 0),
        (b"*1\r\n*1\r\n$1\r\na\r\n", 0),
        (encode_event(b"PING") + b"%1\r\n*0\r\n:1\r\n", 14),
        (b"*1\r\n$04\r\nPING\r\n", 0),
    ],
)
def test_bytes_that_are_no_whole_events_are_refused_by_position(payload: bytes, position: int) -> None:
    with pytest.raises(CorruptLog) as caught:
        list(decode_events(payload, "some.seg", base=100))
    assert (caught.value.path, caught.value.position) == ("some.seg", 100 + position)


@given(events, st.integers(0, 400), st.binary(max_size=3))
def test_compiled_and_plain_code_find_the_same_in_damaged_bytes(commands: list[list[bytes]], place: int, patch: bytes) -> None:
    payload = b"".join(encode_event(*args) for args in commands)
    damaged = payload[:place] + patch + payload[place + len(patch) :]
    assert outcome(decode_events(damaged)) == outcome(decode_events_plain(damaged))


def outcome(found: Iterator[tuple[int, list[bytes]]]) -> tuple[list[tuple[int, list[bytes]]], str]:
    """The events up to the first damage, and what is said of that."""
    whole: list[tuple[int, list[bytes]]] = []
    try:
        for event in found:
            whole.append(event)  # one by one: they are kept although it may end in damage
    except CorruptLog as error:
        return whole, str(error)
    return whole, ""


def test_the_database_selected_last_is_found() -> None:
    payload = encode_select(3) + encode_event(b"SET", b"SELECT", b"7") + encode_select(11) + encode_event(b"PING")
    assert selected_db(payload, 0) == 11
    assert selected_db(encode_event(b"PING"), 5) == 5
