"""What is collected for one client: both forms hold the same bytes, and give a socket what it takes."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.client.output import joined
from store.resp import IMPLEMENTATION, encoded
from tests.kit.plain import plain_twin

FORMS: list[Any] = [plain_twin("store.resp.encoded").Encoded]
if IMPLEMENTATION == "compiled":
    FORMS.append(encoded.Encoded)

replies = st.recursive(st.none() | st.booleans() | st.integers() | st.binary() | st.text("a\x7fé", max_size=3), st.lists)


@settings(max_examples=40)
@given(parts=st.lists(st.tuples(st.sampled_from(["append", "reply", "written", "words"]), replies), max_size=30))
def test_both_forms_hold_the_same(parts: list[tuple[str, object]]) -> None:
    outputs = []
    for form in FORMS:
        made = form()
        for way, reply in parts:
            if way == "append":
                made.append(b"%d bytes" % len(parts))
            elif way == "words":
                assert made.words((b"SET", b"x" * len(parts))) >= 20
            else:
                getattr(made, way)(reply, 2)
        outputs.append((len(made), bytes(made), made.places, made.take(), len(made), made.places))
    assert all(output == outputs[0] for output in outputs)


@pytest.mark.parametrize("form", FORMS)
def test_replies_to_what_wrote_can_be_replaced(form: Any) -> None:
    out = form()
    out.reply(b"read", 2)
    out.written("OK", 2)
    out.append(b"message")
    out.written(7, 2)
    places = out.places
    data = out.take()
    assert joined((data, places)) == b"$4\r\nread\r\n+OK\r\nmessage:7\r\n"
    assert joined((data, places), b"-NO\r\n") == b"$4\r\nread\r\n-NO\r\nmessage-NO\r\n"


@pytest.mark.parametrize("form", FORMS)
def test_nothing_of_a_reply_that_no_client_can_be_told_stays(form: Any) -> None:
    out = form()
    out.reply(1, 2)
    with pytest.raises((TypeError, KeyError)):
        out.reply([b"good", object()], 2)
    with pytest.raises(TypeError):
        out.words((b"SET", "text"))
    out.reply(2, 2)
    assert out.take() == b":1\r\n:2\r\n"


@pytest.mark.parametrize("form", FORMS)
def test_a_socket_takes_what_it_has_room_for_and_the_rest_stays(form: Any) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        out, wanted, got = form(), bytes(range(256)) * 16384, b""
        out.append(wanted)
        out.drop(out.send(ours.fileno()))
        assert 0 < len(out) < len(wanted)
        while out.send(ours.fileno()):
            raise AssertionError("a full socket takes nothing")
        while len(got) < len(wanted):
            got += theirs.recv(1 << 20)
            out.drop(out.send(ours.fileno()) if len(out) else 0)
        assert got == wanted
        theirs.close()
        out.append(b"lost")
        assert (out.send(ours.fileno()), len(out)) == (0, 4)
