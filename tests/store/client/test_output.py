"""Output that a client does not read at once: it goes past the transport, through it, and past it again, and stays in order."""

from __future__ import annotations

import contextlib

from tests.kit.resp_client import Simple, encode
from tests.kit.servers import chronis_server

VALUE = "x" * 100_000
TIMES = 150


def test_a_slow_reader_gets_all_in_its_order() -> None:
    with chronis_server() as server, server.client() as slow, server.client() as other:
        assert other.command("SET", "big", VALUE) == Simple(b"OK")
        for _ in range(2):
            for number in range(TIMES):
                slow.send_raw(encode(("GET", "big")) + encode(("ECHO", str(number))))
                if not number % 10:
                    other.command("PING")
            for number in range(TIMES):
                assert slow.read() == VALUE.encode()
                assert slow.read() == b"%d" % number
            assert slow.command("PING") == Simple(b"PONG")


def test_who_reads_nothing_is_cut_off_by_its_limit() -> None:
    with chronis_server("--client-output-buffer-limit", "normal 1mb 0 0") as server, server.client() as other:
        assert other.command("SET", "big", VALUE) == Simple(b"OK")
        with server.client() as greedy:
            greedy.send_raw(encode(("GET", "big")) * TIMES)
            got = 0
            with contextlib.suppress(ConnectionResetError):
                while data := greedy.socket.recv(1 << 20):
                    got += len(data)
            assert got < TIMES * len(VALUE)
        assert other.command("PING") == Simple(b"PONG")
