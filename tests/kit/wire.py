"""The client's end of a connection that is none."""


class Wire:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.sent = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.closed = True

    def taken(self) -> bytes:
        """What was sent since the last look."""
        sent, self.sent = self.sent, b""
        return sent
