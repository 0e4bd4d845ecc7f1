"""Numbers in decimal digits, at the edges of their lengths."""

import pytest

from store import primitives
from store.resp.encoded import encode
from tests.kit.plain import plain_twin

EDGES = [sign * (10**digits + off) for digits in range(19) for sign in (1, -1) for off in (-1, 0, 1)] + [-(1 << 63), (1 << 63) - 1]


@pytest.mark.parametrize("module", [primitives, plain_twin("store.primitives")], ids=["as it runs", "plain"])
def test_integers_are_written_and_read(module: object) -> None:
    for number in EDGES:
        text = module.write_integer(number)  # type: ignore[attr-defined]
        assert text == str(number).encode()
        assert module.read_integer(text) == number  # type: ignore[attr-defined]


def test_integers_in_replies() -> None:
    assert b"".join(encode(number) for number in EDGES) == b"".join(b":%d\r\n" % number for number in EDGES)
