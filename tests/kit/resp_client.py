"""A blocking RESP client that keeps every reply type apart, so that two servers can be compared to the byte.

Law: nothing is converted that a comparison could miss: `+OK`, `$2 OK`, `:1`, `#t`, `,1` and the three kinds
of null are all different values. Doubles and big numbers stay the text the server sent.
Grammar: RESP2 and RESP3 specification, redis.io/docs/reference/protocol-spec.
"""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Simple:
    """`+text`"""

    text: bytes

    def __str__(self) -> str:
        return self.text.decode(errors="backslashreplace")


@dataclass(frozen=True)
class Error:
    """`-text` or a RESP3 bulk error."""

    text: bytes

    def __str__(self) -> str:
        return self.text.decode(errors="backslashreplace")


@dataclass(frozen=True)
class Null:
    """A null and how it was written: `$-1`, `*-1` or `_`."""

    form: str


@dataclass(frozen=True)
class Boolean:
    """`#t` or `#f`; not a bool, since in Python True == 1."""

    value: bool


@dataclass(frozen=True)
class Double:
    """`,text`"""

    text: bytes


@dataclass(frozen=True)
class BigNumber:
    """`(text`"""

    text: bytes


@dataclass(frozen=True)
class Verbatim:
    """`=text`, the three letters of its format included."""

    text: bytes


@dataclass(frozen=True)
class Map:
    """`%`: pairs in the order received (the order is the server's, not part of the meaning)."""

    pairs: "list[tuple[Reply, Reply]]"


@dataclass(frozen=True)
class Set:
    """`~`: members in the order received."""

    members: "list[Reply]"


@dataclass(frozen=True)
class Push:
    """`>`: an out-of-band message."""

    items: "list[Reply]"


Reply = Simple | Error | Null | Double | BigNumber | Verbatim | Map | Set | Push | Boolean | int | bytes | list["Reply"]


def to_bytes(value: object) -> bytes:
    """Encode one command argument: bytes stay, everything else becomes its text."""
    return value if isinstance(value, bytes) else str(value).encode()


def encode(args: Iterable[object]) -> bytes:
    """Encode a command as a RESP array of bulk strings."""
    items = [to_bytes(arg) for arg in args]
    return b"*%d\r\n" % len(items) + b"".join(b"$%d\r\n%s\r\n" % (len(item), item) for item in items)


class RespClient:
    """One connection. `command` sends and waits; `send` and `read` can be used apart for pipelines and pushes."""

    def __init__(self, host: str, port: int, resp: int = 2, timeout: float = 20.0) -> None:
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        if resp == 3:
            greeting = self.command("HELLO", 3)
            assert isinstance(greeting, Map), greeting

    def __enter__(self) -> "RespClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.file.close()
        self.socket.close()

    def send(self, *args: object) -> None:
        """Send one command and don't wait."""
        self.socket.sendall(encode(args))

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def command(self, *args: object) -> Reply:
        """Send one command and return its reply; an error reply is returned, not raised."""
        self.send(*args)
        return self.read()

    def pipeline(self, commands: Iterable[Iterable[object]]) -> list[Reply]:
        """Send all commands in one go and return their replies in order."""
        encoded = [encode(command) for command in commands]
        self.socket.sendall(b"".join(encoded))
        return [self.read() for _ in encoded]

    def read(self) -> Reply:
        """Read one reply. Raise EOFError if the server closed the connection, TimeoutError if it stays silent."""
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if (scalar := SCALARS.get(kind)) is not None:
            return scalar(rest)
        if kind in b"$=!":
            return self.read_bulk(kind, rest)
        if kind in b"*~>%":
            return self.read_aggregate(kind, rest)
        raise ValueError(f"not RESP: {line!r}")

    def read_bulk(self, kind: bytes, length: bytes) -> Reply:
        """Read the rest of a bulk string, verbatim string or bulk error."""
        if length == b"-1":
            return Null("$-1")
        data = self.file.read(int(length) + 2)
        if len(data) != int(length) + 2:
            raise EOFError("the server closed the connection")
        text = data[:-2]
        return text if kind == b"$" else Verbatim(text) if kind == b"=" else Error(text)

    def read_aggregate(self, kind: bytes, length: bytes) -> Reply:
        """Read the items of an array, set, push message or map."""
        if length == b"-1":
            return Null("*-1")
        if kind == b"%":
            return Map([(self.read(), self.read()) for _ in range(int(length))])
        items = [self.read() for _ in range(int(length))]
        return items if kind == b"*" else Set(items) if kind == b"~" else Push(items)


def read_boolean(text: bytes) -> Boolean:
    """Return the boolean of `#t` or `#f`."""
    return Boolean({b"t": True, b"f": False}[text])


def read_null(_text: bytes) -> Null:
    """Return RESP3's own null."""
    return Null("_")


SCALARS: dict[bytes, Callable[[bytes], Reply]] = {
    b"+": Simple,
    b"-": Error,
    b":": int,
    b",": Double,
    b"(": BigNumber,
    b"#": read_boolean,
    b"_": read_null,
}
