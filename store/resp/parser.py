"""Requests out of received bytes: multibulk and inline, with Redis's limits and error texts (networking.c 7.0).

    request = "*" count CRLF *( "$" length CRLF bytes CRLF ) | inline
    inline  = words as in redis-cli quoting, ended by LF, at most 64 KiB

hiredis reads well-formed chunks; anything it can't take whole (a partial request, an inline command, a mistake) goes to the
strict parser below, which knows every rule. `error` holds the text of a protocol error; it counts after the requests before it.
"""

from __future__ import annotations

from collections import deque

import hiredis

from store.resp.words import UnbalancedQuotes, split_words

INLINE_MAX = 64 * 1024
MULTIBULK_MAX = (1 << 31) - 1
UNAUTHENTICATED_COUNT = 10
UNAUTHENTICATED_BULK = 16384
COMPACTED = 64 * 1024
"""Bytes that are parsed before they are taken out of the buffer."""

Request = list[bytes]


class Parser:
    """Turns the bytes of one connection into requests. `bulk_max`: proto-max-bulk-len; `authenticated`: full limits apply."""

    __slots__ = ("_args", "_buffer", "_missing", "_position", "_ready", "authenticated", "bulk_max", "error")

    def __init__(self, bulk_max: int = 512 * 1024 * 1024, authenticated: bool = True) -> None:
        self.bulk_max = bulk_max
        self.authenticated = authenticated
        self.error: str | None = None
        self._buffer = bytearray()
        self._position = 0
        self._args: Request = []
        self._missing = 0  # arguments still to come of the request in _args
        self._ready: deque[Request] = deque()

    @property
    def pending(self) -> int:
        """Bytes received that do not make a whole request yet (the query buffer)."""
        return len(self._buffer) - self._position + sum(map(len, self._args))

    def receive(self, data: bytes) -> None:
        """Take received bytes."""
        if not self._buffer and not self._missing and self.authenticated and self.error is None:
            requests = _whole(data)
            if requests is not None:
                self._ready.extend(requests)
                return
        self._buffer += data

    def next(self) -> Request | None:
        """Return the next request; None when more bytes are needed or `error` is set."""
        if self._ready:
            return self._ready.popleft()
        request: Request | None = []
        while self.error is None and self._position < len(self._buffer) and not request:
            request = self._multibulk() if self._missing or self._buffer[self._position] == 42 else self._inline()
            if request is None:
                break
        if self._position > COMPACTED or self._position == len(self._buffer):
            del self._buffer[: self._position]
            self._position = 0
        return request or None

    def _fail(self, text: str) -> None:
        self.error = text

    def _inline(self) -> Request | None:
        end = self._buffer.find(b"\n", self._position)
        if end < 0:
            if len(self._buffer) - self._position > INLINE_MAX:
                self._fail("too big inline request")
            return None
        line = bytes(self._buffer[self._position : end])
        self._position = end + 1
        try:
            return split_words(line.removesuffix(b"\r"))
        except UnbalancedQuotes:
            self._fail("unbalanced quotes in request")
            return None

    def _line(self, too_big: str) -> bytes | None:
        end = self._buffer.find(b"\r", self._position)
        if end < 0 or end + 1 >= len(self._buffer):
            if end < 0 and len(self._buffer) - self._position > INLINE_MAX:
                self._fail(too_big)
            return None
        line = bytes(self._buffer[self._position : end])
        self._position = end + 2
        return line

    def _multibulk(self) -> Request | None:
        """The next request, [] for an empty one, None when more bytes are needed or `error` is set."""
        if not self._missing:
            line = self._line("too big mbulk count string")
            if line is None:
                return None
            count = _number(line[1:])
            if count is None or count > MULTIBULK_MAX:
                self._fail("invalid multibulk length")
                return None
            if count > UNAUTHENTICATED_COUNT and not self.authenticated:
                self._fail("unauthenticated multibulk length")
                return None
            if count <= 0:
                return []
            self._missing = count
        while self._missing:
            start = self._position
            if not self._bulk():
                if self.error is None:
                    self._position = start
                return None
        request, self._args = self._args, []
        return request

    def _bulk(self) -> bool:
        line = self._line("too big bulk count string")
        if line is None:
            return False
        if line[:1] != b"$":
            found = chr(line[0]) if line else "\r"
            self._fail(f"expected '$', got '{found}'")
            return False
        length = _number(line[1:])
        if length is None or not 0 <= length <= self.bulk_max:
            self._fail("invalid bulk length")
            return False
        if length > UNAUTHENTICATED_BULK and not self.authenticated:
            self._fail("unauthenticated bulk length")
            return False
        end = self._position + length
        if end + 2 > len(self._buffer):
            return False
        self._args.append(bytes(self._buffer[self._position : end]))
        self._position = end + 2
        self._missing -= 1
        return True


def _number(text: bytes) -> int | None:
    """A strict decimal as Redis's string2ll reads it: no sign +, no leading zero, no blanks."""
    digits = text.removeprefix(b"-")
    if not digits.isdigit() or len(digits) > 19 or (digits[:1] == b"0" and (len(digits) > 1 or text != digits)):
        return None
    return int(text)


_SENTINEL = b"*0\r\n"


def _whole(data: bytes) -> list[Request] | None:
    """All requests of a chunk that holds only whole, plain, non-empty multibulk requests; None if it is anything else."""
    if data[:1] != b"*" or data[-2:] != b"\r\n":
        return None
    reader = hiredis.Reader()
    reader.feed(data)
    requests: list[Request] = []
    try:
        while (request := reader.gets()) is not False:
            if type(request) is not list or not request:
                return None
            for argument in request:
                if type(argument) is not bytes:
                    return None
            requests.append(request)
        reader.feed(_SENTINEL)  # an unfinished request would swallow it
        return requests if reader.gets() == [] else None
    except (hiredis.HiredisError, TypeError):  # TypeError: a map with a list for a key
        return None
