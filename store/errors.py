"""Every error of the node, sorted by what happens next.

`ReplyError` is answered and the client carries on; `ProtocolError` is answered and the connection closed;
`LogFailed` stops writing; `CorruptLog`, `CorruptSnapshot` and `ConfigError` stop the start; `ApplyFailed` and `Unfinished` stop
the process.
"""

from __future__ import annotations


class ReplyError(Exception):
    """An error that is the command's reply; nothing was recorded. `code` is the reply's first word (Redis: error prefix)."""

    __slots__ = ("code", "message")

    def __init__(self, message: str, code: str = "ERR") -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    @property
    def line(self) -> bytes:
        """The text after `-` on the wire; line breaks become spaces, as the protocol demands."""
        text = f"{self.code} {self.message}" if self.message else self.code
        return text.replace("\r", " ").replace("\n", " ").encode("utf-8", "surrogateescape")


class ProtocolError(Exception):
    """Bytes that are not RESP: answered with `-ERR Protocol error: <text>`, then the connection is closed."""


class Unfinished(Exception):
    """Putting another state on disk in the place of ours failed where there is no way back: memory and disk differ.

    So the process stops; the next start finishes what was begun, or goes on from what is left of our own history.
    """


class LogFailed(Exception):
    """A write or fsync of the log failed: no event is accepted until it is cured (see store/log/writer.py)."""


class CorruptFile(Exception):
    """A file of the data directory is damaged at a byte position; nothing was loaded from there on."""

    def __init__(self, path: object, position: int, reason: str) -> None:
        super().__init__(f"{path} is damaged at byte {position}: {reason}")
        self.path = path
        self.position = position
        self.reason = reason


class CorruptLog(CorruptFile):
    """Damage in the log that is not a torn tail: the server refuses to start; `chronis check --repair` tells what is lost."""


class CorruptSnapshot(CorruptFile):
    """An RDB file or payload that can't be read."""


class ConfigError(Exception):
    """An option, value or command line that is not understood; the text is shown to the operator as it is."""


class ApplyFailed(Exception):
    """An event was recorded but its apply function raised: memory and log may differ, so the process stops."""


def wrong_type() -> ReplyError:
    """The error for a key that holds a value of another type."""
    return ReplyError("Operation against a key holding the wrong kind of value", "WRONGTYPE")


def syntax_error() -> ReplyError:
    """The error for options that a command does not know or that exclude each other."""
    return ReplyError("syntax error")


def not_a_float() -> ReplyError:
    """The error for an argument or value that is no finite or infinite float where one is needed."""
    return ReplyError("value is not a valid float")


def no_such_key() -> ReplyError:
    """The error for a command that needs an existing key."""
    return ReplyError("no such key")
